//! What a liar sees and can do: it holds its own key and nobody else's.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use althing_consensus::{
    Candidate, Head, Message, Phase, PreparedClaim, Proposal, RoundChange, RoundChangeMessage, SignedBy, Slot, Tag,
    Vote, VoteCertificate, encode_message,
};
use althing_crypto::{HashFn, NodeKey};
use althing_types::{NodeId, SealerSet};

use crate::block::Block;
use crate::counts::Counts;
use crate::dice::Dice;
use crate::plan::Plan;

/// A liar's view of the run.
#[derive(Debug)]
pub struct World<'a> {
    /// Its choices.
    pub dice: &'a mut Dice,
    /// What it did is counted.
    pub counts: &'a mut Counts,
    /// The plan, which liars know.
    pub plan: &'a Plan,
    /// Which identity it is.
    pub me: usize,
    /// Its key.
    pub key: &'a dyn NodeKey,
    /// The hash of the edition.
    pub hash: HashFn,
    /// The ledger.
    pub genesis: B256,
    /// Its ledger's head.
    pub head: Head,
    /// The sealers of the height in flight.
    pub sealers: SealerSet,
    /// Where its core is.
    pub slot: Slot,
    /// Its wall clock.
    pub unix_ms: u64,
}

impl World<'_> {
    /// Its nodeID.
    pub fn id(&self) -> NodeId {
        NodeId::new(self.key.public_key())
    }

    /// The next view from this one on that it leads at the height in flight.
    pub fn view_it_leads(&self, from: u64) -> Option<u64> {
        let height = self.slot.height;
        let end = from.checked_add(8)?;
        (from..end).find(|view| self.sealers.leader(height, *view) == Some(&self.id()))
    }

    /// Its true signature.
    pub fn sign(&self, slot: Slot, phase: Phase, subject: B256) -> SignedBy {
        let Slot { height, view } = slot;
        let digest = Tag {
            genesis: self.genesis,
            height,
            view,
            phase,
            subject,
        }
        .digest(self.hash);
        SignedBy {
            sealer: self.id(),
            signature: self.key.sign(&digest),
        }
    }

    /// A signature it made up for another.
    pub fn forge(&mut self, sealer: NodeId) -> SignedBy {
        let mut signature = [0; 64];
        signature
            .iter_mut()
            .for_each(|byte| *byte = u8::try_from(self.dice.below(256)).unwrap_or_default());
        SignedBy { sealer, signature }
    }

    /// Its vote.
    pub fn vote(&self, slot: Slot, phase: Phase, block: B256) -> Bytes {
        encode_message(&Message::Vote(Vote {
            slot,
            phase,
            block,
            by: self.sign(slot, phase, block),
        }))
    }

    /// Its round change.
    pub fn change(&self, slot: Slot, claim: Option<PreparedClaim>) -> RoundChange {
        let unsigned = RoundChange {
            slot,
            claim,
            by: SignedBy {
                sealer: self.id(),
                signature: [0; 64],
            },
        };
        RoundChange {
            by: self.sign(slot, Phase::RoundChange, unsigned.subject(self.hash)),
            ..unsigned
        }
    }

    /// Its round change as it is sent.
    pub fn round_change(&self, slot: Slot, claim: Option<PreparedClaim>, proof: Option<VoteCertificate>) -> Bytes {
        let certificate = proof.map(Arc::new);
        let message = RoundChangeMessage {
            change: self.change(slot, claim),
            certificate,
            candidate: None,
        };
        encode_message(&Message::RoundChange(Box::new(message)))
    }

    /// Its proposal.
    pub fn proposal(
        &self,
        view: u64,
        candidate: Candidate,
        round_changes: Vec<RoundChange>,
        certificate: Option<Arc<VoteCertificate>>,
    ) -> Bytes {
        let slot = Slot {
            height: candidate.height,
            view,
        };
        let by = self.sign(slot, Phase::Propose, candidate.hash);
        let proposal = Proposal {
            view,
            candidate,
            by,
            round_changes,
            certificate,
        };
        encode_message(&Message::Proposal(Box::new(proposal)))
    }

    /// A block of its own making that every voter must accept.
    pub fn block(&mut self) -> Block {
        Block {
            height: self.head.height + 1,
            parent: self.head.hash,
            unix_ms: self.unix_ms.max(self.head.unix_ms + 1),
            proposer: u8::try_from(self.me).unwrap_or_default(),
            salt: self.dice.any(),
            corrupt: false,
            transactions: Vec::new(),
        }
    }
}
