//! From what execution says changed to what did change against the parent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use althing_types::{Account, Address, ChangeSet, U256};

use super::layer::{AccountChange, Layer, SlotChange};
use super::reader::StateAt;
use crate::error::During;
use crate::storage::Column;
use crate::{LedgerError, keys};

/// The state a block is executed on: unstored blocks, oldest first, above the ledger's head.
struct Parent<'a> {
    stored: &'a StateAt,
    above: &'a [Arc<Layer>],
}

/// Net changes with the values they replace, sorted. A value written back to what it was is no change; an account that
/// goes takes its slots along; storage without an account is refused.
pub(crate) fn net_changes(stored: &StateAt, above: &[Arc<Layer>], changes: &ChangeSet) -> Result<Layer, LedgerError> {
    let parent = Parent { stored, above };
    let mut layer = Layer {
        code: changes.code.clone(),
        ..Layer::default()
    };
    let mut slots = BTreeMap::new();
    for (address, new) in &changes.accounts {
        let old = parent.account(address)?;
        if old.is_some() && new.is_none() {
            slots.extend(
                parent
                    .slots_of(address)?
                    .into_iter()
                    .map(|slot| ((*address, slot), U256::ZERO)),
            );
        }
        if old != *new {
            layer.accounts.push(AccountChange {
                address: *address,
                old,
                new: *new,
            });
        }
    }
    slots.extend(
        changes
            .storage
            .iter()
            .filter(|((address, _), _)| changes.accounts.get(address) != Some(&None)),
    );
    let mut checked = None;
    for ((address, slot), new) in slots {
        if checked != Some(address) && !changes.accounts.contains_key(&address) && parent.account(&address)?.is_none() {
            return Err(LedgerError::StorageWithoutAccount(address));
        }
        checked = Some(address);
        let old = parent.slot(&address, &slot)?;
        if old != new {
            layer.slots.push(SlotChange {
                address,
                slot,
                old,
                new,
            });
        }
    }
    Ok(layer)
}

impl Parent<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, LedgerError> {
        match self.above.iter().rev().find_map(|layer| layer.account(address)) {
            Some(account) => Ok(account),
            None => self.stored.read_account(address),
        }
    }

    fn slot(&self, address: &Address, slot: &U256) -> Result<U256, LedgerError> {
        match self.above.iter().rev().find_map(|layer| layer.slot(address, slot)) {
            Some(value) => Ok(value),
            None => self.stored.read_slot(address, slot),
        }
    }

    /// Every slot of an account that may hold a value.
    fn slots_of(&self, address: &Address) -> Result<BTreeSet<U256>, LedgerError> {
        let mut slots = BTreeSet::new();
        for entry in self.stored.engine().iterate(Column::Slots, address.as_slice()) {
            let (key, _) = entry.during("list an account's slots")?;
            match keys::parse_slot(&key) {
                Some((of, slot)) if of == *address => slots.insert(slot),
                Some(_) => break,
                None => return Err(LedgerError::corrupt("slot key", format!("{} bytes", key.len()))),
            };
        }
        for change in self
            .above
            .iter()
            .flat_map(|layer| &layer.slots)
            .filter(|change| change.address == *address)
        {
            slots.insert(change.slot);
        }
        Ok(slots)
    }
}
