//! Private keys: they sign, and cannot be read back.

use std::fmt::Debug;

use alloy_primitives::{Address, B256};

use crate::AccountSignature;

/// Why a private key cannot be used. The texts never hold key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PKCS#8 or SEC1 PEM private key of the wanted curve.
    #[error("not a PEM private key on {curve}: {why}")]
    Malformed {
        /// The curve that is wanted.
        curve: &'static str,
        /// What the reader met.
        why: String,
    },
    /// A private key, but on another curve: another edition's, or an account's key where a node's belongs.
    #[error("a private key on {found}, and wanted is one on {curve}")]
    OtherCurve {
        /// The curve that is wanted.
        curve: &'static str,
        /// The curve of the key: its name, or its object identifier.
        found: String,
    },
    /// A number that the curve has no key for.
    #[error("the number of the private key is zero, or too large for {curve}")]
    OutOfRange {
        /// The curve that is wanted.
        curve: &'static str,
    },
}

impl KeyError {
    /// A stable word for metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "key_malformed",
            Self::OtherCurve { .. } => "key_other_curve",
            Self::OutOfRange { .. } => "key_out_of_range",
        }
    }
}

/// A node's private key. It signs votes.
pub trait NodeKey: Debug + Send + Sync {
    /// The public key X‖Y, which is the nodeID.
    fn public_key(&self) -> [u8; 64];
    /// Signs a digest deterministically: the same key and digest give the same r‖s.
    fn sign(&self, digest: &B256) -> [u8; 64];
}

/// An account's private key. It signs transactions and what a committee decides.
pub trait AccountKey: Debug + Send + Sync {
    /// The account.
    fn address(&self) -> Address;
    /// Signs a digest deterministically, in the form from which [`Suite::recover_account`](crate::Suite::recover_account) finds
    /// the account.
    fn sign(&self, digest: &B256) -> AccountSignature;
}
