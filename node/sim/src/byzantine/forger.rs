//! Signs for others, forges new views, jumps to huge ones, replays what is past, and sends garbage.

use std::collections::VecDeque;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Message, Phase, PreparedClaim, RoundChange, Slot, Vote, VoteCertificate, encode_message};

use super::{Liar, Said, Whom, World};

/// Keeps old messages to replay.
#[derive(Debug, Default)]
pub struct Forger {
    heard: VecDeque<Bytes>,
    seen: VecDeque<(Slot, B256)>,
}

impl Forger {
    fn remember(&mut self, message: &Message) {
        self.heard.push_back(encode_message(message));
        if let Message::Proposal(proposal) = message {
            self.seen.push_back((proposal.slot(), proposal.candidate.hash));
        }
        if self.heard.len() > 64 {
            self.heard.pop_front();
        }
        if self.seen.len() > 16 {
            self.seen.pop_front();
        }
    }

    /// A new view without the round changes it needs: none, its own over and over, or others' with made-up signatures.
    fn new_view(world: &mut World<'_>) -> Option<Bytes> {
        let view = world.view_it_leads(world.slot.view.max(1))?;
        world.counts.forged_views += 1;
        let slot = Slot {
            height: world.slot.height,
            view,
        };
        let mine = world.change(slot, None);
        let changes = match world.dice.below(4) {
            0 => Vec::new(),
            1 => vec![mine; 5],
            2 => vec![mine],
            _ => {
                let others = world.sealers.clone();
                let forged = |world: &mut World<'_>, id| RoundChange {
                    by: world.forge(id),
                    ..mine
                };
                others.as_slice().iter().map(|id| forged(world, *id)).collect()
            }
        };
        let block = world.block().candidate(world.hash);
        Some(world.proposal(view, block, changes, None))
    }

    /// Votes of all others for a block of its own, each signature made up.
    fn votes_of_others(world: &mut World<'_>, block: B256, slot: Slot) -> Vec<Bytes> {
        let sealers = world.sealers.clone();
        let phase = if world.dice.per_mille(500) {
            Phase::Prepare
        } else {
            Phase::Commit
        };
        let vote = |world: &mut World<'_>, id| {
            encode_message(&Message::Vote(Vote {
                slot,
                phase,
                block,
                by: world.forge(id),
            }))
        };
        sealers.as_slice().iter().map(|id| vote(world, *id)).collect()
    }

    /// A claim to have been prepared, with a certificate of made-up or repeated signatures.
    fn forged_claim(&self, world: &mut World<'_>) -> Option<Bytes> {
        let (at, block) = *self.seen.get(world.dice.index(self.seen.len()))?;
        let slot = Slot {
            height: at.height,
            view: at.view + 1 + world.dice.below(2),
        };
        let claim = PreparedClaim { view: at.view, block };
        let mine = world.sign(at, Phase::Prepare, block);
        let votes = match world.dice.below(3) {
            0 => vec![mine; 5],
            1 => vec![mine],
            _ => world
                .sealers
                .as_slice()
                .to_vec()
                .into_iter()
                .map(|id| world.forge(id))
                .collect(),
        };
        let certificate = VoteCertificate {
            slot: at,
            phase: Phase::Prepare,
            block,
            votes,
        };
        Some(world.round_change(slot, Some(claim), Some(certificate)))
    }

    fn garbage(&self, world: &mut World<'_>) -> Option<Bytes> {
        let mut bytes = self.heard.get(world.dice.index(self.heard.len()))?.to_vec();
        for _ in 0..=world.dice.below(3) {
            let at = world.dice.index(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= u8::try_from(1 + world.dice.below(255)).unwrap_or(1);
            }
        }
        if world.dice.per_mille(300) {
            bytes.truncate(world.dice.index(bytes.len()));
        }
        Some(bytes.into())
    }

    /// A second proposal for a view left behind, which only a node that takes stale views answers.
    fn stale_proposal(world: &mut World<'_>) -> Option<Bytes> {
        let Slot { height, view } = world.slot;
        let led = (0..view)
            .rev()
            .find(|view| world.sealers.leader(height, *view) == Some(&world.id()))?;
        let block = world.block().candidate(world.hash);
        let changes = if led == 0 {
            Vec::new()
        } else {
            vec![world.change(Slot { height, view: led }, None)]
        };
        Some(world.proposal(led, block, changes, None))
    }
}

impl Liar for Forger {
    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        self.remember(message);
        if !world.dice.per_mille(120) {
            return Vec::new();
        }
        let whom = if world.dice.per_mille(500) {
            Whom::All
        } else {
            Whom::One(world.dice.index(world.plan.ids.len()))
        };
        let Slot { height, view } = world.slot;
        let lies: Vec<Bytes> = match world.dice.below(8) {
            lie @ 0..2 => {
                let view = if lie == 0 {
                    u64::MAX - world.dice.below(3)
                } else {
                    view + 1 + world.dice.below(50)
                };
                vec![world.round_change(Slot { height, view }, None, None)]
            }
            2 => Self::new_view(world).into_iter().collect(),
            3 => self.forged_claim(world).into_iter().collect(),
            4 => self.garbage(world).into_iter().collect(),
            5 => self
                .heard
                .get(world.dice.index(self.heard.len()))
                .cloned()
                .into_iter()
                .collect(),
            6 => Self::stale_proposal(world).into_iter().collect(),
            _ => {
                let block = world.block().candidate(world.hash);
                let slot = Slot { height, view };
                let mut lies = Self::votes_of_others(world, block.hash, slot);
                let changes = Vec::new();
                lies.insert(0, world.proposal(view, block, changes, None));
                lies
            }
        };
        lies.into_iter().map(|lie| (whom, lie)).collect()
    }
}
