//! The state root of `state: Storage`: a chained digest of net changes (LEDGER.md 2).

use althing_types::{B256, HashFn};

use super::Layer;

/// Keeps these bytes apart from everything else the ledger hashes, and names the encoding.
const DOMAIN: &[u8; 16] = b"althing.state.v1";

/// `H(domain, protocol version, parent root, changed accounts, changed slots, full-state hash)`: fixed-width
/// big-endian fields, lists with their length, sorted by key. Code is committed to by its account.
pub(crate) fn state_digest(hash: HashFn, protocol_version: u32, layer: &Layer, full_state: Option<B256>) -> B256 {
    let size = 128 + layer.accounts.len() * 93 + layer.slots.len() * 84;
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(DOMAIN);
    bytes.extend_from_slice(&protocol_version.to_be_bytes());
    bytes.extend_from_slice(layer.parent_root.as_slice());
    bytes.extend_from_slice(&(layer.accounts.len() as u64).to_be_bytes());
    for change in &layer.accounts {
        bytes.extend_from_slice(change.address.as_slice());
        bytes.push(u8::from(change.new.is_some()));
        if let Some(account) = &change.new {
            bytes.extend_from_slice(&account.nonce.to_be_bytes());
            bytes.extend_from_slice(&account.balance.to_be_bytes::<32>());
            bytes.extend_from_slice(account.code_hash.as_slice());
        }
    }
    bytes.extend_from_slice(&(layer.slots.len() as u64).to_be_bytes());
    for change in &layer.slots {
        bytes.extend_from_slice(change.address.as_slice());
        bytes.extend_from_slice(&change.slot.to_be_bytes::<32>());
        bytes.extend_from_slice(&change.new.to_be_bytes::<32>());
    }
    bytes.push(u8::from(full_state.is_some()));
    bytes.extend_from_slice(full_state.unwrap_or_default().as_slice());
    hash(&bytes)
}
