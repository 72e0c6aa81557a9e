//! Whether the signatures of a message hold: pure, outside `step`, on as many threads as the shell likes.

use alloy_primitives::B256;
use althing_crypto::Suite;
use althing_types::NodeId;

use crate::{Domains, Message, Phase, Proposal, RoundChange, RoundChangeMessage, SignedBy, Slot, Tag, VoteCertificate};

/// A message whose signatures hold. Only [`verify_message`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Message);

impl Verified {
    /// The message.
    pub const fn message(&self) -> &Message {
        &self.0
    }

    pub(crate) fn into_message(self) -> Message {
        self.0
    }
}

/// Why a message is refused before the consensus sees it. Only a liar sends such a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A signature that does not hold.
    #[error("the {what} of height {height} view {view} is not signed by {}", sealer.short())]
    Signature {
        /// The part.
        what: &'static str,
        /// Its height.
        height: u64,
        /// Its view.
        view: u64,
        /// Whose signature it should be.
        sealer: Box<NodeId>,
    },
    /// Sealers of a proof that do not ascend, or one twice.
    #[error("the sealers of the {what} of height {height} view {view} must ascend without repeats")]
    Unordered {
        /// The part.
        what: &'static str,
        /// Its height.
        height: u64,
        /// Its view.
        view: u64,
    },
    /// A part that belongs to another height, view, phase or block than the message it is in.
    #[error("the {what} does not belong to the message of height {height} view {view} around it")]
    Foreign {
        /// The part.
        what: &'static str,
        /// The height of the message.
        height: u64,
        /// The view of the message.
        view: u64,
    },
}

impl Refused {
    /// A short fixed name, for metric labels.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Signature { .. } => "signature",
            Self::Unordered { .. } => "unordered",
            Self::Foreign { .. } => "foreign",
        }
    }
}

/// Checks every signature of a message: one for a vote; for a round change or a proposal of a later view also those of
/// the proof it carries, after its own.
///
/// It needs no sealer set: senders are named by nodeID, and whether they seal at that height is judged by `step`, which
/// knows the set. So a message of a height to come is verified like any other.
pub fn verify_message(message: Message, suite: &dyn Suite, domains: impl Into<Domains>) -> Result<Verified, Refused> {
    let check = Check {
        suite,
        domains: domains.into(),
    };
    match &message {
        Message::Vote(vote) => check.signature("vote", vote.slot, vote.phase, vote.block, &vote.by)?,
        Message::Proposal(proposal) => check.proposal(proposal)?,
        Message::RoundChange(message) => check.round_change_message(message)?,
        Message::Committed(committed) => {
            check.certificate("commit certificate", Phase::Commit, &committed.certificate)?;
        }
    }
    Ok(Verified(message))
}

struct Check<'a> {
    suite: &'a dyn Suite,
    domains: Domains,
}

impl Check<'_> {
    fn digest(&self, Slot { height, view }: Slot, phase: Phase, subject: B256) -> B256 {
        Tag {
            genesis: self.domains.at(height, self.suite.hash_fn()),
            height,
            view,
            phase,
            subject,
        }
        .digest(self.suite.hash_fn())
    }

    fn signed(&self, what: &'static str, slot: Slot, digest: &B256, by: &SignedBy) -> Result<(), Refused> {
        let Slot { height, view } = slot;
        let bad = |_| Refused::Signature {
            what,
            height,
            view,
            sealer: Box::new(by.sealer),
        };
        self.suite
            .verify_node(by.sealer.as_bytes(), digest, &by.signature)
            .map_err(bad)
    }

    fn signature(&self, what: &'static str, slot: Slot, p: Phase, block: B256, by: &SignedBy) -> Result<(), Refused> {
        self.signed(what, slot, &self.digest(slot, p, block), by)
    }

    fn certificate(&self, what: &'static str, phase: Phase, certificate: &VoteCertificate) -> Result<(), Refused> {
        let slot @ Slot { height, view } = certificate.slot;
        if certificate.phase != phase {
            return Err(Refused::Foreign { what, height, view });
        }
        if !certificate.is_ordered() {
            return Err(Refused::Unordered { what, height, view });
        }
        let digest = self.digest(slot, phase, certificate.block);
        certificate
            .votes
            .iter()
            .try_for_each(|by| self.signed(what, slot, &digest, by))
    }

    fn round_change(&self, change: &RoundChange) -> Result<(), Refused> {
        let subject = change.subject(self.suite.hash_fn());
        self.signature("round change", change.slot, Phase::RoundChange, subject, &change.by)
    }

    fn round_change_message(&self, message: &RoundChangeMessage) -> Result<(), Refused> {
        let what = "prepared certificate";
        let change = &message.change;
        let Slot { height, view } = change.slot;
        self.round_change(change)?;
        if let Some(certificate) = &message.certificate {
            let claimed = change.claim.is_some_and(|claim| {
                certificate.slot
                    == Slot {
                        height,
                        view: claim.view,
                    }
                    && certificate.block == claim.block
            });
            if !claimed {
                return Err(Refused::Foreign { what, height, view });
            }
            self.certificate(what, Phase::Prepare, certificate)?;
        }
        match &message.candidate {
            Some(candidate) if candidate.height != height => Err(Refused::Foreign {
                what: "block",
                height,
                view,
            }),
            _ => Ok(()),
        }
    }

    fn proposal(&self, proposal: &Proposal) -> Result<(), Refused> {
        let slot @ Slot { height, view } = proposal.slot();
        let block = proposal.candidate.hash;
        self.signature("proposal", slot, Phase::Propose, block, &proposal.by)?;
        if !proposal.round_changes.is_sorted_by(|a, b| a.by.sealer < b.by.sealer) {
            return Err(Refused::Unordered {
                what: "round changes",
                height,
                view,
            });
        }
        if proposal.round_changes.iter().any(|change| change.slot != slot) {
            return Err(Refused::Foreign {
                what: "round change",
                height,
                view,
            });
        }
        proposal
            .round_changes
            .iter()
            .try_for_each(|change| self.round_change(change))?;
        if let Some(certificate) = &proposal.certificate {
            if certificate.slot.height != height || certificate.slot.view >= view || certificate.block != block {
                return Err(Refused::Foreign {
                    what: "prepared certificate",
                    height,
                    view,
                });
            }
            self.certificate("prepared certificate", Phase::Prepare, certificate)?;
        }
        Ok(())
    }
}
