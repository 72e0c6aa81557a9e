//! The state as of one block, readable while later blocks are committed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Account, Address, B256, Bytes, StateError, StateReader, U256};

use crate::error::During;
use crate::ledger::Inner;
use crate::storage::{Column, Storage};
use crate::{LedgerError, keys, records};

/// The state after one block. It stays what it is, whatever is committed meanwhile. Cloning shares.
///
/// Reads take the latest value first and ask afterwards whether a later block may have been written by then; only if
/// so, the history tells the value before it. A block's values and their history are written together, so no order of
/// a read and a commit can give a value of another height.
#[derive(Clone, Debug)]
pub struct StateAt {
    inner: Arc<Inner>,
    height: u64,
}

impl StateAt {
    pub(crate) fn new(inner: Arc<Inner>, height: u64) -> Self {
        Self { inner, height }
    }

    /// The block this is the state after.
    pub const fn height(&self) -> u64 {
        self.height
    }

    pub(crate) fn engine(&self) -> &dyn Storage {
        self.inner.storage.as_ref()
    }

    pub(crate) fn read_account(&self, address: &Address) -> Result<Option<Account>, LedgerError> {
        if let Some(account) = self.inner.cache.account(self.height, address) {
            return Ok(account);
        }
        let account = records::decode_account(address, &self.value(Column::Accounts, address.as_slice())?)?;
        self.inner.cache.keep_account(self.height, address, account);
        Ok(account)
    }

    pub(crate) fn read_slot(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        if let Some(value) = self.inner.cache.slot(self.height, address, slot) {
            return Ok(value);
        }
        let value = records::decode_slot(address, slot, &self.value(Column::Slots, &keys::slot(address, slot))?)?;
        self.inner.cache.keep_slot(self.height, address, slot, value);
        Ok(value)
    }

    /// The stored bytes of a state key at this height; none is empty.
    fn value(&self, column: Column, key: &[u8]) -> Result<Vec<u8>, LedgerError> {
        let latest = self.engine().get(column, key).during("read the state")?;
        if self.inner.begun.load(Ordering::SeqCst) <= self.height {
            return Ok(latest.unwrap_or_default());
        }
        let prefix = keys::history_prefix(key);
        let from = keys::history(key, self.height.saturating_add(1));
        let replaced = self
            .engine()
            .seek(Column::History, &from, &prefix)
            .during("read the history of the state")?;
        Ok(replaced.map_or_else(|| latest.unwrap_or_default(), |(_, before)| before.into_vec()))
    }

    fn read_code(&self, code_hash: &B256) -> Result<Bytes, LedgerError> {
        if *code_hash == EMPTY_CODE_HASH {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.inner.cache.code(code_hash) {
            return Ok(code);
        }
        let stored = self
            .engine()
            .get(Column::Code, code_hash.as_slice())
            .during("read code")?;
        let code = stored.ok_or_else(|| LedgerError::corrupt(format!("code {code_hash}"), "it is missing"))?;
        let code = Bytes::from(code);
        self.inner.cache.keep_code(*code_hash, &code);
        Ok(code)
    }
}

impl StateReader for StateAt {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        Ok(self.read_account(address)?)
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        Ok(self.read_slot(address, slot)?)
    }

    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        Ok(self.read_code(code_hash)?)
    }

    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        if height > self.height {
            return Ok(None);
        }
        Ok(self.inner.header_record(height)?.map(|record| record.hash))
    }

    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        if height > self.height {
            return Ok(None);
        }
        Ok(self.inner.header_record(height)?.map(|record| record.section.unix_ms))
    }
}
