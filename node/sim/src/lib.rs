//! The seeded simulator of the consensus: the same core through the same trait as in the node, in a world of its own.
//!
//! ```text
//!  seed ─▶ plan ─▶ cluster: cores ◀─ inputs ── clock, network, disk, workload, adversity
//!                      │    └── outputs ──▶ (dropped, delayed, torn, forged by liars)
//!                      └─▶ oracle: invariants, one file each ─▶ first violation, with the seed
//!          chaos ─▶ everything heals ─▶ liveness: progress, or a violation
//! ```
//!
//! Invariant: a run is a function of its seed. Nothing reads a clock, the environment, or a hash map's order.

pub mod abstention;
mod adversity;
pub mod block;
pub mod byzantine;
mod clock;
mod cluster;
pub mod counts;
pub mod dice;
pub mod disk;
pub mod invariants;
mod liveness;
pub mod network;
mod node;
pub mod oracle;
mod outputs;
pub mod plan;
mod post;
mod shell;
pub mod suite;
mod sync;
mod trace;
mod workload;

pub use counts::Counts;
pub use oracle::Violation;
pub use suite::Crypto;

use althing_consensus::pbft::Faults;

/// A mistake planted to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The quorum is one too small.
    QuorumTooSmall,
    /// Locks never reach the disk.
    LockNotPersisted,
    /// Every signature holds.
    SignatureUnchecked,
    /// Views already left are answered.
    StaleView,
    /// A new view needs no justification.
    UnjustifiedView,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::QuorumTooSmall,
        Self::LockNotPersisted,
        Self::SignatureUnchecked,
        Self::StaleView,
        Self::UnjustifiedView,
    ];
}

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The suite and the keys.
    pub crypto: Crypto,
    /// A planted mistake.
    pub planted: Option<Planted>,
    /// Whether to keep the trace's lines.
    pub trace: bool,
    /// How far the wall clock of one identity is off, in milliseconds, while no other one has a fault.
    pub clock_off_ms: Option<i64>,
}

impl Options {
    /// The cheap suite, no mistake, no lines.
    pub fn toy() -> Self {
        Self {
            crypto: Crypto::toy(),
            planted: None,
            trace: false,
            clock_off_ms: None,
        }
    }

    fn faults(&self) -> Faults {
        Faults {
            quorum_too_small: self.planted == Some(Planted::QuorumTooSmall),
            stale_view: self.planted == Some(Planted::StaleView),
            unjustified_view: self.planted == Some(Planted::UnjustifiedView),
        }
    }
}

/// What came of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The hash of everything that happened.
    pub trace_hash: u64,
    /// How many events that was.
    pub events: u64,
    /// The highest height an honest node reached.
    pub height: u64,
    /// Simulated milliseconds from healing to progress.
    pub healed_ms: u64,
    /// How rough it was.
    pub counts: Counts,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// The trace, if wanted.
    pub lines: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, options: &Options) -> Report {
    let mut cluster = cluster::Cluster::new(seed, options);
    cluster.run();
    let height = cluster
        .honest_heights()
        .map(|(_, height)| height)
        .max()
        .unwrap_or_default();
    let healed_ms = cluster.clock.now_ms().saturating_sub(cluster.plan.chaos_ms);
    let (trace_hash, events) = (cluster.trace.hash(), cluster.trace.events());
    let (violation, mut counts) = (cluster.oracle.violation.take(), cluster.oracle.counts);
    counts.add(&cluster.network.counts);
    cluster.plan.count(&mut counts);
    Report {
        seed,
        trace_hash,
        events,
        height,
        healed_ms,
        counts,
        violation,
        lines: cluster.trace.into_lines(),
    }
}
