//! The state: latest accounts and slots, the value each had before each change, and what the state root commits to.
//!
//! ```text
//! ChangeSet ──net (against the parent)──▶ Layer ──digest or trie──▶ state root       (prepare)
//! Layer ──▶ Accounts, Slots, Code: new values · History: old values · Trie: new nodes (commit)
//! read at height h:  latest value, unless History holds one from before a height above h
//! ```

mod cache;
mod digest;
mod full;
mod layer;
mod mpt;
mod net;
mod reader;

pub(crate) use cache::StateCache;
pub(crate) use digest::state_digest;
pub(crate) use full::full_state_hash;
pub(crate) use layer::{Layer, LayeredNodes};
pub(crate) use mpt::{decode_leaf, trie_root};
pub(crate) use net::net_changes;
pub use reader::StateAt;

/// Every how many blocks the state root of a `state: Storage` group also commits to the whole state (LEDGER.md 2);
/// a constant of protocol version 1.
pub const FULL_STATE_INTERVAL: u64 = 10_000;
