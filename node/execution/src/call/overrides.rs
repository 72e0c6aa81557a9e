//! A state and a block that are pretended to be different (the third and fourth parameter of `eth_call`).

use std::collections::BTreeMap;

use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Account, Address, B256, Bytes, HashFn, StateError, StateReader, U256};
use revm::context::BlockEnv;

use crate::evm_hash::code_hash;

/// What is pretended about accounts.
pub type StateOverrides = BTreeMap<Address, AccountOverride>;

/// What is pretended about one account; none is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Its balance.
    pub balance: Option<U256>,
    /// Its nonce.
    pub nonce: Option<u64>,
    /// Its code.
    pub code: Option<Bytes>,
    /// Its storage.
    pub storage: StorageOverride,
}

/// What is pretended about the storage of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StorageOverride {
    /// It is as it is.
    #[default]
    Keep,
    /// It holds these slots and no other (`state`).
    Replace(BTreeMap<U256, U256>),
    /// These slots differ (`stateDiff`).
    Patch(BTreeMap<U256, U256>),
}

/// What is pretended about the block; none is as it is. The base fee is 0 on this ledger and stays 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// Height.
    pub number: Option<u64>,
    /// Time in seconds since 1970.
    pub timestamp: Option<u64>,
    /// Gas of the block.
    pub gas_limit: Option<u64>,
    /// What `COINBASE` gives.
    pub beneficiary: Option<Address>,
    /// What `PREVRANDAO` gives.
    pub prevrandao: Option<B256>,
}

impl BlockOverrides {
    pub(super) fn apply(&self, block: &mut BlockEnv) {
        block.number = self.number.map_or(block.number, U256::from);
        block.timestamp = self.timestamp.map_or(block.timestamp, U256::from);
        block.gas_limit = self.gas_limit.unwrap_or(block.gas_limit);
        block.beneficiary = self.beneficiary.unwrap_or(block.beneficiary);
        block.prevrandao = self.prevrandao.or(block.prevrandao);
    }
}

/// A state seen through its overrides.
pub(super) struct OverriddenState<'a> {
    base: &'a dyn StateReader,
    overrides: &'a StateOverrides,
    hash: HashFn,
    code: BTreeMap<B256, Bytes>,
}

impl<'a> OverriddenState<'a> {
    /// `hash` is what the EVM knows code by.
    pub(super) fn new(base: &'a dyn StateReader, overrides: &'a StateOverrides, hash: HashFn) -> Self {
        let code = overrides
            .values()
            .filter_map(|o| o.code.clone())
            .map(|code| (code_hash(hash, &code), code))
            .collect();
        Self {
            base,
            overrides,
            hash,
            code,
        }
    }
}

impl StateReader for OverriddenState<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        let account = self.base.account(address)?;
        let Some(pretended) = self.overrides.get(address) else {
            return Ok(account);
        };
        let mut account = account.unwrap_or(Account {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: EMPTY_CODE_HASH,
        });
        account.balance = pretended.balance.unwrap_or(account.balance);
        account.nonce = pretended.nonce.unwrap_or(account.nonce);
        account.code_hash = pretended
            .code
            .as_ref()
            .map_or(account.code_hash, |code| code_hash(self.hash, code));
        Ok(Some(account))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        match self.overrides.get(address).map(|pretended| &pretended.storage) {
            Some(StorageOverride::Replace(slots)) => Ok(slots.get(slot).copied().unwrap_or_default()),
            Some(StorageOverride::Patch(slots)) => match slots.get(slot) {
                Some(value) => Ok(*value),
                None => self.base.storage(address, slot),
            },
            Some(StorageOverride::Keep) | None => self.base.storage(address, slot),
        }
    }

    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        match self.code.get(code_hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(code_hash),
        }
    }

    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        self.base.block_hash(height)
    }

    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        self.base.block_ms(height)
    }
}
