//! What the rest of the project may ask of an edition.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use zeroize::Zeroizing;

use crate::{AccountKey, AccountSignature, KeyError, NodeKey, SignatureError, trie};

/// The hash of transactions, blocks, receipts and state.
pub type HashFn = fn(&[u8]) -> B256;

/// A cryptographic edition.
pub trait Suite: Debug + Send + Sync {
    /// The hash of transactions, blocks, receipts, state and account addresses.
    fn hash_fn(&self) -> HashFn;

    /// The root of an ordered list: Ethereum's trie of `rlp(index) → item`. An empty list has the Keccak constant.
    fn ordered_root(&self, items: &[Vec<u8>]) -> B256 {
        trie::ordered_root(self.hash_fn(), items)
    }

    /// The account that signed this digest.
    ///
    /// # Errors
    /// A signature that no account made over this digest, or that is not in the form this edition has.
    fn recover_account(&self, digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError>;

    /// Whether this account signed this digest.
    ///
    /// # Errors
    /// Those of [`Suite::recover_account`], and [`SignatureError::OtherAccount`].
    fn verify_account(
        &self,
        account: &Address,
        digest: &B256,
        signature: &AccountSignature,
    ) -> Result<(), SignatureError> {
        match self.recover_account(digest, signature)? {
            found if found == *account => Ok(()),
            found => Err(SignatureError::OtherAccount { found }),
        }
    }

    /// Reads an account's private key from PEM.
    ///
    /// # Errors
    /// A text that is no private key on the curve of this edition's accounts.
    fn account_key(&self, pem: &str) -> Result<Arc<dyn AccountKey>, KeyError> {
        self.account_key_of(&*self.account_secret(pem)?)
    }

    /// The number that such a text holds, for whoever writes keys.
    ///
    /// # Errors
    /// Those of [`Suite::account_key`].
    fn account_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError>;

    /// The account's private key that is this number, big-endian.
    ///
    /// # Errors
    /// A number that is no private key on the curve of this edition's accounts.
    fn account_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn AccountKey>, KeyError>;

    /// Whether this node signed this digest.
    ///
    /// # Errors
    /// A key that is no point of the curve, or a signature that it did not make over this digest.
    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError>;

    /// Reads a node's private key from PEM.
    ///
    /// # Errors
    /// A text that is no private key on the curve of this edition's nodes.
    fn node_key(&self, pem: &str) -> Result<Arc<dyn NodeKey>, KeyError> {
        self.node_key_of(&*self.node_secret(pem)?)
    }

    /// The number that such a text holds, for whoever writes keys or signs certificates with them.
    ///
    /// # Errors
    /// Those of [`Suite::node_key`].
    fn node_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError>;

    /// The node's private key that is this number, big-endian.
    ///
    /// # Errors
    /// A number that is no private key on the curve of this edition's nodes.
    fn node_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn NodeKey>, KeyError>;
}
