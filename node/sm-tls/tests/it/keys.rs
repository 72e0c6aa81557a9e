//! Private keys as they come in files.

use althing_sm_tls::signing_key;
use proptest::prelude::*;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::CertifiedKey;

use crate::common::{certificate, key, sm};

fn matches_certificate(certificate_name: &str, key_name: &str) -> Result<(), rustls::Error> {
    CertifiedKey::from_der(vec![certificate(certificate_name)], key(key_name), &sm()).map(|_| ())
}

#[test]
fn a_key_in_pkcs_8_belongs_to_its_certificate_and_to_no_other() {
    assert_eq!(matches_certificate("server", "server"), Ok(()));
    let mismatch = rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch);
    assert_eq!(matches_certificate("server", "client"), Err(mismatch));
}

#[test]
fn a_key_in_sec_1_belongs_to_its_certificate() {
    assert!(matches!(key("server.sec1"), PrivateKeyDer::Sec1(_)));
    assert_eq!(matches_certificate("server", "server.sec1"), Ok(()));
}

#[test]
fn a_key_named_by_the_curve_twice_belongs_to_a_certificate_that_names_it_so() {
    assert_eq!(matches_certificate("client.twice", "client.twice"), Ok(()));
    assert!(matches_certificate("client", "client.twice").is_err());
}

fn refusal(der: &PrivateKeyDer<'_>) -> String {
    signing_key(der).unwrap_err().to_string()
}

#[test]
fn a_key_that_is_not_of_sm2_is_refused_with_a_sentence() {
    let p256 = refusal(&key("p256"));
    assert!(p256.contains("the curve is not that of SM2"), "{p256}");
    let rsa = refusal(&PrivateKeyDer::from(PrivatePkcs1KeyDer::from(vec![0x30, 0])));
    assert!(rsa.contains("it is neither PKCS #8 nor SEC 1"), "{rsa}");
    let empty = refusal(&PrivateKeyDer::from(PrivatePkcs8KeyDer::from(Vec::new())));
    assert!(
        empty.contains("it is no PKCS #8") && empty.contains("accepted is an SM2 key"),
        "{empty}"
    );
    let zero = [&[0x30, 0x25, 2, 1, 1, 4, 0x20][..], &[0; 32]].concat();
    let zero = refusal(&PrivateKeyDer::from(PrivateSec1KeyDer::from(zero)));
    assert!(zero.contains("it is no SEC 1 key on the curve of SM2"), "{zero}");
}

#[test]
fn every_cut_of_a_key_is_refused() {
    let whole = key("server").secret_der().to_vec();
    for length in 0..whole.len() {
        let cut = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(whole[..length].to_vec()));
        assert!(signing_key(&cut).is_err(), "{length} octets");
    }
}

#[test]
fn a_key_is_not_printed() {
    let secret = key("server");
    let text = format!("{:?}", signing_key(&secret).unwrap());
    let scalar = &secret.secret_der()[36..68];
    assert!(
        !text.contains(&hex::encode(scalar)) && !text.contains(&format!("{scalar:?}")),
        "{text}"
    );
}

proptest! {
    #[test]
    fn no_octets_in_the_place_of_a_key_are_a_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(signing_key(&PrivateKeyDer::from(PrivatePkcs8KeyDer::from(octets.clone()))).is_err());
        prop_assert!(signing_key(&PrivateKeyDer::from(PrivateSec1KeyDer::from(octets))).is_err());
    }
}
