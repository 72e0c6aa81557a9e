//! The round changes of one height: of each sealer the one of its highest view.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;
use althing_types::NodeId;

use super::candidates::Candidates;
use crate::{PreparedClaim, RoundChange, VoteCertificate};

/// What became of a round change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Kept, or completed by its proof.
    Kept,
    /// Its sender has been in a higher view.
    Old,
    /// Its sender claimed something else for the same view, which goes on counting.
    Conflict(RoundChange),
}

#[derive(Debug)]
struct Entry {
    change: RoundChange,
    /// The certificate of the claim, checked against the sealers of the height.
    proof: Option<Arc<VoteCertificate>>,
}

/// The round changes by sender. Keeping only the highest view bounds them, and costs a liar nothing but its own vote.
#[derive(Debug, Default)]
pub(super) struct RoundChanges(BTreeMap<NodeId, Entry>);

/// A quorum of round changes that justifies a proposal.
#[derive(Debug)]
pub(super) struct Justification {
    pub(super) changes: Vec<RoundChange>,
    /// The highest proven claim: the block that must be proposed again.
    pub(super) highest: Option<(PreparedClaim, Arc<VoteCertificate>)>,
}

impl RoundChanges {
    pub(super) fn add(&mut self, change: RoundChange, proof: Option<Arc<VoteCertificate>>) -> Added {
        match self.0.get_mut(&change.by.sealer) {
            Some(entry) if entry.change.slot.view > change.slot.view => Added::Old,
            Some(entry) if entry.change.slot.view == change.slot.view => {
                if entry.change.claim != change.claim {
                    return Added::Conflict(entry.change);
                }
                if entry.proof.is_none() {
                    entry.proof = proof;
                }
                Added::Kept
            }
            _ => {
                self.0.insert(change.by.sealer, Entry { change, proof });
                Added::Kept
            }
        }
    }

    /// How many sealers have left every view below this one.
    pub(super) fn count_from(&self, view: u64) -> usize {
        self.0.values().filter(|entry| entry.change.slot.view >= view).count()
    }

    /// Who has left every view below this one.
    pub(super) fn senders_from(&self, view: u64) -> impl Iterator<Item = NodeId> + '_ {
        let there = move |entry: &Entry| entry.change.slot.view >= view;
        self.0
            .iter()
            .filter(move |(_, entry)| there(entry))
            .map(|(sealer, _)| *sealer)
    }

    /// The highest view that this many sealers have entered or passed.
    pub(super) fn view_reached_by(&self, sealers: usize) -> Option<u64> {
        let mut views: Vec<u64> = self.0.values().map(|entry| entry.change.slot.view).collect();
        views.sort_unstable_by(|a, b| b.cmp(a));
        views.get(sealers.checked_sub(1)?).copied()
    }

    /// What justifies a proposal in this view: the round changes for it that claim nothing, or whose claim is proven and
    /// whose block is at hand. None below quorum.
    pub(super) fn justify(&self, view: u64, quorum: usize, candidates: &Candidates) -> Option<Justification> {
        let at_hand = |block: &B256| candidates.get(block).is_some();
        let usable = |entry: &&Entry| match entry.change.claim {
            _ if entry.change.slot.view != view => false,
            None => true,
            Some(claim) => entry.proof.is_some() && at_hand(&claim.block),
        };
        let entries: Vec<&Entry> = self.0.values().filter(usable).collect();
        if entries.len() < quorum {
            return None;
        }
        let claims = entries
            .iter()
            .filter_map(|entry| Some((entry.change.claim?, entry.proof.clone()?)));
        let highest = claims.max_by_key(|(claim, _)| claim.view);
        Some(Justification {
            changes: entries.iter().map(|entry| entry.change).collect(),
            highest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SignedBy, Slot};

    fn change(sealer: u8, view: u64) -> RoundChange {
        let by = SignedBy {
            sealer: NodeId::new([sealer; 64]),
            signature: [0; 64],
        };
        RoundChange {
            slot: Slot { height: 1, view },
            claim: None,
            by,
        }
    }

    #[test]
    fn a_jump_goes_to_the_view_that_f_plus_one_sealers_have_reached() {
        let mut changes = RoundChanges::default();
        changes.add(change(1, u64::MAX), None);
        assert_eq!(changes.view_reached_by(2), None, "one liar alone moves nobody");
        changes.add(change(2, 3), None);
        changes.add(change(3, 2), None);
        assert_eq!(changes.view_reached_by(2), Some(3));
        assert_eq!(changes.count_from(3), 2);
    }

    #[test]
    fn a_claim_without_proof_or_block_justifies_nothing() {
        let mut changes = RoundChanges::default();
        let claim = PreparedClaim {
            view: 0,
            block: B256::repeat_byte(9),
        };
        changes.add(change(1, 1), None);
        changes.add(change(2, 1), None);
        changes.add(
            RoundChange {
                claim: Some(claim),
                ..change(3, 1)
            },
            None,
        );
        assert!(changes.justify(1, 3, &Candidates::default()).is_none());
        let justified = changes.justify(1, 2, &Candidates::default()).unwrap();
        assert_eq!(justified.changes.len(), 2);
        assert!(justified.highest.is_none());
    }
}
