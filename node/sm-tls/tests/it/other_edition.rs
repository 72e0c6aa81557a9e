//! Ends of the standard edition against SM ends: nothing in common, said so in the first flight.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, Error, PeerIncompatible};

use crate::common::{certified, client, end, key, server, sm};
use crate::pair::Pair;

fn standard() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn standard_end() -> Arc<rustls::sign::CertifiedKey> {
    let key = standard().key_provider.load_private_key(key("p256")).unwrap();
    certified("p256", "agency", key)
}

#[test]
fn a_standard_client_is_refused_by_an_sm_server() {
    let failure = Pair::refused(
        client(standard(), Some(standard_end())),
        server(sm(), end("server"), Vec::new()),
    );
    assert_eq!(
        failure.server,
        Some(Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon))
    );
    assert_eq!(
        failure.client,
        Some(Error::AlertReceived(AlertDescription::HandshakeFailure))
    );
}

#[test]
fn an_sm_client_is_refused_by_a_standard_server() {
    let failure = Pair::refused(
        client(sm(), Some(end("client"))),
        server(standard(), standard_end(), Vec::new()),
    );
    assert_eq!(
        failure.server,
        Some(Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon))
    );
    assert_eq!(
        failure.client,
        Some(Error::AlertReceived(AlertDescription::HandshakeFailure))
    );
}
