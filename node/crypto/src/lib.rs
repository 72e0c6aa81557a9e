//! The two cryptographic editions behind one trait, [`Suite`].
//!
//! ```text
//! callers ──▶ dyn Suite ──▶ StandardSuite: Keccak-256, secp256k1 accounts, P-256 node identities
//!                      └──▶ (SM edition):  SM3, SM2 accounts and identities
//! ```
//!
//! Invariant: nothing here knows the ledger's types, a clock, a socket or a disk; keys come in as text, and leave never.

pub mod certificate;
pub mod standard;
mod suite;

pub use certificate::{CertifiedKey, Curve, SM2_ID, SignedError, verify_signed};
pub use standard::StandardSuite;
pub use suite::{AccountSignature, HashFn, KeyError, NodeKey, SignatureError, Suite};
