//! What every edition promises.

use alloy_primitives::{B256, Bytes, U256};
use althing_crypto::{AccountSignature, SignatureError, Signer};

use crate::support::{editions, pkcs8};

const SECRET: [u8; 32] = [7; 32];
const DIGEST: B256 = B256::repeat_byte(1);

#[test]
fn a_node_signature_holds_for_its_key_and_digest_only() {
    for edition in editions() {
        let suite = edition.suite;
        let key = suite.node_key(&pkcs8(edition.node_curve.0, &SECRET, None)).unwrap();
        let other = suite.node_key(&pkcs8(edition.node_curve.0, &[8; 32], None)).unwrap();
        let signature = key.sign(&DIGEST);
        assert_eq!(signature, key.sign(&DIGEST), "signing is deterministic");
        assert_ne!(signature, key.sign(&B256::repeat_byte(2)));
        let verify = |key: [u8; 64], digest: B256| suite.verify_node(&key, &digest, &signature);
        assert_eq!(verify(key.public_key(), DIGEST), Ok(()));
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(verify(key.public_key(), B256::repeat_byte(2)), mismatch);
        assert_eq!(verify(other.public_key(), DIGEST), mismatch);
    }
}

#[test]
fn an_account_is_found_from_its_signature_and_verified_by_it() {
    for edition in editions() {
        let suite = edition.suite;
        let key = suite.account_key_of(&SECRET).unwrap();
        let signature = key.sign(&DIGEST);
        assert_eq!(signature, key.sign(&DIGEST), "signing is deterministic");
        assert_eq!(suite.recover_account(&DIGEST, &signature), Ok(key.address()));
        assert_eq!(suite.verify_account(&key.address(), &DIGEST, &signature), Ok(()));
        let other = suite.account_key_of(&[8; 32]).unwrap();
        assert_eq!(
            suite.verify_account(&other.address(), &DIGEST, &signature),
            Err(SignatureError::OtherAccount { found: key.address() })
        );
        assert_ne!(suite.recover_account(&B256::ZERO, &signature), Ok(key.address()));
    }
}

#[test]
fn an_account_key_is_the_same_from_its_file_and_from_its_number() {
    for edition in editions() {
        let file = edition
            .suite
            .account_key(&pkcs8(edition.account_curve.0, &SECRET, None));
        let number = edition.suite.account_key_of(&SECRET).unwrap();
        let file = file.unwrap();
        assert_eq!(file.address(), number.address());
        assert_eq!(file.sign(&DIGEST), number.sign(&DIGEST));
    }
}

#[test]
fn a_signature_reads_back_from_its_bytes_in_every_edition() {
    for edition in editions() {
        let signature = edition.suite.account_key_of(&SECRET).unwrap().sign(&DIGEST);
        assert_eq!(AccountSignature::from_bytes(&signature.to_bytes()), Ok(signature));
    }
}

#[test]
fn a_signature_in_another_edition_s_form_is_refused_by_its_form() {
    let [standard, sm] = editions();
    for (here, there) in [(&standard, &sm), (&sm, &standard)] {
        let signature = there.suite.account_key_of(&SECRET).unwrap().sign(&DIGEST);
        let refused = here.suite.recover_account(&DIGEST, &signature).unwrap_err();
        assert_eq!(refused.reason(), "form");
        assert!(
            refused
                .to_string()
                .starts_with("the signature does not name its signer by")
        );
    }
}

#[test]
fn an_empty_list_has_ethereum_s_empty_root_in_every_edition() {
    for edition in editions() {
        assert_eq!(edition.suite.ordered_root(&[]), alloy_trie::EMPTY_ROOT_HASH);
    }
}

#[test]
fn the_editions_share_no_hash_no_address_and_no_root() {
    let [standard, sm] = editions().map(|edition| {
        let suite = edition.suite;
        let address = suite.account_key_of(&SECRET).unwrap().address();
        (suite.hash_fn()(b"abc"), address, suite.ordered_root(&[vec![1; 40]]))
    });
    assert_ne!(standard.0, sm.0);
    assert_ne!(standard.1, sm.1);
    assert_ne!(standard.2, sm.2);
}

#[test]
fn a_private_key_is_never_printed() {
    for edition in editions() {
        let secret = [0xab; 32];
        let node = edition
            .suite
            .node_key(&pkcs8(edition.node_curve.0, &secret, None))
            .unwrap();
        let account = edition.suite.account_key_of(&secret).unwrap();
        for text in [format!("{node:?}"), format!("{account:?}")] {
            assert!(text.ends_with("…)") || text.ends_with("…))"), "{text}");
            assert!(!text.contains(&Bytes::from(secret).to_string()[2..20]), "{text}");
            assert!(!text.contains(&U256::from_be_bytes(secret).to_string()[..20]), "{text}");
        }
    }
}

#[test]
fn a_signature_of_an_odd_form_is_no_signature() {
    let mut bytes = [1; 65];
    assert_eq!(AccountSignature::from_bytes(&bytes).unwrap().signer, Signer::OddY(true));
    for parity in [2, 27, 28, 255] {
        bytes[64] = parity;
        assert_eq!(AccountSignature::from_bytes(&bytes).unwrap_err().reason(), "form");
    }
    for length in (0..300).filter(|length| ![65, 128].contains(length)) {
        let refused = AccountSignature::from_bytes(&vec![1; length]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("the signature has {length} bytes, accepted are 65 or 128")
        );
    }
}
