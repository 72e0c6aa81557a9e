//! Signatures of identities over digests, such as attestations: [`super::PrivateKey::sign`] makes them.

use althing_crypto::{SM2_ID, StandardSuite, Suite};
use althing_types::B256;
use althing_types::genesis::Cryptography;
use p256::ecdsa::signature::Verifier;

use crate::plan::PublicKey;

/// Whether an identity signed this digest; an account signs transactions only.
pub fn verify(key: &PublicKey, digest: &B256, signature: &[u8]) -> bool {
    let PublicKey::Identity(cryptography, id) = key else {
        return false;
    };
    match cryptography {
        Cryptography::Standard => StandardSuite.verify_node(id.as_bytes(), digest, signature).is_ok(),
        Cryptography::Sm => verify_sm2(id.as_bytes(), digest, signature).is_some(),
    }
}

fn verify_sm2(point: &[u8; 64], digest: &B256, signature: &[u8]) -> Option<()> {
    let mut encoded = [4; 65];
    encoded.get_mut(1..)?.copy_from_slice(point);
    let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_ID, &encoded).ok()?;
    let signature = sm2::dsa::Signature::from_slice(signature).ok()?;
    key.verify(digest.as_slice(), &signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::PrivateKey;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    #[test]
    fn an_identity_s_signature_holds_for_its_key_and_digest_only_in_both_editions() {
        for kind in [KeyKind::P256, KeyKind::Sm2] {
            let key = |seed| PrivateKey::generate(kind, &mut entropy(seed)).unwrap();
            let (key, other) = (key(1), key(2));
            let digest = B256::repeat_byte(7);
            let signature = key.sign(&digest).unwrap();
            assert_eq!(key.sign(&digest), Some(signature), "signing is deterministic");
            assert!(verify(&key.public(), &digest, &signature));
            assert!(!verify(&other.public(), &digest, &signature));
            assert!(!verify(&key.public(), &B256::repeat_byte(8), &signature));
            assert!(!verify(&key.public(), &digest, &signature[..63]));
            assert!(!verify(&key.public(), &digest, &[0; 64]));
        }
    }

    #[test]
    fn a_signature_of_one_edition_says_nothing_in_the_other() {
        let digest = B256::repeat_byte(7);
        let key = PrivateKey::generate(KeyKind::Sm2, &mut entropy(1)).unwrap();
        let PublicKey::Identity(_, id) = key.public() else {
            panic!("an identity")
        };
        let signature = key.sign(&digest).unwrap();
        assert!(!verify(
            &PublicKey::Identity(Cryptography::Standard, id),
            &digest,
            &signature
        ));
        let account = PrivateKey::generate(KeyKind::Sm2Account, &mut entropy(1)).unwrap();
        assert!(!verify(&account.public(), &digest, &account.sign(&digest).unwrap()));
    }
}
