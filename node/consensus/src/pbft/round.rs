//! What is known about the height in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;

use super::candidates::Candidates;
use super::round_changes::RoundChanges;
use super::votes::Votes;
use crate::{Message, PersistId, Phase, RoundChange, SignedBy, Slot, VoteCertificate};

/// A message this node signed, re-sent as it is.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) view: u64,
    pub(super) message: Message,
    /// The record it must wait for; none when it was read from the log.
    pub(super) after: Option<PersistId>,
}

/// This node's latest round change.
#[derive(Clone, Debug)]
pub(super) struct OwnChange {
    pub(super) change: RoundChange,
    pub(super) proof: Option<Arc<VoteCertificate>>,
    pub(super) after: Option<PersistId>,
}

/// The height in flight.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) slot: Slot,
    /// The proposal of the current view that may be voted for: its view and block.
    pub(super) accepted: Option<(u64, B256)>,
    /// The first proposal of the current view, for evidence.
    pub(super) proposed: Option<(u64, B256, SignedBy)>,
    /// Whether a valid proposal was seen at this height.
    pub(super) proposal_seen: bool,
    /// Whether a round of this height ran out of time here.
    pub(super) timed_out: bool,
    pub(super) candidates: Candidates,
    pub(super) prepares: Votes,
    pub(super) commits: Votes,
    pub(super) round_changes: RoundChanges,
    /// The lock: the prepared certificate of the highest view.
    pub(super) lock: Option<Arc<VoteCertificate>>,
    /// Proof that the height is decided, from commits or from a relayed certificate.
    pub(super) decided: Option<Arc<VoteCertificate>>,
    /// The newest message of each phase that this node signed.
    pub(super) own: BTreeMap<Phase, Own>,
    pub(super) own_change: Option<OwnChange>,
    /// The slot a block was asked for.
    pub(super) asked: Option<Slot>,
    /// The block built for the current slot.
    pub(super) fresh: Option<B256>,
    /// Candidates whose block stands in the vote log already.
    pub(super) logged: Vec<B256>,
    /// Whether the decided block was asked of sync.
    pub(super) fetched: bool,
}

impl Round {
    pub(super) fn new(height: u64) -> Self {
        Self {
            slot: Slot { height, view: 0 },
            ..Self::default()
        }
    }

    /// Whether this node has signed this phase in this view or a later one.
    pub(super) fn has_signed(&self, phase: Phase, view: u64) -> bool {
        self.own.get(&phase).is_some_and(|own| own.view >= view)
    }

    /// The candidates that must not be given up.
    pub(super) fn needed(&self) -> Vec<B256> {
        let lock = self.lock.as_ref().map(|lock| lock.block);
        let decided = self.decided.as_ref().map(|certificate| certificate.block);
        [self.accepted.map(|(_, block)| block), lock, decided, self.fresh]
            .into_iter()
            .flatten()
            .collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use alloy_primitives::Bytes;

    use super::*;
    use crate::Candidate;

    pub(in crate::pbft) fn candidate(height: u64) -> Candidate {
        Candidate {
            height,
            parent: B256::ZERO,
            hash: B256::ZERO,
            unix_ms: 0,
            bytes: Bytes::new(),
        }
    }
}
