//! Proposes blocks that no voter may vote for.

use alloy_primitives::{B256, Bytes};
use althing_consensus::Message;

use super::{Liar, Said, Whom, World};
use crate::block::Block;

/// Spoils most of its proposals.
#[derive(Debug)]
pub struct BadBlocks;

impl Liar for BadBlocks {
    fn outgoing(&mut self, world: &mut World<'_>, to: Whom, message: &Message, bytes: Bytes) -> Said {
        let Message::Proposal(proposal) = message else {
            return vec![(to, bytes)];
        };
        let Some(block) = Block::decode(&proposal.candidate.bytes) else {
            return vec![(to, bytes)];
        };
        let bad = match world.dice.below(6) {
            0 => Block { corrupt: true, ..block },
            1 => Block {
                unix_ms: block.unix_ms + 60_000,
                ..block
            },
            2 => Block {
                parent: B256::repeat_byte(7),
                ..block
            },
            3 => Block {
                height: block.height + 1,
                ..block
            },
            4 => Block {
                transactions: vec![u64::MAX],
                ..block
            },
            _ => return vec![(to, bytes)],
        };
        let certificate = proposal.certificate.clone();
        let changes = proposal.round_changes.clone();
        vec![(
            to,
            world.proposal(proposal.view, bad.candidate(world.hash), changes, certificate),
        )]
    }
}
