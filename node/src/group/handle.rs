//! A running group: its threads started, what others may ask of it, its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use althing_consensus::{ConsensusStatus, Head, Limits as MessageLimits, Pbft, Record, Settings};
use althing_crypto::NodeKey;
use althing_ledger::Ledger;
use althing_network::{Inbound, NetworkHandle, ServedGroup};
use althing_rpc::backend::GroupEvent;
use althing_types::{B256, Bytes, GroupId, NodeId, Recovered};
use arc_swap::ArcSwap;
use crossbeam_channel::{Sender, bounded, unbounded};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tracing::info;

use super::assemble::Assembler;
use super::audience::Audience;
use super::blocks::BlockCache;
use super::core::{Core, CoreParts};
use super::event::CoreEvent;
use super::executor::{Executor, ExecutorParts, UnderWay};
use super::halt::Halt;
use super::liveness::Liveness;
use super::open::OpenGroup;
use super::outlet::{Outlet, module};
use super::own_account::OwnAccount;
use super::recovery::{Installed, Taken};
use super::status::unreadiness;
use crate::clock::Clock;
use crate::gossip;
use crate::metrics::Metrics;
use crate::sync::{SyncEvent, SyncParts, SyncTask, SyncView};
use crate::txpool::{Admission, Origin, PoolLimits, Senders, TxPool};

/// Consensus events that may wait. Beyond it the network's own bounded queues hold what comes.
const EVENTS_MAX: usize = 16_384;
/// Group events a slow RPC reader may lag behind before it loses some.
const GROUP_EVENTS: usize = 4_096;
/// Bytes of a block's envelope beyond its transactions.
const BLOCK_ENVELOPE: usize = 64 * 1024;

/// A running group. Dropping it does not stop it; [`Group::stop`] does.
pub struct Group {
    id: GroupId,
    own: NodeId,
    genesis_block: B256,
    ledger: Ledger,
    pool: Arc<TxPool>,
    assembler: Arc<Assembler>,
    consensus: Arc<ArcSwap<ConsensusStatus>>,
    sync: Arc<ArcSwap<SyncView>>,
    events: broadcast::Sender<GroupEvent>,
    halt: Arc<Halt>,
    metrics: Metrics,
    clock: Clock,
    settings_digest: Option<B256>,
    core: Sender<CoreEvent>,
    sync_events: Sender<SyncEvent>,
    stopping: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Group {
    /// Starts the threads of an open group.
    pub fn start(
        open: OpenGroup,
        key: Arc<dyn NodeKey>,
        network: &NetworkHandle,
        clock: Clock,
    ) -> std::io::Result<Arc<Self>> {
        let OpenGroup {
            spec,
            ledger,
            vote_log,
            records,
            abstention_open,
            assembler,
            suite,
            metrics,
        } = open;
        let genesis = ledger.genesis().clone();
        let id = genesis.group_id;
        let genesis_block = genesis_block(&ledger);
        let audience = Audience::of(&ledger, spec.own, spec.config.sync.allow_free_node);
        let audience =
            audience.map_err(|error| std::io::Error::other(format!("the members of group {id}: {error}")))?;
        let account = OwnAccount::new(&*key, &*suite, &genesis);
        let account = account.map_err(|error| std::io::Error::other(format!("the node's account: {error}")))?;
        let outlet = Outlet::new(network.clone(), id, audience.clone());
        let (core_tx, core_rx) = bounded(EVENTS_MAX);
        let (job_tx, job_rx) = unbounded();
        let (sync_tx, sync_rx) = bounded(EVENTS_MAX);
        let (entered_tx, entered_rx) = unbounded::<Vec<Recovered>>();
        let (events, _) = broadcast::channel(GROUP_EVENTS);
        let halt = Arc::new(Halt::new(id, metrics.clone()));
        let in_force = assembler.in_force().clone();

        let pool_limits = PoolLimits {
            transactions: spec.config.tx_pool.limit as usize,
            bytes: (spec.config.tx_pool.memory_mb as usize) << 20,
            expiration_ms: u64::from(spec.config.tx_pool.expiration_seconds) * 1000,
            ..PoolLimits::default()
        };
        let admission = Admission {
            suite: Arc::clone(&suite),
            rules: assembler.rules().clone(),
            in_force: in_force.clone(),
            used: assembler.used().clone(),
            ids: *assembler.ids(),
            senders: Senders::default(),
        };
        let on_entered = on_entered(core_tx.clone(), entered_tx, events.clone());
        let pool = Arc::new(TxPool::new(admission, pool_limits, clock, metrics.clone(), on_entered));

        // Whoever looks before the first event finds a number.
        metrics.pool(pool.with(|pool| pool.size()));

        let blocks = Arc::new(BlockCache::new(suite.hash_fn()));
        let under_way = Arc::new(UnderWay::default());
        let settings = Settings {
            seal_pause_ms: spec.config.min_block_generation_ms,
            ..Settings::with_timeout_ms(in_force.config().timeout_ms)
        };
        let liveness = Liveness::new(
            spec.own,
            Arc::clone(&key),
            Arc::clone(&suite),
            ledger.clone(),
            Arc::clone(&pool),
            account.clone(),
        );
        let taken = Taken::in_log(&records, ledger.head().height, &*suite);
        let consensus = Pbft::new(key, suite.hash_fn(), ledger.genesis_hash(), settings);
        let consensus_status = Arc::new(ArcSwap::from_pointee(starting_status(&ledger, &spec.own)));
        let sync_view = Arc::new(ArcSwap::from_pointee(SyncView::default()));
        let voted = Arc::new(AtomicBool::new(records.iter().any(Record::is_signed)));

        let mut threads = Vec::new();
        let mut spawn = |name: &'static str, work: Box<dyn FnOnce() + Send>| -> std::io::Result<()> {
            let thread = std::thread::Builder::new().name(format!("{name}-{id}"));
            let halt = Arc::clone(&halt);
            threads.push(thread.spawn(move || guarded(name, &halt, work))?);
            Ok(())
        };

        let executor = Executor::new(ExecutorParts {
            own: spec.own,
            genesis_hash: ledger.genesis_hash(),
            suite: Arc::clone(&suite),
            assembler: Arc::clone(&assembler),
            audience,
            ledger: ledger.clone(),
            pool: Arc::clone(&pool),
            blocks: Arc::clone(&blocks),
            under_way: Arc::clone(&under_way),
            core: core_tx.clone(),
            sync: sync_tx.clone(),
            events: events.clone(),
            halt: Arc::clone(&halt),
            metrics: metrics.clone(),
            clock,
            account,
            taken: taken.clone(),
        });
        spawn("execute", Box::new(move || executor.run(&job_rx)))?;

        let core = Core::new(
            CoreParts {
                genesis_hash: ledger.genesis_hash(),
                timeout_ms: in_force.config().timeout_ms,
                in_force,
                limits: MessageLimits {
                    block_bytes: genesis.block_bytes as usize + BLOCK_ENVELOPE,
                },
                suite: Arc::clone(&suite),
                ledger: ledger.clone(),
                pool: Arc::clone(&pool),
                blocks,
                under_way,
                jobs: job_tx.clone(),
                sync: sync_tx.clone(),
                outlet: outlet.clone(),
                status: Arc::clone(&consensus_status),
                voted: Arc::clone(&voted),
                halt: Arc::clone(&halt),
                metrics: metrics.clone(),
                clock,
            },
            Box::new(consensus),
            vote_log,
            records,
            spec.installed,
            taken,
        );
        let abstain_through = abstention_open.then_some(u64::MAX);
        spawn("consensus", Box::new(move || core.run(&core_rx, abstain_through)))?;

        let sync = SyncTask::new(
            SyncParts {
                own: spec.own,
                ledger: ledger.clone(),
                pool: Arc::clone(&pool),
                outlet: outlet.clone(),
                core: core_tx.clone(),
                jobs: job_tx,
                view: Arc::clone(&sync_view),
                metrics: metrics.clone(),
                clock,
                liveness,
                consensus: Arc::clone(&consensus_status),
                voted,
            },
            abstention_open,
        );
        spawn("sync", Box::new(move || sync.run(&sync_rx)))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let (gossip_pool, gossip_outlet, gossip_stop) = (Arc::clone(&pool), outlet.clone(), Arc::clone(&stopping));
        spawn(
            "gossip",
            Box::new(move || gossip::run(&entered_rx, &gossip_pool, &gossip_outlet, &gossip_stop)),
        )?;

        let group = Arc::new(Self {
            id,
            own: spec.own,
            genesis_block,
            ledger,
            pool,
            assembler,
            consensus: consensus_status,
            sync: sync_view,
            events,
            halt,
            metrics,
            clock,
            settings_digest: spec.settings_digest,
            core: core_tx,
            sync_events: sync_tx,
            stopping,
            threads: Mutex::new(threads),
        });
        group.listen(network, &outlet);
        info!(group = %id, height = group.ledger.head().height, "group started");
        Ok(group)
    }

    /// Takes what peers send, one module apart from the others.
    fn listen(self: &Arc<Self>, network: &NetworkHandle, outlet: &Outlet) {
        let core = self.core.clone();
        forward(network.register(self.id, module::CONSENSUS), move |inbound| {
            let event = CoreEvent::Message {
                peer: inbound.peer,
                payload: inbound.payload.into(),
            };
            // A full queue loses the message, as a slow network would; the consensus sends again.
            !matches!(
                core.try_send(event),
                Err(crossbeam_channel::TrySendError::Disconnected(_))
            )
        });
        let sync = self.sync_events.clone();
        forward(network.register(self.id, module::SYNC), move |inbound| {
            let event = SyncEvent::Message {
                peer: inbound.peer,
                payload: inbound.payload.into(),
            };
            !matches!(
                sync.try_send(event),
                Err(crossbeam_channel::TrySendError::Disconnected(_))
            )
        });
        let group = Arc::downgrade(self);
        let outlet = outlet.clone();
        forward_blocking(network.register(self.id, module::TRANSACTIONS), move |inbound| {
            let Some(group) = group.upgrade() else { return false };
            match gossip::decode(&inbound.payload) {
                Ok(raw) => group.take_from_peer(raw),
                Err(error) => {
                    group.metrics.message_refused("malformed");
                    tracing::warn!(peer = %inbound.peer.short(), "transactions of a peer are malformed: {error}");
                    outlet.punish(&inbound.peer);
                }
            }
            true
        });
    }

    fn take_from_peer(&self, raw: Vec<Bytes>) {
        let state = self.ledger.state_latest();
        for refused in self
            .pool
            .submit(raw, Origin::Peer, &state)
            .into_iter()
            .filter_map(Result::err)
        {
            self.metrics.pool_refused(refused.reason());
        }
    }

    /// A peer of this group came or went.
    pub fn peer(&self, id: NodeId, up: bool) {
        let _ = self.core.send(CoreEvent::Peer { id, up });
        let _ = self.sync_events.send(SyncEvent::Peer { id, up });
    }

    /// Tells the group what `group.N.recovery` says by now.
    pub(crate) fn install(&self, installed: Installed) {
        let _ = self.core.send(CoreEvent::Install(installed));
    }

    /// The group's number.
    pub const fn id(&self) -> GroupId {
        self.id
    }

    /// This node.
    pub const fn own(&self) -> NodeId {
        self.own
    }

    /// What peers are told of this group.
    pub const fn served(&self) -> ServedGroup {
        ServedGroup {
            group: self.id,
            genesis_hash: self.genesis_block,
        }
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The pool.
    pub const fn pool(&self) -> &Arc<TxPool> {
        &self.pool
    }

    /// The rules and limits in force.
    pub const fn assembler(&self) -> &Arc<Assembler> {
        &self.assembler
    }

    /// Where the consensus stands.
    pub fn consensus(&self) -> Arc<ConsensusStatus> {
        self.consensus.load_full()
    }

    /// Where sync stands.
    pub fn sync(&self) -> Arc<SyncView> {
        self.sync.load_full()
    }

    /// Where what happens is told; readers subscribe to it.
    pub fn events_sender(&self) -> broadcast::Sender<GroupEvent> {
        self.events.clone()
    }

    /// Why the group halted; none while it runs.
    pub fn halted(&self) -> Option<&str> {
        self.halt.reason()
    }

    /// Keccak-256 of the text of the `group.N.ini` it runs with; none when there was no such file at its start.
    pub const fn settings_digest(&self) -> Option<B256> {
        self.settings_digest
    }

    /// The clock its threads are told the time by.
    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    /// The group's metrics.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Ready: running, in sync, connected to a quorum (DESIGN.md 6), and as a sealer told where voting is safe.
    pub fn readiness(&self) -> Result<(), String> {
        let reason = match self.halted() {
            Some(reason) => Some(format!("has halted: {reason}")),
            None => unreadiness(self.ledger.head().height, self.sync().highest(), &self.consensus()),
        };
        reason.map_or(Ok(()), |reason| Err(format!("group {} {reason}", self.id)))
    }

    /// Tells whoever waits for blocks that none come any more, so that it lets go of the ledger.
    pub(crate) fn tell_stopped(&self) {
        let _ = self.events.send(GroupEvent::Stopped);
    }

    /// Stops the threads and waits for them; what is committed is durable already. It blocks for as long as the block
    /// under way takes.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = self.core.send(CoreEvent::Stop);
        let _ = self.sync_events.send(SyncEvent::Stop);
        for thread in self.threads.lock().drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(group = %self.id, "the thread {name} had ended with a panic");
            }
        }
        self.tell_stopped();
        info!(group = %self.id, height = self.ledger.head().height, "group stopped");
    }
}

/// Runs a thread's work. A panic, which nothing is known to cause, halts the group instead of leaving it silently stuck.
fn guarded(name: &'static str, halt: &Halt, work: Box<dyn FnOnce() + Send>) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
        halt.halt(format!(
            "its {name} thread ended with a panic; report this with the log"
        ));
    }
}

fn genesis_block(ledger: &Ledger) -> B256 {
    match ledger.header(0) {
        Ok(Some(header)) => header.hash,
        _ => B256::ZERO,
    }
}

fn starting_status(ledger: &Ledger, own: &NodeId) -> ConsensusStatus {
    let head = ledger.head();
    ConsensusStatus {
        head: Head {
            height: head.height,
            hash: head.hash,
            unix_ms: head.unix_ms(),
        },
        height: head.height + 1,
        view: 0,
        leader: head.next_sealers.leader(head.height + 1, 0).copied(),
        sealers: head.next_sealers.clone(),
        sealing: head.next_sealers.contains(own),
        connected: Vec::new(),
        abstaining_through: None,
        halted: false,
    }
}

fn on_entered(
    core: Sender<CoreEvent>,
    entered: Sender<Vec<Recovered>>,
    events: broadcast::Sender<GroupEvent>,
) -> crate::txpool::OnEntered {
    Box::new(move |transactions, origin| {
        if events.receiver_count() > 0 {
            for recovered in transactions {
                let _ = events.send(GroupEvent::Pending(recovered.transaction.hash()));
            }
        }
        if origin == Origin::Client {
            let _ = entered.send(transactions.to_vec());
        }
        // A full queue is busy enough: the next committed block looks at the pool again.
        let _ = core.try_send(CoreEvent::Pool);
    })
}

/// Hands frames on from the runtime's threads; `take` must not block and says whether to go on.
fn forward(mut frames: mpsc::Receiver<Inbound>, take: impl Fn(Inbound) -> bool + Send + 'static) {
    tokio::spawn(async move {
        while let Some(inbound) = frames.recv().await {
            if !take(inbound) {
                return;
            }
        }
    });
}

/// Hands frames on from a blocking thread of their own.
fn forward_blocking(mut frames: mpsc::Receiver<Inbound>, take: impl Fn(Inbound) -> bool + Send + 'static) {
    tokio::task::spawn_blocking(move || {
        while let Some(inbound) = frames.blocking_recv() {
            if !take(inbound) {
                return;
            }
        }
    });
}
