//! The standard edition: Keccak-256, secp256k1 accounts, P-256 node identities.

mod account;
mod node;

use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use zeroize::Zeroizing;

use crate::{AccountKey, AccountSignature, HashFn, KeyError, NodeKey, SignatureError, Suite, key_file};

pub(crate) use account::SECP256K1;
pub(crate) use node::P256;

/// The standard edition.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardSuite;

fn keccak(bytes: &[u8]) -> B256 {
    keccak256(bytes)
}

impl Suite for StandardSuite {
    fn hash_fn(&self) -> HashFn {
        keccak
    }

    fn recover_account(&self, digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError> {
        account::recover(digest, signature)
    }

    fn account_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        key_file::secret(pem, &SECP256K1)
    }

    fn account_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn AccountKey>, KeyError> {
        let key = account::StandardAccountKey::new(secret).ok_or_else(|| SECP256K1.out_of_range())?;
        Ok(Arc::new(key))
    }

    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
        node::verify(public_key, digest, signature)
    }

    fn node_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        key_file::secret(pem, &P256)
    }

    fn node_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn NodeKey>, KeyError> {
        let key = node::StandardNodeKey::new(secret).ok_or_else(|| P256.out_of_range())?;
        Ok(Arc::new(key))
    }
}
