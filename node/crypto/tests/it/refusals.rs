//! Each way in which a signature can be wrong has its own refusal.

use alloy_primitives::{B256, U256};
use althing_crypto::{AccountSignature, SignatureError, Signer, SmSuite, StandardSuite, Suite};

use crate::support::{Edition, beside, editions, pkcs8};

const DIGEST: B256 = B256::repeat_byte(5);

/// A node's public key and its signature over the digest.
fn signed(edition: &Edition) -> ([u8; 64], [u8; 64]) {
    let pem = pkcs8(edition.node_curve.0, &[7; 32], None);
    let key = edition.suite.node_key(&pem).unwrap();
    (key.public_key(), key.sign(&DIGEST))
}

fn halves(bytes: &[u8; 64]) -> (U256, U256) {
    (U256::from_be_slice(&bytes[..32]), U256::from_be_slice(&bytes[32..]))
}

#[test]
fn a_truncated_or_overlong_node_signature_is_refused() {
    for edition in editions() {
        let (key, signature) = signed(&edition);
        for length in (0..64).chain(65..200) {
            let mut bytes = signature.to_vec();
            bytes.resize(length, 0);
            let found = edition.suite.verify_node(&key, &DIGEST, &bytes);
            let length = SignatureError::Length {
                found: length,
                accepted: "64",
            };
            assert_eq!(found, Err(length));
        }
    }
}

#[test]
fn r_or_s_outside_the_curve_s_order_is_refused() {
    for edition in editions() {
        let (key, signature) = signed(&edition);
        let (r, s) = halves(&signature);
        let order = edition.node_order;
        for wrong in [U256::ZERO, order, order + U256::ONE, U256::MAX] {
            for bytes in [beside(wrong, s), beside(r, wrong), beside(wrong, wrong)] {
                let found = edition.suite.verify_node(&key, &DIGEST, &bytes);
                assert_eq!(found, Err(SignatureError::OutOfRange));
            }
        }
        // What is left of a signature when the order is added to r or s is no second form of it.
        for (number, at) in [(r, 0), (s, 32)] {
            if let Some(second) = number.checked_add(order) {
                let mut bytes = signature;
                bytes[at..at + 32].copy_from_slice(&second.to_be_bytes::<32>());
                let found = edition.suite.verify_node(&key, &DIGEST, &bytes);
                assert_eq!(found, Err(SignatureError::OutOfRange));
            }
        }
    }
}

#[test]
fn r_or_s_of_an_account_outside_the_curve_s_order_is_refused() {
    for edition in editions() {
        let signature = edition.suite.account_key_of(&[7; 32]).unwrap().sign(&DIGEST);
        let order = edition.account_order;
        for wrong in [U256::ZERO, order, order + U256::ONE, U256::MAX] {
            for signature in [
                AccountSignature { r: wrong, ..signature },
                AccountSignature { s: wrong, ..signature },
            ] {
                let found = edition.suite.recover_account(&DIGEST, &signature);
                assert_eq!(found, Err(SignatureError::OutOfRange));
            }
        }
    }
}

#[test]
fn a_public_key_that_is_no_point_is_refused() {
    for edition in editions() {
        let (key, signature) = signed(&edition);
        let (x, y) = halves(&key);
        let prime = edition.node_prime;
        let refused = |key: [u8; 64]| edition.suite.verify_node(&key, &DIGEST, &signature).unwrap_err();
        assert_eq!(refused(beside(x, y ^ U256::ONE)), SignatureError::KeyOffCurve);
        assert_eq!(refused(beside(y, x)), SignatureError::KeyOffCurve);
        assert_eq!(refused([9; 64]), SignatureError::KeyOffCurve);
        assert_eq!(refused([0; 64]), SignatureError::KeyAtInfinity);
        for wrong in [prime, prime + U256::ONE, U256::MAX] {
            assert_eq!(refused(beside(wrong, y)), SignatureError::KeyOutOfRange);
            assert_eq!(refused(beside(x, wrong)), SignatureError::KeyOutOfRange);
        }
        assert_eq!(
            refused(beside(x, prime - y)),
            SignatureError::Mismatch,
            "the twin is another key"
        );
    }
}

#[test]
fn a_coordinate_written_a_second_way_is_refused() {
    // Where b is a square, (0, √b) is a point, and so (p, √b) would be.
    let mut tried = 0;
    for edition in editions() {
        let (_, signature) = signed(&edition);
        let prime = edition.node_prime;
        let root = edition.node_b.pow_mod((prime + U256::ONE) >> 2, prime);
        if root.mul_mod(root, prime) != edition.node_b {
            continue;
        }
        tried += 1;
        let refused = |x| edition.suite.verify_node(&beside(x, root), &DIGEST, &signature);
        assert_eq!(refused(U256::ZERO), Err(SignatureError::Mismatch), "it is a point");
        assert_eq!(refused(prime), Err(SignatureError::KeyOutOfRange));
    }
    assert!(tried > 0);
}

#[test]
fn an_account_s_public_key_that_is_no_point_is_refused() {
    let signature = SmSuite.account_key_of(&[7; 32]).unwrap().sign(&DIGEST);
    let with = |key| AccountSignature {
        signer: Signer::PublicKey(key),
        ..signature
    };
    let refused = |key| SmSuite.recover_account(&DIGEST, &with(key)).unwrap_err();
    assert_eq!(refused([0; 64]), SignatureError::KeyAtInfinity);
    assert_eq!(refused([9; 64]), SignatureError::KeyOffCurve);
    assert_eq!(refused([0xff; 64]), SignatureError::KeyOutOfRange);
}

#[test]
fn an_sm2_signature_whose_numbers_add_up_to_the_order_is_refused() {
    // The public key would be multiplied by zero: r = e + x(s·G) is a signature of everybody's.
    let [_, sm] = editions();
    let (key, _) = signed(&sm);
    for s in [U256::ONE, U256::from(77), sm.node_order - U256::ONE] {
        let found = SmSuite.verify_node(&key, &DIGEST, &beside(sm.node_order - s, s));
        assert_eq!(found, Err(SignatureError::ZeroSum));
    }
}

#[test]
fn a_malleable_signature_is_refused_where_the_curve_has_such() {
    let signature = StandardSuite.account_key_of(&[7; 32]).unwrap().sign(&DIGEST);
    let [standard, sm] = editions();
    let Signer::OddY(odd) = signature.signer else {
        panic!("the standard edition's form");
    };
    let twin = AccountSignature {
        s: standard.account_order - signature.s,
        signer: Signer::OddY(!odd),
        ..signature
    };
    assert_eq!(
        StandardSuite.recover_account(&DIGEST, &twin),
        Err(SignatureError::Malleable)
    );
    // An SM2 signature has no twin, and may have s in either half.
    let signature = SmSuite.account_key_of(&[7; 32]).unwrap().sign(&DIGEST);
    let negated = AccountSignature {
        s: sm.account_order - signature.s,
        ..signature
    };
    assert_eq!(
        SmSuite.recover_account(&DIGEST, &negated),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn a_signature_from_which_no_key_follows_is_refused() {
    // No point has this x: 5 is the smallest number of which secp256k1 has none.
    let signature = AccountSignature {
        r: U256::from(5),
        s: U256::ONE,
        signer: Signer::OddY(false),
    };
    let found = StandardSuite.recover_account(&DIGEST, &signature);
    assert_eq!(found, Err(SignatureError::Mismatch));
}

#[test]
fn every_refusal_has_a_word_of_its_own() {
    let found = alloy_primitives::Address::ZERO;
    let all = [
        SignatureError::Length {
            found: 1,
            accepted: "64",
        },
        SignatureError::Form { accepted: "otherwise" },
        SignatureError::OutOfRange,
        SignatureError::ZeroSum,
        SignatureError::Malleable,
        SignatureError::KeyAtInfinity,
        SignatureError::KeyOutOfRange,
        SignatureError::KeyOffCurve,
        SignatureError::Mismatch,
        SignatureError::OtherAccount { found },
    ];
    let words: std::collections::BTreeSet<_> = all.iter().map(SignatureError::reason).collect();
    assert_eq!(words.len(), all.len());
}
