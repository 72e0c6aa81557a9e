//! The commit certificate: proof that a quorum committed a block. It lies beside the block, never in it (LEDGER.md 2, 3).

use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::codec::{SEALERS_MAX, bounded};
use crate::{B256, Bytes, DecodeError};

/// Bytes one signature may have (r‖s of P-256 or SM2).
pub const SIGNATURE_BYTES_MAX: usize = 64;

/// One sealer's signature over a vote.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct SealerSignature {
    /// The sealer's position in the set of that height.
    pub sealer: u64,
    /// r‖s.
    pub signature: Bytes,
}

/// A quorum's COMMIT signatures for one block of one view, ascending by sealer.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct CommitCertificate {
    /// The block's height.
    pub height: u64,
    /// The view in which it was committed.
    pub view: u64,
    /// The block's hash.
    pub block: B256,
    /// The signatures; each sealer at most once.
    pub signatures: Vec<SealerSignature>,
}

impl CommitCertificate {
    /// The certificate's bytes.
    pub fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads a certificate, refusing more signatures than a group may have sealers. Signatures are not checked here.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        bounded(
            "a commit certificate",
            bytes,
            SEALERS_MAX * (SIGNATURE_BYTES_MAX + 16) + 128,
        )?;
        alloy_rlp::decode_exact(bytes).map_err(|e| DecodeError::malformed("a commit certificate", e))
    }
}
