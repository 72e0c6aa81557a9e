//! Signatures of identities over messages, such as attestations: hashed and signed as the key's edition does it, so that no digest of one
//! edition is under a signature of the other.

use super::PrivateKey;
use crate::plan::PublicKey;
use crate::suite;

/// An identity's signature r‖s over a message; none by an account, which signs transactions only.
pub fn sign(key: &PrivateKey, message: &[u8]) -> Option<[u8; 64]> {
    let hash = suite::of(key.kind().cryptography()).hash_fn();
    key.sign(&hash(message))
}

/// Whether an identity signed this message.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let PublicKey::Identity(cryptography, id) = key else {
        return false;
    };
    let suite = suite::of(*cryptography);
    let digest = suite.hash_fn()(message);
    suite.verify_node(id.as_bytes(), &digest, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use althing_types::genesis::Cryptography;

    use super::*;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    #[test]
    fn an_identity_s_signature_holds_for_its_key_and_message_only_in_both_editions() {
        for kind in [KeyKind::P256, KeyKind::Sm2] {
            let key = |seed| PrivateKey::generate(kind, &mut entropy(seed)).unwrap();
            let (key, other) = (key(1), key(2));
            let signature = sign(&key, b"this").unwrap();
            assert_eq!(sign(&key, b"this"), Some(signature), "signing is deterministic");
            assert!(verify(&key.public(), b"this", &signature));
            assert!(!verify(&other.public(), b"this", &signature));
            assert!(!verify(&key.public(), b"that", &signature));
            assert!(!verify(&key.public(), b"this", &signature[..63]));
            assert!(!verify(&key.public(), b"this", &[0; 64]));
        }
    }

    #[test]
    fn a_signature_of_one_edition_says_nothing_in_the_other() {
        let key = PrivateKey::generate(KeyKind::Sm2, &mut entropy(1)).unwrap();
        let PublicKey::Identity(_, id) = key.public() else {
            panic!("an identity")
        };
        let signature = sign(&key, b"this").unwrap();
        let standard = PublicKey::Identity(Cryptography::Standard, id);
        assert!(!verify(&standard, b"this", &signature));
    }

    #[test]
    fn what_an_sm2_key_signs_was_hashed_with_sm3() {
        let key = PrivateKey::generate(KeyKind::Sm2, &mut entropy(1)).unwrap();
        let signature = sign(&key, b"abc").unwrap();
        // GB/T 32905, A.1.
        let digest = alloy_primitives::b256!("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(key.sign(&digest), Some(signature));
    }

    #[test]
    fn an_account_attests_nothing() {
        for kind in [KeyKind::Secp256k1, KeyKind::Sm2Account] {
            let account = PrivateKey::generate(kind, &mut entropy(1)).unwrap();
            assert_eq!(sign(&account, b"this"), None);
            assert!(!verify(&account.public(), b"this", &[1; 64]));
        }
    }
}
