//! The bytes of messages: one kind byte, then RLP. Canonical, so that signed bytes are re-sent verbatim.

use std::sync::Arc;

use alloy_primitives::{B256, B512, Bytes};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use althing_types::codec::SEALERS_MAX;
use althing_types::{DecodeError, NodeId};

use crate::{
    Blocks, Candidate, Committed, Message, Phase, PreparedClaim, Proposal, RoundChange, RoundChangeMessage, SignedBy,
    Slot, Vote, VoteCertificate,
};

/// The bounds a message is held to before anything is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a block (genesis), with room for its envelope.
    pub block_bytes: usize,
}

/// Bytes one signature with its sealer takes, and one round change, rounded up.
const SIGNED_BY_BYTES: usize = 160;
const ROUND_CHANGE_BYTES: usize = 256;

impl Limits {
    /// Bytes the longest acceptable message has: a block, a quorum of round changes and a certificate.
    pub const fn message_bytes(&self) -> usize {
        self.block_bytes + SEALERS_MAX * (ROUND_CHANGE_BYTES + SIGNED_BY_BYTES) + 1024
    }
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No kind byte, or one nobody sends.
    #[error("consensus messages are of kind 1 (proposal), 2 (vote), 3 (round change) or 4 (committed), found {0:?}")]
    Kind(Option<u8>),
    /// Too long, or not RLP of that kind.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A phase that this kind of message does not have.
    #[error("{what} has phase {found}, accepted is {accepted}")]
    Phase {
        /// The part.
        what: &'static str,
        /// The number found.
        found: u8,
        /// What is accepted.
        accepted: &'static str,
    },
    /// Too many parts.
    #[error("{what} has {found} parts, at most {SEALERS_MAX} are accepted")]
    TooMany {
        /// The part.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// The bytes of the proposed block are no block.
    #[error("the block of the message is malformed")]
    Block,
    /// The block is not the one the message is about.
    #[error("the block of the message hashes to {found}, the message is about {claimed}")]
    OtherBlock {
        /// The hash of the bytes.
        found: B256,
        /// The hash in the message.
        claimed: B256,
    },
}

const KIND_PROPOSAL: u8 = 1;
const KIND_VOTE: u8 = 2;
const KIND_ROUND_CHANGE: u8 = 3;
const KIND_COMMITTED: u8 = 4;

#[derive(RlpEncodable, RlpDecodable)]
pub(crate) struct WireSigned {
    sealer: B512,
    signature: B512,
}

#[derive(RlpEncodable, RlpDecodable)]
pub(crate) struct WireVote {
    height: u64,
    view: u64,
    phase: u8,
    block: B256,
    by: WireSigned,
}

#[derive(RlpEncodable, RlpDecodable)]
pub(crate) struct WireCertificate {
    height: u64,
    view: u64,
    phase: u8,
    block: B256,
    votes: Vec<WireSigned>,
}

/// Without a claim the block is zero and the view 0; a claimed block is never zero, being a hash.
#[derive(RlpEncodable, RlpDecodable)]
pub(crate) struct WireRoundChange {
    height: u64,
    view: u64,
    prepared_view: u64,
    prepared_block: B256,
    by: WireSigned,
}

/// Options are lists of at most one.
#[derive(RlpEncodable, RlpDecodable)]
struct WireRoundChangeMessage {
    change: WireRoundChange,
    certificate: Vec<WireCertificate>,
    block: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct WireProposal {
    view: u64,
    hash: B256,
    block: Bytes,
    by: WireSigned,
    round_changes: Vec<WireRoundChange>,
    certificate: Vec<WireCertificate>,
}

impl From<&SignedBy> for WireSigned {
    fn from(by: &SignedBy) -> Self {
        Self {
            sealer: B512::from(*by.sealer.as_bytes()),
            signature: B512::from(by.signature),
        }
    }
}

impl From<WireSigned> for SignedBy {
    fn from(by: WireSigned) -> Self {
        Self {
            sealer: NodeId::new(by.sealer.0),
            signature: by.signature.0,
        }
    }
}

impl From<&Vote> for WireVote {
    fn from(vote: &Vote) -> Self {
        let Slot { height, view } = vote.slot;
        Self {
            height,
            view,
            phase: vote.phase as u8,
            block: vote.block,
            by: (&vote.by).into(),
        }
    }
}

fn vote_phase(what: &'static str, number: u8) -> Result<Phase, WireError> {
    match Phase::from_number(number) {
        Some(phase @ (Phase::Prepare | Phase::Commit)) => Ok(phase),
        _ => Err(WireError::Phase {
            what,
            found: number,
            accepted: "1 (prepare) or 2 (commit)",
        }),
    }
}

impl TryFrom<WireVote> for Vote {
    type Error = WireError;

    fn try_from(vote: WireVote) -> Result<Self, WireError> {
        let slot = Slot {
            height: vote.height,
            view: vote.view,
        };
        Ok(Self {
            slot,
            phase: vote_phase("a vote", vote.phase)?,
            block: vote.block,
            by: vote.by.into(),
        })
    }
}

impl From<&VoteCertificate> for WireCertificate {
    fn from(certificate: &VoteCertificate) -> Self {
        let VoteCertificate {
            slot: Slot { height, view },
            phase,
            block,
            votes,
        } = certificate;
        let votes = votes.iter().map(Into::into).collect();
        Self {
            height: *height,
            view: *view,
            phase: *phase as u8,
            block: *block,
            votes,
        }
    }
}

impl TryFrom<WireCertificate> for VoteCertificate {
    type Error = WireError;

    fn try_from(certificate: WireCertificate) -> Result<Self, WireError> {
        let WireCertificate {
            height,
            view,
            phase,
            block,
            votes,
        } = certificate;
        few("a certificate", votes.len())?;
        let votes = votes.into_iter().map(Into::into).collect();
        Ok(Self {
            slot: Slot { height, view },
            phase: vote_phase("a certificate", phase)?,
            block,
            votes,
        })
    }
}

impl From<&RoundChange> for WireRoundChange {
    fn from(change: &RoundChange) -> Self {
        let claim = change.claim.unwrap_or(PreparedClaim {
            view: 0,
            block: B256::ZERO,
        });
        let Slot { height, view } = change.slot;
        Self {
            height,
            view,
            prepared_view: claim.view,
            prepared_block: claim.block,
            by: (&change.by).into(),
        }
    }
}

impl From<WireRoundChange> for RoundChange {
    fn from(wire: WireRoundChange) -> Self {
        let claim = PreparedClaim {
            view: wire.prepared_view,
            block: wire.prepared_block,
        };
        Self {
            slot: Slot {
                height: wire.height,
                view: wire.view,
            },
            claim: (claim.block != B256::ZERO).then_some(claim),
            by: wire.by.into(),
        }
    }
}

impl From<&Proposal> for WireProposal {
    fn from(proposal: &Proposal) -> Self {
        Self {
            view: proposal.view,
            hash: proposal.candidate.hash,
            block: proposal.candidate.bytes.clone(),
            by: (&proposal.by).into(),
            round_changes: proposal.round_changes.iter().map(Into::into).collect(),
            certificate: proposal.certificate.iter().map(|c| c.as_ref().into()).collect(),
        }
    }
}

fn few(what: &'static str, found: usize) -> Result<(), WireError> {
    if found > SEALERS_MAX {
        Err(WireError::TooMany { what, found })
    } else {
        Ok(())
    }
}

pub(crate) fn at_most_one(certificates: Vec<WireCertificate>) -> Result<Option<Arc<VoteCertificate>>, WireError> {
    if certificates.len() > 1 {
        return Err(WireError::TooMany {
            what: "a proof",
            found: certificates.len(),
        });
    }
    certificates
        .into_iter()
        .next()
        .map(|c| VoteCertificate::try_from(c).map(Arc::new))
        .transpose()
}

fn claimed_block(bytes: Bytes, claimed: B256, blocks: &dyn Blocks) -> Result<Candidate, WireError> {
    let candidate = Candidate::describe(bytes, blocks).ok_or(WireError::Block)?;
    match candidate.hash {
        found if found != claimed => Err(WireError::OtherBlock { found, claimed }),
        _ => Ok(candidate),
    }
}

/// The bytes of a message.
pub fn encode_message(message: &Message) -> Bytes {
    match message {
        Message::Proposal(proposal) => tagged(KIND_PROPOSAL, &WireProposal::from(proposal.as_ref())),
        Message::Vote(vote) => tagged(KIND_VOTE, &WireVote::from(vote)),
        Message::RoundChange(message) => {
            let wire = WireRoundChangeMessage {
                change: (&message.change).into(),
                certificate: message.certificate.iter().map(|c| c.as_ref().into()).collect(),
                block: message.candidate.as_ref().map(|c| c.bytes.clone()).unwrap_or_default(),
            };
            tagged(KIND_ROUND_CHANGE, &wire)
        }
        Message::Committed(committed) => tagged(KIND_COMMITTED, &WireCertificate::from(committed.certificate.as_ref())),
    }
}

fn tagged(kind: u8, body: &impl Encodable) -> Bytes {
    let mut out = Vec::with_capacity(1 + body.length());
    out.push(kind);
    body.encode(&mut out);
    out.into()
}

/// Reads a message of outside bytes: bounded first, the block of a proposal or claim described by the shell and compared
/// with what the message says. Signatures are not checked here but by [`crate::verify_message`].
pub fn decode_message(bytes: &[u8], limits: Limits, blocks: &dyn Blocks) -> Result<Message, WireError> {
    althing_types::codec::bounded("a consensus message", bytes, limits.message_bytes())?;
    let (kind, body) = bytes.split_first().ok_or(WireError::Kind(None))?;
    match *kind {
        KIND_PROPOSAL => {
            let wire: WireProposal = exact("a proposal", body)?;
            few("a proposal", wire.round_changes.len())?;
            Ok(Message::Proposal(Box::new(Proposal {
                view: wire.view,
                candidate: claimed_block(wire.block, wire.hash, blocks)?,
                by: wire.by.into(),
                round_changes: wire.round_changes.into_iter().map(Into::into).collect(),
                certificate: at_most_one(wire.certificate)?,
            })))
        }
        KIND_VOTE => Ok(Message::Vote(exact::<WireVote>("a vote", body)?.try_into()?)),
        KIND_ROUND_CHANGE => {
            let wire: WireRoundChangeMessage = exact("a round change", body)?;
            let change = RoundChange::from(wire.change);
            let candidate = match change.claim {
                Some(claim) if !wire.block.is_empty() => Some(claimed_block(wire.block, claim.block, blocks)?),
                _ => None,
            };
            let certificate = at_most_one(wire.certificate)?;
            Ok(Message::RoundChange(Box::new(RoundChangeMessage {
                change,
                certificate,
                candidate,
            })))
        }
        KIND_COMMITTED => {
            let certificate = Arc::new(exact::<WireCertificate>("a commit certificate", body)?.try_into()?);
            Ok(Message::Committed(Committed { certificate }))
        }
        kind => Err(WireError::Kind(Some(kind))),
    }
}

pub(crate) fn exact<T: Decodable>(what: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    alloy_rlp::decode_exact(bytes).map_err(|e| DecodeError::malformed(what, e))
}
