//! Quorum certificates: of PREPAREs inside the protocol, of COMMITs beside the block.

use alloy_primitives::{B256, Bytes};
use althing_crypto::Suite;
use althing_types::{CommitCertificate, NodeId, SealerSet, certificate::SealerSignature};

use crate::{Domains, Phase, SignedBy, Slot, Tag};

/// PREPARE or COMMIT signatures for one block of one round, ascending by sealer and each sealer at most once.
///
/// It names its sealers by nodeID, so that signatures can be checked before the set of its height is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteCertificate {
    /// The round.
    pub slot: Slot,
    /// [`Phase::Prepare`] or [`Phase::Commit`].
    pub phase: Phase,
    /// The block.
    pub block: B256,
    /// The signatures.
    pub votes: Vec<SignedBy>,
}

impl VoteCertificate {
    /// Whether the sealers ascend without repeats.
    pub fn is_ordered(&self) -> bool {
        self.votes.is_sorted_by(|a, b| a.sealer < b.sealer)
    }

    /// How many of these sealers signed.
    pub fn signers_in(&self, sealers: &SealerSet) -> usize {
        self.votes.iter().filter(|vote| sealers.contains(&vote.sealer)).count()
    }

    /// The certificate as it is stored beside the block. Signers outside the set are left out.
    pub fn to_commit_certificate(&self, sealers: &SealerSet) -> CommitCertificate {
        let signature = |vote: &SignedBy| {
            let sealer = u64::try_from(sealers.index_of(&vote.sealer)?).ok()?;
            Some(SealerSignature {
                sealer,
                signature: Bytes::copy_from_slice(&vote.signature),
            })
        };
        let signatures = self.votes.iter().filter_map(signature).collect();
        CommitCertificate {
            height: self.slot.height,
            view: self.slot.view,
            block: self.block,
            signatures,
        }
    }

    /// The certificate of a stored one, with the set of its height. Signatures that name nobody are left out.
    pub fn from_commit_certificate(certificate: &CommitCertificate, sealers: &SealerSet) -> Self {
        let vote = |signature: &SealerSignature| {
            let sealer = *sealers.get(usize::try_from(signature.sealer).ok()?)?;
            Some(SignedBy {
                sealer,
                signature: signature.signature[..].try_into().ok()?,
            })
        };
        Self {
            slot: Slot {
                height: certificate.height,
                view: certificate.view,
            },
            phase: Phase::Commit,
            block: certificate.block,
            votes: certificate.signatures.iter().filter_map(vote).collect(),
        }
    }
}

/// Why a commit certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Too few sealers signed.
    #[error("the certificate of height {height} has {found} signatures, the quorum is {quorum}")]
    TooFew {
        /// The height.
        height: u64,
        /// How many there are.
        found: usize,
        /// How many there must be.
        quorum: usize,
    },
    /// More signatures than sealers, sealers not ascending, or one twice.
    #[error("the signatures of the certificate of height {height} must ascend by sealer, at {sealer} they do not")]
    Unordered {
        /// The height.
        height: u64,
        /// The first sealer out of order.
        sealer: u64,
    },
    /// A position outside the set of that height.
    #[error("the certificate of height {height} names sealer {sealer}, there are {sealers}")]
    NoSuchSealer {
        /// The height.
        height: u64,
        /// The position.
        sealer: u64,
        /// The size of the set.
        sealers: usize,
    },
    /// A signature that does not hold.
    #[error("sealer {} did not sign the certificate of height {height}", node.short())]
    Signature {
        /// The height.
        height: u64,
        /// Whose signature it should be.
        node: Box<NodeId>,
    },
}

/// Whether a quorum of these sealers committed the block the certificate names. That the block is the one at hand is the
/// caller's to compare.
///
/// It reads the certificate, the words that the height is signed over and the sealer set of that height, and nothing else: no dates, no lists, no
/// wall time (LEDGER.md 3). Every signature given must hold, also beyond quorum.
pub fn verify_certificate(
    certificate: &CommitCertificate,
    suite: &dyn Suite,
    domains: impl Into<Domains>,
    sealers: &SealerSet,
) -> Result<(), CertificateError> {
    let CommitCertificate {
        height,
        view,
        block,
        ref signatures,
    } = *certificate;
    let quorum = sealers.quorum();
    if signatures.len() < quorum {
        return Err(CertificateError::TooFew {
            height,
            found: signatures.len(),
            quorum,
        });
    }
    let mut previous = None;
    for signature in signatures {
        let sealer = signature.sealer;
        if previous.is_some_and(|previous| previous >= sealer) {
            return Err(CertificateError::Unordered { height, sealer });
        }
        previous = Some(sealer);
        if usize::try_from(sealer)
            .ok()
            .and_then(|index| sealers.get(index))
            .is_none()
        {
            return Err(CertificateError::NoSuchSealer {
                height,
                sealer,
                sealers: sealers.len(),
            });
        }
    }
    let digest = Tag {
        genesis: domains.into().at(height, suite.hash_fn()),
        height,
        view,
        phase: Phase::Commit,
        subject: block,
    }
    .digest(suite.hash_fn());
    for signature in signatures {
        let Some(node) = usize::try_from(signature.sealer)
            .ok()
            .and_then(|index| sealers.get(index))
        else {
            continue;
        };
        suite
            .verify_node(node.as_bytes(), &digest, &signature.signature)
            .map_err(|_| CertificateError::Signature {
                height,
                node: Box::new(*node),
            })?;
    }
    Ok(())
}
