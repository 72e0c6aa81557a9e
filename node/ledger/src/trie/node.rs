//! One node: its shapes and its encoding.

use alloy_rlp::{Encodable, Header};
use alloy_trie::Nibbles;
use alloy_trie::nodes::encode_path_leaf;
use althing_types::{B256, HashFn};

use super::tree::Nodes;

/// A node, loaded as far as it was walked.
#[derive(Clone, Debug, Default)]
pub(super) enum Node {
    /// No key.
    #[default]
    Empty,
    /// Not loaded yet.
    Stored(B256),
    /// One key.
    Leaf { path: Nibbles, value: Vec<u8> },
    /// Several keys with a common way.
    Extension { path: Nibbles, child: Box<Node> },
    /// Several keys that part here.
    Branch(Box<[Node; 16]>),
}

impl Node {
    /// Reads an encoded node; its children stay unloaded.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes;
        let node = Self::decode_list(&mut rest)?;
        if rest.is_empty() {
            Ok(node)
        } else {
            Err(format!("{} bytes follow the node", rest.len()))
        }
    }

    fn decode_list(bytes: &mut &[u8]) -> Result<Self, String> {
        let mut items: Vec<&[u8]> = Vec::with_capacity(17);
        let mut payload = Header::decode_bytes(bytes, true).map_err(|e| e.to_string())?;
        while !payload.is_empty() && items.len() <= 17 {
            items.push(item(&mut payload)?);
        }
        match items.as_slice() {
            [path, tail] => Self::decode_short(path, tail),
            [children @ .., value] if children.len() == 16 => {
                if **value != [alloy_rlp::EMPTY_STRING_CODE] {
                    return Err("a branch has a value".into());
                }
                let mut nodes: Box<[Self; 16]> = Box::default();
                for (node, child) in nodes.iter_mut().zip(children) {
                    *node = Self::decode_child(child)?;
                }
                Ok(Self::Branch(nodes))
            }
            _ => Err(format!("a node has 2 or 17 items, found {}", items.len())),
        }
    }

    fn decode_short(path: &[u8], tail: &[u8]) -> Result<Self, String> {
        let (path, is_leaf) = decode_path(string(path)?)?;
        if is_leaf {
            return Ok(Self::Leaf {
                path,
                value: string(tail)?.to_vec(),
            });
        }
        match Self::decode_child(tail)? {
            Self::Empty => Err("an extension leads nowhere".into()),
            child => Ok(Self::Extension {
                path,
                child: Box::new(child),
            }),
        }
    }

    /// A child: nothing, a hash, or a node of less than 32 bytes in place.
    fn decode_child(mut raw: &[u8]) -> Result<Self, String> {
        if raw.len() < 32 && raw.first().is_some_and(|byte| *byte >= alloy_rlp::EMPTY_LIST_CODE) {
            return Self::decode_list(&mut raw);
        }
        match string(raw)? {
            [] => Ok(Self::Empty),
            bytes => B256::try_from(bytes)
                .map(Self::Stored)
                .map_err(|_| format!("a child has {} bytes", bytes.len())),
        }
    }

    /// The node's encoding; nodes below it that are 32 bytes or more go into `nodes`.
    pub(super) fn encode(&self, hash: HashFn, nodes: &mut Nodes) -> Vec<u8> {
        let mut payload = Vec::new();
        match self {
            Self::Empty | Self::Stored(_) => return self.reference(hash, nodes),
            Self::Leaf { path, value } => {
                encode_path_leaf(path, true).as_slice().encode(&mut payload);
                value.as_slice().encode(&mut payload);
            }
            Self::Extension { path, child } => {
                encode_path_leaf(path, false).as_slice().encode(&mut payload);
                payload.extend(child.reference(hash, nodes));
            }
            Self::Branch(children) => {
                for child in children.iter() {
                    payload.extend(child.reference(hash, nodes));
                }
                payload.push(alloy_rlp::EMPTY_STRING_CODE);
            }
        }
        let mut encoded = Vec::with_capacity(payload.len() + 3);
        Header {
            list: true,
            payload_length: payload.len(),
        }
        .encode(&mut encoded);
        encoded.extend(payload);
        encoded
    }

    /// How a parent names this node: in place below 32 bytes, by hash otherwise.
    fn reference(&self, hash: HashFn, nodes: &mut Nodes) -> Vec<u8> {
        match self {
            Self::Empty => vec![alloy_rlp::EMPTY_STRING_CODE],
            Self::Stored(digest) => alloy_rlp::encode(digest),
            _ => {
                let encoded = self.encode(hash, nodes);
                if encoded.len() < 32 {
                    return encoded;
                }
                let digest = hash(&encoded);
                nodes.insert(digest, encoded);
                alloy_rlp::encode(digest)
            }
        }
    }
}

/// Splits off one RLP item with its header.
fn item<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let start = *bytes;
    let header = Header::decode(bytes).map_err(|e| e.to_string())?;
    let Some((_, rest)) = bytes.split_at_checked(header.payload_length) else {
        return Err("an item is cut short".into());
    };
    *bytes = rest;
    Ok(start.get(..start.len() - rest.len()).unwrap_or_default())
}

/// The payload of an RLP string.
fn string(mut raw: &[u8]) -> Result<&[u8], String> {
    Header::decode_bytes(&mut raw, false).map_err(|e| e.to_string())
}

/// Reads a hex-prefix path: its nibbles, and whether it ends in a leaf.
fn decode_path(bytes: &[u8]) -> Result<(Nibbles, bool), String> {
    let Some((flag, rest)) = bytes.split_first() else {
        return Err("a path is empty".into());
    };
    let mut path = Nibbles::default();
    match flag >> 4 {
        0 | 2 if flag & 0xf == 0 => {}
        1 | 3 => path.push(flag & 0xf),
        _ => return Err(format!("a path starts with {flag:#x}")),
    }
    if rest.len() > 32 || path.len() + 2 * rest.len() > 64 {
        return Err(format!("a path has {} bytes", bytes.len()));
    }
    path.extend(&Nibbles::unpack(rest));
    Ok((path, flag & 0x20 != 0))
}
