//! The state words that execution and ledger share: accounts, a reader, the net changes of a block.

use std::collections::BTreeMap;

use crate::{Address, B256, Bytes, U256};

/// The hash of no code: Keccak-256 of the empty string, in both editions.
pub const EMPTY_CODE_HASH: B256 = alloy_primitives::KECCAK256_EMPTY;

/// An account as the state holds it. System contracts keep their tables in the storage of their own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei; fees never change it (the effective gas price is 0).
    pub balance: U256,
    /// Hash of its code, [`EMPTY_CODE_HASH`] without.
    pub code_hash: B256,
}

/// The state could not be read: corrupt or missing data, or a failing disk. It halts the group, it is never a default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read state: {0}")]
pub struct StateError(pub String);

/// The state as of one block.
pub trait StateReader: Send + Sync {
    /// An account; none when it does not exist.
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError>;
    /// A storage slot; zero when it was never set.
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError>;
    /// Code by its hash; an unknown hash other than [`EMPTY_CODE_HASH`] is an error.
    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError>;
    /// The hash of an older block of this chain; none when it is not an ancestor.
    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError>;
    /// Its time, milliseconds since 1970, as its section has it.
    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError>;
}

/// The net changes of a block, sorted by key: new values only, and no key whose value is what it was before
/// (LEDGER.md 2: "a key written back to its old value is no change").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// New accounts; none is a deletion.
    pub accounts: BTreeMap<Address, Option<Account>>,
    /// New storage values; zero is a deletion.
    pub storage: BTreeMap<(Address, U256), U256>,
    /// Code that was not there before.
    pub code: BTreeMap<B256, Bytes>,
}

impl ChangeSet {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.storage.is_empty() && self.code.is_empty()
    }
}
