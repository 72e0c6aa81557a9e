//! The hash of a whole state, so that divergence of data nobody touches shows (LEDGER.md 2).

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_types::{B256, HashFn};

use super::Layer;
use crate::error::During;
use crate::storage::{Column, Storage};
use crate::{LedgerError, keys, records};

/// Bytes gathered before they are folded into the running hash. Part of the rule: every node cuts alike.
const CHUNK_BYTES: usize = 64 * 1024;

/// Values that lie above what is stored; none is a deletion.
type Overlay = BTreeMap<Vec<u8>, Vec<u8>>;

/// The hash of all accounts, then all slots, by ascending key: entries are key and value with their lengths, gathered
/// into chunks of at least 64 KiB, each folded in as `H(running ‖ chunk)`. It costs a walk over the whole state.
/// `above` are blocks not yet stored, oldest first.
pub(crate) fn full_state_hash(storage: &dyn Storage, above: &[Arc<Layer>], hash: HashFn) -> Result<B256, LedgerError> {
    let (mut accounts, mut slots) = (Overlay::new(), Overlay::new());
    for layer in above {
        for change in &layer.accounts {
            let value = change.new.as_ref().map(records::encode_account).unwrap_or_default();
            accounts.insert(change.address.to_vec(), value);
        }
        for change in &layer.slots {
            slots.insert(
                keys::slot(&change.address, &change.slot).to_vec(),
                records::encode_slot(&change.new),
            );
        }
    }
    let mut running = Running {
        hash,
        digest: B256::ZERO,
        chunk: Vec::new(),
    };
    merge(storage, Column::Accounts, accounts, &mut running)?;
    running.fold();
    merge(storage, Column::Slots, slots, &mut running)?;
    running.fold();
    Ok(running.digest)
}

/// Walks stored entries and overlay together in the order of keys.
fn merge(storage: &dyn Storage, column: Column, overlay: Overlay, running: &mut Running) -> Result<(), LedgerError> {
    let mut above = overlay.into_iter().peekable();
    for entry in storage.iterate(column, &[]) {
        let (key, value) = entry.during("hash the whole state")?;
        while let Some((new_key, new_value)) = above.next_if(|(above, _)| above[..] < key[..]) {
            running.add(&new_key, &new_value);
        }
        match above.next_if(|(above, _)| above[..] == key[..]) {
            Some((_, new_value)) => running.add(&key, &new_value),
            None => running.add(&key, &value),
        }
    }
    above.for_each(|(key, value)| running.add(&key, &value));
    Ok(())
}

struct Running {
    hash: HashFn,
    digest: B256,
    chunk: Vec<u8>,
}

impl Running {
    /// An empty value is a deleted entry.
    fn add(&mut self, key: &[u8], value: &[u8]) {
        if value.is_empty() {
            return;
        }
        for part in [key, value] {
            self.chunk.extend_from_slice(&(part.len() as u32).to_be_bytes());
            self.chunk.extend_from_slice(part);
        }
        if self.chunk.len() >= CHUNK_BYTES {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let mut bytes = self.digest.to_vec();
        bytes.append(&mut self.chunk);
        self.digest = (self.hash)(&bytes);
    }
}
