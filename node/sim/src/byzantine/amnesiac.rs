//! Votes for whatever it hears of, in any view, and never remembers a lock.

use std::collections::BTreeSet;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Message, Phase, Slot};

use super::{Liar, Said, Whom, World};

/// What it has echoed, so that several of its kind do not echo one another for ever.
const ECHOES_MAX: usize = 64;

/// Has no memory of locks.
#[derive(Debug, Default)]
pub struct Amnesiac {
    echoed: BTreeSet<(Slot, Option<B256>)>,
}

impl Amnesiac {
    fn echoes(&mut self, slot: Slot, block: Option<B256>) -> bool {
        let first = self.echoed.insert((slot, block));
        if self.echoed.len() > ECHOES_MAX {
            self.echoed.pop_first();
        }
        first
    }
}

impl Liar for Amnesiac {
    fn outgoing(&mut self, world: &mut World<'_>, to: Whom, message: &Message, bytes: Bytes) -> Said {
        match message {
            Message::RoundChange(change) => vec![(to, world.round_change(change.change.slot, None, None))],
            Message::Proposal(proposal) if proposal.view > 0 => {
                // Hides the round changes that claim something, as far as that leaves a quorum, and proposes afresh.
                let mut changes = proposal.round_changes.clone();
                changes.retain(|change| change.claim.is_none());
                let fresh = world.block().candidate(world.hash);
                vec![(to, world.proposal(proposal.view, fresh, changes, None)), (to, bytes)]
            }
            _ => vec![(to, bytes)],
        }
    }

    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        let (slot, block) = match message {
            Message::Proposal(proposal) => (proposal.slot(), proposal.candidate.hash),
            Message::Vote(vote) => (vote.slot, vote.block),
            Message::RoundChange(change) if world.dice.per_mille(300) => {
                if !self.echoes(change.change.slot, None) {
                    return Vec::new();
                }
                return vec![(Whom::All, world.round_change(change.change.slot, None, None))];
            }
            _ => return Vec::new(),
        };
        if !world.dice.per_mille(400) || !self.echoes(slot, Some(block)) {
            return Vec::new();
        }
        let votes = [Phase::Prepare, Phase::Commit].map(|phase| world.vote(slot, phase, block));
        votes.into_iter().map(|vote| (Whom::All, vote)).collect()
    }
}
