//! Who a node is and which ledger a group is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node's identity: the 64-byte public key X‖Y of its certificate, written as 128 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 64]);

/// Why a text is not a nodeID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeIdError {
    /// The text is not 128 characters long.
    #[error("a nodeID has 128 hex digits, found {0} characters")]
    Length(usize),
    /// The text holds something else than hex digits.
    #[error("a nodeID has hex digits only, found {0:?}")]
    Digit(char),
}

impl NodeId {
    /// The identity with this public key (X‖Y, big-endian).
    pub const fn new(public_key: [u8; 64]) -> Self {
        Self(public_key)
    }

    /// The public key X‖Y.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The first eight hex digits, for logs and tables.
    pub fn short(&self) -> String {
        hex::encode(self.0.get(..4).unwrap_or_default())
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    /// Accepts upper and lower case, as FISCO does; a leading `0x` is not part of a nodeID.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(NodeIdError::Digit(bad));
        }
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NodeIdError::Length(text.len()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({})", self.short())
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The number of a group, 1 to 32767 (FISCO's `[group] id`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct GroupId(u16);

/// A number that is no group id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a group id is 1 to 32767, found {0}")]
pub struct GroupIdError(pub u32);

impl GroupId {
    /// The largest group id.
    pub const MAX: u32 = 32_767;

    /// The id as a number.
    pub const fn get(self) -> u32 {
        self.0 as u32
    }
}

impl TryFrom<u32> for GroupId {
    type Error = GroupIdError;

    fn try_from(id: u32) -> Result<Self, GroupIdError> {
        match u16::try_from(id) {
            Ok(small) if (1..=Self::MAX).contains(&id) => Ok(Self(small)),
            _ => Err(GroupIdError(id)),
        }
    }
}

impl From<GroupId> for u32 {
    fn from(id: GroupId) -> u32 {
        id.get()
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_is_read_in_either_case_and_written_in_lower_case() {
        let text = "AB".repeat(64);
        assert_eq!(text.parse::<NodeId>().unwrap().to_string(), "ab".repeat(64));
    }

    #[test]
    fn a_node_id_of_the_wrong_length_says_how_long_it_is() {
        assert_eq!("ab".parse::<NodeId>(), Err(NodeIdError::Length(2)));
        assert_eq!("0x".parse::<NodeId>(), Err(NodeIdError::Digit('x')));
    }

    #[test]
    fn a_group_id_is_1_to_32767() {
        assert!(GroupId::try_from(0).is_err());
        assert!(GroupId::try_from(32_768).is_err());
        assert_eq!(GroupId::try_from(32_767).unwrap().get(), 32_767);
    }
}
