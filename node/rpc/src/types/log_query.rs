//! The filter object of `eth_getLogs`, `eth_newFilter` and `eth_subscribe`.

use althing_types::{Address, B256};
use serde::Deserialize;

use crate::backend::{GroupBackend, LogFilter};
use crate::error::{RpcError, SERVER};
use crate::limits::Limits;
use crate::types::BlockSelector;

/// A filter object.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LogQuery {
    from_block: Option<BlockSelector>,
    to_block: Option<BlockSelector>,
    block_hash: Option<B256>,
    address: Option<OneOrMany<Address>>,
    topics: Option<Vec<Option<OneOrMany<Option<B256>>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

/// The blocks a filter object asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeQuery {
    /// One block.
    Hash(B256),
    /// A range; what is not named is the head at the time of asking.
    Range {
        /// The first block.
        from: Option<BlockSelector>,
        /// The last block.
        to: Option<BlockSelector>,
    },
}

impl LogQuery {
    /// Checks the object against the limits and splits it.
    pub(crate) fn split(self, limits: &Limits) -> Result<(RangeQuery, LogFilter), RpcError> {
        let range = match (self.block_hash, self.from_block, self.to_block) {
            (Some(hash), None, None) => RangeQuery::Hash(hash),
            (None, from, to) => RangeQuery::Range { from, to },
            _ => {
                return Err(RpcError::invalid(
                    "cannot specify both blockHash and fromBlock/toBlock, choose one or the other",
                ));
            }
        };
        let addresses = self.address.map(OneOrMany::into_vec).unwrap_or_default();
        let given = self.topics.unwrap_or_default();
        if given.len() > 4 {
            return Err(RpcError::invalid(format!(
                "exceed max topics: found {}, an event has at most 4",
                given.len()
            )));
        }
        let alternatives = |any: Option<OneOrMany<Option<B256>>>| -> Vec<B256> {
            // A null among alternatives accepts everything, as a null in their place does.
            let alternatives = any.map(OneOrMany::into_vec).unwrap_or_default();
            alternatives.into_iter().collect::<Option<_>>().unwrap_or_default()
        };
        let topics: Vec<_> = given.into_iter().map(alternatives).collect();
        let values = addresses.len() + topics.iter().map(Vec::len).sum::<usize>();
        if values > limits.log_values {
            let limit = limits.log_values;
            return Err(RpcError::limit(format!(
                "the filter names {values} addresses and topics, at most {limit}"
            )));
        }
        Ok((range, LogFilter { addresses, topics }))
    }
}

impl RangeQuery {
    /// The first and last height; reversed, future and too long ranges are errors.
    pub(crate) fn resolve(&self, group: &dyn GroupBackend, limits: &Limits) -> Result<(u64, u64), RpcError> {
        let head = group.head().height;
        let height = |selector: &Option<BlockSelector>| match selector.unwrap_or_default() {
            BlockSelector::Height(height) => Ok(height),
            other => other.resolve(group),
        };
        let (from, to) = match self {
            Self::Hash(hash) => {
                let height = group
                    .height_of(hash)?
                    .ok_or_else(|| RpcError::new(SERVER, "unknown block"))?;
                return Ok((height, height));
            }
            Self::Range { from, to } => (height(from)?, height(to)?),
        };
        if from > to {
            return Err(RpcError::invalid(format!(
                "invalid block range params: from {from} to {to}"
            )));
        }
        if to > head {
            return Err(RpcError::invalid(format!(
                "block range extends beyond current head block: to {to}, head {head}"
            )));
        }
        let blocks = to - from + 1;
        if blocks > limits.log_range {
            let limit = limits.log_range;
            return Err(RpcError::limit(format!(
                "query spans {blocks} blocks, at most {limit} are searched"
            )));
        }
        Ok((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(json: &str) -> Result<(RangeQuery, LogFilter), RpcError> {
        serde_json::from_str::<LogQuery>(json)
            .unwrap()
            .split(&Limits::default())
    }

    #[test]
    fn an_address_is_one_or_many_and_a_topic_is_null_one_or_alternatives() {
        let (a, t) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let (_, one) = split(&format!(r#"{{"address":"{a}","topics":["{t}"]}}"#)).unwrap();
        let (_, many) = split(&format!(r#"{{"address":["{a}"],"topics":[["{t}"]]}}"#)).unwrap();
        assert_eq!(one, many);
        let (_, any) = split(&format!(r#"{{"address":null,"topics":[null,["{t}",null],[]]}}"#)).unwrap();
        let three_of_any = vec![Vec::new(); 3];
        assert_eq!((any.addresses, any.topics), (Vec::new(), three_of_any));
    }

    #[test]
    fn a_block_hash_excludes_a_range() {
        let hash = B256::repeat_byte(3);
        let both = split(&format!(r#"{{"blockHash":"{hash}","fromBlock":"0x1"}}"#)).unwrap_err();
        assert_eq!(both.code, crate::error::INVALID_PARAMS);
        assert_eq!(
            split(&format!(r#"{{"blockHash":"{hash}"}}"#)).unwrap().0,
            RangeQuery::Hash(hash)
        );
        assert!(split(r#"{"topics":[null,null,null,null,null]}"#).is_err());
    }
}
