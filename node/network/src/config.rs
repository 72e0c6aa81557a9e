//! What stays fixed while the network runs: where it listens, and a limit on everything.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::edition::TlsEdition;

/// The fixed configuration of a node's network. What may change while it runs is in [`Settings`](crate::Settings).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How this node and its peers speak TLS.
    pub edition: TlsEdition,
    /// Where to accept peers; port 0 takes any free port ([`local_address`](crate::NetworkHandle::local_address)).
    pub listen: SocketAddr,
    /// The software version told to peers, at most [`MAX_SOFTWARE_BYTES`](crate::MAX_SOFTWARE_BYTES) bytes.
    pub software: String,
    /// Limits; the defaults suit a node with some hundred peers.
    pub limits: Limits,
    /// Intervals and timeouts.
    pub timing: Timing,
}

impl Config {
    /// The default limits and timing, in this edition, listening at `listen` and calling itself `software`.
    pub fn new(edition: TlsEdition, listen: SocketAddr, software: impl Into<String>) -> Self {
        Self {
            edition,
            listen,
            software: software.into(),
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }
}

/// A bound on everything a peer or a caller can make grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Distinct peers with at least one connection.
    pub peers: usize,
    /// Inbound connections whose handshake is not finished.
    pub handshakes: usize,
    /// The same from a single IP address, so that one host cannot take all of them.
    pub handshakes_per_address: usize,
    /// The longest payload of a frame, bytes, for modules without an own entry. Above a block of 4 MiB with its proof.
    pub payload_bytes: usize,
    /// The longest payload by module, bytes.
    pub module_payload_bytes: BTreeMap<u16, usize>,
    /// Frames waiting to be sent, per peer and lane.
    pub queue_frames: usize,
    /// Bytes waiting to be sent, per peer and lane.
    pub queue_bytes: usize,
    /// Received frames waiting for a module of a group.
    pub inbound_frames: usize,
    /// Received bytes waiting for a module of a group.
    pub inbound_bytes: usize,
    /// What a peer may send on a lane, bytes a second; above it that lane of that peer is read more slowly.
    pub bytes_per_second: u64,
    /// What a peer may send on a lane, frames a second; above it that lane of that peer is read more slowly. Far above
    /// what votes come to, so that only a flood is held back on the consensus lane.
    pub frames_per_second: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers: 256,
            handshakes: 128,
            handshakes_per_address: 32,
            payload_bytes: 8 << 20,
            module_payload_bytes: BTreeMap::new(),
            queue_frames: 8_192,
            queue_bytes: 64 << 20,
            inbound_frames: 8_192,
            inbound_bytes: 64 << 20,
            bytes_per_second: 128 << 20,
            frames_per_second: 50_000,
        }
    }
}

impl Limits {
    /// The longest payload of a frame for `module`, bytes.
    pub fn payload_bytes_of(&self, module: u16) -> usize {
        self.module_payload_bytes
            .get(&module)
            .copied()
            .unwrap_or(self.payload_bytes)
    }
}

/// Intervals and timeouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// TCP connect, and TLS with hello, each.
    pub handshake: Duration,
    /// A connection silent for this long is asked for a sign of life.
    pub heartbeat: Duration,
    /// A connection silent, or not taking what we write, for this long is closed.
    pub idle: Duration,
    /// How long a connection has to answer when a second one arrives under its identity.
    pub probe: Duration,
    /// The first pause before dialling an address again; it doubles with jitter.
    pub redial_min: Duration,
    /// The longest pause before dialling an address again.
    pub redial_max: Duration,
    /// How long a peer stays out after its first malformed frame; it doubles up to 64 times with each further one.
    pub penalty: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            heartbeat: Duration::from_secs(2),
            idle: Duration::from_secs(10),
            probe: Duration::from_millis(1_500),
            redial_min: Duration::from_millis(200),
            redial_max: Duration::from_secs(3),
            penalty: Duration::from_secs(1),
        }
    }
}
