//! The net changes of one block that is not stored yet, with what they replace.

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_types::{Account, Address, B256, Bytes, U256};

use crate::error::During;
use crate::storage::{Column, Storage};
use crate::trie::{NodeSource, Nodes};
use crate::{LedgerError, keys, records};

/// An account's change.
#[derive(Clone, Debug)]
pub(crate) struct AccountChange {
    pub(crate) address: Address,
    pub(crate) old: Option<Account>,
    pub(crate) new: Option<Account>,
}

/// A slot's change.
#[derive(Clone, Debug)]
pub(crate) struct SlotChange {
    pub(crate) address: Address,
    pub(crate) slot: U256,
    pub(crate) old: U256,
    pub(crate) new: U256,
}

/// What one block changes, ascending by key, nothing that stays as it was.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) height: u64,
    pub(crate) parent_root: B256,
    pub(crate) state_root: B256,
    pub(crate) accounts: Vec<AccountChange>,
    pub(crate) slots: Vec<SlotChange>,
    pub(crate) code: BTreeMap<B256, Bytes>,
    pub(crate) nodes: Nodes,
}

impl Layer {
    /// The account, where this layer changes it.
    pub(crate) fn account(&self, address: &Address) -> Option<Option<Account>> {
        let at = self
            .accounts
            .binary_search_by_key(address, |change| change.address)
            .ok()?;
        self.accounts.get(at).map(|change| change.new)
    }

    /// The slot, where this layer changes it.
    pub(crate) fn slot(&self, address: &Address, slot: &U256) -> Option<U256> {
        let at = self
            .slots
            .binary_search_by_key(&(*address, *slot), |change| (change.address, change.slot))
            .ok()?;
        self.slots.get(at).map(|change| change.new)
    }

    /// How many writes committing it takes.
    pub(crate) fn size(&self) -> usize {
        2 * (self.accounts.len() + self.slots.len()) + self.code.len() + self.nodes.len()
    }

    /// Adds the layer's writes to a block's batch: new values, and the old ones to the history.
    pub(crate) fn write(&self, batch: &mut crate::storage::Batch) {
        for change in &self.accounts {
            let key = change.address.as_slice();
            let old = change.old.as_ref().map(records::encode_account).unwrap_or_default();
            batch.put(Column::History, keys::history(key, self.height), old);
            match &change.new {
                Some(account) => batch.put(Column::Accounts, key, records::encode_account(account)),
                None => batch.delete(Column::Accounts, key),
            }
        }
        for change in &self.slots {
            let key = keys::slot(&change.address, &change.slot);
            batch.put(
                Column::History,
                keys::history(&key, self.height),
                records::encode_slot(&change.old),
            );
            if change.new.is_zero() {
                batch.delete(Column::Slots, key);
            } else {
                batch.put(Column::Slots, key, records::encode_slot(&change.new));
            }
        }
        for (hash, code) in &self.code {
            batch.put(Column::Code, hash.as_slice(), code.to_vec());
        }
        for (hash, node) in &self.nodes {
            batch.put(Column::Trie, hash.as_slice(), node.as_slice());
        }
    }
}

/// Trie nodes of unstored blocks above those of the ledger.
pub(crate) struct LayeredNodes<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) above: &'a [Arc<Layer>],
}

impl NodeSource for LayeredNodes<'_> {
    fn node(&self, hash: &B256) -> Result<Vec<u8>, LedgerError> {
        if let Some(node) = self.above.iter().rev().find_map(|layer| layer.nodes.get(hash)) {
            return Ok(node.clone());
        }
        let node = self
            .storage
            .get(Column::Trie, hash.as_slice())
            .during("read a trie node")?;
        node.ok_or_else(|| LedgerError::missing_node(hash))
    }
}
