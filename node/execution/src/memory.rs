//! A state in memory, for tests and the simulator.

use std::collections::BTreeMap;

use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Account, Address, B256, Bytes, ChangeSet, StateError, StateReader, U256};

/// The whole state of a chain after its last applied block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryState {
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, U256), U256>,
    code: BTreeMap<B256, Bytes>,
    blocks: BTreeMap<u64, (B256, u64)>,
}

impl MemoryState {
    /// A state with these changes over nothing.
    pub fn new(changes: &ChangeSet) -> Self {
        let mut state = Self::default();
        state.apply(changes);
        state
    }

    /// Applies the net changes of a block.
    pub fn apply(&mut self, changes: &ChangeSet) {
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => self.accounts.insert(*address, *account),
                None => self.accounts.remove(address),
            };
        }
        for (key, value) in &changes.storage {
            if value.is_zero() {
                self.storage.remove(key);
            } else {
                self.storage.insert(*key, *value);
            }
        }
        self.code
            .extend(changes.code.iter().map(|(hash, code)| (*hash, code.clone())));
    }

    /// How many words an account keeps.
    pub fn slots(&self, address: &Address) -> usize {
        self.storage.keys().filter(|(owner, _)| owner == address).count()
    }

    /// Makes an older block known, with its time in milliseconds since 1970.
    pub fn set_block(&mut self, height: u64, hash: B256, unix_ms: u64) {
        self.blocks.insert(height, (hash, unix_ms));
    }
}

impl StateReader for MemoryState {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(address).copied())
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }

    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        match self.code.get(code_hash) {
            Some(code) => Ok(code.clone()),
            None if *code_hash == EMPTY_CODE_HASH => Ok(Bytes::new()),
            None => Err(StateError(format!("no code has the hash {code_hash}"))),
        }
    }

    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        Ok(self.blocks.get(&height).map(|(hash, _)| *hash))
    }

    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        Ok(self.blocks.get(&height).map(|(_, unix_ms)| *unix_ms))
    }
}
