//! Votes for whatever it hears of, in any view, and never remembers a lock.

use alloy_primitives::Bytes;
use althing_consensus::{Message, Phase};

use super::{Liar, Said, Whom, World};

/// Has no memory.
#[derive(Debug, Default)]
pub struct Amnesiac;

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
                return vec![(Whom::All, world.round_change(change.change.slot, None, None))];
            }
            _ => return Vec::new(),
        };
        if !world.dice.per_mille(400) {
            return Vec::new();
        }
        let votes = [Phase::Prepare, Phase::Commit].map(|phase| world.vote(slot, phase, block));
        votes.into_iter().map(|vote| (Whom::All, vote)).collect()
    }
}
