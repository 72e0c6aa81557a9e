//! The messages sealers exchange. Every one but [`Committed`] is signed by its sender; that one consists of signatures.

use std::sync::Arc;

use alloy_primitives::B256;
use althing_crypto::HashFn;
use althing_types::NodeId;

use crate::{Candidate, Phase, Slot, VoteCertificate};

/// One sealer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// Who signed.
    pub sealer: NodeId,
    /// r‖s.
    pub signature: [u8; 64],
}

/// PREPARE or COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The round.
    pub slot: Slot,
    /// [`Phase::Prepare`] or [`Phase::Commit`].
    pub phase: Phase,
    /// The block voted for.
    pub block: B256,
    /// The voter.
    pub by: SignedBy,
}

/// What a round change claims: the highest view in which its sender was prepared, and the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreparedClaim {
    /// The view of the prepared certificate.
    pub view: u64,
    /// The block it is for.
    pub block: B256,
}

/// The signed core of ROUND-CHANGE: its sender has left every view below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundChange {
    /// The round its sender enters.
    pub slot: Slot,
    /// What its sender is locked on.
    pub claim: Option<PreparedClaim>,
    /// The sender.
    pub by: SignedBy,
}

/// ROUND-CHANGE as it is sent. The leader of the view gets proof and block of the claim, everybody else only the core,
/// which is all that a jump to the view needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundChangeMessage {
    /// The signed core.
    pub change: RoundChange,
    /// The prepared certificate that proves the claim.
    pub certificate: Option<Arc<VoteCertificate>>,
    /// The block claimed.
    pub candidate: Option<Candidate>,
}

/// PRE-PREPARE: the leader's block, and for a view above 0 why it may be this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The view.
    pub view: u64,
    /// The block, which names its height.
    pub candidate: Candidate,
    /// The leader.
    pub by: SignedBy,
    /// A quorum of round changes for this view, ascending by sealer; empty in view 0.
    pub round_changes: Vec<RoundChange>,
    /// The certificate of the highest claim among them, if any claims.
    pub certificate: Option<Arc<VoteCertificate>>,
}

/// A commit certificate, relayed to a peer whose messages show that it is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// A quorum of COMMITs.
    pub certificate: Arc<VoteCertificate>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// PRE-PREPARE.
    Proposal(Box<Proposal>),
    /// PREPARE or COMMIT.
    Vote(Vote),
    /// ROUND-CHANGE.
    RoundChange(Box<RoundChangeMessage>),
    /// A commit certificate.
    Committed(Committed),
}

impl RoundChange {
    /// What a round change's [`crate::Tag`] names as its subject: the hash of the claim, zero when nothing is claimed.
    pub fn subject(&self, hash: HashFn) -> B256 {
        match self.claim {
            None => B256::ZERO,
            Some(PreparedClaim { view, block }) => {
                let mut bytes = Vec::with_capacity(40);
                bytes.extend_from_slice(&view.to_be_bytes());
                bytes.extend_from_slice(block.as_slice());
                hash(&bytes)
            }
        }
    }
}

impl Proposal {
    /// The round.
    pub const fn slot(&self) -> Slot {
        Slot {
            height: self.candidate.height,
            view: self.view,
        }
    }
}

impl Message {
    /// The round the message belongs to.
    pub fn slot(&self) -> Slot {
        match self {
            Self::Proposal(proposal) => proposal.slot(),
            Self::Vote(vote) => vote.slot,
            Self::RoundChange(message) => message.change.slot,
            Self::Committed(committed) => committed.certificate.slot,
        }
    }

    /// Who signed the message; none for a relayed certificate.
    pub fn sender(&self) -> Option<NodeId> {
        match self {
            Self::Proposal(proposal) => Some(proposal.by.sealer),
            Self::Vote(vote) => Some(vote.by.sealer),
            Self::RoundChange(message) => Some(message.change.by.sealer),
            Self::Committed(_) => None,
        }
    }
}
