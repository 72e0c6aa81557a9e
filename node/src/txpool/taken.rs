//! What a block takes up of the senders of its transactions.

use althing_types::{Address, Block, ChangeSet};

use super::account::Slot;

/// Nonces and randomids; where a deployment in FISCO's format counted its account's nonce, also the last one that is gone with it.
pub fn taken_by(block: &Block, senders: &[Address], changes: &ChangeSet) -> Vec<(Address, Slot)> {
    let mut taken = Vec::with_capacity(senders.len());
    for (transaction, sender) in block.transactions.iter().zip(senders) {
        taken.push((*sender, Slot::of(transaction)));
        let account = changes.accounts.get(sender).copied().flatten();
        if let (Some(account), true) = (account, transaction.fisco().is_some()) {
            taken.extend(account.nonce.checked_sub(1).map(|last| (*sender, Slot::Nonce(last))));
        }
    }
    taken
}
