//! The two cryptographic editions behind one trait, [`Suite`].
//!
//! ```text
//! callers ──▶ dyn Suite ──▶ StandardSuite: Keccak-256, secp256k1 accounts, P-256 node identities
//!                      └──▶ SmSuite:       SM3, SM2 accounts and node identities
//! ```
//!
//! A caller holds a `dyn Suite` and never asks which it is: what the editions do differently is in the values that they make
//! and take ([`AccountSignature`], [`AccountKey`], [`NodeKey`]).
//!
//! Invariant: nothing here knows the ledger's types, a clock, a socket or a disk; keys come in as text, and leave never.

pub mod certificate;
mod curve;
mod key;
mod key_file;
mod signature;
mod sm;
mod standard;
mod suite;
mod trie;

pub use certificate::{CertifiedKey, Curve, SM2_ID, SignedError, is_signature_in_der, verify_signed};
pub use key::{AccountKey, KeyError, NodeKey};
pub use signature::{AccountSignature, SignatureError, Signer};
pub use sm::SmSuite;
pub use standard::StandardSuite;
pub use suite::{HashFn, Suite};
