//! Which block a request means: a tag, a number, a hash, or EIP-1898's objects.

use std::fmt;

use althing_types::B256;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::backend::{BackendError, GroupBackend};
use crate::error::RpcError;
use crate::types::Quantity;

/// Which block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlockSelector {
    /// `latest`, `pending`, `safe` and `finalized`: a committed block is final, and nothing else is a block.
    #[default]
    Head,
    /// `earliest`, or a number.
    Height(u64),
    /// A hash.
    Hash(B256),
}

impl BlockSelector {
    /// The height meant; none when this chain has no such block.
    pub(crate) fn find(&self, group: &dyn GroupBackend) -> Result<Option<u64>, BackendError> {
        let head = group.head().height;
        match self {
            Self::Head => Ok(Some(head)),
            Self::Height(height) => Ok((*height <= head).then_some(*height)),
            Self::Hash(hash) => group.height_of(hash),
        }
    }

    /// The height meant; no such block is an error.
    pub(crate) fn resolve(&self, group: &dyn GroupBackend) -> Result<u64, RpcError> {
        self.find(group)?.ok_or_else(|| match self {
            Self::Hash(hash) => RpcError::no_block(format_args!("no block has the hash {hash}")),
            Self::Height(height) => RpcError::no_block(format_args!(
                "block {height} is above the head, {}",
                group.head().height
            )),
            Self::Head => RpcError::no_block("latest"),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "latest" | "pending" | "safe" | "finalized" => Some(Self::Head),
            "earliest" => Some(Self::Height(0)),
            hash if hash.len() == 66 => hash.parse().ok().map(Self::Hash),
            number => Quantity::parse(number).map(Self::Height),
        }
    }
}

struct SelectorVisitor;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Eip1898 {
    block_number: Option<Quantity>,
    block_hash: Option<B256>,
}

impl<'de> Visitor<'de> for SelectorVisitor {
    type Value = BlockSelector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("latest, earliest, pending, safe, finalized, a block number in hex, a block hash, or an object with blockNumber or blockHash")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<BlockSelector, E> {
        let shown = || text.chars().take(80).collect::<String>();
        BlockSelector::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(&shown()), &self))
    }

    fn visit_u64<E: Error>(self, height: u64) -> Result<BlockSelector, E> {
        Ok(BlockSelector::Height(height))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BlockSelector, A::Error> {
        match Eip1898::deserialize(MapAccessDeserializer::new(map))? {
            Eip1898 {
                block_number: Some(height),
                block_hash: None,
            } => Ok(BlockSelector::Height(height.0)),
            Eip1898 {
                block_number: None,
                block_hash: Some(hash),
            } => Ok(BlockSelector::Hash(hash)),
            _ => Err(A::Error::custom(
                "either blockNumber or blockHash is accepted, not both and not neither",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for BlockSelector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SelectorVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_and_finalized_are_the_latest_block_and_eip_1898_is_read() {
        let read = |json: &str| serde_json::from_str::<BlockSelector>(json);
        for tag in ["latest", "pending", "safe", "finalized"] {
            assert_eq!(read(&format!("{tag:?}")).unwrap(), BlockSelector::Head);
        }
        assert_eq!(read("\"earliest\"").unwrap(), BlockSelector::Height(0));
        assert_eq!(read("\"0x10\"").unwrap(), BlockSelector::Height(16));
        assert_eq!(read("{\"blockNumber\":\"0x10\"}").unwrap(), BlockSelector::Height(16));
        let hash = B256::repeat_byte(7);
        assert_eq!(read(&format!("\"{hash}\"")).unwrap(), BlockSelector::Hash(hash));
        assert_eq!(
            read(&format!("{{\"blockHash\":\"{hash}\",\"requireCanonical\":true}}")).unwrap(),
            BlockSelector::Hash(hash)
        );
        for wrong in [
            "\"newest\"",
            "{}",
            "\"16\"",
            "true",
            &format!("{{\"blockNumber\":\"0x1\",\"blockHash\":\"{hash}\"}}"),
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
