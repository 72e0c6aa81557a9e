//! A group that goes on by its committee's word after it lost its quorum for ever (ADR 0016): what the node's folder holds, what the node
//! has taken up, and the transaction that records it.
//!
//! ```text
//! group.N.recovery ─▶ Installed ─judge, at block H─▶ Taken ─▶ executor: blocks of H+1 carry it
//!                                                      └────▶ consensus of H+1: its sealers, its words; noted in the vote log first
//! ```
//!
//! Above H+1 nothing of it is left but the block that carries it.

use std::sync::Arc;

use althing_consensus::{Record, Recovered};
use althing_crypto::Suite;
use althing_execution::{GOVERNANCE, carried_recovery, check_recovery, governance, recover_call};
use althing_ledger::Ledger;
use althing_types::{self as types, B256, Recovery, SealerSet, Transaction};

use super::own_account::OwnAccount;

/// What the node's folder says about the recovery of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Installed {
    /// There is no such file.
    #[default]
    None,
    /// There is one, and it cannot be used.
    Unusable(String),
    /// What it says.
    Document(Arc<Recovery>),
}

/// A recovery that decides the height above the newest block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What the committee signed.
    pub(crate) recovery: Arc<Recovery>,
    /// Its digest.
    pub(crate) digest: B256,
}

impl Taken {
    pub(crate) fn new(recovery: Arc<Recovery>, suite: &dyn Suite) -> Self {
        let digest = recovery.digest(suite.hash_fn());
        Self { recovery, digest }
    }

    /// What a vote log says that this node has taken up for the height above a block.
    pub(super) fn in_log(log: &[Record], head: u64, suite: &dyn Suite) -> Option<Self> {
        let found = Record::recovery(log, head.saturating_add(1))?;
        Some(Self::new(Arc::new(found.clone()), suite))
    }

    /// Its height, for the consensus.
    pub(super) fn recovered(&self) -> Recovered {
        Recovered {
            height: self.recovery.decides(),
            digest: self.digest,
        }
    }

    /// Whether the block above this one is decided under it.
    pub(super) fn is_next(&self, head: u64) -> bool {
        self.recovery.height == head
    }
}

/// What becomes of what the folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// The folder holds nothing.
    #[default]
    Absent,
    /// The node is not at its block yet.
    Waits,
    /// The next height is decided under it.
    Taken,
    /// To be taken up now.
    Due(Taken),
    /// The chain holds it.
    Done,
    /// It changes nothing: why, in a sentence.
    Refused(String),
}

/// What becomes of an installed recovery on this ledger. `taken` is what this node has taken up for the next height.
///
/// # Errors
/// A ledger that cannot be read.
pub(super) fn judge(
    installed: &Installed,
    taken: Option<&Taken>,
    ledger: &Ledger,
    suite: &dyn Suite,
) -> Result<Standing, String> {
    let recovery = match installed {
        Installed::None => return Ok(Standing::Absent),
        Installed::Unusable(why) => return Ok(Standing::Refused(why.clone())),
        Installed::Document(recovery) => recovery,
    };
    let (head, group) = (ledger.head(), ledger.genesis().group_id);
    if recovery.group != group {
        let why = format!("it is for group {}, this is group {group}", recovery.group);
        return Ok(Standing::Refused(why));
    }
    let found = Taken::new(Arc::clone(recovery), suite);
    if head.height < recovery.height {
        return Ok(Standing::Waits);
    }
    if head.height > recovery.height {
        return went_on(&found, ledger);
    }
    match taken {
        Some(taken) if taken.digest == found.digest => return Ok(Standing::Taken),
        Some(taken) if recovery.replaces != Some(taken.digest) => {
            return Ok(Standing::Refused(format!(
                "this node follows recovery {} from the same block already, and follows another one only when that names it in [recovery] replaces",
                taken.digest
            )));
        }
        _ => {}
    }
    let state = governance(&ledger.state_latest()).map_err(|error| error.to_string())?;
    let Some(state) = state else {
        return Ok(Standing::Refused("this group has no committee".to_owned()));
    };
    match check_recovery(&state, recovery, (head.height, head.hash), suite) {
        Ok(()) => Ok(Standing::Due(found)),
        Err(fault) => Ok(Standing::Refused(fault.to_string())),
    }
}

/// Whether the group went on by this recovery or without it.
fn went_on(found: &Taken, ledger: &Ledger) -> Result<Standing, String> {
    let height = found.recovery.decides();
    match carried_at(ledger, height)? {
        Some(carried) if carried == found.digest => Ok(Standing::Done),
        Some(carried) => Ok(Standing::Refused(format!(
            "block {height} of this node carries another recovery, {carried}"
        ))),
        None => Ok(Standing::Refused(format!(
            "the group went on without it: block {height} of this node was made by the sealers of before. If the others went on by the \
             recovery, move this group's data away: the node fetches the ledger again"
        ))),
    }
}

/// The digest of the recovery that a block of the ledger carries.
pub(super) fn carried_at(ledger: &Ledger, height: u64) -> Result<Option<B256>, String> {
    // Block 0 holds no transactions.
    if height == 0 {
        return Ok(None);
    }
    let stored = ledger.block(height).map_err(|error| error.to_string())?;
    // What is in the ledger was checked before it was written: a block that begins with the call carries a recovery.
    let Some(stored) = stored else { return Ok(None) };
    let carried = carried_recovery(stored.block.transactions.first()).ok().flatten();
    Ok(carried.map(|carried| carried.digest(ledger.suite().hash_fn())))
}

/// What a block carries, checked against the state it is made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    /// The digest of the recovery.
    pub(super) digest: B256,
    /// The sealers of the block, and of the next one.
    pub(super) sealers: SealerSet,
}

/// The first transaction of the block that carries a recovery, made by its leader. It has no right: the document has.
///
/// # Errors
/// A transaction that nobody could read, which would be a fault of this program.
pub(super) fn recording(
    recovery: &Recovery,
    account: &OwnAccount,
    hash: types::HashFn,
) -> Result<types::Recovered, String> {
    let raw = account.call(GOVERNANCE, recover_call(recovery), &recovery.block, recovery.decides());
    let transaction = Transaction::decode(raw, hash).map_err(|error| error.to_string())?;
    Ok(types::Recovered {
        transaction: Arc::new(transaction),
        sender: account.address(),
    })
}
