//! The SM edition: SM3, and SM2 for accounts and node identities alike.

mod field;
mod key;
mod point;
mod verify;

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use p256::pkcs8::ObjectIdentifier;
use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

use self::key::Sm2Key;
use crate::curve::{Curve, SM2_ORDER, SM2_PRIME, uncompressed};
use crate::signature::PUBLIC_KEY;
use crate::{AccountKey, AccountSignature, HashFn, KeyError, NodeKey, SignatureError, Signer, Suite, key_file};

/// The identity of a signer that has named no other (GM/T 0009), as FISCO uses it.
const IDENTITY: &str = "1234567812345678";

/// The curve of accounts and nodes.
pub(crate) const SM2: Curve = Curve {
    name: "SM2",
    oid: ObjectIdentifier::new_unwrap("1.2.156.10197.1.301"),
    order: SM2_ORDER,
    prime: SM2_PRIME,
    public_key: |secret| Sm2Key::new(secret).map(|key| key.public_key()),
    is_point: |key| sm2::PublicKey::from_sec1_bytes(&uncompressed(key)).is_ok(),
};

/// The SM edition, as FISCO BCOS has it.
///
/// What is signed is always a digest, and SM2 hashes it once more together with the signer's public key and the identity of
/// GM/T 0009. An account's signature has its public key beside it: SM2 as published gives no way to find the key, and FISCO's
/// transactions carry it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SmSuite;

fn hash(bytes: &[u8]) -> B256 {
    B256::new(Sm3::digest(bytes).into())
}

/// The account of a public key: the last 20 bytes of its hash.
fn address(public_key: &[u8; 64]) -> Address {
    Address::from_word(hash(public_key))
}

impl Suite for SmSuite {
    fn hash_fn(&self) -> HashFn {
        hash
    }

    fn recover_account(&self, digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError> {
        let Signer::PublicKey(public_key) = &signature.signer else {
            return Err(SignatureError::Form { accepted: PUBLIC_KEY });
        };
        verify::verify(public_key, digest, &signature.compact())?;
        Ok(address(public_key))
    }

    fn account_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        key_file::secret(pem, &SM2)
    }

    fn account_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn AccountKey>, KeyError> {
        let key = Sm2Key::new(secret).ok_or_else(|| SM2.out_of_range())?;
        Ok(Arc::new(SmAccountKey(key)))
    }

    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
        verify::verify(public_key, digest, signature)
    }

    fn node_secret(&self, pem: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        key_file::secret(pem, &SM2)
    }

    fn node_key_of(&self, secret: &[u8; 32]) -> Result<Arc<dyn NodeKey>, KeyError> {
        let key = Sm2Key::new(secret).ok_or_else(|| SM2.out_of_range())?;
        Ok(Arc::new(SmNodeKey(key)))
    }
}

/// A node's key.
#[derive(Debug)]
struct SmNodeKey(Sm2Key);

impl NodeKey for SmNodeKey {
    fn public_key(&self) -> [u8; 64] {
        self.0.public_key()
    }

    fn sign(&self, digest: &B256) -> [u8; 64] {
        self.0.sign(digest)
    }
}

/// An account's key.
#[derive(Debug)]
struct SmAccountKey(Sm2Key);

impl AccountKey for SmAccountKey {
    fn address(&self) -> Address {
        address(&self.0.public_key())
    }

    fn sign(&self, digest: &B256) -> AccountSignature {
        AccountSignature::from_compact(&self.0.sign(digest), Signer::PublicKey(self.0.public_key()))
    }
}
