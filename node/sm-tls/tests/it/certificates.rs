//! The forms in which certificates and lists of the field come, and encodings of signatures that are none.

use std::sync::Arc;
use std::time::Duration;

use althing_sm_tls::{CERTIFICATE_IDENTIFIER, SUPPORTED_ALGORITHMS, signing_key};
use proptest::prelude::*;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use sm2::dsa::signature::Signer;
use sm2::dsa::{Signature, SigningKey};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::common::{NOW, certificate, certified, client, crl, end, key, server, sm};
use crate::pair::Pair;

/// Whether webpki finds a path from the end over the agency to the root.
fn path(name: &str, agency: &str) -> Result<(), webpki::Error> {
    let (end, root) = (certificate(name), certificate("ca"));
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    EndEntityCert::try_from(&end)?
        .verify_for_usage(
            SUPPORTED_ALGORITHMS.all,
            &[anchor_from_trusted_cert(&root)?],
            &[certificate(agency)],
            now,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map(|_| ())
}

#[test]
fn certificates_of_openssl_are_accepted() {
    assert_eq!(path("client", "agency"), Ok(()));
}

#[test]
fn a_signature_algorithm_with_null_parameters_is_accepted() {
    assert_eq!(path("client.null", "agency"), Ok(()));
}

#[test]
fn an_agency_whose_key_is_named_by_the_curve_twice_is_accepted() {
    assert_eq!(path("client", "agency.twice"), Ok(()));
    assert_eq!(path("client.null", "agency.twice"), Ok(()));
    let key = signing_key(&key("client")).unwrap();
    let end = certified("client", "agency.twice", key);
    Pair::connected(client(sm(), Some(end)), server(sm(), self::end("server"), Vec::new()));
}

#[test]
fn a_list_of_revoked_certificates_with_null_parameters_counts() {
    let server = server(sm(), end("server"), vec![crl("agency.null")]);
    let failure = Pair::refused(client(sm(), Some(end("revoked"))), server);
    assert_eq!(
        failure.server,
        Some(Error::InvalidCertificate(CertificateError::Revoked))
    );
}

/// A verifier of one's own, which calls what this package has for it, in front of that of rustls.
#[derive(Debug)]
struct EitherName(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for EitherName {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        althing_sm_tls::verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[test]
fn an_end_whose_key_is_named_by_the_curve_twice_is_accepted_by_a_verifier_of_ones_own() {
    let twice = || certified("client.twice", "agency", signing_key(&key("client.twice")).unwrap());
    let config = server(sm(), end("server"), Vec::new());
    let failure = Pair::refused(client(sm(), Some(twice())), config);
    assert!(matches!(
        failure.server,
        Some(Error::InvalidCertificate(
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
        ))
    ));
    let verifier = |inner| Arc::new(EitherName(inner));
    for name in ["client", "client.twice"] {
        let inner = rustls::server::WebPkiClientVerifier::builder_with_provider(crate::common::roots(), sm());
        let mut config = rustls::ServerConfig::builder_with_details(sm(), config_clock())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier(inner.build().unwrap()))
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(end("server"))));
        config.send_tls13_tickets = 0;
        let end = certified(name, "agency", signing_key(&key(name)).unwrap());
        Pair::connected(client(sm(), Some(end)), config);
    }
}

fn config_clock() -> Arc<dyn rustls::time_provider::TimeProvider> {
    server(sm(), end("server"), Vec::new()).time_provider
}

fn algorithm() -> &'static dyn SignatureVerificationAlgorithm {
    *SUPPORTED_ALGORITHMS.all.first().unwrap()
}

fn signer() -> SigningKey {
    SigningKey::from_slice(CERTIFICATE_IDENTIFIER, &[0x5a; 32]).unwrap()
}

fn accepted(signature: &[u8]) -> bool {
    let key = signer().verifying_key().to_sec1_bytes();
    algorithm().verify_signature(&key, b"to be signed", signature).is_ok()
}

fn signature() -> Vec<u8> {
    let signature: Signature = signer().sign(b"to be signed");
    signature.to_der().to_vec()
}

/// SEQUENCE { r, s } with the integers and lengths written as given.
fn encoded(tag: u8, length: &[u8], r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |content: &[u8]| [&[2, content.len() as u8], content].concat();
    [&[tag], length, &integer(r), &integer(s)].concat()
}

/// r and s of the signature as DER has them.
fn halves() -> (Vec<u8>, Vec<u8>) {
    let der = signature();
    let r_len = usize::from(der[3]);
    (der[4..4 + r_len].to_vec(), der[6 + r_len..].to_vec())
}

#[test]
fn a_signature_has_one_encoding() {
    let (r, s) = halves();
    let length = (r.len() + s.len() + 4) as u8;
    assert_eq!(encoded(0x30, &[length], &r, &s), signature());
    assert!(accepted(&signature()));

    let padded = |half: &[u8]| [&[0], half].concat();
    let cases = [
        ("r with a zero before it", encoded(0x30, &[length + 1], &padded(&r), &s)),
        ("s with a zero before it", encoded(0x30, &[length + 1], &r, &padded(&s))),
        ("a length in the long form", encoded(0x30, &[0x81, length], &r, &s)),
        (
            "a length in the longest form",
            encoded(0x30, &[0x84, 0, 0, 0, length], &r, &s),
        ),
        (
            "an indefinite length",
            [encoded(0x30, &[0x80], &r, &s), vec![0, 0]].concat(),
        ),
        ("a set", encoded(0x31, &[length], &r, &s)),
        ("an octet behind it", [signature(), vec![0]].concat()),
        (
            "an octet within it",
            [encoded(0x30, &[length + 1], &r, &s), vec![0]].concat(),
        ),
        (
            "a third integer",
            [encoded(0x30, &[length + 3], &r, &s), vec![2, 1, 1]].concat(),
        ),
        ("the halves side by side", {
            let signature: Signature = signer().sign(b"to be signed");
            signature.to_vec()
        }),
        ("nothing", Vec::new()),
    ];
    for (what, encoding) in cases {
        assert!(!accepted(&encoding), "{what}");
    }
}

#[test]
fn halves_outside_the_order_are_refused() {
    let order = hex::decode("00fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123").unwrap();
    let (r, s) = halves();
    let negative = [0xff; 32];
    let long = [1; 40];
    for bad in [&[0][..], &order, &negative, &long] {
        for (r, s) in [(bad, s.as_slice()), (r.as_slice(), bad)] {
            let length = (r.len() + s.len() + 4) as u8;
            assert!(
                !accepted(&encoded(0x30, &[length], r, s)),
                "{}, {}",
                hex::encode(r),
                hex::encode(s)
            );
        }
    }
}

#[test]
fn every_cut_of_a_signature_is_refused() {
    let signature = signature();
    for length in 0..signature.len() {
        assert!(!accepted(&signature[..length]), "{length} octets");
    }
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    for bit in 0..signature().len() * 8 {
        let mut changed = signature();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepted(&changed), "bit {bit}");
    }
}

#[test]
fn keys_that_are_no_uncompressed_points_of_the_curve_verify_nothing() {
    let key = signer().verifying_key().to_sec1_bytes().to_vec();
    let check = |key: &[u8]| algorithm().verify_signature(key, b"to be signed", &signature()).is_ok();
    assert!(check(&key));
    let mut off_curve = key.clone();
    off_curve[64] ^= 1;
    let compressed = [&[2 + (key[64] & 1)], &key[1..33]].concat();
    let hybrid = [&[6 + (key[64] & 1)], &key[1..]].concat();
    for bad in [&off_curve[..], &compressed, &hybrid, &key[..64], &key[1..], &[0], &[]] {
        assert!(!check(bad), "{}", hex::encode(bad));
    }
}

proptest! {
    #[test]
    fn no_octets_are_taken_for_a_signature(octets in prop::collection::vec(any::<u8>(), 0..90)) {
        prop_assert!(!accepted(&octets));
    }

    #[test]
    fn no_octets_in_the_place_of_a_key_are_a_panic(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(algorithm().verify_signature(&octets, b"to be signed", &signature()).is_err());
    }
}
