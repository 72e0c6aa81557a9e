//! Reading and changing a trie.

use std::collections::HashMap;

use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use althing_types::{B256, Bytes, HashFn};

use super::NodeSource;
use super::node::Node;
use crate::LedgerError;

/// Encoded nodes by their hash.
pub(crate) type Nodes = HashMap<B256, Vec<u8>>;

/// A trie with unsaved changes.
pub(crate) struct Trie<'a> {
    root: Node,
    source: &'a dyn NodeSource,
    hash: HashFn,
}

impl<'a> Trie<'a> {
    /// The trie with this root; nothing is loaded yet.
    pub(crate) fn at(root: B256, source: &'a dyn NodeSource, hash: HashFn) -> Self {
        let root = if root == EMPTY_ROOT_HASH {
            Node::Empty
        } else {
            Node::Stored(root)
        };
        Self { root, source, hash }
    }

    /// The value of a key. What is loaded on the way stays, for the change that mostly follows.
    pub(crate) fn get(&mut self, key: &B256) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut rest = Nibbles::unpack(key);
        let mut node = &mut self.root;
        loop {
            if let Node::Stored(hash) = node {
                *node = load(self.source, hash)?;
            }
            match node {
                Node::Extension { path, child } if rest.starts_with(path) => {
                    rest = rest.slice(path.len()..);
                    node = &mut **child;
                }
                Node::Branch(children) => {
                    node = child(children, &rest, 0)?;
                    rest = rest.slice(1..);
                }
                Node::Leaf { path, value } if *path == rest => return Ok(Some(value.clone())),
                _ => return Ok(None),
            }
        }
    }

    /// Sets a key.
    pub(crate) fn insert(&mut self, key: &B256, value: Vec<u8>) -> Result<(), LedgerError> {
        let root = std::mem::take(&mut self.root);
        self.root = self.insert_at(root, Nibbles::unpack(key), value)?;
        Ok(())
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, key: &B256) -> Result<(), LedgerError> {
        let root = std::mem::take(&mut self.root);
        self.root = self.remove_at(root, Nibbles::unpack(key))?;
        Ok(())
    }

    /// Encodes what was loaded or changed into `nodes`; the new root hash.
    pub(crate) fn seal(self, nodes: &mut Nodes) -> B256 {
        match &self.root {
            Node::Empty => EMPTY_ROOT_HASH,
            Node::Stored(hash) => *hash,
            root => {
                let encoded = root.encode(self.hash, nodes);
                let digest = (self.hash)(&encoded);
                nodes.insert(digest, encoded);
                digest
            }
        }
    }

    fn insert_at(&self, node: Node, path: Nibbles, value: Vec<u8>) -> Result<Node, LedgerError> {
        match node {
            Node::Empty => Ok(Node::Leaf { path, value }),
            Node::Stored(hash) => self.insert_at(load(self.source, &hash)?, path, value),
            Node::Leaf { path: own, .. } if own == path => Ok(Node::Leaf { path, value }),
            Node::Leaf { path: own, value: old } => {
                let common = own.common_prefix_length(&path);
                let mut children: Box<[Node; 16]> = Box::default();
                *child(&mut children, &own, common)? = Node::Leaf {
                    path: own.slice(common + 1..),
                    value: old,
                };
                *child(&mut children, &path, common)? = Node::Leaf {
                    path: path.slice(common + 1..),
                    value,
                };
                Ok(prefixed(path.slice(..common), Node::Branch(children)))
            }
            Node::Extension {
                path: own,
                child: below,
            } => {
                let common = own.common_prefix_length(&path);
                if common == own.len() {
                    let below = self.insert_at(*below, path.slice(common..), value)?;
                    return Ok(Node::Extension {
                        path: own,
                        child: Box::new(below),
                    });
                }
                let mut children: Box<[Node; 16]> = Box::default();
                *child(&mut children, &own, common)? = prefixed(own.slice(common + 1..), *below);
                *child(&mut children, &path, common)? = Node::Leaf {
                    path: path.slice(common + 1..),
                    value,
                };
                Ok(prefixed(path.slice(..common), Node::Branch(children)))
            }
            Node::Branch(mut children) => {
                let slot = child(&mut children, &path, 0)?;
                *slot = self.insert_at(std::mem::take(slot), path.slice(1..), value)?;
                Ok(Node::Branch(children))
            }
        }
    }

    fn remove_at(&self, node: Node, path: Nibbles) -> Result<Node, LedgerError> {
        match node {
            Node::Empty => Ok(Node::Empty),
            Node::Stored(hash) => self.remove_at(load(self.source, &hash)?, path),
            Node::Leaf { path: own, .. } if own == path => Ok(Node::Empty),
            leaf @ Node::Leaf { .. } => Ok(leaf),
            Node::Extension {
                path: own,
                child: below,
            } => {
                if !path.starts_with(&own) {
                    return Ok(Node::Extension {
                        path: own,
                        child: below,
                    });
                }
                let below = self.remove_at(*below, path.slice(own.len()..))?;
                Ok(prefixed(own, below))
            }
            Node::Branch(mut children) => {
                let slot = child(&mut children, &path, 0)?;
                *slot = self.remove_at(std::mem::take(slot), path.slice(1..))?;
                self.shrink(children)
            }
        }
    }

    /// A branch with a single child left becomes that child with a longer path.
    fn shrink(&self, mut children: Box<[Node; 16]>) -> Result<Node, LedgerError> {
        let mut left = children
            .iter()
            .enumerate()
            .filter(|(_, node)| !matches!(node, Node::Empty))
            .map(|(at, _)| at);
        let (Some(only), None) = (left.next(), left.next()) else {
            return Ok(Node::Branch(children));
        };
        let path = Nibbles::from_nibbles([only as u8]);
        let node = std::mem::take(child(&mut children, &path, 0)?);
        let node = if let Node::Stored(hash) = &node {
            load(self.source, hash)?
        } else {
            node
        };
        Ok(prefixed(path, node))
    }
}

/// The encoded nodes from a root towards a key: they prove its value, or that it has none.
pub(crate) fn prove(root: B256, source: &dyn NodeSource, key: &B256) -> Result<Vec<Bytes>, LedgerError> {
    let mut node = if root == EMPTY_ROOT_HASH {
        Node::Empty
    } else {
        Node::Stored(root)
    };
    let (mut rest, mut proof) = (Nibbles::unpack(key), Vec::new());
    loop {
        if let Node::Stored(hash) = &node {
            let encoded = source.node(hash)?;
            node = decode(hash, &encoded)?;
            proof.push(Bytes::from(encoded));
        }
        match step(&node, &rest) {
            Some((child, below)) => (node, rest) = (child.clone(), below),
            None => return Ok(proof),
        }
    }
}

/// The child of a loaded node towards a key, with the rest of the way; none where the way ends.
fn step<'n>(node: &'n Node, path: &Nibbles) -> Option<(&'n Node, Nibbles)> {
    match node {
        Node::Extension { path: own, child } if path.starts_with(own) => Some((child, path.slice(own.len()..))),
        Node::Branch(children) => {
            let child = children.get(usize::from(path.first()?))?;
            Some((child, path.slice(1..)))
        }
        _ => None,
    }
}

/// The child a path names at a position. A path that ends there is no 32-byte key: the trie is corrupt.
fn child<'n>(children: &'n mut [Node; 16], path: &Nibbles, at: usize) -> Result<&'n mut Node, LedgerError> {
    path.get(at)
        .and_then(|nibble| children.get_mut(usize::from(nibble)))
        .ok_or_else(|| LedgerError::corrupt("trie", "a way through it is longer than 64 nibbles"))
}

/// A node reached over a longer way: leaves and extensions take the way into their own path.
fn prefixed(path: Nibbles, node: Node) -> Node {
    match node {
        Node::Empty => Node::Empty,
        node if path.is_empty() => node,
        Node::Leaf { path: own, value } => Node::Leaf {
            path: path.join(&own),
            value,
        },
        Node::Extension { path: own, child } => Node::Extension {
            path: path.join(&own),
            child,
        },
        node => Node::Extension {
            path,
            child: Box::new(node),
        },
    }
}

fn load(source: &dyn NodeSource, hash: &B256) -> Result<Node, LedgerError> {
    decode(hash, &source.node(hash)?)
}

fn decode(hash: &B256, encoded: &[u8]) -> Result<Node, LedgerError> {
    Node::decode(encoded).map_err(|why| LedgerError::corrupt(format!("trie node {hash}"), why))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_primitives::keccak256;
    use alloy_trie::HashBuilder;
    use proptest::prelude::*;

    use super::*;

    impl NodeSource for Nodes {
        fn node(&self, hash: &B256) -> Result<Vec<u8>, LedgerError> {
            self.get(hash).cloned().ok_or_else(|| LedgerError::missing_node(hash))
        }
    }

    fn keccak(bytes: &[u8]) -> B256 {
        keccak256(bytes)
    }

    fn reference_root(entries: &BTreeMap<B256, Vec<u8>>) -> B256 {
        let mut builder = HashBuilder::default();
        for (key, value) in entries {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        builder.root()
    }

    /// Few distinct nibbles, so that keys share long ways and small nodes lie inside their parents.
    fn key() -> impl Strategy<Value = B256> {
        (0u8..4, 0u8..4, 0u8..6).prop_map(|(first, middle, last)| {
            let mut key = B256::ZERO;
            key.0[0] = first << 4;
            key.0[16] = middle;
            key.0[31] = last;
            key
        })
    }

    fn changes() -> impl Strategy<Value = Vec<Vec<(B256, Option<Vec<u8>>)>>> {
        let value = proptest::option::of(proptest::collection::vec(1u8.., 1..40));
        proptest::collection::vec(proptest::collection::vec((key(), value), 1..20), 1..8)
    }

    proptest! {
        #[test]
        fn the_root_after_any_changes_is_that_of_a_trie_built_anew_and_every_key_is_proved(rounds in changes()) {
            let (mut nodes, mut root, mut entries) = (Nodes::new(), EMPTY_ROOT_HASH, BTreeMap::new());
            for round in rounds {
                let mut fresh = Nodes::new();
                let mut trie = Trie::at(root, &nodes, keccak);
                for (key, value) in round {
                    match value {
                        Some(value) => {
                            trie.insert(&key, value.clone()).unwrap();
                            entries.insert(key, value);
                        }
                        None => {
                            trie.remove(&key).unwrap();
                            entries.remove(&key);
                        }
                    }
                    prop_assert_eq!(trie.get(&key).unwrap(), entries.get(&key).cloned());
                }
                root = trie.seal(&mut fresh);
                prop_assert_eq!(root, reference_root(&entries));
                nodes.extend(fresh);
                let mut trie = Trie::at(root, &nodes, keccak);
                for key in entries.keys().copied().chain([B256::repeat_byte(9), B256::ZERO]) {
                    let value = entries.get(&key).cloned();
                    prop_assert_eq!(trie.get(&key).unwrap(), value.clone());
                    let proof = prove(root, &nodes, &key).unwrap();
                    alloy_trie::proof::verify_proof(root, Nibbles::unpack(key), value, &proof).unwrap();
                }
            }
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Node::decode(&bytes);
        }
    }

    #[test]
    fn a_missing_node_is_an_error_and_no_empty_trie() {
        let nodes = Nodes::new();
        let mut trie = Trie::at(B256::repeat_byte(1), &nodes, keccak);
        assert!(trie.get(&B256::ZERO).unwrap_err().to_string().contains("missing"));
        assert!(trie.insert(&B256::ZERO, vec![1]).is_err());
    }
}
