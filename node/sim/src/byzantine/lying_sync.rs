//! Claims heights it does not have, and answers sync with blocks nobody committed.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Committed, Message, Phase, Slot, VoteCertificate, encode_message};

use super::{Liar, Said, Whom, World};
use crate::abstention::Status;
use crate::disk::Stored;

/// Lies about the past.
#[derive(Debug)]
pub struct LyingSync;

impl Liar for LyingSync {
    fn outgoing(&mut self, _: &mut World<'_>, to: Whom, _: &Message, bytes: Bytes) -> Said {
        vec![(to, bytes)]
    }

    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        if !world.dice.per_mille(60) {
            return Vec::new();
        }
        let whom = Whom::One(world.dice.index(world.plan.ids.len()));
        let height = message.slot().height + world.dice.below(5);
        let slot = Slot {
            height,
            view: world.dice.below(3),
        };
        let block = B256::repeat_byte(9);
        let forged = world.plan.ids.clone().into_iter().map(|id| world.forge(id)).collect();
        let votes = if world.dice.per_mille(500) {
            vec![world.sign(slot, Phase::Commit, block)]
        } else {
            forged
        };
        let certificate = Arc::new(VoteCertificate {
            slot,
            phase: Phase::Commit,
            block,
            votes,
        });
        vec![
            (whom, encode_message(&Message::Committed(Committed { certificate }))),
            (whom, world.vote(slot, Phase::Prepare, block)),
        ]
    }

    fn status(&mut self, world: &mut World<'_>, status: Status) -> Status {
        let height = match world.dice.below(3) {
            0 => status.height,
            1 => status.height + world.dice.below(1_000),
            _ => world.dice.below(status.height + 1),
        };
        let begun = status.begun ^ world.dice.per_mille(300);
        Status { height, begun }
    }

    fn blocks(&mut self, world: &mut World<'_>, mut blocks: Vec<Stored>) -> Vec<Stored> {
        match world.dice.below(4) {
            0 => blocks,
            1 => Vec::new(),
            2 => {
                world.counts.sync_lies += 1;
                if let Some(stored) = blocks.first_mut() {
                    stored.block.salt ^= 1;
                    stored.hash = (world.hash)(&stored.block.encode());
                    stored.certificate.block = stored.hash;
                }
                blocks
            }
            _ => {
                world.counts.sync_lies += 1;
                // The true block, with a certificate in which one signature stands for all.
                if let Some(stored) = blocks.first_mut() {
                    let one = stored.certificate.signatures.first().cloned();
                    stored.certificate.signatures.iter_mut().for_each(|signature| {
                        if let Some(one) = &one {
                            *signature = one.clone();
                        }
                    });
                }
                blocks
            }
        }
    }
}
