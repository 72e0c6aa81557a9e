//! What the vote log holds: everything a node signed, and what it is locked on. Durable before it leaves (LEDGER.md 3).

use std::sync::Arc;

use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};
use althing_types::{DecodeError, Recovery};

use crate::wire::{WireCertificate, WireRoundChange, WireSigned, WireVote, at_most_one, exact};
use crate::{Candidate, Proposal, RoundChange, Vote, VoteCertificate, WireError};

/// One record of the vote log. It holds the signatures themselves, and encoding is canonical, so what is re-sent after a
/// restart is byte for byte what was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Before a proposal leaves its leader: the proposal, which a restart must not contradict.
    Proposed(Box<Proposal>),
    /// Before PREPARE: the vote.
    Prepare(Vote),
    /// Before COMMIT: the vote, the prepared certificate it stands on, and the full block.
    Commit {
        /// The vote.
        vote: Vote,
        /// The lock.
        certificate: Arc<VoteCertificate>,
        /// The block; none when an earlier record of this height holds it.
        candidate: Option<Candidate>,
    },
    /// Before ROUND-CHANGE: the new view, signed. Its claim is proven by the Commit record of that view.
    RoundChange(RoundChange),
    /// No vote up to this height: what a log begins with, for a log that is new may be one that was lost. The last such
    /// record of a log holds, so that a node that crashes while it abstains goes on abstaining.
    Abstain {
        /// The last height without a vote; 0 when votes are free; `u64::MAX` while it is not known yet.
        through: u64,
    },
    /// Before the first vote at the height that a recovery decides: the recovery. What the log says of that height before it was said to
    /// the sealers of before, in other words; from here on this node follows this recovery there and no other one, but one that replaces
    /// it.
    Recovered(Box<Recovery>),
}

/// Why bytes are no record. The vote log is this node's own, so this is damage: the node abstains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No kind byte, or one nobody writes.
    #[error("records of the vote log are of kind 1 to 6, found {0:?}")]
    Kind(Option<u8>),
    /// Not RLP of that kind.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A part that is no part of a message.
    #[error("a record of the vote log holds what is no message: {0}")]
    Message(#[from] WireError),
}

const KIND_PROPOSED: u8 = 1;
const KIND_PREPARE: u8 = 2;
const KIND_COMMIT: u8 = 3;
const KIND_ROUND_CHANGE: u8 = 4;
const KIND_ABSTAIN: u8 = 5;
const KIND_RECOVERED: u8 = 6;

#[derive(RlpEncodable, RlpDecodable)]
struct StoredProposal {
    candidate: Candidate,
    view: u64,
    by: WireSigned,
    round_changes: Vec<WireRoundChange>,
    certificate: Vec<WireCertificate>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredCommit {
    vote: WireVote,
    certificate: WireCertificate,
    candidate: Vec<Candidate>,
}

impl Record {
    /// The height the record belongs to: it may be dropped once the ledger has reached that height. An abstention is of no
    /// height and never dropped (`u64::MAX`): the last one says what an otherwise empty log means.
    pub const fn height(&self) -> u64 {
        match self {
            Self::Proposed(proposal) => proposal.candidate.height,
            Self::Prepare(vote) | Self::Commit { vote, .. } => vote.slot.height,
            Self::RoundChange(change) => change.slot.height,
            Self::Abstain { .. } => u64::MAX,
            Self::Recovered(recovery) => recovery.decides(),
        }
    }

    /// Whether this node signed something here; an abstention says the contrary, and a recovery is signed by others.
    pub const fn is_signed(&self) -> bool {
        !matches!(self, Self::Abstain { .. } | Self::Recovered(_))
    }

    /// What a log says that still binds: of a height that a recovery decides, only what was signed since this node took that up.
    pub fn in_force(log: Vec<Self>) -> Vec<Self> {
        let mut signed: Vec<Self> = Vec::new();
        for record in log {
            match &record {
                Self::Recovered(recovery) => signed.retain(|before| before.height() != recovery.decides()),
                _ if record.is_signed() => signed.push(record),
                _ => {}
            }
        }
        signed
    }

    /// The recovery that a log says this height is decided under.
    pub fn recovery(log: &[Self], height: u64) -> Option<&Recovery> {
        log.iter().rev().find_map(|record| match record {
            Self::Recovered(recovery) if recovery.decides() == height => Some(recovery.as_ref()),
            _ => None,
        })
    }

    /// Through which height a log says to abstain; none where no record says it.
    pub fn abstention(log: &[Self]) -> Option<u64> {
        log.iter().rev().find_map(|record| match record {
            Self::Abstain { through } => Some(*through),
            _ => None,
        })
    }

    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        match self {
            Self::Proposed(proposal) => {
                out.push(KIND_PROPOSED);
                let Proposal {
                    view,
                    candidate,
                    by,
                    round_changes,
                    certificate,
                } = proposal.as_ref();
                let stored = StoredProposal {
                    candidate: candidate.clone(),
                    view: *view,
                    by: by.into(),
                    round_changes: round_changes.iter().map(Into::into).collect(),
                    certificate: certificate.iter().map(|c| c.as_ref().into()).collect(),
                };
                stored.encode(&mut out);
            }
            Self::Prepare(vote) => {
                out.push(KIND_PREPARE);
                WireVote::from(vote).encode(&mut out);
            }
            Self::Commit {
                vote,
                certificate,
                candidate,
            } => {
                out.push(KIND_COMMIT);
                let candidate = candidate.iter().cloned().collect();
                let certificate = certificate.as_ref().into();
                StoredCommit {
                    vote: vote.into(),
                    certificate,
                    candidate,
                }
                .encode(&mut out);
            }
            Self::RoundChange(change) => {
                out.push(KIND_ROUND_CHANGE);
                WireRoundChange::from(change).encode(&mut out);
            }
            Self::Abstain { through } => {
                out.push(KIND_ABSTAIN);
                through.encode(&mut out);
            }
            Self::Recovered(recovery) => {
                out.push(KIND_RECOVERED);
                out.extend_from_slice(&recovery.encode());
            }
        }
        out
    }

    /// Reads a record back.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (kind, body) = bytes.split_first().ok_or(RecordError::Kind(None))?;
        match *kind {
            KIND_PROPOSED => {
                let stored: StoredProposal = exact("a proposal record", body)?;
                Ok(Self::Proposed(Box::new(Proposal {
                    view: stored.view,
                    candidate: stored.candidate,
                    by: stored.by.into(),
                    round_changes: stored.round_changes.into_iter().map(Into::into).collect(),
                    certificate: at_most_one(stored.certificate)?,
                })))
            }
            KIND_PREPARE => Ok(Self::Prepare(exact::<WireVote>("a prepare record", body)?.try_into()?)),
            KIND_COMMIT => {
                let stored: StoredCommit = exact("a commit record", body)?;
                Ok(Self::Commit {
                    vote: stored.vote.try_into()?,
                    certificate: Arc::new(stored.certificate.try_into()?),
                    candidate: stored.candidate.into_iter().next(),
                })
            }
            KIND_ROUND_CHANGE => Ok(Self::RoundChange(
                exact::<WireRoundChange>("a round change record", body)?.into(),
            )),
            KIND_ABSTAIN => Ok(Self::Abstain {
                through: exact("an abstention record", body)?,
            }),
            KIND_RECOVERED => Ok(Self::Recovered(Box::new(Recovery::decode(body)?))),
            kind => Err(RecordError::Kind(Some(kind))),
        }
    }
}
