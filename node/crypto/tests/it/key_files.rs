//! Private keys as files hold them, and files that are none.

use althing_crypto::KeyError;

use crate::support::{EC_PUBLIC_KEY, P256, SECP256K1, SM2, editions, pkcs8, pkcs8_of, sec1};

const SECRET: [u8; 32] = [7; 32];

/// As OpenSSL 3.0.19 wrote them: `genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2`, `ecparam -genkey -name SM2`, and the
/// SEC1 form of the first.
const OPENSSL: [&str; 3] = [
    include_str!("../testdata/openssl-pkcs8.pem"),
    include_str!("../testdata/openssl-ecparam.pem"),
    include_str!("../testdata/openssl-sec1.pem"),
];

fn point(public_key: &[u8; 64]) -> Vec<u8> {
    [&[4][..], public_key].concat()
}

fn compressed(public_key: &[u8; 64]) -> Vec<u8> {
    [&[2 + (public_key[63] & 1)][..], &public_key[..32]].concat()
}

#[test]
fn a_key_is_the_same_in_every_form_of_file() {
    for edition in editions() {
        let (curve, _) = edition.node_curve;
        let own = edition
            .suite
            .node_key(&pkcs8(curve, &SECRET, None))
            .unwrap()
            .public_key();
        for file in [
            pkcs8(curve, &SECRET, Some(&point(&own))),
            pkcs8(curve, &SECRET, Some(&compressed(&own))),
            pkcs8_of(curve, None, &SECRET, Some(&point(&own))),
            pkcs8_of(curve, Some(curve), &SECRET, None),
            sec1(Some(curve), &SECRET, None),
            sec1(Some(curve), &SECRET, Some(&point(&own))),
            format!(
                "-----BEGIN EC PARAMETERS-----\nBgU=\n-----END EC PARAMETERS-----\n{}",
                sec1(Some(curve), &SECRET, None)
            ),
            format!("\n\n{}", pkcs8(curve, &SECRET, None)),
            pkcs8(curve, &SECRET, None).replace('\n', "\r\n"),
        ] {
            let key = edition.suite.node_key(&file).unwrap_or_else(|e| panic!("{e}:\n{file}"));
            assert_eq!(key.public_key(), own);
        }
    }
}

#[test]
fn key_files_that_openssl_wrote_are_read() {
    let [_, sm] = editions();
    let keys = OPENSSL.map(|file| sm.suite.node_key(file).unwrap().public_key());
    assert_eq!(keys[0], keys[2], "the same key in both forms");
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_key_on_another_curve_is_refused_by_the_name_of_its_curve() {
    for edition in editions() {
        for (found, name) in [(P256, "P-256"), (SECP256K1, "secp256k1"), (SM2, "SM2")] {
            for file in [pkcs8(found, &SECRET, None), sec1(Some(found), &SECRET, None)] {
                let node = edition.suite.node_key(&file).err();
                let account = edition.suite.account_key(&file).err();
                for (refused, (curve, wanted)) in [(node, edition.node_curve), (account, edition.account_curve)] {
                    let expected =
                        (found != curve).then(|| format!("a private key on {name}, and wanted is one on {wanted}"));
                    assert_eq!(refused.map(|e| e.to_string()), expected);
                }
            }
        }
        let unknown = pkcs8(EC_PUBLIC_KEY, &SECRET, None);
        let refused = edition.suite.node_key(&unknown).unwrap_err();
        assert_eq!(refused.reason(), "key_other_curve");
        assert!(refused.to_string().contains("1.2.840.10045.2.1"), "{refused}");
    }
}

#[test]
fn a_number_that_is_no_private_key_is_refused() {
    for edition in editions() {
        let order = edition.node_order.to_be_bytes::<32>();
        for secret in [[0; 32], order, [0xff; 32]] {
            let refused = edition
                .suite
                .node_key(&pkcs8(edition.node_curve.0, &secret, None))
                .unwrap_err();
            assert_eq!(
                refused,
                KeyError::OutOfRange {
                    curve: edition.node_curve.1
                }
            );
        }
        let order = edition.account_order.to_be_bytes::<32>();
        for secret in [[0; 32], order, [0xff; 32]] {
            let refused = edition.suite.account_key_of(&secret).unwrap_err();
            assert_eq!(
                refused,
                KeyError::OutOfRange {
                    curve: edition.account_curve.1
                }
            );
        }
    }
}

#[test]
fn the_one_number_that_cannot_sign_is_no_sm2_key() {
    let [_, sm] = editions();
    let last = sm.account_order - alloy_primitives::U256::ONE;
    assert!(sm.suite.account_key_of(&last.to_be_bytes()).is_err());
    let before = last - alloy_primitives::U256::ONE;
    let key = sm.suite.account_key_of(&before.to_be_bytes()).unwrap();
    let digest = alloy_primitives::B256::ZERO;
    assert_eq!(sm.suite.recover_account(&digest, &key.sign(&digest)), Ok(key.address()));
}

#[test]
fn a_file_whose_halves_do_not_belong_together_is_no_key() {
    for edition in editions() {
        let (curve, _) = edition.node_curve;
        let other = edition
            .suite
            .node_key(&pkcs8(curve, &[8; 32], None))
            .unwrap()
            .public_key();
        for file in [
            pkcs8(curve, &SECRET, Some(&point(&other))),
            pkcs8(curve, &SECRET, Some(&compressed(&other))),
            sec1(Some(curve), &SECRET, Some(&point(&other))),
            sec1(Some(curve), &SECRET, Some(&[4; 10])),
        ] {
            let refused = edition.suite.node_key(&file).unwrap_err();
            assert_eq!(refused.reason(), "key_malformed");
            assert!(refused.to_string().contains("public key is another"), "{refused}");
        }
    }
}

#[test]
fn a_text_that_is_no_key_file_is_refused_without_its_content() {
    for edition in editions() {
        let (curve, name) = edition.node_curve;
        let file = pkcs8(curve, &SECRET, None);
        let broken = [
            file.replace("PRIVATE", "SECRET"),
            file.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            file.replacen("MIG", "AAA", 1).replacen("MEE", "AAA", 1),
            file.lines().take(2).collect(),
            file.replace("-----END", "----END"),
            sec1(None, &SECRET, None),
            pkcs8(curve, &SECRET[..31], None),
            pkcs8(curve, &[7; 33], None),
            pkcs8_of(EC_PUBLIC_KEY, None, &SECRET, None),
            String::new(),
            "no key at all".to_owned(),
            "a".repeat(20_000),
        ];
        for text in broken {
            let refused = edition
                .suite
                .node_key(&text)
                .err()
                .unwrap_or_else(|| panic!("read as a key: {text}"));
            let sentence = refused.to_string();
            assert!(
                sentence.starts_with(&format!("not a PEM private key on {name}: ")),
                "{sentence}"
            );
            let shown = text.lines().filter(|line| line.len() > 20 && !line.starts_with('-'));
            assert!(shown.into_iter().all(|line| !sentence.contains(line)), "{sentence}");
        }
    }
}
