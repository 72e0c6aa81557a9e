//! One instance of a node: the true core, and a shell as thin as the simulator needs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Pbft, PersistId, Reason, Timer, To};
use althing_crypto::HashFn;

use crate::abstention::Beginnings;
use crate::byzantine::Liar;
use crate::disk::{Ledger, Stored, VoteLog};

/// Transactions named to the core as waiting, at once.
const WAITING: usize = 3;
/// Transactions from here on execute on one node only: to it they are executable, no leader ever takes them.
pub(crate) const PHANTOMS_FROM: u64 = 1 << 40;

/// An instance.
#[derive(Debug)]
pub(crate) struct Node {
    /// Which identity it runs under. Twins share one.
    pub(crate) identity: usize,
    /// Whether it runs.
    pub(crate) up: bool,
    /// How often it was started: what was queued for an earlier life is void.
    pub(crate) life: u32,
    /// The core.
    pub(crate) core: Pbft,
    /// Whether it lies, and how.
    pub(crate) liar: Option<Box<dyn Liar>>,
    /// Whether nothing it does is held against it: liars and twins.
    pub(crate) faulty: bool,
    /// Its vote log.
    pub(crate) log: VoteLog,
    /// Its ledger.
    pub(crate) ledger: Ledger,
    /// Transactions it knows and its ledger lacks.
    pub(crate) pool: BTreeSet<u64>,
    waiting: BTreeSet<u64>,
    /// Which setting of each timer is the current one.
    pub(crate) timers: BTreeMap<Timer, u64>,
    /// The newest record on the disk.
    pub(crate) saved: Option<PersistId>,
    /// Messages waiting for a record.
    pub(crate) withheld: Vec<(PersistId, To, Bytes)>,
    /// Instances it is connected to.
    pub(crate) connected: BTreeSet<usize>,
    /// How often the process was started.
    pub(crate) process: u32,
    /// Whether it has ever signed something in this group, as far as its log knows.
    pub(crate) voted: bool,
    /// Whether it is open through which height it abstains.
    pub(crate) open: bool,
    /// What it knows of the others' beginnings.
    pub(crate) beginnings: Beginnings,
    /// Blocks decided and not yet written.
    pub(crate) decided: VecDeque<Stored>,
    /// Whether it has lost its log.
    pub(crate) lost: bool,
    /// Whether it is still to lose its log once.
    pub(crate) forgetful: bool,
}

impl Node {
    /// An instance that has not been started.
    pub(crate) fn new(identity: usize, core: Pbft, hash: HashFn) -> Self {
        Self {
            identity,
            up: false,
            life: 0,
            core,
            liar: None,
            faulty: false,
            log: VoteLog::default(),
            ledger: Ledger::new(hash),
            pool: BTreeSet::new(),
            waiting: BTreeSet::new(),
            timers: BTreeMap::new(),
            saved: None,
            withheld: Vec::new(),
            connected: BTreeSet::new(),
            process: 0,
            voted: false,
            open: false,
            beginnings: Beginnings::default(),
            decided: VecDeque::new(),
            lost: false,
            forgetful: false,
        }
    }

    /// Everything that a process holds in memory is gone.
    pub(crate) fn forget_memory(&mut self) {
        self.up = false;
        self.life += 1;
        self.pool.clear();
        self.waiting.clear();
        self.timers.clear();
        self.saved = None;
        self.withheld.clear();
        self.connected.clear();
        self.process += 1;
        self.beginnings = Beginnings::default();
        self.decided.clear();
    }

    /// A core that starts again is to be told every reason again.
    pub(crate) fn forget_reasons(&mut self) {
        self.waiting.clear();
    }

    /// The messages that no record holds back any longer.
    pub(crate) fn release(&mut self, saved: PersistId) -> Vec<(To, Bytes)> {
        self.saved = Some(self.saved.map_or(saved, |before| before.max(saved)));
        let free = |held: &mut (PersistId, To, Bytes)| Some(held.0) <= self.saved;
        self.withheld
            .extract_if(.., free)
            .map(|(_, to, bytes)| (to, bytes))
            .collect()
    }

    /// What a leader puts into a block.
    pub(crate) fn executable(&self) -> Vec<u64> {
        self.pool
            .iter()
            .copied()
            .filter(|transaction| *transaction < PHANTOMS_FROM)
            .take(3)
            .collect()
    }

    /// Brings the pool in line with the ledger; gives the reasons that changed, as a shell tells them.
    pub(crate) fn reasons(&mut self, hash: HashFn) -> Vec<(Reason, bool)> {
        let Self { ledger, pool, .. } = self;
        pool.retain(|transaction| !ledger.includes(*transaction));
        let name = |transaction: u64| -> B256 { hash(&transaction.to_be_bytes()) };
        let mut reasons = vec![
            (Reason::Pool, !self.pool.is_empty()),
            (Reason::Full, self.executable().len() >= 3),
        ];
        let waiting: BTreeSet<u64> = self.pool.iter().copied().take(WAITING).collect();
        reasons.extend(
            self.waiting
                .difference(&waiting)
                .map(|gone| (Reason::Waiting(name(*gone)), false)),
        );
        reasons.extend(
            waiting
                .difference(&self.waiting)
                .map(|new| (Reason::Waiting(name(*new)), true)),
        );
        self.waiting = waiting;
        reasons
    }
}
