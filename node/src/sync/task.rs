//! The sync thread of a group: announces, asks, answers. Reading blocks for others happens here, so that it never stands
//! before a vote.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use althing_consensus::ConsensusStatus;
use althing_execution::governance;
use althing_ledger::Ledger;
use althing_types::{Bytes, NodeId};
use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tracing::{debug, warn};

use super::message::{ANSWER_BYTES, BLOCKS_PER_REQUEST, Request, Status, SyncMessage, SyncedBlock};
use super::peers::SyncPeers;
use crate::clock::Clock;
use crate::gossip;
use crate::group::{CoreEvent, Job, Liveness, Outlet};
use crate::metrics::Metrics;
use crate::txpool::TxPool;

/// How often this node says where it is, and looks whether it is behind.
const TICK: Duration = Duration::from_millis(500);
/// Every how many of them what waits too long in the pool is dropped.
const EXPIRE_TICKS: u64 = 20;
/// How far this node's clock may be from the sealers' median, milliseconds (LEDGER.md 2).
const CLOCK_OFF_MS: u64 = 5_000;
/// How long consensus may take to bring a block by itself before it is asked for, milliseconds.
const PATIENCE_MS: u64 = 300;

/// What the sync thread is told.
#[derive(Debug)]
pub(crate) enum SyncEvent {
    /// A sync message from a peer.
    Message { peer: NodeId, payload: Bytes },
    /// A peer of this group came or went.
    Peer { id: NodeId, up: bool },
    /// A block is durable here.
    Committed,
    /// Consensus thinks that others have this height.
    Fetch { height: u64, from: Vec<NodeId> },
    /// A peer's blocks were refused.
    Refused { peer: NodeId },
    /// A peer's blocks are of the other side of a recovery.
    NotTaken { peer: NodeId },
    /// The executor is through with what it was given.
    ImportDone,
    /// Peers have proved that votes of this node are missing from its vote log.
    VotesLost,
    /// The node stops.
    Stop,
}

/// Where sync stands, for RPC and readiness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncView {
    /// Whether blocks are being fetched.
    pub syncing: bool,
    /// The height this sync began at.
    pub starting_height: u64,
    /// What each connected member announced last.
    pub peers: Vec<(NodeId, Status)>,
    /// When each of them did, on this node's monotonic clock, milliseconds.
    pub heard_ms: BTreeMap<NodeId, u64>,
}

impl SyncView {
    /// The highest block announced by a peer.
    pub fn highest(&self) -> Option<Status> {
        self.peers
            .iter()
            .map(|(_, status)| *status)
            .max_by_key(|status| status.height)
    }

    /// What a member announced, if that was not longer ago than `age_ms`.
    pub fn heard(&self, peer: &NodeId, now_ms: u64, age_ms: u64) -> Option<Status> {
        let recent = now_ms.saturating_sub(*self.heard_ms.get(peer)?) <= age_ms;
        let status = self.peers.iter().find(|(member, _)| member == peer);
        status.filter(|_| recent).map(|(_, status)| *status)
    }
}

/// What the sync thread works with.
pub(crate) struct SyncParts {
    pub(crate) own: NodeId,
    pub(crate) ledger: Ledger,
    pub(crate) pool: Arc<TxPool>,
    pub(crate) outlet: Outlet,
    pub(crate) core: Sender<CoreEvent>,
    pub(crate) jobs: Sender<Job>,
    pub(crate) view: Arc<ArcSwap<SyncView>>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) liveness: Liveness,
    pub(crate) consensus: Arc<ArcSwap<ConsensusStatus>>,
    /// Whether this node ever voted in this group.
    pub(crate) voted: Arc<AtomicBool>,
}

/// The sync thread of one group.
pub(crate) struct SyncTask {
    parts: SyncParts,
    peers: SyncPeers,
    /// Set while it is not known through which height to abstain.
    abstention_open: bool,
    importing: bool,
    behind_since_ms: Option<u64>,
    starting_height: u64,
    clock_off: bool,
    heard_ms: BTreeMap<NodeId, u64>,
}

impl SyncTask {
    pub(crate) fn new(parts: SyncParts, abstention_open: bool) -> Self {
        Self {
            parts,
            peers: SyncPeers::default(),
            abstention_open,
            importing: false,
            behind_since_ms: None,
            starting_height: 0,
            clock_off: false,
            heard_ms: BTreeMap::new(),
        }
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self, events: &Receiver<SyncEvent>) {
        let mut tick = Instant::now();
        let mut ticks = 0_u64;
        loop {
            match events.recv_deadline(tick) {
                Ok(SyncEvent::Stop) => return,
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= tick {
                tick = Instant::now() + TICK;
                self.announce();
                self.settle_abstention();
                self.look_at_clocks();
                let now_ms = self.parts.clock.monotonic_ms();
                let behind_ms = self.peers.clock_offset_ms();
                self.parts
                    .liveness
                    .tick(&self.parts.consensus.load(), behind_ms, now_ms);
                ticks += 1;
                if ticks.is_multiple_of(EXPIRE_TICKS) {
                    self.parts.pool.expire();
                }
            }
            self.catch_up();
            self.publish();
        }
    }

    fn own_status(&self) -> Status {
        let head = self.parts.ledger.head();
        let begun = head.height > 0 || self.parts.voted.load(Ordering::Relaxed);
        Status {
            height: head.height,
            hash: head.hash,
            begun,
            unix_ms: self.parts.clock.unix_ms(),
        }
    }

    /// A clock far from the sealers' median raises an alarm: its blocks would be refused.
    fn look_at_clocks(&mut self) {
        let offset = self.peers.clock_offset_ms();
        self.parts.metrics.clock_offset(offset);
        let off = offset.unsigned_abs() > CLOCK_OFF_MS;
        if off && !self.clock_off {
            warn!(
                alarm = "clock_off",
                offset_ms = offset,
                "this node's clock is off the sealers' median; check its time service"
            );
        }
        self.clock_off = off;
    }

    fn announce(&self) {
        self.parts
            .outlet
            .status_to_all(SyncMessage::Status(self.own_status()).encode());
    }

    fn handle(&mut self, event: SyncEvent) {
        match event {
            SyncEvent::Message { peer, payload } => self.message(peer, &payload),
            SyncEvent::Peer { id, up: true } => self.welcome(&id),
            SyncEvent::Peer { id, up: false } => {
                self.heard_ms.remove(&id);
                self.peers.lost(&id);
            }
            SyncEvent::Committed => self.announce(),
            SyncEvent::Fetch { height, from } => {
                debug!(height, peers = from.len(), "consensus asks for blocks");
                self.behind_since_ms.get_or_insert(0);
            }
            SyncEvent::Refused { peer } => {
                self.peers.failed(&peer, self.parts.clock.monotonic_ms());
                self.parts.outlet.punish(&peer);
            }
            SyncEvent::NotTaken { peer } => self.peers.failed(&peer, self.parts.clock.monotonic_ms()),
            SyncEvent::ImportDone => self.importing = false,
            SyncEvent::VotesLost => {
                self.abstention_open = true;
                self.peers.forget_beginnings();
                self.settle_abstention();
            }
            SyncEvent::Stop => {}
        }
    }

    /// A new peer learns where this node is and which transactions wait, if it is a member.
    fn welcome(&self, peer: &NodeId) {
        let audience = self.parts.outlet.audience();
        if audience.hears_status(peer) {
            self.tell(peer);
        }
        if !audience.hears(peer) {
            return;
        }
        for frame in gossip::frames(self.parts.pool.executable(10_000)) {
            self.parts.outlet.transactions_to(peer, gossip::encode(&frame));
        }
    }

    fn tell(&self, peer: &NodeId) {
        let status = SyncMessage::Status(self.own_status());
        self.parts.outlet.sync_to(peer, status.encode());
    }

    /// Who was removed while it was away hears of the blocks through the one that removed it, or it would wait for ever; of later
    /// ones it hears nothing.
    fn tell_who_was_removed(&self, peer: &NodeId, height: u64) {
        if self.parts.outlet.audience().hears_status(peer) {
            return;
        }
        let height = self.readable(peer, height.saturating_add(1)).last();
        let Some(Ok(Some(block))) = height.map(|height| self.parts.ledger.block(height)) else {
            return;
        };
        let status = Status {
            height: block.block.height(),
            hash: block.hash,
            ..self.own_status()
        };
        self.parts.outlet.sync_to(peer, SyncMessage::Status(status).encode());
    }

    fn message(&mut self, peer: NodeId, payload: &[u8]) {
        match SyncMessage::decode(payload) {
            Ok(SyncMessage::Status(status)) => {
                self.heard_ms.insert(peer, self.parts.clock.monotonic_ms());
                self.peers.announced(peer, status, self.parts.clock.unix_ms());
                self.settle_abstention();
                self.tell_who_was_removed(&peer, status.height);
            }
            Ok(SyncMessage::Request(request)) => self.answer(&peer, request),
            Ok(SyncMessage::Blocks(blocks)) => self.blocks(peer, blocks),
            Err(error) => {
                self.parts.metrics.message_refused("malformed");
                warn!(peer = %peer.short(), "a sync message is malformed: {error}");
                self.parts.outlet.punish(&peer);
            }
        }
    }

    fn settle_abstention(&mut self) {
        if !self.abstention_open {
            return;
        }
        let own = self.own_status();
        let head = self.parts.ledger.head();
        if let Some(height) = self.peers.abstain_through(&self.parts.own, own, &head.next_sealers) {
            self.abstention_open = false;
            let _ = self.parts.core.send(CoreEvent::AbstainThrough(height));
        }
    }

    fn blocks(&mut self, peer: NodeId, blocks: Vec<SyncedBlock>) {
        if !self.peers.answered(&peer) {
            return debug!(peer = %peer.short(), "blocks nobody asked for");
        }
        if blocks.is_empty() {
            return self.peers.failed(&peer, self.parts.clock.monotonic_ms());
        }
        self.importing = true;
        let _ = self.parts.jobs.send(Job::Import { peer, blocks });
    }

    fn answer(&self, peer: &NodeId, request: Request) {
        let mut readable = self
            .readable(peer, request.from)
            .take(usize::try_from(request.count).unwrap_or(0))
            .peekable();
        if readable.peek().is_none() && !self.parts.outlet.audience().hears(peer) {
            return debug!(peer = %peer.short(), "a free node asks for blocks of this group: it gets nothing of it");
        }
        let mut blocks = Vec::new();
        let mut bytes = 0;
        for height in readable {
            match self.stored(height) {
                Ok(Some(synced)) => {
                    bytes += synced.block.len();
                    blocks.push(synced);
                }
                Ok(None) => break,
                Err(error) => {
                    warn!(height, "a block cannot be read for a peer: {error}");
                    break;
                }
            }
            if bytes >= ANSWER_BYTES {
                break;
            }
        }
        self.parts.outlet.sync_to(peer, SyncMessage::Blocks(blocks).encode());
    }

    /// The next heights that a peer may read, as many as one answer holds. Members read everything, and who was one the blocks of
    /// that time: a removed sealer is served the block that removed it (LEDGER.md 4), and so is an observer, which a sealer becomes
    /// on its way out.
    fn readable<'t>(&'t self, peer: &'t NodeId, from: u64) -> impl Iterator<Item = u64> + use<'t> {
        let hears = self.parts.outlet.audience().hears(peer);
        let through = from
            .saturating_add(BLOCKS_PER_REQUEST - 1)
            .min(self.parts.ledger.head().height);
        (from..=through).take_while(move |height| hears || self.was_member(peer, *height))
    }

    fn was_member(&self, peer: &NodeId, height: u64) -> bool {
        let ledger = &self.parts.ledger;
        let sealers = ledger.sealers(height).ok().flatten();
        if sealers.is_some_and(|sealers| sealers.contains(peer)) {
            return true;
        }
        let before = height.checked_sub(1).and_then(|before| ledger.state_at(before).ok());
        let before = before.and_then(|state| governance(&state).ok().flatten());
        before.is_some_and(|before| before.members().contains_key(peer))
    }

    fn stored(&self, height: u64) -> Result<Option<SyncedBlock>, althing_ledger::LedgerError> {
        if height == 0 || height > self.parts.ledger.head().height {
            return Ok(None);
        }
        let (block, certificate) = (self.parts.ledger.block(height)?, self.parts.ledger.certificate(height)?);
        Ok(block.zip(certificate).map(|(stored, certificate)| SyncedBlock {
            block: stored.block.encode().into(),
            certificate,
        }))
    }

    /// Asks for blocks once this node has been behind for longer than consensus needs to bring them by itself.
    fn catch_up(&mut self) {
        let height = self.parts.ledger.head().height;
        let now_ms = self.parts.clock.monotonic_ms();
        let highest = self.peers.highest().map_or(0, |status| status.height);
        if highest <= height {
            self.behind_since_ms = None;
            return;
        }
        let since = *self.behind_since_ms.get_or_insert(now_ms);
        let patient = highest == height + 1 && now_ms.saturating_sub(since) < PATIENCE_MS;
        if patient || self.importing {
            return;
        }
        if let Some((peer, request)) = self.peers.next_request(height, now_ms) {
            if self.starting_height == 0 {
                self.starting_height = height;
            }
            debug!(peer = %peer.short(), from = request.from, count = request.count, "asking for blocks");
            self.parts.outlet.sync_to(&peer, SyncMessage::Request(request).encode());
        }
    }

    fn publish(&mut self) {
        let height = self.parts.ledger.head().height;
        let highest = self.peers.highest().map_or(0, |status| status.height);
        let syncing = highest > height + 1 || self.importing || self.peers.is_requesting();
        if !syncing {
            self.starting_height = 0;
        }
        self.parts.metrics.sync(syncing, highest.max(height));
        let view = SyncView {
            syncing,
            starting_height: self.starting_height,
            peers: self
                .peers
                .statuses()
                .iter()
                .map(|(peer, status)| (*peer, *status))
                .collect(),
            heard_ms: self.heard_ms.clone(),
        };
        if **self.parts.view.load() != view {
            self.parts.view.store(Arc::new(view));
        }
    }
}
