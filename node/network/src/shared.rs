//! What the listener, the dialers, the connections and the handle hold in common.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use althing_types::NodeId;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Lane, ServedGroup};
use crate::budget::Offences;
use crate::config::Config;
use crate::connection::{Connection, Origin};
use crate::frame::control;
use crate::hello::{Hello, encode_groups};
use crate::metrics::Metrics;
use crate::refusal::{Direction, Refusal, RefusalRecord};
use crate::routes::Routes;
use crate::shown::Shown;
use crate::table::{PeerTable, find_group};
use crate::tls::Credentials;

/// Refusals remembered for `doctor`, at most.
const MAX_RECORDS: usize = 128;

/// Identities whose offences are remembered, at most; only holders of a good certificate get there.
const MAX_OFFENDERS: usize = 4_096;

/// A refusal that repeats is logged again after this long.
const LOG_AGAIN_MS: u64 = 60_000;

/// The common state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) own: NodeId,
    pub(crate) local: SocketAddr,
    pub(crate) credentials: ArcSwap<Credentials>,
    pub(crate) groups: ArcSwap<Vec<ServedGroup>>,
    pub(crate) table: PeerTable,
    pub(crate) routes: Routes,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    instance: u64,
    started: Instant,
    connections: AtomicU64,
    records: Mutex<Vec<RefusalRecord>>,
    offenders: Mutex<HashMap<NodeId, Offences>>,
}

impl Shared {
    pub(crate) fn new(config: Config, local: SocketAddr, credentials: Credentials, metrics: Metrics) -> Self {
        let own = credentials.identity.node_id;
        Self {
            own,
            local,
            groups: ArcSwap::default(),
            table: PeerTable::new(own, config.limits.peers, metrics.clone()),
            routes: Routes::new(config.limits.inbound_frames, config.limits.inbound_bytes),
            credentials: ArcSwap::from_pointee(credentials),
            config,
            metrics,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            instance: rand::random(),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            records: Mutex::default(),
            offenders: Mutex::default(),
        }
    }

    /// Time since the network began; never goes back.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The same in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Our hello on a lane, saying that we serve `groups`.
    pub(crate) fn hello(&self, lane: Lane, credentials: &Credentials, groups: &[ServedGroup]) -> Hello {
        Hello {
            lane,
            node_id: self.own,
            instance: self.instance,
            trust_hash: *credentials.trust.hash(),
            software: self.config.software.clone(),
            groups: groups.to_vec(),
        }
    }

    /// Shows every live peer what a reload has made of our certificates and trust.
    pub(crate) fn show_again(&self, credentials: &Credentials) {
        for connection in self.table.connections() {
            self.show(&connection, credentials);
        }
    }

    /// Shows them to one peer.
    pub(crate) fn show_to(&self, node_id: &NodeId, credentials: &Credentials) {
        for connection in Lane::ALL
            .into_iter()
            .filter_map(|lane| self.table.connection(node_id, lane))
        {
            self.show(&connection, credentials);
        }
    }

    /// Shows them over one connection.
    pub(crate) fn show(&self, connection: &Connection, credentials: &Credentials) {
        match Shown::of(credentials).encode() {
            Some(payload) => connection.queue.push_control(control::SHOWN, payload),
            None => {
                tracing::warn!("our certificates are too long to be shown again: peers see them when they reconnect")
            }
        }
    }

    /// Tells one connection which groups we serve; a bulk lane has no place for it.
    pub(crate) fn announce(&self, connection: &Connection) {
        if connection.lane == Lane::Consensus {
            connection
                .queue
                .push_control(control::GROUPS, encode_groups(&self.groups.load()));
        }
    }

    /// Counts and logs announced groups that are ours by number and not by genesis.
    pub(crate) fn watch_genesis(&self, node_id: &NodeId, announced: &[ServedGroup]) {
        for own in self.groups.load().iter() {
            match find_group(announced, own.group) {
                Some(theirs) if theirs.genesis_hash != own.genesis_hash => {
                    self.metrics.genesis_differs.inc();
                    tracing::warn!(
                        peer = node_id.short(), group = %own.group, ours = %own.genesis_hash, theirs = %theirs.genesis_hash,
                        "a peer serves another ledger under the number of our group: compare both group.N.genesis"
                    );
                }
                _ => {}
            }
        }
    }

    pub(crate) const fn direction(&self, origin: Origin) -> Direction {
        if origin.dialled_by_us {
            Direction::Outbound
        } else {
            Direction::Inbound
        }
    }

    /// Counts, remembers and (at times) logs that a peer is not let in.
    pub(crate) fn refuse(&self, refusal: &Refusal, address: IpAddr, direction: Direction) {
        self.metrics.refused(refusal.reason);
        if self.remember(refusal, address, direction, false) {
            let peer = refusal.node_id.map(|node_id| node_id.short());
            tracing::warn!(peer, %address, reason = %refusal.reason, detail = refusal.detail, "peer refused");
        }
    }

    /// Remembers and (at times) logs that a peer does not let us in.
    pub(crate) fn refused_by_peer(&self, refusal: &Refusal, address: IpAddr) {
        if self.remember(refusal, address, Direction::Outbound, true) {
            tracing::warn!(%address, reason = %refusal.reason, detail = refusal.detail, "refused by a peer");
        }
    }

    /// Files a refusal; says whether it is new or has not been logged for long.
    fn remember(&self, refusal: &Refusal, address: IpAddr, direction: Direction, by_peer: bool) -> bool {
        let now = unix_ms();
        let same = |record: &&mut RefusalRecord| {
            record.refusal.reason == refusal.reason
                && record.refusal.node_id == refusal.node_id
                && (record.address, record.direction, record.by_peer) == (address, direction, by_peer)
        };
        let mut records = self.records.lock();
        if let Some(record) = records.iter_mut().find(same) {
            // Logged at the first, and then whenever a repetition falls into another minute.
            let again = now / LOG_AGAIN_MS != record.last_unix_ms / LOG_AGAIN_MS;
            record.count += 1;
            record.last_unix_ms = now;
            record.refusal = refusal.clone();
            return again;
        }
        if records.len() >= MAX_RECORDS {
            let oldest = records
                .iter()
                .enumerate()
                .min_by_key(|(_, record)| record.last_unix_ms)
                .map(|(at, _)| at);
            if let Some(at) = oldest {
                records.swap_remove(at);
            }
        }
        let refusal = refusal.clone();
        records.push(RefusalRecord {
            refusal,
            address,
            direction,
            by_peer,
            count: 1,
            last_unix_ms: now,
        });
        true
    }

    pub(crate) fn records(&self) -> Vec<RefusalRecord> {
        let mut records = self.records.lock().clone();
        records.sort_unstable_by_key(|record| std::cmp::Reverse(record.last_unix_ms));
        records
    }

    /// Counts a malformed frame against its sender, which stays out for a while.
    pub(crate) fn offend(&self, node_id: NodeId) {
        let now = self.now();
        let mut offenders = self.offenders.lock();
        offenders.retain(|_, offences| !offences.is_forgotten(now));
        if offenders.len() < MAX_OFFENDERS || offenders.contains_key(&node_id) {
            offenders
                .entry(node_id)
                .or_default()
                .add(self.config.timing.penalty, now);
        }
    }

    /// How long an identity stays out for what it sent.
    pub(crate) fn penalty(&self, node_id: &NodeId) -> Duration {
        let offenders = self.offenders.lock();
        offenders
            .get(node_id)
            .map_or(Duration::ZERO, |offences| offences.remaining(self.now()))
    }

    /// Gives every live connection to `keep`, and closes those it refuses.
    pub(crate) fn sift(&self, keep: impl Fn(&Connection) -> Result<(), Refusal>) -> Vec<NodeId> {
        let mut closed = Vec::new();
        for connection in self.table.connections() {
            if let Err(refusal) = keep(&connection) {
                self.refuse(&refusal, connection.address.ip(), self.direction(connection.origin));
                connection.close(&refusal.to_string());
                closed.push(connection.node_id);
            }
        }
        closed.sort_unstable();
        closed.dedup();
        closed
    }

    /// Spawns a task that shutdown waits for.
    pub(crate) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
