//! What the tests of both binaries share: the committed certificates, and configurations made from them.

#![allow(dead_code, reason = "neither binary needs all of it")]

pub(crate) mod liar;

use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name in the certificates.
pub(crate) const NAME: &str = "node";

/// A moment in 2026 at which all of them hold but `expired`.
pub(crate) const NOW: u64 = 1_790_000_000;

pub(crate) fn path(name: &str) -> String {
    format!("{}/tests/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

pub(crate) fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&file(&format!("{name}.crt"))).unwrap()
}

pub(crate) fn key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(&file(&format!("{name}.key"))).unwrap()
}

pub(crate) fn crl(name: &str) -> CertificateRevocationListDer<'static> {
    CertificateRevocationListDer::from_pem_slice(&file(&format!("{name}.crl"))).unwrap()
}

pub(crate) fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca")).unwrap();
    Arc::new(roots)
}

/// An end: whose certificates under which agency's, with which key.
pub(crate) fn end(name: &str) -> Arc<CertifiedKey> {
    certified(name, "agency", althing_sm_tls::signing_key(&key(name)).unwrap())
}

pub(crate) fn certified(name: &str, agency: &str, key: Arc<dyn SigningKey>) -> Arc<CertifiedKey> {
    Arc::new(CertifiedKey::new(vec![certificate(name), certificate(agency)], key))
}

#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
    }
}

pub(crate) fn sm() -> Arc<CryptoProvider> {
    Arc::new(althing_sm_tls::provider())
}

/// A client that shows that end's certificate, if any. No resumption, as README.md asks for.
pub(crate) fn client(provider: Arc<CryptoProvider>, end: Option<Arc<CertifiedKey>>) -> ClientConfig {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(), Arc::clone(&provider))
        .build()
        .unwrap();
    let config = ClientConfig::builder_with_details(provider, Arc::new(Clock))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_webpki_verifier(verifier);
    let mut config = match end {
        Some(end) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(end))),
        None => config.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config
}

/// A server that wants a certificate of clients and looks into those lists of revoked ones.
pub(crate) fn server(
    provider: Arc<CryptoProvider>,
    end: Arc<CertifiedKey>,
    crls: Vec<CertificateRevocationListDer<'static>>,
) -> ServerConfig {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(), Arc::clone(&provider))
        .with_crls(crls)
        .only_check_end_entity_revocation()
        .build()
        .unwrap();
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(Clock))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(end)));
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}
