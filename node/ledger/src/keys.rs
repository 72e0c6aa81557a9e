//! Keys on disk. Heights are big-endian, so that the order of bytes is the order of the chain.

use althing_types::{Address, U256};

/// Bytes of a height in a key.
const HEIGHT: usize = 8;

/// Format and identity of the ledger.
pub(crate) const IDENTITY: &[u8] = b"identity";
/// The format version; the one key whose meaning never changes.
pub(crate) const FORMAT: &[u8] = b"format";
/// The canonical genesis document.
pub(crate) const GENESIS: &[u8] = b"genesis";
/// The head.
pub(crate) const HEAD: &[u8] = b"head";
/// What sealer sets' keys start with.
pub(crate) const SEALERS: &[u8] = b"sealers/";

/// A block.
pub(crate) const fn height(height: u64) -> [u8; HEIGHT] {
    height.to_be_bytes()
}

/// A transaction's place.
pub(crate) fn position(height: u64, index: u32) -> [u8; HEIGHT + 4] {
    let mut key = [0; HEIGHT + 4];
    let (block, transaction) = key.split_at_mut(HEIGHT);
    block.copy_from_slice(&height.to_be_bytes());
    transaction.copy_from_slice(&index.to_be_bytes());
    key
}

/// The sealer set valid from a height: newest first, so that a seek finds the one valid at any height.
pub(crate) fn sealers(from: u64) -> Vec<u8> {
    [SEALERS, &(!from).to_be_bytes()].concat()
}

/// A storage slot.
pub(crate) fn slot(address: &Address, slot: &U256) -> [u8; 52] {
    let mut key = [0; 52];
    let (account, index) = key.split_at_mut(20);
    account.copy_from_slice(address.as_slice());
    index.copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// Reads back [`slot`].
pub(crate) fn parse_slot(key: &[u8]) -> Option<(Address, U256)> {
    let (address, index) = key.split_first_chunk::<20>()?;
    let index: &[u8; 32] = index.try_into().ok()?;
    Some((Address::from(address), U256::from_be_bytes(*index)))
}

/// What the history of one account's or slot's state key starts with. Both kinds share the column: the length tells
/// them apart, the leading byte keeps one kind's keys from being another's prefix.
pub(crate) fn history_prefix(state_key: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + state_key.len() + HEIGHT);
    key.push(state_key.len() as u8);
    key.extend_from_slice(state_key);
    key
}

/// The value an account or slot had before a height.
pub(crate) fn history(state_key: &[u8], height: u64) -> Vec<u8> {
    let mut key = history_prefix(state_key);
    key.extend_from_slice(&height.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_the_chain_does() {
        assert!(height(255) < height(256));
        assert!(position(1, u32::MAX) < position(2, 0));
        assert!(sealers(256) < sealers(255), "newest first");
    }

    #[test]
    fn a_slot_key_reads_back() {
        let address = Address::repeat_byte(7);
        assert_eq!(
            parse_slot(&slot(&address, &U256::from(9))),
            Some((address, U256::from(9)))
        );
        assert_eq!(parse_slot(&[1; 51]), None);
    }

    #[test]
    fn the_history_of_one_key_is_no_prefix_of_another() {
        let account = history_prefix(&[1; 20]);
        let slot = history_prefix(&[1; 52]);
        assert!(!slot.starts_with(&account));
    }
}
