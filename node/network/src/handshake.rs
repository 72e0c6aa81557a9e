//! From a TCP connection to a place in the table: TLS, hello, admission.

use std::net::SocketAddr;
use std::sync::Arc;

use althing_types::NodeId;
use bytes::BytesMut;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::api::{Lane, ServedGroup};
use crate::connection::{Connection, Origin, Stream};
use crate::frame::{CONTROL_GROUP, CONTROL_PAYLOAD_BYTES, Frame, control, take_frame};
use crate::hello::{Hello, decode_refusal, encode_refusal};
use crate::refusal::{Direction, Refusal, RefusalReason};
use crate::shared::{Shared, unix_ms};
use crate::table::Admission;
use crate::tls::{self, Credentials, HandshakeFailure, VerifiedPeer, Verifier};

/// What a dial came to, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialled {
    /// The lane to this peer is up.
    Connected(NodeId),
    /// This peer answered, and its lane was up already.
    Already(NodeId),
}

/// Our half of one handshake, as of its beginning: what changes meanwhile is looked at after admission.
struct Attempt {
    shared: Arc<Shared>,
    credentials: Arc<Credentials>,
    groups: Arc<Vec<ServedGroup>>,
    address: SocketAddr,
    direction: Direction,
}

impl Attempt {
    fn new(shared: &Arc<Shared>, address: SocketAddr, direction: Direction) -> Self {
        Self {
            shared: Arc::clone(shared),
            credentials: shared.credentials.load_full(),
            groups: shared.groups.load_full(),
            address,
            direction,
        }
    }

    fn hello(&self, lane: Lane) -> Frame {
        let hello = self.shared.hello(lane, &self.credentials, &self.groups);
        Frame::control(control::HELLO, hello.encode())
    }

    /// What a peer's hello has to agree with.
    fn check_hello(&self, peer: &VerifiedPeer, hello: &Hello) -> Result<(), Refusal> {
        let node_id = peer.identity.node_id;
        if hello.node_id != node_id {
            let detail = format!("the peer says it is {} and holds the key of {node_id}", hello.node_id);
            return Err(Refusal::new(RefusalReason::IdentityMismatch, detail).of(node_id));
        }
        let out = self.shared.penalty(&node_id);
        if !out.is_zero() {
            let detail = format!(
                "the peer sent malformed frames and stays out for {} ms",
                out.as_millis()
            );
            return Err(Refusal::new(RefusalReason::Limit, detail).of(node_id));
        }
        self.shared.watch_genesis(&node_id, &hello.groups);
        Ok(())
    }

    /// Finds the new connection's place, asking one that is there already for a sign of life.
    async fn admit(&self, connection: &Arc<Connection>, hello: &Hello) -> Result<bool, Refusal> {
        let node_id = connection.node_id;
        loop {
            match self.shared.table.admit(connection, hello, unix_ms()) {
                Admission::Admitted => return Ok(true),
                Admission::TooManyPeers => {
                    let detail = format!("{} peers are connected already", self.shared.config.limits.peers);
                    return Err(Refusal::new(RefusalReason::Limit, detail).of(node_id));
                }
                Admission::Occupied(existing) => {
                    if !existing.probe(self.shared.config.timing.probe).await {
                        continue;
                    }
                    if existing.origin.instance == connection.origin.instance {
                        return Ok(false);
                    }
                    let detail = format!(
                        "nodeID {node_id} has a live {} connection from another process at {}; an identity runs at most once",
                        connection.lane.as_str(),
                        existing.address
                    );
                    return Err(Refusal::new(RefusalReason::Duplicate, detail).of(node_id));
                }
            }
        }
    }

    /// After admission: settings or groups may have changed while the handshake ran.
    fn catch_up(&self, connection: &Connection) {
        let current = self.shared.credentials.load();
        if !Arc::ptr_eq(&current, &self.credentials) {
            let time = unix_ms() / 1_000;
            if let Err(refusal) = current.recheck(&connection.peer(), time, self.direction) {
                self.shared.refuse(&refusal, self.address.ip(), self.direction);
                connection.close(&refusal.to_string());
            }
            self.shared.show(connection, &current);
        }
        if !Arc::ptr_eq(&self.shared.groups.load(), &self.groups) {
            self.shared.announce(connection);
        }
    }

    fn connection(&self, lane: Lane, peer: VerifiedPeer, instance: u64) -> Arc<Connection> {
        let origin = Origin {
            instance,
            dialled_by_us: self.direction == Direction::Outbound,
        };
        Arc::new(Connection::new(&self.shared, lane, peer, origin, self.address))
    }

    /// Runs an admitted connection until it ends.
    fn run(&self, connection: Arc<Connection>, stream: impl Stream + 'static, buffer: BytesMut) {
        let shared = Arc::clone(&self.shared);
        self.shared.spawn(async move {
            connection.run(&shared, stream, buffer).await;
            shared.table.remove(&connection);
        });
    }
}

/// Answers a peer that dialled us. Every refusal is counted here, on the serving side.
pub(crate) async fn accept(shared: Arc<Shared>, tcp: TcpStream, address: SocketAddr) {
    let attempt = Attempt::new(&shared, address, Direction::Inbound);
    let failure = match tokio::time::timeout(shared.config.timing.handshake, answer(&attempt, tcp)).await {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => failure,
        Err(_) => HandshakeFailure::Lost("no handshake in time".to_owned()),
    };
    match failure {
        HandshakeFailure::Refused(refusal) => shared.refuse(&refusal, address.ip(), Direction::Inbound),
        other => tracing::debug!(%address, %other, "inbound handshake ended"),
    }
}

async fn answer(attempt: &Attempt, tcp: TcpStream) -> Result<(), HandshakeFailure> {
    let (config, verifier) = tls::server(&attempt.credentials).map_err(lost)?;
    let mut stream = TlsAcceptor::from(config)
        .accept(tcp)
        .await
        .map_err(|error| tls::classify(&error, &verifier))?;
    let peer = verified(&verifier)?;
    let mut buffer = BytesMut::new();
    let greeted = read_hello(&mut stream, &mut buffer, &verifier).await;
    match greeted.and_then(|hello| {
        attempt
            .check_hello(&peer, &hello)
            .map(|()| hello)
            .map_err(HandshakeFailure::Refused)
    }) {
        Ok(hello) => place(attempt, peer, hello, stream, buffer).await,
        Err(HandshakeFailure::Refused(refusal)) => Err(say_refused(&mut stream, refusal).await),
        Err(other) => Err(other),
    }
}

async fn place<S: Stream + 'static>(
    attempt: &Attempt,
    peer: VerifiedPeer,
    hello: Hello,
    mut stream: S,
    buffer: BytesMut,
) -> Result<(), HandshakeFailure> {
    let connection = attempt.connection(hello.lane, peer, hello.instance);
    match attempt.admit(&connection, &hello).await {
        Ok(true) => {}
        Ok(false) => {
            return Err(HandshakeFailure::Lost(
                "another connection of the same pair stays".to_owned(),
            ));
        }
        Err(refusal) => return Err(say_refused(&mut stream, refusal).await),
    }
    // From here on it has a place: whatever happens, it has to be run or taken out again.
    let sent = write_frame(&mut stream, &attempt.hello(hello.lane)).await;
    attempt.catch_up(&connection);
    if let Err(error) = sent {
        connection.close(&error.to_string());
    }
    attempt.run(connection, stream, buffer);
    Ok(())
}

/// Dials one address of a peer for one lane. `expected` is who has to answer there, if that is known.
pub(crate) async fn dial(
    shared: &Arc<Shared>,
    address: SocketAddr,
    expected: Option<NodeId>,
    lane: Lane,
) -> Result<Dialled, HandshakeFailure> {
    let patience = shared.config.timing.handshake;
    let late = |what: &str| HandshakeFailure::Lost(format!("no {what} within {} ms", patience.as_millis()));
    let tcp = tokio::time::timeout(patience, TcpStream::connect(address)).await;
    let tcp = tcp.map_err(|_| late("TCP connection"))?.map_err(lost)?;
    let attempt = Attempt::new(shared, address, Direction::Outbound);
    tokio::time::timeout(patience, greet(&attempt, tcp, expected, lane))
        .await
        .map_err(|_| late("handshake"))?
}

async fn greet(
    attempt: &Attempt,
    tcp: TcpStream,
    expected: Option<NodeId>,
    lane: Lane,
) -> Result<Dialled, HandshakeFailure> {
    tcp.set_nodelay(true).map_err(lost)?;
    let (config, verifier) = tls::client(&attempt.credentials, expected).map_err(lost)?;
    // Never sent and never compared: identities are keys, and a peer may be dialled by address.
    let name = ServerName::try_from("peer.althing.dev").map_err(lost)?;
    let mut stream = TlsConnector::from(config)
        .connect(name, tcp)
        .await
        .map_err(|error| tls::classify(&error, &verifier))?;
    let peer = verified(&verifier)?;
    let node_id = peer.identity.node_id;
    if attempt.shared.table.connection(&node_id, lane).is_some() {
        return Ok(Dialled::Already(node_id));
    }
    write_frame(&mut stream, &attempt.hello(lane))
        .await
        .map_err(|error| tls::classify(&error, &verifier))?;
    let mut buffer = BytesMut::new();
    let hello = read_hello(&mut stream, &mut buffer, &verifier).await?;
    if hello.lane != lane {
        let detail = format!(
            "dialled for the {} lane, answered for the {}",
            lane.as_str(),
            hello.lane.as_str()
        );
        return Err(HandshakeFailure::Refused(
            Refusal::new(RefusalReason::Malformed, detail).of(node_id),
        ));
    }
    attempt.check_hello(&peer, &hello).map_err(HandshakeFailure::Refused)?;
    let connection = attempt.connection(lane, peer, hello.instance);
    if !attempt
        .admit(&connection, &hello)
        .await
        .map_err(HandshakeFailure::Refused)?
    {
        return Ok(Dialled::Already(node_id));
    }
    attempt.catch_up(&connection);
    attempt.run(connection, stream, buffer);
    Ok(Dialled::Connected(node_id))
}

fn verified(verifier: &Verifier) -> Result<VerifiedPeer, HandshakeFailure> {
    match verifier.outcome() {
        Some(Ok(peer)) => Ok(peer),
        Some(Err(refusal)) => Err(HandshakeFailure::Refused(refusal)),
        None => Err(HandshakeFailure::Refused(Refusal::new(
            RefusalReason::NoCertificate,
            tls::NO_CERTIFICATE,
        ))),
    }
}

fn lost(error: impl std::fmt::Display) -> HandshakeFailure {
    HandshakeFailure::Lost(error.to_string())
}

/// Reads the peer's first frame: its hello, or why it refuses us.
async fn read_hello<S: Stream>(
    stream: &mut S,
    buffer: &mut BytesMut,
    verifier: &Verifier,
) -> Result<Hello, HandshakeFailure> {
    let malformed = |detail: String| HandshakeFailure::Refused(Refusal::new(RefusalReason::Malformed, detail));
    let limit = |group, _module| {
        if group == CONTROL_GROUP {
            CONTROL_PAYLOAD_BYTES
        } else {
            0
        }
    };
    let frame = loop {
        if let Some(frame) = take_frame(buffer, limit).map_err(|error| malformed(error.to_string()))? {
            break frame;
        }
        let read = stream
            .read_buf(buffer)
            .await
            .map_err(|error| tls::classify(&error, verifier))?;
        if read == 0 {
            return Err(HandshakeFailure::Lost("the peer left before its hello".to_owned()));
        }
    };
    match (frame.group, frame.module) {
        (CONTROL_GROUP, control::HELLO) => Hello::decode(frame.payload).map_err(HandshakeFailure::Refused),
        (CONTROL_GROUP, control::REFUSE) => Err(HandshakeFailure::RefusedByPeer(decode_refusal(frame.payload))),
        (group, module) => Err(malformed(format!(
            "the first frame is module {module} of group {group}, not a hello"
        ))),
    }
}

/// Tells the peer why, as far as it listens.
async fn say_refused<S: Stream>(stream: &mut S, refusal: Refusal) -> HandshakeFailure {
    let frame = Frame::control(control::REFUSE, encode_refusal(&refusal));
    if write_frame(stream, &frame).await.is_ok() {
        drop(stream.shutdown().await);
    }
    HandshakeFailure::Refused(refusal)
}

async fn write_frame<S: Stream>(stream: &mut S, frame: &Frame) -> std::io::Result<()> {
    let mut bytes = BytesMut::with_capacity(frame.wire_bytes());
    bytes.extend_from_slice(&frame.header());
    bytes.extend_from_slice(&frame.payload);
    stream.write_all(&bytes).await?;
    stream.flush().await
}
