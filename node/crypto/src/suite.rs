//! What the rest of the project may ask of an edition.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};

/// The hash of transactions, blocks, receipts and state.
pub type HashFn = fn(&[u8]) -> B256;

/// An account's signature over a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSignature {
    /// r.
    pub r: U256,
    /// s.
    pub s: U256,
    /// The parity of the curve point's y, in the editions whose signatures recover.
    pub odd_y: bool,
}

/// A signature that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct SignatureError;

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PKCS#8 or SEC1 PEM private key of this edition's curve. The text never holds key material.
    #[error("not a PEM private key on {curve}: {why}")]
    Malformed {
        /// The curve the edition wants.
        curve: &'static str,
        /// What the reader met.
        why: String,
    },
}

/// A node's private key. It signs votes; the key itself cannot be read back.
pub trait NodeKey: Debug + Send + Sync {
    /// The public key X‖Y, which is the nodeID.
    fn public_key(&self) -> [u8; 64];
    /// Signs a digest deterministically: the same key and digest give the same r‖s.
    fn sign(&self, digest: &B256) -> [u8; 64];
}

/// A cryptographic edition.
pub trait Suite: Debug + Send + Sync {
    /// The hash of transactions, blocks, receipts and state.
    fn hash_fn(&self) -> HashFn;

    /// The root of an ordered list: Ethereum's trie of `rlp(index) → item`. An empty list has the Keccak constant.
    fn ordered_root(&self, items: &[Vec<u8>]) -> B256;

    /// The account that signed this digest.
    fn recover_account(&self, digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError>;

    /// Whether this node signed this digest.
    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError>;

    /// Reads a node's private key from PEM.
    fn node_key(&self, pem: &str) -> Result<Arc<dyn NodeKey>, KeyError>;
}
