//! Signatures of accounts, and why a signature does not hold.

use alloy_primitives::{Address, U256};

/// Bytes of r‖s and one byte of parity.
const PARITY_FORM: usize = 65;
/// Bytes of r‖s and a public key.
const PUBLIC_KEY_FORM: usize = 128;

/// An account's signature over a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSignature {
    /// r.
    pub r: U256,
    /// s.
    pub s: U256,
    /// What the signer is found by.
    pub signer: Signer,
}

/// What a signer is found by. Each edition has one form and refuses the other, so that who carries a signature need not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The public key is computed from the signature; this is whether y of the curve's point is odd.
    OddY(bool),
    /// The public key X‖Y stands beside the signature.
    PublicKey([u8; 64]),
}

impl AccountSignature {
    /// Reads r‖s‖v, where v is one byte of parity, 0 or 1, or a public key of 64 bytes.
    ///
    /// # Errors
    /// Another length, or another parity. Whether r and s are numbers of the curve is the suite's to say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let length = SignatureError::Length {
            found: bytes.len(),
            accepted: "65 or 128",
        };
        let (r, rest) = bytes.split_first_chunk::<32>().ok_or(length)?;
        let (s, tail) = rest.split_first_chunk::<32>().ok_or(length)?;
        let signer = match tail {
            [0] => Signer::OddY(false),
            [1] => Signer::OddY(true),
            [_] => return Err(SignatureError::Form { accepted: PARITY }),
            _ => Signer::PublicKey(tail.try_into().map_err(|_| length)?),
        };
        Ok(Self {
            r: U256::from_be_bytes(*r),
            s: U256::from_be_bytes(*s),
            signer,
        })
    }

    /// The bytes that [`AccountSignature::from_bytes`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(match self.signer {
            Signer::OddY(_) => PARITY_FORM,
            Signer::PublicKey(_) => PUBLIC_KEY_FORM,
        });
        bytes.extend(self.compact());
        match &self.signer {
            Signer::OddY(odd) => bytes.push(u8::from(*odd)),
            Signer::PublicKey(key) => bytes.extend(key),
        }
        bytes
    }

    /// r‖s.
    pub(crate) fn compact(&self) -> [u8; 64] {
        let mut compact = [0; 64];
        let (r, s) = compact.split_at_mut(32);
        r.copy_from_slice(&self.r.to_be_bytes::<32>());
        s.copy_from_slice(&self.s.to_be_bytes::<32>());
        compact
    }

    /// From r‖s.
    pub(crate) fn from_compact(compact: &[u8; 64], signer: Signer) -> Self {
        let (r, s) = compact.split_at(32);
        Self {
            r: U256::from_be_slice(r),
            s: U256::from_be_slice(s),
            signer,
        }
    }
}

/// How a signature in the standard edition's form names its signer.
pub(crate) const PARITY: &str = "by the parity of y, 0 or 1";
/// How a signature in the SM edition's form names its signer.
pub(crate) const PUBLIC_KEY: &str = "by its public key of 64 bytes";

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Cut short, or too long.
    #[error("the signature has {found} bytes, accepted are {accepted}")]
    Length {
        /// Its bytes.
        found: usize,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// It names its signer as another edition does.
    #[error("the signature does not name its signer {accepted}")]
    Form {
        /// What would be accepted.
        accepted: &'static str,
    },
    /// r or s is not between 1 and the order of the curve less 1.
    #[error("r or s of the signature is zero, or not below the order of the curve")]
    OutOfRange,
    /// r + s is the order of the curve, which SM2 forbids: such a signature would not depend on the key.
    #[error("r and s of the signature add up to the order of the curve")]
    ZeroSum,
    /// The twin of a signature that everybody can make of it (EIP-2).
    #[error("s of the signature is in the upper half of the order of the curve")]
    Malleable,
    /// The encoding of no point.
    #[error("the public key is the point at infinity")]
    KeyAtInfinity,
    /// A second way to write a coordinate.
    #[error("a coordinate of the public key is not below the prime of the curve")]
    KeyOutOfRange,
    /// A point that is not on the curve.
    #[error("the public key is no point of the curve")]
    KeyOffCurve,
    /// Well formed, and not made over this digest by this key.
    #[error("the signature does not hold")]
    Mismatch,
    /// It holds, for somebody else.
    #[error("the signature is one of account {found}")]
    OtherAccount {
        /// Whose it is.
        found: Address,
    },
}

impl SignatureError {
    /// A stable word for metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Length { .. } => "length",
            Self::Form { .. } => "form",
            Self::OutOfRange => "out_of_range",
            Self::ZeroSum => "zero_sum",
            Self::Malleable => "malleable",
            Self::KeyAtInfinity => "key_at_infinity",
            Self::KeyOutOfRange => "key_out_of_range",
            Self::KeyOffCurve => "key_off_curve",
            Self::Mismatch => "mismatch",
            Self::OtherAccount { .. } => "other_account",
        }
    }
}
