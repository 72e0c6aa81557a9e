//! What was published about SM2, SM3 and SM4.

use alloy_primitives::{B256, hex};
use althing_crypto::{SmSuite, Suite};
use proptest::prelude::*;
use sm2::dsa::signature::hazmat::PrehashVerifier;
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point;
use sm4::Sm4;
use sm4::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use crate::support::{blocks, bytes, pkcs8, word};

/// The private key of the examples in GB/T 32918.5 (GM/T 0003.5), appendix A.
const SECRET: [u8; 32] = hex!("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
const PUBLIC: [u8; 64] = hex!(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
);
const IDENTITY: &str = "1234567812345678";
const MESSAGE: &[u8] = b"message digest";
const SIGNATURE: [u8; 64] = hex!(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
);

fn sm3(bytes: &[u8]) -> B256 {
    SmSuite.hash_fn()(bytes)
}

#[test]
fn sm3_hashes_the_examples_of_gb_t_32905() {
    let short = word("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(sm3(b"abc"), short);
    let two_blocks = word("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    assert_eq!(sm3(&b"abcd".repeat(16)), two_blocks);
}

#[test]
fn the_key_of_gb_t_32918_5_has_its_public_key() {
    let key = SmSuite.node_key(&pkcs8(crate::support::SM2, &SECRET, None)).unwrap();
    assert_eq!(key.public_key(), PUBLIC);
}

#[test]
fn identity_and_message_of_gb_t_32918_5_hash_to_its_z_and_e() {
    let curve = hex!(
        "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
        "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
        "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
        "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
    );
    let z = sm3(&[&[0, 128], IDENTITY.as_bytes(), &curve, &PUBLIC].concat());
    assert_eq!(
        z,
        word("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3")
    );
    let e = sm3(&[z.as_slice(), MESSAGE].concat());
    assert_eq!(
        e,
        word("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
    );
}

#[test]
fn the_signature_of_gb_t_32918_5_verifies_and_no_other() {
    let point = [&[4][..], &PUBLIC].concat();
    let key = VerifyingKey::from_sec1_bytes(IDENTITY, &point).unwrap();
    let signature = Signature::from_slice(&SIGNATURE).unwrap();
    assert!(key.verify(MESSAGE, &signature).is_ok());
    let e = word("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    assert!(key.verify_prehash(e.as_slice(), &signature).is_ok());
    assert!(key.verify(b"message digesT", &signature).is_err());
    let other_identity = VerifyingKey::from_sec1_bytes("ALICE123@YAHOO.COM", &point).unwrap();
    assert!(other_identity.verify(MESSAGE, &signature).is_err());
}

#[test]
fn what_is_signed_is_the_digest_under_the_default_identity() {
    let digest = B256::repeat_byte(0xab);
    let key = SmSuite.node_key(&pkcs8(crate::support::SM2, &SECRET, None)).unwrap();
    let own = SigningKey::from_slice(IDENTITY, &SECRET).unwrap();
    let signature: Signature = own.sign(digest.as_slice());
    assert_eq!(key.sign(&digest)[..], signature.to_bytes()[..]);
    assert_eq!(SmSuite.verify_node(&PUBLIC, &digest, &signature.to_bytes()), Ok(()));
}

proptest! {
    #[test]
    fn verification_agrees_with_the_library(
        secret in 1..=u64::MAX,
        digest: [u8; 32],
        spoiled in prop::option::of((0..160_usize, 0..8_u8)),
    ) {
        let mut number = [0; 32];
        number[..8].copy_from_slice(&secret.to_be_bytes());
        let own = SigningKey::from_slice(IDENTITY, &number).unwrap();
        let signature: Signature = own.sign(&digest);
        let point = own.verifying_key().to_sec1_point(false);
        let mut all = [&point.as_bytes()[1..], &digest, &signature.to_bytes()].concat();
        if let Some((at, bit)) = spoiled {
            all[at] ^= 1 << bit;
        }
        let theirs = || {
            let point = [&[4][..], &all[..64]].concat();
            let key = VerifyingKey::from_sec1_bytes(IDENTITY, &point).ok()?;
            key.verify(&all[64..96], &Signature::from_slice(&all[96..]).ok()?).ok()
        };
        let ours = SmSuite.verify_node(all[..64].try_into().unwrap(), &B256::from_slice(&all[64..96]), &all[96..]);
        prop_assert_eq!(ours.is_ok(), theirs().is_some());
        prop_assert_eq!(ours.is_ok(), spoiled.is_none());
    }
}

#[test]
fn signatures_that_openssl_made_hold() {
    let vectors = blocks(include_str!("../testdata/openssl-signatures.txt"));
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let (key, signature): ([u8; 64], [u8; 64]) = (bytes(vector["public"]), bytes(vector["signature"]));
        assert_eq!(SmSuite.verify_node(&key, &word(vector["digest"]), &signature), Ok(()));
        assert!(SmSuite.verify_node(&key, &B256::ZERO, &signature).is_err());
    }
}

#[test]
fn sm4_enciphers_the_examples_of_gb_t_32907() {
    let plain = hex!("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new(&plain.into());
    let mut block: Block<Sm4> = plain.into();
    cipher.encrypt_block(&mut block);
    assert_eq!(block[..], hex!("681edf34d206965e86b3e94f536e4246"));
    cipher.decrypt_block(&mut block);
    assert_eq!(block[..], plain);
    for _ in 0..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(block[..], hex!("595298c7c6fd271f0402f804c33d3f66"));
}
