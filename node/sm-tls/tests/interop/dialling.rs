//! Peers that dial our server.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use althing_sm_tls::{CERTIFICATE_IDENTIFIER, CURVE_SM2_NAME};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, CipherSuite, Error, HandshakeKind, PeerIncompatible};
use rustls::{ServerConnection, StreamOwned};

use crate::common::liar::over;
use crate::common::{certificate, crl, end, server, sm};
use crate::peer::{IMPLEMENTATIONS, Implementation, PATIENCE, Peer, borrowed, shows};

type Accepted = StreamOwned<ServerConnection, TcpStream>;

/// Our server with one connection to take.
struct Listener(TcpListener);

impl Listener {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn dialled_by(&self, peer: Implementation, groups: &str, shown: Option<&str>) -> Peer {
        let address = self.0.local_addr().unwrap();
        match shown {
            Some(end) => peer.client(address, groups, &borrowed(&shows(end))),
            None => peer.client(address, groups, &[]),
        }
    }

    /// The next connection, or why there is none. A peer that never comes fails the test in time.
    fn accept(self, who: Arc<CertifiedKey>) -> Result<Accepted, Error> {
        let (sender, connections) = channel();
        thread::spawn(move || sender.send(self.0.accept()));
        let (socket, _) = connections.recv_timeout(PATIENCE).unwrap().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let config = server(sm(), who, vec![crl("agency")]);
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
        while stream.conn.is_handshaking() {
            if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
                return Err(error.downcast::<Error>().unwrap());
            }
        }
        Ok(stream)
    }
}

fn check_conversation(peer: &mut Peer, stream: &mut Accepted) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    // `K` takes new keys and asks us for new ones.
    for text in ["the first", "the second"] {
        peer.enter(text);
        reader.read_line(&mut line).unwrap();
        assert_eq!(std::mem::take(&mut line), format!("{text}\n"));
        let answer = format!("read {text}");
        reader.get_mut().write_all(format!("{answer}\n").as_bytes()).unwrap();
        peer.expect(&answer);
        peer.enter("K");
        peer.expect("KEYUPDATE");
        reader.get_mut().conn.refresh_traffic_keys().unwrap();
    }
}

#[test]
fn we_and_each_peer_that_dials_know_each_other_and_talk_over_changing_keys() {
    for implementation in IMPLEMENTATIONS {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "curveSM2", Some("client"));
        let mut stream = listener.accept(end("server")).unwrap();
        peer.expect("Verification: OK");
        peer.expect("Cipher is TLS_SM4_GCM_SM3");
        assert!(
            peer.said().contains("Peer signature type: sm2sig_sm3"),
            "{}",
            peer.said()
        );
        assert_eq!(stream.conn.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(
            stream.conn.negotiated_cipher_suite().unwrap().suite(),
            CipherSuite::Unknown(0x00C6)
        );
        assert_eq!(
            stream.conn.negotiated_key_exchange_group().unwrap().name(),
            CURVE_SM2_NAME
        );
        assert_eq!(
            stream.conn.peer_certificates().unwrap().first(),
            Some(&certificate("client"))
        );
        check_conversation(&mut peer, &mut stream);
    }
}

#[test]
fn a_peer_that_guesses_another_group_is_asked_again() {
    for implementation in [Implementation::OpenSsl4, Implementation::Tongsuo] {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "X25519:curveSM2", Some("client"));
        let mut stream = listener.accept(end("server")).unwrap();
        assert_eq!(
            stream.conn.handshake_kind(),
            Some(HandshakeKind::FullWithHelloRetryRequest)
        );
        assert_eq!(
            stream.conn.negotiated_key_exchange_group().unwrap().name(),
            CURVE_SM2_NAME
        );
        check_conversation(&mut peer, &mut stream);
    }
}

#[test]
fn a_peer_without_certificate_is_refused() {
    for implementation in IMPLEMENTATIONS {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "curveSM2", None);
        assert_eq!(
            listener.accept(end("server")).err(),
            Some(Error::NoCertificatesPresented)
        );
        peer.expect("alert certificate required");
    }
}

#[test]
fn a_revoked_peer_is_refused() {
    for implementation in IMPLEMENTATIONS {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "curveSM2", Some("revoked"));
        let revoked = Error::InvalidCertificate(CertificateError::Revoked);
        assert_eq!(listener.accept(end("server")).err(), Some(revoked));
        peer.expect("alert certificate revoked");
    }
}

#[test]
fn each_peer_refuses_our_server_when_it_signs_over_the_identifier_of_certificates() {
    for implementation in IMPLEMENTATIONS {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "curveSM2", Some("client"));
        let failure = listener.accept(over("server", CERTIFICATE_IDENTIFIER, |_| ())).err();
        assert_eq!(failure, Some(Error::AlertReceived(AlertDescription::DecryptError)));
        peer.expect("bad signature");
    }
}

#[test]
fn a_peer_that_offers_no_group_of_ours_is_refused() {
    for implementation in [Implementation::OpenSsl4, Implementation::Tongsuo] {
        let listener = Listener::new();
        let mut peer = listener.dialled_by(implementation, "X25519", Some("client"));
        let failure = listener.accept(end("server")).err();
        let nothing_shared = PeerIncompatible::NoKxGroupsInCommon;
        assert_eq!(failure, Some(Error::PeerIncompatible(nothing_shared)));
        peer.expect("alert handshake failure");
    }
}
