//! What the node counts, one place for names, units and help. Labels are groups and closed words, never identities.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use althing_types::GroupId;
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

type ByGroup<M> = Family<GroupLabel, M>;
type Seconds = Counter<f64, AtomicU64>;

#[derive(Clone, Debug)]
struct Families {
    halted: ByGroup<Gauge>,
    genesis_differs: ByGroup<Gauge>,
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
    stages: Family<StageLabel, Seconds>,
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
        let families = Families {
            halted: Family::default(),
            genesis_differs: Family::default(),
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
            stages: Family::default(),
        };
        let f = &families;
        let r = registry.sub_registry_with_prefix("althing");
        r.register(
            "group_halted",
            "1 when the group has halted on this node",
            f.halted.clone(),
        );
        r.register(
            "genesis_differs",
            "1 when group.N.genesis is not what block 0 holds",
            f.genesis_differs.clone(),
        );
        r.register("block_height", "Height of the last committed block", f.height.clone());
        r.register(
            "block_height_highest",
            "Highest block announced by a peer, or the own",
            f.highest.clone(),
        );
        r.register("syncing", "1 while blocks are fetched from peers", f.syncing.clone());
        r.register(
            "clock_offset_milliseconds",
            "The sealers' median clock ahead of this node's",
            f.clock_offset.clone(),
        );
        r.register(
            "transactions",
            "Transactions committed since the node started",
            f.transactions.clone(),
        );
        r.register_with_unit(
            "commit",
            "Time to write a block durably",
            Unit::Seconds,
            f.commit.clone(),
        );
        r.register_with_unit(
            "vote_sync",
            "Time to make votes durable before they are sent",
            Unit::Seconds,
            f.vote_sync.clone(),
        );
        r.register("view_changes", "Views that ended without a block", f.views.clone());
        r.register(
            "txpool_executable",
            "Transactions that could be included now",
            f.pool_executable.clone(),
        );
        r.register(
            "txpool_queued",
            "Transactions that wait for an earlier nonce",
            f.pool_queued.clone(),
        );
        r.register(
            "txpool_refused",
            "Transactions the pool did not take, by reason",
            f.pool_refused.clone(),
        );
        r.register(
            "messages_refused",
            "Messages of peers that were not taken, by reason",
            f.messages_refused.clone(),
        );
        r.register("evidence", "Proofs that a sealer lied", f.evidence.clone());
        r.register_with_unit(
            "stage_cpu",
            "Processor time spent by stage of a block",
            Unit::Seconds,
            f.stages.clone(),
        );
        Self(Arc::new(families))
    }

    /// The metrics of one group.
    pub fn group(&self, group: GroupId) -> Metrics {
        Metrics {
            group: group.get(),
            families: Arc::clone(&self.0),
        }
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

    /// The height the group starts from.
    pub fn height(&self, height: u64) {
        self.families
            .height
            .get_or_create(&self.label())
            .set(i64::try_from(height).unwrap_or(i64::MAX));
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
        self.families
            .highest
            .get_or_create(&self.label())
            .set(i64::try_from(highest).unwrap_or(i64::MAX));
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
