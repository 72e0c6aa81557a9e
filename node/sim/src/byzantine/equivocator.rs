//! Proposes one block to some and another to the rest, and votes for both.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Message, Phase, Slot};

use super::{Liar, Said, Whom, World};
use crate::block::Block;

/// Remembers which blocks it knows of each round.
#[derive(Debug, Default)]
pub struct Equivocator {
    blocks: BTreeMap<Slot, Vec<B256>>,
}

impl Equivocator {
    fn know(&mut self, slot: Slot, block: B256) {
        let known = self.blocks.entry(slot).or_default();
        if !known.contains(&block) {
            known.push(block);
        }
        if self.blocks.len() > 16 {
            self.blocks.pop_first();
        }
    }
}

impl Liar for Equivocator {
    fn outgoing(&mut self, world: &mut World<'_>, to: Whom, message: &Message, bytes: Bytes) -> Said {
        match message {
            Message::Proposal(proposal) => {
                let slot = proposal.slot();
                self.know(slot, proposal.candidate.hash);
                let Some(block) = Block::decode(&proposal.candidate.bytes) else {
                    return vec![(to, bytes)];
                };
                let other = Block {
                    salt: world.dice.any(),
                    ..block
                }
                .candidate(world.hash);
                self.know(slot, other.hash);
                let changes = proposal.round_changes.clone();
                world.counts.equivocations += 1;
                // A re-proposal's certificate does not fit another block: then it lies about having one.
                let other = world.proposal(proposal.view, other, changes, None);
                let sides = world.dice.subset(world.plan.ids.len());
                let side = |side: &bool| if *side { other.clone() } else { bytes.clone() };
                let mut said: Said = sides
                    .iter()
                    .enumerate()
                    .map(|(n, to_other)| (Whom::One(n), side(to_other)))
                    .collect();
                if world.dice.per_mille(300) {
                    said.push((Whom::All, other));
                }
                said
            }
            Message::Vote(vote) => {
                self.know(vote.slot, vote.block);
                let known = self.blocks.get(&vote.slot).cloned().unwrap_or_default();
                world.counts.equivocations += u64::from(known.len() > 1);
                let identities = world.plan.ids.len();
                let choose = |world: &mut World<'_>| known.get(world.dice.index(known.len())).copied();
                (0..identities)
                    .filter_map(|n| {
                        let block = choose(world)?;
                        Some((Whom::One(n), world.vote(vote.slot, vote.phase, block)))
                    })
                    .collect()
            }
            _ => vec![(to, bytes)],
        }
    }

    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        let (slot, block) = match message {
            Message::Proposal(proposal) => (proposal.slot(), proposal.candidate.hash),
            Message::Vote(vote) => (vote.slot, vote.block),
            _ => return Vec::new(),
        };
        self.know(slot, block);
        if !world.dice.per_mille(150) {
            return Vec::new();
        }
        let phase = if world.dice.per_mille(500) {
            Phase::Prepare
        } else {
            Phase::Commit
        };
        vec![(
            Whom::One(world.dice.index(world.plan.ids.len())),
            world.vote(slot, phase, block),
        )]
    }
}
