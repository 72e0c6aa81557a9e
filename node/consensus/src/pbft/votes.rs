//! The PREPAREs or COMMITs of one height.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use althing_types::NodeId;

use crate::{Phase, SignedBy, SignedTag, Slot, VoteCertificate};

/// Votes kept of one sealer: those of its highest views. An honest sealer votes in one view at a time, and a late node
/// needs its latest; a liar pushes out nothing but its own.
const VIEWS_MAX: usize = 8;

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It counts.
    New,
    /// It was known, or is older than what is kept.
    Old,
    /// Its sender voted for something else before, which goes on counting.
    Conflict(SignedTag),
}

/// The votes of one phase: per sealer, per view, the first.
#[derive(Debug, Default)]
pub(super) struct Votes {
    by_sealer: BTreeMap<NodeId, BTreeMap<u64, SignedTag>>,
    counts: BTreeMap<(u64, B256), usize>,
}

impl Votes {
    /// Takes a vote of a sealer of this height.
    pub(super) fn add(&mut self, view: u64, block: B256, by: &SignedBy) -> Added {
        let views = self.by_sealer.entry(by.sealer).or_default();
        if let Some(first) = views.get(&view) {
            return if first.subject == block {
                Added::Old
            } else {
                Added::Conflict(*first)
            };
        }
        if views.len() >= VIEWS_MAX {
            match views.first_key_value() {
                Some((&lowest, tag)) if lowest < view => {
                    let key = (lowest, tag.subject);
                    views.remove(&lowest);
                    if let Some(count) = self.counts.get_mut(&key) {
                        *count -= 1;
                        if *count == 0 {
                            self.counts.remove(&key);
                        }
                    }
                }
                _ => return Added::Old,
            }
        }
        views.insert(
            view,
            SignedTag {
                subject: block,
                signature: by.signature,
            },
        );
        *self.counts.entry((view, block)).or_default() += 1;
        Added::New
    }

    /// Who has voted in this view or a later one.
    pub(super) fn senders_from(&self, view: u64) -> impl Iterator<Item = NodeId> + '_ {
        let there =
            move |views: &BTreeMap<u64, SignedTag>| views.last_key_value().is_some_and(|(last, _)| *last >= view);
        self.by_sealer
            .iter()
            .filter(move |(_, views)| there(views))
            .map(|(sealer, _)| *sealer)
    }

    /// How many sealers voted for this block in this view.
    pub(super) fn count(&self, view: u64, block: B256) -> usize {
        self.counts.get(&(view, block)).copied().unwrap_or_default()
    }

    /// The lowest view in which a quorum voted for one block, and the block.
    pub(super) fn quorum(&self, quorum: usize) -> Option<(u64, B256)> {
        self.counts
            .iter()
            .find(|(_, count)| **count >= quorum)
            .map(|(key, _)| *key)
    }

    /// The votes for this block in this view as a certificate.
    pub(super) fn certificate(&self, slot: Slot, phase: Phase, block: B256) -> VoteCertificate {
        let vote = |(sealer, views): (&NodeId, &BTreeMap<u64, SignedTag>)| {
            let tag = views.get(&slot.view).filter(|tag| tag.subject == block)?;
            Some(SignedBy {
                sealer: *sealer,
                signature: tag.signature,
            })
        };
        VoteCertificate {
            slot,
            phase,
            block,
            votes: self.by_sealer.iter().filter_map(vote).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(sealer: u8) -> SignedBy {
        SignedBy {
            sealer: NodeId::new([sealer; 64]),
            signature: [sealer; 64],
        }
    }

    #[test]
    fn the_first_vote_of_a_sealer_in_a_view_counts_and_the_second_is_a_conflict() {
        let (a, b) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let mut votes = Votes::default();
        assert_eq!(votes.add(0, a, &by(1)), Added::New);
        assert_eq!(votes.add(0, a, &by(1)), Added::Old);
        assert_eq!(
            votes.add(0, b, &by(1)),
            Added::Conflict(SignedTag {
                subject: a,
                signature: [1; 64]
            })
        );
        assert_eq!((votes.count(0, a), votes.count(0, b)), (1, 0));
    }

    #[test]
    fn a_sealer_that_votes_in_ever_higher_views_pushes_out_only_its_own_votes() {
        let block = B256::repeat_byte(1);
        let mut votes = Votes::default();
        votes.add(0, block, &by(2));
        for view in 0..1_000 {
            votes.add(view, block, &by(1));
        }
        assert_eq!(votes.count(0, block), 1, "the other sealer's vote stands");
        assert_eq!(votes.counts.len(), VIEWS_MAX + 1);
        assert_eq!(votes.add(1, block, &by(1)), Added::Old, "too old to be kept");
    }

    #[test]
    fn a_certificate_holds_the_votes_of_one_view_for_one_block_ascending_by_sealer() {
        let (a, b) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let mut votes = Votes::default();
        for (view, block, sealer) in [(1, a, 3), (1, a, 1), (1, b, 2), (2, a, 4)] {
            votes.add(view, block, &by(sealer));
        }
        assert_eq!(votes.quorum(2), Some((1, a)));
        assert_eq!(votes.quorum(3), None);
        let certificate = votes.certificate(Slot { height: 1, view: 1 }, Phase::Commit, a);
        assert_eq!(certificate.votes, [by(1), by(3)]);
        assert!(certificate.is_ordered());
    }
}
