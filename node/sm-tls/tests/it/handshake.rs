//! What two ends agree on, and what passes between them.

use std::sync::Arc;

use althing_sm_tls::{CURVE_SM2_NAME, SM2SIG_SM3};
use rustls::client::Resumption;
use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};

use crate::common::{client, end, server, sm};
use crate::pair::Pair;

fn pair() -> Pair {
    Pair::connected(
        client(sm(), Some(end("client"))),
        server(sm(), end("server"), Vec::new()),
    )
}

#[test]
fn two_ends_agree_on_the_suite_and_group_of_rfc_8998_and_know_each_other() {
    let Pair { client, server } = pair();
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(
        client.negotiated_cipher_suite().unwrap().suite(),
        CipherSuite::Unknown(0x00C6)
    );
    assert_eq!(
        server.negotiated_cipher_suite().unwrap().suite(),
        CipherSuite::Unknown(0x00C6)
    );
    assert_eq!(client.negotiated_key_exchange_group().unwrap().name(), CURVE_SM2_NAME);
    assert_eq!(server.negotiated_key_exchange_group().unwrap().name(), CURVE_SM2_NAME);
    assert_eq!(client.peer_certificates(), Some(end("server").cert.as_slice()));
    assert_eq!(server.peer_certificates(), Some(end("client").cert.as_slice()));
}

#[test]
fn the_provider_offers_one_suite_one_group_and_one_scheme() {
    let provider = althing_sm_tls::provider();
    assert_eq!(provider.cipher_suites.len(), 1);
    assert_eq!(provider.kx_groups.len(), 1);
    assert_eq!(
        provider.signature_verification_algorithms.supported_schemes(),
        [SM2SIG_SM3]
    );
}

#[test]
fn the_provider_never_becomes_the_default_of_the_process() {
    drop(pair());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[test]
fn data_of_many_records_arrives_as_it_was_sent() {
    let mut pair = pair();
    let data: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    assert_eq!(pair.at_server(&data), data);
    assert_eq!(pair.at_client(&data), data);
}

#[test]
fn data_arrives_after_either_end_has_taken_new_keys() {
    let mut pair = pair();
    for round in 0..3_u8 {
        pair.client.refresh_traffic_keys().unwrap();
        assert_eq!(pair.at_server(&[round; 40_000]), [round; 40_000]);
        pair.server.refresh_traffic_keys().unwrap();
        assert_eq!(pair.at_client(&[round; 40_000]), [round; 40_000]);
    }
}

#[test]
fn a_changed_record_is_not_opened() {
    let mut pair = pair();
    let mut wire = Vec::new();
    std::io::Write::write_all(&mut pair.client.writer(), b"a block").unwrap();
    pair.client.write_tls(&mut wire).unwrap();
    *wire.last_mut().unwrap() ^= 1;
    pair.server.read_tls(&mut wire.as_slice()).unwrap();
    assert_eq!(
        pair.server.process_new_packets().unwrap_err(),
        rustls::Error::DecryptError
    );
}

/// How the second of two connections between the same configurations came about.
fn second_handshake(resumption: bool) -> HandshakeKind {
    let mut client = client(sm(), Some(end("client")));
    let mut server = server(sm(), end("server"), Vec::new());
    if resumption {
        client.resumption = Resumption::in_memory_sessions(4);
        server.send_tls13_tickets = 2;
        server.session_storage = rustls::server::ServerSessionMemoryCache::new(4);
    }
    let (client, server) = (Arc::new(client), Arc::new(server));
    Pair::new(&client, &server).handshake().unwrap();
    let mut second = Pair::new(&client, &server);
    second.handshake().unwrap();
    second.server.handshake_kind().unwrap()
}

#[test]
fn without_resumption_every_handshake_asks_for_certificates() {
    assert_eq!(second_handshake(false), HandshakeKind::Full);
    assert_eq!(
        second_handshake(true),
        HandshakeKind::Resumed,
        "the test could not see a resumed session"
    );
}
