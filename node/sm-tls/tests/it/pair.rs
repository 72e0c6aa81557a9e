//! A client and a server, and the octets between them.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, Error, ServerConfig, ServerConnection, SideData};

use crate::common::NAME;

pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
}

/// Why a handshake failed, as each end says it; the one that was not told keeps silent.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) client: Option<Error>,
    pub(crate) server: Option<Error>,
}

impl Pair {
    pub(crate) fn new(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        Self {
            client: ClientConnection::new(Arc::clone(client), ServerName::try_from(NAME).unwrap()).unwrap(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
        }
    }

    /// Both ends after a handshake that has to succeed.
    pub(crate) fn connected(client: ClientConfig, server: ServerConfig) -> Self {
        let mut pair = Self::new(&Arc::new(client), &Arc::new(server));
        pair.handshake().unwrap();
        pair
    }

    /// Why there is no handshake, which has to fail.
    pub(crate) fn refused(client: ClientConfig, server: ServerConfig) -> Failure {
        Self::new(&Arc::new(client), &Arc::new(server)).handshake().unwrap_err()
    }

    /// Carries octets to and fro until nobody has any more to say.
    pub(crate) fn handshake(&mut self) -> Result<(), Failure> {
        let (mut client, mut server) = (None, None);
        while self.client.wants_write() || self.server.wants_write() {
            carry(&mut self.client, &mut self.server, &mut server);
            carry(&mut self.server, &mut self.client, &mut client);
        }
        if client.is_some() || server.is_some() {
            return Err(Failure { client, server });
        }
        assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
        Ok(())
    }

    /// What the server reads of what the client sends.
    pub(crate) fn at_server(&mut self, data: &[u8]) -> Vec<u8> {
        transmit(&mut self.client, &mut self.server, data)
    }

    /// What the client reads of what the server sends.
    pub(crate) fn at_client(&mut self, data: &[u8]) -> Vec<u8> {
        transmit(&mut self.server, &mut self.client, data)
    }
}

/// What one end has to say goes to the other, which remembers the first thing that it does not accept.
fn carry<F: SideData, T: SideData>(
    from: &mut ConnectionCommon<F>,
    to: &mut ConnectionCommon<T>,
    error: &mut Option<Error>,
) {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() && error.is_none() {
        to.read_tls(&mut rest).unwrap();
        *error = to.process_new_packets().err();
    }
}

fn transmit<F: SideData, T: SideData>(
    from: &mut ConnectionCommon<F>,
    to: &mut ConnectionCommon<T>,
    data: &[u8],
) -> Vec<u8> {
    let (mut sent, mut received) = (0, Vec::new());
    while received.len() < data.len() {
        sent += from.writer().write(&data[sent..]).unwrap();
        let mut wire = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            to.read_tls(&mut rest).unwrap();
            let state = to.process_new_packets().unwrap();
            let mut chunk = vec![0; state.plaintext_bytes_to_read()];
            to.reader().read_exact(&mut chunk).unwrap();
            received.extend(chunk);
        }
    }
    received
}
