//! What the node counts and measures, one place for names, units and help. Labels are groups and closed words, never identities.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use althing_rpc::backend::{GroupRole, GroupStatus};
use althing_types::GroupId;
use althing_types::sealers::quorum;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::group::StageTimes;
use crate::txpool::PoolSize;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabel {
    group: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    group: u32,
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    group: u32,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UseLabel {
    r#use: &'static str,
}

type ByGroup<M> = Family<GroupLabel, M>;
type Seconds = Counter<f64, AtomicU64>;

#[derive(Clone, Debug)]
struct Families {
    halted: ByGroup<Gauge>,
    genesis_differs: ByGroup<Gauge>,
    recovery_refused: ByGroup<Gauge>,
    height: ByGroup<Gauge>,
    highest: ByGroup<Gauge>,
    syncing: ByGroup<Gauge>,
    clock_offset: ByGroup<Gauge>,
    transactions: ByGroup<Counter>,
    commit: Family<GroupLabel, Histogram, fn() -> Histogram>,
    vote_sync: Family<GroupLabel, Histogram, fn() -> Histogram>,
    views: ByGroup<Counter>,
    pool_executable: ByGroup<Gauge>,
    pool_queued: ByGroup<Gauge>,
    pool_refused: Family<ReasonLabel, Counter>,
    messages_refused: Family<ReasonLabel, Counter>,
    evidence: ByGroup<Counter>,
    block_time: ByGroup<Gauge<f64, AtomicU64>>,
    behind: ByGroup<Gauge>,
    view: ByGroup<Gauge>,
    sealers: ByGroup<Gauge>,
    sealers_live: ByGroup<Gauge>,
    quorum: ByGroup<Gauge>,
    sealing: ByGroup<Gauge>,
    peers: ByGroup<Gauge>,
    in_sync: ByGroup<Gauge>,
    ready: ByGroup<Gauge>,
    certificate_end: Family<UseLabel, Gauge>,
    data_free: Gauge,
    data_size: Gauge,
    stages: Family<StageLabel, Seconds>,
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn disk_histogram() -> Histogram {
    Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0])
}

/// The node's metrics, from which each group takes its own.
#[derive(Clone, Debug)]
pub struct NodeMetrics(Arc<Families>);

impl NodeMetrics {
    /// Registers everything.
    pub fn register(registry: &mut Registry) -> Self {
        let families = Families::new();
        let registry = registry.sub_registry_with_prefix("althing");
        families.register_blocks(registry);
        families.register_sampled(registry);
        Self(Arc::new(families))
    }

    /// When a certificate ends, seconds since 1970.
    pub fn certificate_end(&self, r#use: &'static str, unix_seconds: u64) {
        let end = self.0.certificate_end.get_or_create(&UseLabel { r#use });
        end.set(signed(unix_seconds));
    }

    /// The file system of the data folder, in bytes.
    pub fn data(&self, free: u64, size: u64) {
        self.0.data_free.set(signed(free));
        self.0.data_size.set(signed(size));
    }

    /// The metrics of one group.
    pub fn group(&self, group: GroupId) -> Metrics {
        Metrics {
            group: group.get(),
            families: Arc::clone(&self.0),
        }
    }
}

impl Families {
    fn new() -> Self {
        Self {
            halted: Family::default(),
            genesis_differs: Family::default(),
            recovery_refused: Family::default(),
            height: Family::default(),
            highest: Family::default(),
            syncing: Family::default(),
            clock_offset: Family::default(),
            transactions: Family::default(),
            commit: Family::new_with_constructor(disk_histogram as fn() -> Histogram),
            vote_sync: Family::new_with_constructor(disk_histogram as fn() -> Histogram),
            views: Family::default(),
            pool_executable: Family::default(),
            pool_queued: Family::default(),
            pool_refused: Family::default(),
            messages_refused: Family::default(),
            evidence: Family::default(),
            block_time: Family::default(),
            behind: Family::default(),
            view: Family::default(),
            sealers: Family::default(),
            sealers_live: Family::default(),
            quorum: Family::default(),
            sealing: Family::default(),
            peers: Family::default(),
            in_sync: Family::default(),
            ready: Family::default(),
            certificate_end: Family::default(),
            data_free: Gauge::default(),
            data_size: Gauge::default(),
            stages: Family::default(),
        }
    }

    fn register_blocks(&self, r: &mut Registry) {
        r.register(
            "group_halted",
            "1 when the group has halted on this node",
            self.halted.clone(),
        );
        r.register(
            "genesis_differs",
            "1 when group.N.genesis is not what block 0 holds",
            self.genesis_differs.clone(),
        );
        r.register(
            "recovery_refused",
            "1 when the group does not follow what group.N.recovery says",
            self.recovery_refused.clone(),
        );
        r.register(
            "block_height",
            "Height of the last committed block",
            self.height.clone(),
        );
        r.register(
            "block_height_highest",
            "Highest block announced by a peer, or the own",
            self.highest.clone(),
        );
        r.register("syncing", "1 while blocks are fetched from peers", self.syncing.clone());
        r.register(
            "clock_offset_milliseconds",
            "The sealers' median clock ahead of this node's",
            self.clock_offset.clone(),
        );
        r.register(
            "transactions",
            "Transactions committed since the node started",
            self.transactions.clone(),
        );
        r.register_with_unit(
            "commit",
            "Time to write a block durably",
            Unit::Seconds,
            self.commit.clone(),
        );
        r.register_with_unit(
            "vote_sync",
            "Time to make votes durable before they are sent",
            Unit::Seconds,
            self.vote_sync.clone(),
        );
        r.register("view_changes", "Views that ended without a block", self.views.clone());
        self.register_traffic(r);
    }

    fn register_traffic(&self, r: &mut Registry) {
        r.register(
            "txpool_executable",
            "Transactions that could be included now",
            self.pool_executable.clone(),
        );
        r.register(
            "txpool_queued",
            "Transactions that wait for an earlier nonce",
            self.pool_queued.clone(),
        );
        r.register(
            "txpool_refused",
            "Transactions the pool did not take, by reason",
            self.pool_refused.clone(),
        );
        r.register(
            "messages_refused",
            "Messages of peers that were not taken, by reason",
            self.messages_refused.clone(),
        );
        r.register("evidence", "Proofs that a sealer lied", self.evidence.clone());
        r.register_with_unit(
            "stage_cpu",
            "Processor time spent by stage of a block",
            Unit::Seconds,
            self.stages.clone(),
        );
    }

    /// What is measured when it is asked for ([`Sampler`](crate::sampler::Sampler)).
    fn register_sampled(&self, r: &mut Registry) {
        r.register_with_unit(
            "block_timestamp",
            "Time of the last committed block, since 1970",
            Unit::Seconds,
            self.block_time.clone(),
        );
        r.register(
            "blocks_behind",
            "Blocks from the last committed one to the highest announced by a peer",
            self.behind.clone(),
        );
        r.register(
            "view",
            "View of the consensus at the height being decided",
            self.view.clone(),
        );
        r.register("sealers", "Sealers of the next block", self.sealers.clone());
        r.register(
            "sealers_live",
            "Sealers that this node sees connected and in sync, itself included when it is",
            self.sealers_live.clone(),
        );
        r.register("quorum", "Sealers that have to agree on a block", self.quorum.clone());
        r.register(
            "sealing",
            "1 when this node is a sealer of the group",
            self.sealing.clone(),
        );
        r.register(
            "group_peers",
            "Connected members of the group, without this node",
            self.peers.clone(),
        );
        r.register(
            "in_sync",
            "1 when this node holds the newest block it knows of and, as a sealer, votes",
            self.in_sync.clone(),
        );
        r.register("group_ready", "1 when /readyz?group=N says so", self.ready.clone());
        r.register_with_unit(
            "certificate_not_after",
            "End of a certificate's validity, since 1970, by its use: p2p, rpc",
            Unit::Seconds,
            self.certificate_end.clone(),
        );
        r.register_with_unit(
            "data_free",
            "Room left in the file system of the data folder",
            Unit::Bytes,
            self.data_free.clone(),
        );
        r.register_with_unit(
            "data_size",
            "Size of the file system of the data folder",
            Unit::Bytes,
            self.data_size.clone(),
        );
    }
}

/// The metrics of one group.
#[derive(Clone, Debug)]
pub struct Metrics {
    group: u32,
    families: Arc<Families>,
}

impl Metrics {
    const fn label(&self) -> GroupLabel {
        GroupLabel { group: self.group }
    }

    const fn reason(&self, reason: &'static str) -> ReasonLabel {
        ReasonLabel {
            group: self.group,
            reason,
        }
    }

    /// Whether the group has halted here.
    pub fn halted(&self, halted: bool) {
        self.families.halted.get_or_create(&self.label()).set(i64::from(halted));
    }

    /// Whether the genesis file is not what block 0 holds.
    pub fn genesis_differs(&self, differs: bool) {
        self.families
            .genesis_differs
            .get_or_create(&self.label())
            .set(i64::from(differs));
    }

    /// Whether the group does not follow what `group.N.recovery` says.
    pub fn recovery_refused(&self, refused: bool) {
        self.families
            .recovery_refused
            .get_or_create(&self.label())
            .set(i64::from(refused));
    }

    /// The height the group starts from.
    pub fn height(&self, height: u64) {
        self.families.height.get_or_create(&self.label()).set(signed(height));
    }

    /// A block was written.
    pub fn committed(&self, height: u64, transactions: usize, seconds: f64) {
        self.height(height);
        self.families
            .transactions
            .get_or_create(&self.label())
            .inc_by(transactions as u64);
        self.families.commit.get_or_create(&self.label()).observe(seconds);
    }

    /// The view a block was committed in: every view below it ended without one.
    pub fn view(&self, view: u64) {
        self.families.views.get_or_create(&self.label()).inc_by(view);
    }

    /// How the group fares.
    pub fn status(&self, status: &GroupStatus, block_unix_ms: u64) {
        let (f, label) = (&self.families, self.label());
        let set = |family: &ByGroup<Gauge>, value: u64| {
            family.get_or_create(&label).set(signed(value));
        };
        f.block_time.get_or_create(&label).set(block_unix_ms as f64 / 1_000.0);
        set(&f.view, status.view);
        set(&f.sealers, status.sealers.len() as u64);
        set(&f.sealers_live, status.live.len() as u64);
        set(&f.quorum, quorum(status.sealers.len()) as u64);
        set(&f.sealing, u64::from(status.role == Some(GroupRole::Sealer)));
        set(&f.peers, status.peers);
        set(&f.in_sync, u64::from(status.in_sync));
        set(&f.ready, u64::from(status.not_ready.is_none()));
    }

    /// The group was stopped or removed: nothing that was last measured of it holds any more.
    pub fn resting(&self) {
        let (f, label) = (&self.families, self.label());
        for family in [&f.sealers_live, &f.sealing, &f.peers, &f.in_sync, &f.ready] {
            family.get_or_create(&label).set(0);
        }
    }

    /// How much the pool holds.
    pub fn pool(&self, size: PoolSize) {
        self.families
            .pool_executable
            .get_or_create(&self.label())
            .set(size.executable as i64);
        self.families
            .pool_queued
            .get_or_create(&self.label())
            .set(size.queued as i64);
    }

    /// The pool did not take a transaction.
    pub fn pool_refused(&self, reason: &'static str) {
        self.families.pool_refused.get_or_create(&self.reason(reason)).inc();
    }

    /// A message was not taken.
    pub fn message_refused(&self, reason: &'static str) {
        self.families.messages_refused.get_or_create(&self.reason(reason)).inc();
    }

    /// A sealer lied provably.
    pub fn evidence(&self) {
        self.families.evidence.get_or_create(&self.label()).inc();
    }

    /// Where sync stands.
    pub fn sync(&self, syncing: bool, highest: u64) {
        self.families
            .syncing
            .get_or_create(&self.label())
            .set(i64::from(syncing));
        self.families.highest.get_or_create(&self.label()).set(signed(highest));
    }

    /// How many blocks the node lacks of those announced.
    pub fn behind(&self, blocks: u64) {
        self.families.behind.get_or_create(&self.label()).set(signed(blocks));
    }

    /// How far the sealers' median clock is ahead of this node's, milliseconds.
    pub fn clock_offset(&self, milliseconds: i64) {
        self.families
            .clock_offset
            .get_or_create(&self.label())
            .set(milliseconds);
    }

    /// The vote log was made durable.
    pub fn votes_synced(&self, seconds: f64) {
        self.families.vote_sync.get_or_create(&self.label()).observe(seconds);
    }

    /// Processor time spent in a stage.
    pub fn stage(&self, stage: &'static str, seconds: f64) {
        self.families
            .stages
            .get_or_create(&StageLabel {
                group: self.group,
                stage,
            })
            .inc_by(seconds);
    }

    /// Processor time spent on making or checking one block.
    pub fn stages(&self, times: StageTimes) {
        self.stage("execute", times.execute);
        self.stage("roots", times.roots);
        self.stage("state_root", times.state_root);
    }
}
