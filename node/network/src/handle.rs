//! The network as its caller holds it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use althing_types::{GroupId, NodeId};
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::api::{
    BroadcastOutcome, Inbound, Lane, MAX_GROUPS, MAX_SOFTWARE_BYTES, NetworkEvent, PeerIdentity, PeerInfo, SendOutcome,
    ServedGroup,
};
use crate::config::Config;
use crate::connection::Connection;
use crate::metrics::Metrics;
use crate::refusal::{RefusalReason, RefusalRecord};
use crate::settings::{PeerAddress, Settings, SettingsError};
use crate::shared::{Shared, unix_ms};
use crate::table::find_group;
use crate::tls::Credentials;
use crate::{dialer, listener};

/// Why the network cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A certificate, key or chain certificate cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address to listen at cannot be had.
    #[error("cannot listen for peers at {address}: {source}; {advice}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// The software version is too long to be told to peers.
    #[error("the software version {found:?} is longer than {MAX_SOFTWARE_BYTES} bytes")]
    Software {
        /// The version.
        found: String,
    },
}

/// What a reload did at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Our certificate now.
    pub identity: PeerIdentity,
    /// Peers whose live connections were closed because they are refused now.
    pub closed: Vec<NodeId>,
}

/// The start of the network.
#[derive(Debug)]
pub struct Network;

impl Network {
    /// Checks the settings, listens, and begins to dial. Has to be called within a Tokio runtime; metrics go into
    /// `registry` with names that begin with `althing_network_`.
    pub async fn start(
        config: Config,
        settings: Settings,
        registry: &mut Registry,
    ) -> Result<NetworkHandle, StartError> {
        if config.software.len() > MAX_SOFTWARE_BYTES {
            return Err(StartError::Software { found: config.software });
        }
        let credentials = Credentials::load(&settings, &config.edition, None, unix_ms() / 1_000)?;
        let failed = |source: std::io::Error| StartError::Listen {
            address: config.listen,
            advice: advice(source.kind()),
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared::new(config, local, credentials, Metrics::register(registry)));
        shared.spawn(listener::run(Arc::clone(&shared), listener));
        shared.spawn(tend(Arc::clone(&shared)));
        let handle = NetworkHandle {
            shared,
            dialers: Arc::default(),
            reloading: Arc::default(),
            runtime: tokio::runtime::Handle::current(),
        };
        handle.dial(settings.peers);
        Ok(handle)
    }
}

const fn advice(kind: std::io::ErrorKind) -> &'static str {
    match kind {
        std::io::ErrorKind::AddrInUse => {
            "another process has this port (perhaps this node, already running): stop it or choose another port"
        }
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a port from 1024 up",
        std::io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: use one of its own, or 0.0.0.0 for all of them"
        }
        _ => "check the configured listen address and port",
    }
}

/// Looks after all live connections: one task, however many peers.
async fn tend(shared: Arc<Shared>) {
    let timing = &shared.config.timing;
    // Whoever is asked for a sign of life gets the time to give one.
    let idle = timing.idle.max(timing.heartbeat * 2);
    let mut ticks = tokio::time::interval((timing.heartbeat / 2).max(std::time::Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = shared.now_ms();
        for connection in shared.table.connections() {
            connection.tend(now, timing.heartbeat, idle);
        }
    }
}

/// A running network. Clones are the same network. Every method but [`shutdown`](Self::shutdown) returns at once and
/// may be called from any thread.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    shared: Arc<Shared>,
    dialers: Arc<Mutex<HashMap<PeerAddress, CancellationToken>>>,
    reloading: Arc<Mutex<()>>,
    runtime: tokio::runtime::Handle,
}

impl NetworkHandle {
    /// Our nodeID; it stays for as long as the network runs.
    pub fn node_id(&self) -> NodeId {
        self.shared.own
    }

    /// What our certificate says.
    pub fn identity(&self) -> PeerIdentity {
        self.shared.credentials.load().identity.clone()
    }

    /// SHA-256 of the chain certificates we trust.
    pub fn trust_hash(&self) -> [u8; 32] {
        *self.shared.credentials.load().trust.hash()
    }

    /// The address peers are accepted at, with the port that was taken if 0 was configured.
    pub fn local_address(&self) -> SocketAddr {
        self.shared.local
    }

    /// Opens the channel of received frames of a module of a group. What its reader is too slow for is dropped and
    /// counted; dropping the receiver closes it; registering again replaces it.
    pub fn register(&self, group: GroupId, module: u16) -> mpsc::Receiver<Inbound> {
        self.shared.routes.register(group, module)
    }

    /// Says which groups this node serves from now on, to everybody connected and to come. Beyond [`MAX_GROUPS`] the
    /// highest numbers are left out. A group given twice counts once, with its first hash.
    pub fn set_groups(&self, mut groups: Vec<ServedGroup>) {
        groups.sort_by_key(|served| served.group);
        groups.dedup_by_key(|served| served.group);
        if groups.len() > MAX_GROUPS {
            tracing::warn!(
                groups = groups.len(),
                accepted = MAX_GROUPS,
                "more groups than can be announced"
            );
            groups.truncate(MAX_GROUPS);
        }
        self.shared.groups.store(Arc::new(groups));
        for connection in self.shared.table.connections() {
            self.shared.announce(&connection);
        }
    }

    /// Queues a frame to one peer.
    pub fn send(&self, peer: &NodeId, lane: Lane, group: GroupId, module: u16, payload: Bytes) -> SendOutcome {
        if payload.len() > self.shared.config.limits.payload_bytes_of(module) {
            return SendOutcome::TooLong;
        }
        match self.shared.table.connection(peer, lane) {
            Some(connection) => self.push(&connection, group, module, payload),
            None => SendOutcome::NotConnected,
        }
    }

    /// Queues a frame to every peer that serves `group` with our genesis hash and is meant; the payload is shared, not copied. A
    /// group we do not serve ourselves, or a payload over its module's limit, goes to nobody.
    pub fn broadcast(
        &self,
        group: GroupId,
        lane: Lane,
        module: u16,
        payload: &Bytes,
        is_meant: impl Fn(&NodeId) -> bool,
    ) -> BroadcastOutcome {
        let mut outcome = BroadcastOutcome::default();
        let groups = self.shared.groups.load();
        let Some(served) = find_group(&groups, group) else {
            return outcome;
        };
        let too_long = payload.len() > self.shared.config.limits.payload_bytes_of(module);
        for connection in self.shared.table.of_group(served, lane, is_meant) {
            let queued = match connection {
                Some(connection) if !too_long => self.push(&connection, group, module, payload.clone()).is_queued(),
                _ => false,
            };
            if queued {
                outcome.queued += 1;
            } else {
                outcome.dropped += 1;
            }
        }
        outcome
    }

    fn push(&self, connection: &Connection, group: GroupId, module: u16, payload: Bytes) -> SendOutcome {
        let pushed = connection.queue.push(group.get(), module, payload);
        if pushed.lost > 0 {
            self.shared
                .metrics
                .lane(connection.lane)
                .queue_drops
                .inc_by(pushed.lost);
        }
        pushed.outcome
    }

    /// Every peer with a live connection, by nodeID.
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.shared.table.infos()
    }

    /// The peers with both lanes up that serve `group` with our genesis hash, by nodeID.
    pub fn peers_of(&self, group: GroupId) -> Vec<NodeId> {
        let groups = self.shared.groups.load();
        find_group(&groups, group)
            .map(|served| self.shared.table.members(served))
            .unwrap_or_default()
    }

    /// What happens to peers from now on.
    pub fn events(&self) -> broadcast::Receiver<NetworkEvent> {
        self.shared.table.events()
    }

    /// The latest refusals of either side, newest first.
    pub fn refusals(&self) -> Vec<RefusalRecord> {
        self.shared.records()
    }

    /// How many peers were refused for a reason.
    pub fn refused(&self, reason: RefusalReason) -> u64 {
        self.shared.metrics.refused_count(reason)
    }

    /// Cuts off a peer whose frames a module found to be what no honest node sends; it stays out for a while, longer
    /// each time.
    pub fn punish(&self, peer: &NodeId) {
        self.shared.offend(*peer);
        for lane in Lane::ALL {
            if let Some(connection) = self.shared.table.connection(peer, lane) {
                connection.close("it sent what no honest node sends");
            }
        }
    }

    /// Uses other settings from now on: new handshakes and live peers are shown the new certificate, live connections of
    /// peers that the new lists or chain certificates refuse are closed at once, peers no longer listed are not dialled
    /// again. Settings that cannot be used change nothing.
    ///
    /// A live peer whose certificate has merely run out since it was shown stays until it reconnects: cutting it here would
    /// make a reload cost a quorum that a forgotten renewal has not yet cost.
    pub fn reload(&self, settings: Settings) -> Result<Reloaded, SettingsError> {
        let reloading = self.reloading.lock();
        let time = unix_ms() / 1_000;
        let credentials = Credentials::load(&settings, &self.shared.config.edition, Some(self.shared.own), time)?;
        let credentials = Arc::new(credentials);
        self.shared.credentials.store(Arc::clone(&credentials));
        let closed = self.shared.sift(|connection| {
            let direction = self.shared.direction(connection.origin);
            credentials.recheck(&connection.peer(), time, direction)
        });
        self.shared.show_again(&credentials);
        self.dial(settings.peers);
        drop(reloading);
        Ok(Reloaded {
            identity: credentials.identity.clone(),
            closed,
        })
    }

    /// Dials exactly `peers`: dialers of the same address go on, others end.
    fn dial(&self, peers: Vec<PeerAddress>) {
        let mut dialers = self.dialers.lock();
        dialers.retain(|peer, stop| {
            let stays = peers.contains(peer);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for peer in peers {
            if !dialers.contains_key(&peer) {
                let stop = self.shared.stop.child_token();
                dialers.insert(peer.clone(), stop.clone());
                self.shared
                    .tasks
                    .spawn_on(dialer::run(Arc::clone(&self.shared), peer, stop), &self.runtime);
            }
        }
    }

    /// Ends everything: no more dials or peers, goodbye to the connected ones, the port free when it returns.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}
