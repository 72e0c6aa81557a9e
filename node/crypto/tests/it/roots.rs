//! The root of an ordered list: Ethereum's, with any hash.

use alloy_primitives::hex;
use alloy_trie::root::ordered_trie_root_with_encoder;
use althing_crypto::{SmSuite, StandardSuite, Suite};
use proptest::prelude::*;

use crate::support::word;

/// The same by another's code, which knows Keccak only.
fn ethereum(items: &[Vec<u8>]) -> alloy_primitives::B256 {
    ordered_trie_root_with_encoder(items, |item, out| out.extend_from_slice(item))
}

proptest! {
    #[test]
    fn the_standard_root_is_ethereum_s(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..300),
    ) {
        prop_assert_eq!(StandardSuite.ordered_root(&items), ethereum(&items));
    }

    #[test]
    fn a_root_is_of_every_item_and_of_their_order(
        mut items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 2..40),
        at in any::<prop::sample::Index>(),
    ) {
        let root = SmSuite.ordered_root(&items);
        let at = at.index(items.len());
        items[at].push(0);
        prop_assert_ne!(SmSuite.ordered_root(&items), root);
        items[at].pop();
        prop_assert_eq!(SmSuite.ordered_root(&items), root);
        let other = (at + 1) % items.len();
        items.swap(at, other);
        prop_assert_eq!(SmSuite.ordered_root(&items) == root, items[at] == items[other]);
    }
}

#[test]
fn every_length_around_a_step_of_the_index_s_encoding_has_ethereum_s_root() {
    for length in [1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 1000, 65_536, 65_537] {
        let items: Vec<_> = (0..length)
            .map(|n: u32| n.to_be_bytes().repeat(1 + n as usize % 12))
            .collect();
        assert_eq!(StandardSuite.ordered_root(&items), ethereum(&items), "{length} items");
    }
}

#[test]
fn a_list_of_one_hashes_its_single_leaf() {
    // The leaf of rlp(0) = 0x80, whose path is two nibbles: [0x2080, item].
    let leaf = hex!("c7 82 2080 83 616263");
    for suite in [&StandardSuite as &dyn Suite, &SmSuite] {
        assert_eq!(suite.ordered_root(&[b"abc".to_vec()]), suite.hash_fn()(&leaf));
    }
}

#[test]
fn the_sm_root_of_a_list_is_what_other_code_computes() {
    // By a few lines of Python over the SM3 of OpenSSL, without a trie library.
    let items: Vec<_> = (0..200_u8).map(|n| vec![n; usize::from(n) % 50]).collect();
    let expected = word("51100f2c8834504463a5815b2cbe1a3570c804d48e97043df8733000bce8c851");
    assert_eq!(SmSuite.ordered_root(&items), expected);
}
