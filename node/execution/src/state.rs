//! The state under one block: read once from the parent, remembered, and in the end compared with what the EVM left.

use alloy_primitives::map::{AddressMap, HashMap};
use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Account, Address, B256, ChangeSet, StateError, StateReader, U256};
use revm::Database;
use revm::bytecode::Bytecode;
use revm::database_interface::DBErrorMarker;
use revm::state::{AccountInfo, EvmState};

/// A [`StateError`] in the EVM's clothes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ReadError(#[from] pub(crate) StateError);

impl DBErrorMarker for ReadError {}

/// What a missing ancestor hash means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ancestors {
    /// A fault of this node: with it the block would execute to something else here than elsewhere.
    MustExist,
    /// Zero: a call may pretend to be in a block far away.
    MayBeMissing,
}

/// The parent's state. What was read of it is the old value every net change is measured against; the machine's journal
/// remembers what it read for the whole block, so a key is read once.
pub(crate) struct StateCache<'a> {
    reader: &'a dyn StateReader,
    ancestors: Ancestors,
    accounts: AddressMap<Option<Account>>,
    slots: HashMap<(Address, U256), U256>,
}

impl<'a> StateCache<'a> {
    pub(crate) fn new(reader: &'a dyn StateReader, ancestors: Ancestors) -> Self {
        Self {
            reader,
            ancestors,
            accounts: AddressMap::default(),
            slots: HashMap::default(),
        }
    }

    /// The net changes that lead from the parent's state to this one (LEDGER.md 2: a key written back to its old value is
    /// no change). Code is listed whenever an account received it; two accounts with equal code share one entry.
    pub(crate) fn changes(&self, state: EvmState) -> ChangeSet {
        let mut changes = ChangeSet::default();
        let mut storage = Vec::with_capacity(self.slots.len());
        for (address, account) in state {
            if !account.is_touched() && !account.is_selfdestructed_locally() {
                continue;
            }
            let old = self.accounts.get(&address).copied().flatten();
            // An empty account does not exist (EIP-161); one destroyed by the last transaction that touched it neither.
            let gone = account.is_empty() || account.is_selfdestructed_locally();
            let new = (!gone).then_some(Account {
                nonce: account.info.nonce,
                balance: account.info.balance,
                code_hash: account.info.code_hash,
            });
            if new != old {
                changes.accounts.insert(address, new);
            }
            let code_hash = new.map_or(EMPTY_CODE_HASH, |new| new.code_hash);
            if code_hash != EMPTY_CODE_HASH && old.is_none_or(|old| old.code_hash != code_hash) {
                let code = account
                    .info
                    .code
                    .as_ref()
                    .map(Bytecode::original_bytes)
                    .unwrap_or_default();
                changes.code.insert(code_hash, code);
            }
            self.storage_changes(address, &account.storage, gone, &mut storage);
        }
        // Sorted and built at once, which is faster than key by key.
        changes.storage = storage.into_iter().collect();
        changes
    }

    fn storage_changes(
        &self,
        address: Address,
        storage: &revm::state::EvmStorage,
        gone: bool,
        changes: &mut Vec<((Address, U256), U256)>,
    ) {
        for (slot, value) in storage {
            let key = (address, *slot);
            // A slot the EVM never asked for belongs to an account created in this block: it was zero.
            let old = self.slots.get(&key).copied().unwrap_or_default();
            let new = if gone { U256::ZERO } else { value.present_value };
            if new != old {
                changes.push((key, new));
            }
        }
    }
}

impl StateCache<'_> {
    /// A word as the parent's state has it, read once.
    pub(crate) fn look(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(word) = self.slots.get(&(address, slot)) {
            return Ok(*word);
        }
        let word = self.reader.storage(&address, &slot)?;
        self.slots.insert((address, slot), word);
        Ok(word)
    }

    /// Hash and time, in milliseconds since 1970, of an older block; none when there is no such one.
    pub(crate) fn ancestor(&self, height: u64) -> Result<Option<(B256, u64)>, StateError> {
        Ok(self.reader.block_hash(height)?.zip(self.reader.block_ms(height)?))
    }
}

impl Database for StateCache<'_> {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let account = self.reader.account(&address)?;
        self.accounts.insert(address, account);
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, ReadError> {
        Ok(Bytecode::new_legacy(self.reader.code(&code_hash)?))
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, ReadError> {
        let value = self.reader.storage(&address, &index)?;
        self.slots.insert((address, index), value);
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        match (self.reader.block_hash(number)?, self.ancestors) {
            (Some(hash), _) => Ok(hash),
            (None, Ancestors::MayBeMissing) => Ok(B256::ZERO),
            (None, Ancestors::MustExist) => Err(ReadError(StateError(format!(
                "the hash of block {number}, an ancestor, is missing"
            )))),
        }
    }
}
