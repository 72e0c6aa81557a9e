//! The root of an ordered list: Ethereum's trie of `rlp(index) → item` (Yellow Paper, appendix D), over any edition's hash.

use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::nodes::encode_path_leaf;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use crate::HashFn;

/// An item under its path.
type Leaf<'a> = (Nibbles, &'a [u8]);

/// The root of a list. An empty one has the Keccak constant in both editions: Ethereum's clients know no other (LEDGER.md 2).
pub(crate) fn ordered_root(hash: HashFn, items: &[Vec<u8>]) -> B256 {
    if items.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let path = |index: usize| Nibbles::unpack(alloy_rlp::encode_fixed_size(&index));
    let leaves = items.iter().enumerate();
    let mut leaves: Vec<Leaf<'_>> = leaves.map(|(index, item)| (path(index), item.as_slice())).collect();
    leaves.sort_unstable_by_key(|(path, _)| *path);
    hash(&node(hash, &leaves, 0))
}

/// The encoding of the node that these leaves, ascending and alike before `depth`, hang from. No path is the beginning of another,
/// so no branch has a value.
fn node(hash: HashFn, leaves: &[Leaf<'_>], depth: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    match leaves {
        [] => return vec![EMPTY_STRING_CODE],
        [(path, item)] => {
            encode_path_leaf(&path.slice(depth..), true)
                .as_slice()
                .encode(&mut payload);
            item.encode(&mut payload);
        }
        [(first, _), .., (last, _)] => match first.common_prefix_length(last) {
            common if common > depth => {
                encode_path_leaf(&first.slice(depth..common), false)
                    .as_slice()
                    .encode(&mut payload);
                payload.extend(reference(hash, leaves, common));
            }
            _ => {
                let mut rest = leaves;
                for nibble in 0..16 {
                    let end = rest.partition_point(|(path, _)| path.get(depth) == Some(nibble));
                    let (below, others) = rest.split_at(end);
                    payload.extend(reference(hash, below, depth + 1));
                    rest = others;
                }
                payload.push(EMPTY_STRING_CODE);
            }
        },
    }
    let mut encoded = Vec::with_capacity(payload.len() + 4);
    Header {
        list: true,
        payload_length: payload.len(),
    }
    .encode(&mut encoded);
    encoded.extend(payload);
    encoded
}

/// How a parent names the node of these leaves: in place below 32 bytes, by hash otherwise.
fn reference(hash: HashFn, leaves: &[Leaf<'_>], depth: usize) -> Vec<u8> {
    let encoded = node(hash, leaves, depth);
    match encoded.len() {
        0..32 => encoded,
        _ => alloy_rlp::encode(hash(&encoded)),
    }
}
