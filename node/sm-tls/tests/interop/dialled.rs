//! Peers that our client dials.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use althing_sm_tls::{CERTIFICATE_IDENTIFIER, CURVE_SM2_NAME};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CipherSuite, ClientConnection, Error, StreamOwned};

use crate::common::liar::over;
use crate::common::{NAME, certificate, client, end, path, sm};
use crate::peer::{IMPLEMENTATIONS, PATIENCE, Peer};

type Dialled = StreamOwned<ClientConnection, TcpStream>;

fn dial(address: SocketAddr, who: Option<Arc<CertifiedKey>>) -> Dialled {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::new(client(sm(), who)), name).unwrap(),
        socket,
    )
}

/// A client has sent its certificate before it hears what is thought of it: the alert comes with the first thing to read.
fn refusal(mut stream: Dialled) -> Error {
    let error: io::Error = stream.read(&mut [0; 1]).unwrap_err();
    error.downcast::<Error>().unwrap()
}

fn check_conversation(peer: &mut Peer, stream: &mut Dialled) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    for text in ["the first", "the second"] {
        reader.get_mut().write_all(format!("{text}\n").as_bytes()).unwrap();
        peer.expect(text);
        let answer = format!("read {text}");
        peer.enter(&answer);
        reader.read_line(&mut line).unwrap();
        assert_eq!(std::mem::take(&mut line), format!("{answer}\n"));
        peer.enter("K");
        reader.get_mut().conn.refresh_traffic_keys().unwrap();
    }
}

#[test]
fn we_and_each_peer_that_we_dial_know_each_other_and_talk_over_changing_keys() {
    for implementation in IMPLEMENTATIONS {
        let (mut peer, address) = implementation.server(&[]);
        let mut stream = dial(address, Some(end("client")));
        stream.conn.complete_io(&mut stream.sock).unwrap();
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
            Some(&certificate("server"))
        );
        check_conversation(&mut peer, &mut stream);
        assert!(
            peer.said().contains("CN=client") || peer.said().contains("CN = client"),
            "{}",
            peer.said()
        );
    }
}

#[test]
fn each_peer_refuses_us_without_certificate() {
    for implementation in IMPLEMENTATIONS {
        let (_peer, address) = implementation.server(&[]);
        assert_eq!(
            refusal(dial(address, None)),
            Error::AlertReceived(AlertDescription::CertificateRequired)
        );
    }
}

#[test]
fn each_peer_refuses_us_revoked() {
    let crl = path("agency.crl");
    for implementation in IMPLEMENTATIONS {
        let (_peer, address) = implementation.server(&["-crl_check", "-CRL", &crl]);
        let revoked = Error::AlertReceived(AlertDescription::CertificateRevoked);
        assert_eq!(refusal(dial(address, Some(end("revoked")))), revoked);
        let (mut peer, address) = implementation.server(&["-crl_check", "-CRL", &crl]);
        let mut stream = dial(address, Some(end("client")));
        check_conversation(&mut peer, &mut stream);
    }
}

#[test]
fn each_peer_refuses_our_client_when_it_signs_over_the_identifier_of_certificates() {
    for implementation in IMPLEMENTATIONS {
        let (mut peer, address) = implementation.server(&[]);
        let who = over("client", CERTIFICATE_IDENTIFIER, |_| ());
        assert_eq!(
            refusal(dial(address, Some(who))),
            Error::AlertReceived(AlertDescription::DecryptError)
        );
        peer.expect("bad signature");
    }
}
