//! The standard edition: Keccak-256, secp256k1 accounts, P-256 node identities.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256, uint};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

use crate::{AccountSignature, HashFn, KeyError, NodeKey, SignatureError, Suite};

/// Half the order of secp256k1: a larger s is malleable and refused (EIP-2).
const HALF_ORDER: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

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

    fn ordered_root(&self, items: &[Vec<u8>]) -> B256 {
        alloy_trie::root::ordered_trie_root_with_encoder(items, |item, out| out.extend_from_slice(item))
    }

    fn recover_account(&self, digest: &B256, signature: &AccountSignature) -> Result<Address, SignatureError> {
        if signature.s > HALF_ORDER {
            return Err(SignatureError);
        }
        let mut compact = [0; 64];
        let (r, s) = compact.split_at_mut(32);
        r.copy_from_slice(&signature.r.to_be_bytes::<32>());
        s.copy_from_slice(&signature.s.to_be_bytes::<32>());
        let id = if signature.odd_y {
            RecoveryId::One
        } else {
            RecoveryId::Zero
        };
        let recoverable = RecoverableSignature::from_compact(&compact, id).map_err(|_| SignatureError)?;
        let key = recoverable
            .recover_ecdsa(Message::from_digest(digest.0))
            .map_err(|_| SignatureError)?;
        let uncompressed = key.serialize_uncompressed();
        Ok(Address::from_raw_public_key(uncompressed.get(1..).unwrap_or_default()))
    }

    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
        let mut point = [4; 65];
        if let Some(coordinates) = point.get_mut(1..) {
            coordinates.copy_from_slice(public_key);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(digest.as_slice(), signature)
            .map_err(|_| SignatureError)
    }

    fn node_key(&self, pem: &str) -> Result<Arc<dyn NodeKey>, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem)
            .or_else(|pkcs8| {
                p256::SecretKey::from_sec1_pem(pem)
                    .map(SigningKey::from)
                    .map_err(|_| pkcs8)
            })
            .map_err(|e| KeyError::Malformed {
                curve: "P-256",
                why: e.to_string(),
            })?;
        Ok(Arc::new(StandardNodeKey(key)))
    }
}

/// A P-256 private key.
struct StandardNodeKey(SigningKey);

impl std::fmt::Debug for StandardNodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandardNodeKey(…)")
    }
}

impl NodeKey for StandardNodeKey {
    fn public_key(&self) -> [u8; 64] {
        let point = self.0.verifying_key().to_sec1_point(false);
        let mut key = [0; 64];
        if let Some(coordinates) = point.as_bytes().get(1..) {
            key.copy_from_slice(coordinates);
        }
        key
    }

    fn sign(&self, digest: &B256) -> [u8; 64] {
        let signature: Signature = self.0.sign(digest.as_slice());
        signature.to_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use p256::pkcs8::EncodePrivateKey;

    use super::*;

    fn key() -> (String, Arc<dyn NodeKey>) {
        let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let pem = secret.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap().to_string();
        let key = StandardSuite.node_key(&pem).unwrap();
        (pem, key)
    }

    #[test]
    fn a_node_signature_holds_for_its_key_and_digest_only() {
        let (_, key) = key();
        let digest = B256::repeat_byte(1);
        let signature = key.sign(&digest);
        assert_eq!(signature, key.sign(&digest), "signing is deterministic");
        assert!(
            StandardSuite
                .verify_node(&key.public_key(), &digest, &signature)
                .is_ok()
        );
        assert!(
            StandardSuite
                .verify_node(&key.public_key(), &B256::repeat_byte(2), &signature)
                .is_err()
        );
        assert!(StandardSuite.verify_node(&[9; 64], &digest, &signature).is_err());
        assert!(StandardSuite.verify_node(&key.public_key(), &digest, &[]).is_err());
    }

    #[test]
    fn a_malleable_account_signature_is_refused() {
        let signature = AccountSignature {
            r: U256::from(1),
            s: HALF_ORDER + U256::from(1),
            odd_y: false,
        };
        assert_eq!(
            StandardSuite.recover_account(&B256::ZERO, &signature),
            Err(SignatureError)
        );
    }

    #[test]
    fn an_account_is_recovered_from_its_signature() {
        // EIP-155's example: key 0x46…46, sender 0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F.
        let secret = secp256k1::SecretKey::from_secret_bytes([0x46; 32]).unwrap();
        let digest = B256::repeat_byte(3);
        let recoverable = RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(digest.0), &secret);
        let (id, compact) = recoverable.serialize_compact();
        let signature = AccountSignature {
            r: U256::from_be_slice(&compact[..32]),
            s: U256::from_be_slice(&compact[32..]),
            odd_y: id == RecoveryId::One,
        };
        let expected: Address = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap();
        assert_eq!(StandardSuite.recover_account(&digest, &signature), Ok(expected));
    }

    #[test]
    fn an_unreadable_key_is_named_without_its_content() {
        let (pem, _) = key();
        let broken = pem.replace("PRIVATE", "SECRET");
        let error = StandardSuite.node_key(&broken).unwrap_err().to_string();
        assert!(error.starts_with("not a PEM private key on P-256"), "{error}");
        assert!(!error.contains(&pem[30..60]));
    }
}
