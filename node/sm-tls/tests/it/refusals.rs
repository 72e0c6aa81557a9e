//! Ends that are not let in, and the reason that each side is told.

use std::sync::Arc;

use althing_sm_tls::{CERTIFICATE_IDENTIFIER, HANDSHAKE_IDENTIFIER};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, Error, SignatureScheme};

use crate::common::liar::{liar, over};
use crate::common::{certified, client, crl, end, key, server, sm};
use crate::pair::{Failure, Pair};

fn refused_client(who: Option<Arc<CertifiedKey>>) -> Failure {
    Pair::refused(client(sm(), who), server(sm(), end("server"), vec![crl("agency")]))
}

fn refused_server(who: Arc<CertifiedKey>) -> Failure {
    Pair::refused(client(sm(), Some(end("client"))), server(sm(), who, Vec::new()))
}

fn check_client(who: Arc<CertifiedKey>, error: CertificateError, alert: AlertDescription) {
    let failure = refused_client(Some(who));
    assert_eq!(failure.server, Some(Error::InvalidCertificate(error)));
    assert_eq!(failure.client, Some(Error::AlertReceived(alert)));
}

fn check_server(who: Arc<CertifiedKey>, error: CertificateError, alert: AlertDescription) {
    let failure = refused_server(who);
    assert_eq!(failure.client, Some(Error::InvalidCertificate(error)));
    assert_eq!(failure.server, Some(Error::AlertReceived(alert)));
}

#[test]
fn the_ends_that_are_changed_here_are_let_in_when_nothing_is_changed() {
    let who = |name| over(name, HANDSHAKE_IDENTIFIER, |_| ());
    Pair::connected(
        client(sm(), Some(who("client"))),
        server(sm(), who("server"), vec![crl("agency")]),
    );
}

#[test]
fn a_client_without_certificate_is_refused() {
    let failure = refused_client(None);
    assert_eq!(failure.server, Some(Error::NoCertificatesPresented));
    assert_eq!(
        failure.client,
        Some(Error::AlertReceived(AlertDescription::CertificateRequired))
    );
}

#[test]
fn a_revoked_client_is_refused() {
    check_client(
        end("revoked"),
        CertificateError::Revoked,
        AlertDescription::CertificateRevoked,
    );
}

#[test]
fn a_handshake_signed_over_the_identifier_of_certificates_is_refused() {
    let who = |name| over(name, CERTIFICATE_IDENTIFIER, |_| ());
    check_client(
        who("client"),
        CertificateError::BadSignature,
        AlertDescription::DecryptError,
    );
    check_server(
        who("server"),
        CertificateError::BadSignature,
        AlertDescription::DecryptError,
    );
}

#[test]
fn a_handshake_signed_with_a_changed_or_cut_signature_is_refused() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |signature| *signature.last_mut().unwrap() ^= 1,
        |signature| signature.truncate(20),
        |signature| signature.clear(),
        |signature| signature.push(0),
    ];
    for change in changes {
        let who = |name| over(name, HANDSHAKE_IDENTIFIER, change);
        check_client(
            who("client"),
            CertificateError::BadSignature,
            AlertDescription::DecryptError,
        );
        check_server(
            who("server"),
            CertificateError::BadSignature,
            AlertDescription::DecryptError,
        );
    }
}

#[test]
fn an_expired_certificate_is_refused() {
    let expired = |error: Option<Error>| {
        matches!(
            error,
            Some(Error::InvalidCertificate(CertificateError::ExpiredContext { .. }))
        )
    };
    let failure = refused_client(Some(end("expired")));
    assert!(expired(failure.server));
    assert_eq!(
        failure.client,
        Some(Error::AlertReceived(AlertDescription::CertificateExpired))
    );
    let failure = refused_server(end("expired"));
    assert!(expired(failure.client));
    assert_eq!(
        failure.server,
        Some(Error::AlertReceived(AlertDescription::CertificateExpired))
    );
}

#[test]
fn a_p256_key_under_an_sm2_agency_cannot_sign_a_handshake() {
    let provider = rustls::crypto::ring::default_provider();
    let honest = certified(
        "p256",
        "agency",
        provider.key_provider.load_private_key(key("p256")).unwrap(),
    );
    let failure = refused_client(Some(honest));
    assert_eq!(
        failure.server,
        Some(Error::NoCertificatesPresented),
        "it has nothing to sign with, so shows nothing"
    );
}

#[test]
fn a_p256_key_under_an_sm2_agency_that_claims_to_sign_with_sm2_is_refused() {
    let wrong_key = |error: Option<Error>| {
        matches!(
            error,
            Some(Error::InvalidCertificate(
                CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            ))
        )
    };
    let dishonest = || {
        let provider = rustls::crypto::ring::default_provider();
        let key = provider.key_provider.load_private_key(key("p256")).unwrap();
        let signer = key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
        liar("p256", move |message| signer.sign(message).unwrap())
    };
    assert!(wrong_key(refused_client(Some(dishonest())).server));
    assert!(wrong_key(refused_server(dishonest()).client));
}

#[test]
fn an_end_whose_agency_it_does_not_show_is_refused() {
    let key = althing_sm_tls::signing_key(&key("client")).unwrap();
    check_client(
        certified("client", "server", key),
        CertificateError::UnknownIssuer,
        AlertDescription::UnknownCA,
    );
}
