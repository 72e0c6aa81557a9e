//! The consensus thread of a group: feeds the pure consensus one input at a time and carries its outputs out in order.
//!
//! ```text
//! network, executor, pool, timers ──CoreEvent──▶ step ──▶ vote log (durable) ──▶ network
//!                                                   └────▶ executor, sync
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use althing_consensus::{
    Blocks, Consensus, Domains, Head, Input, Limits, Now, Output, PersistId, Reason, Record, Recovered, Start, To,
    decode_message, unwrap, verify_message,
};
use althing_crypto::Suite;
use althing_ledger::{Ledger, VoteLog};
use althing_types::{B256, Bytes, NodeId};
use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tracing::{debug, error, info, warn};

use super::blocks::BlockCache;
use super::event::CoreEvent;
use super::executor::{Job, UnderWay};
use super::halt::Halt;
use super::in_force::InForce;
use super::outlet::Outlet;
use super::recovery::{Installed, Taken};
use super::taking_up::Desk;
use super::timers::Timers;
use crate::clock::Clock;
use crate::cpu::CpuTimer;
use crate::metrics::Metrics;
use crate::sync::SyncEvent;
use crate::txpool::TxPool;

/// How long the thread waits for an event when no timer runs.
const IDLE: Duration = Duration::from_secs(3600);
/// The height of a record that is no vote, but says that none is cast.
const ABSTENTION: u64 = u64::MAX;
/// How many of the oldest waiting transactions are named to the consensus.
const WAITING_NAMED: usize = 4;

/// What the consensus thread works with.
pub(super) struct CoreParts {
    pub(super) genesis_hash: B256,
    pub(super) in_force: InForce,
    /// How long view 0 may last, as the consensus was told last.
    pub(super) timeout_ms: u64,
    pub(super) limits: Limits,
    pub(super) suite: Arc<dyn Suite>,
    pub(super) ledger: Ledger,
    pub(super) pool: Arc<TxPool>,
    pub(super) blocks: Arc<BlockCache>,
    pub(super) under_way: Arc<UnderWay>,
    pub(super) jobs: Sender<Job>,
    pub(super) sync: Sender<SyncEvent>,
    pub(super) outlet: Outlet,
    pub(super) status: Arc<ArcSwap<althing_consensus::ConsensusStatus>>,
    /// Whether this node ever voted in this group; told to peers.
    pub(super) voted: Arc<AtomicBool>,
    pub(super) halt: Arc<Halt>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

pub(super) struct Core {
    pub(super) parts: CoreParts,
    pub(super) consensus: Box<dyn Consensus>,
    pub(super) vote_log: VoteLog,
    /// The words that votes are made over.
    pub(super) domains: Domains,
    pub(super) desk: Desk,
    timers: Timers,
    /// The records of the vote log that a restart of the consensus begins from.
    records: Vec<Record>,
    peers: BTreeMap<NodeId, bool>,
    named: Vec<B256>,
    full: bool,
    /// The last height that was decided; the executor may still be writing it.
    pub(super) decided: u64,
    /// Through which height to abstain, once what was decided is written.
    abstain_next: Option<u64>,
    /// No vote of this node is above this height, as far as it knows.
    voted_through: u64,
}

impl Core {
    /// A consensus thread before its first step.
    pub(super) fn new(
        parts: CoreParts,
        consensus: Box<dyn Consensus>,
        vote_log: VoteLog,
        records: Vec<Record>,
        installed: Installed,
        taken: Option<Taken>,
    ) -> Self {
        let signed = records.iter().filter(|record| record.is_signed());
        let voted_through = signed.map(Record::height).fold(parts.ledger.head().height, u64::max);
        Self {
            domains: parts.genesis_hash.into(),
            desk: Desk::new(installed, taken),
            parts,
            consensus,
            vote_log,
            timers: Timers::default(),
            records,
            peers: BTreeMap::new(),
            named: Vec::new(),
            full: false,
            decided: 0,
            abstain_next: None,
            voted_through,
        }
    }

    /// Runs until told to stop, or until the group halts. `abstain_through` is the highest height there is where votes may
    /// have been lost, until an event says it better.
    pub(super) fn run(mut self, events: &Receiver<CoreEvent>, abstain_through: Option<u64>) {
        let begun = self.begin(abstain_through).and_then(|()| self.look_at_recovery());
        if let Err(why) = begun {
            return self.halt(why);
        }
        loop {
            let event = match self.wait(events) {
                Ok(Some(CoreEvent::Stop)) | Err(()) => return,
                Ok(event) => event,
            };
            let handled = match event {
                Some(event) => self.handle(event),
                None => self.wake(),
            };
            if let Err(why) = handled {
                return self.halt(why);
            }
            if self.parts.halt.reason().is_some() {
                return;
            }
            self.parts.status.store(Arc::new(self.consensus.status()));
        }
    }

    fn halt(&self, why: String) {
        self.parts.halt.halt(why);
    }

    fn now(&self) -> Now {
        Now {
            monotonic_ms: self.parts.clock.monotonic_ms(),
            unix_ms: self.parts.clock.unix_ms(),
        }
    }

    /// The next event; none when a timer is due. An error when nobody can send events any more.
    fn wait(&self, events: &Receiver<CoreEvent>) -> Result<Option<CoreEvent>, ()> {
        let timeout = match self.timers.next() {
            Some(at) => Duration::from_millis(at.saturating_sub(self.parts.clock.monotonic_ms())),
            None => IDLE,
        };
        match events.recv_timeout(timeout) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    pub(super) fn begin(&mut self, abstain_through: Option<u64>) -> Result<(), String> {
        let head = self.parts.ledger.head();
        match abstain_through {
            None => {}
            Some(0) => info!("a quorum says that the group has not begun: votes are free"),
            Some(u64::MAX) => info!("votes may have been lost: none is sent until a quorum has said where it is"),
            Some(height) => warn!(height, "votes were lost: none is sent up to this height"),
        }
        let recovered = self.recovered()?;
        self.speak(recovered);
        let start = Start {
            head: Head {
                height: head.height,
                hash: head.hash,
                unix_ms: head.unix_ms(),
            },
            sealers: self.next_sealers(),
            log: std::mem::take(&mut self.records),
            abstain_through,
            recovered,
        };
        self.timers.clear();
        self.named.clear();
        self.full = false;
        self.step(Input::Start(start))?;
        let connected: Vec<NodeId> = self.peers.keys().copied().collect();
        for id in connected {
            self.step(Input::Peer { id, up: true })?;
        }
        self.pool_changed()
    }

    fn wake(&mut self) -> Result<(), String> {
        while let Some(timer) = self.timers.due(self.parts.clock.monotonic_ms()) {
            self.step(Input::Wake(timer))?;
        }
        Ok(())
    }

    fn handle(&mut self, event: CoreEvent) -> Result<(), String> {
        match event {
            CoreEvent::Message { peer, payload } => self.message(peer, &payload),
            CoreEvent::Peer { id, up } => {
                if up {
                    self.peers.insert(id, true);
                } else {
                    self.peers.remove(&id);
                }
                self.step(Input::Peer { id, up })
            }
            CoreEvent::Pool => self.pool_changed(),
            CoreEvent::Built { slot, fresh } => self.step(Input::Built { slot, fresh }),
            CoreEvent::Executed { hash, outcome } => self.step(Input::Executed { hash, outcome }),
            CoreEvent::Imported {
                head,
                certificate,
                sealers,
                next_sealers,
                recovery,
                signed,
            } => {
                self.look_for_lost_votes(signed)?;
                let height = head.height;
                self.step(Input::Imported {
                    head,
                    certificate,
                    sealers,
                    next_sealers,
                    recovery,
                })?;
                self.speak(recovery.map(|digest| Recovered { height, digest }));
                self.look_at_recovery()?;
                self.pool_changed()
            }
            CoreEvent::Written { height } => {
                self.vote_log.reset_below(height + 1).map_err(|e| e.to_string())?;
                self.tell_timeout()?;
                if let Some(through) = self.abstain_next.take() {
                    self.abstain(through)?;
                }
                self.look_at_recovery()?;
                self.pool_changed()
            }
            CoreEvent::AbstainThrough(height) => self.abstain(height),
            CoreEvent::Install(installed) => self.install(installed),
            CoreEvent::Recovering(taken) => self.take_up(taken),
            CoreEvent::Halted | CoreEvent::Stop => Ok(()),
        }
    }

    /// Tells the consensus how long a round may last, where a block has changed that.
    fn tell_timeout(&mut self) -> Result<(), String> {
        let timeout_ms = self.parts.in_force.config().timeout_ms;
        if self.parts.timeout_ms == timeout_ms {
            return Ok(());
        }
        self.parts.timeout_ms = timeout_ms;
        self.step(Input::Timeout { timeout_ms })
    }

    /// Starts the consensus anew from the ledger, which must have what was decided: else it would stay behind its own ledger.
    fn abstain(&mut self, through: u64) -> Result<(), String> {
        if self.parts.ledger.head().height < self.decided {
            self.abstain_next = Some(through);
            return Ok(());
        }
        self.begin(Some(through))
    }

    /// A certificate above everything in the vote log that bears this node's signature proves that the log is older than
    /// what this node has done (a restored backup): it stops voting until it is known where that is safe (LEDGER.md 3).
    fn look_for_lost_votes(&mut self, signed: Option<u64>) -> Result<(), String> {
        let Some(height) = signed.filter(|height| *height > self.voted_through) else {
            return Ok(());
        };
        error!(
            alarm = "votes_lost",
            height,
            known = self.voted_through,
            "peers hold a vote of this node that its vote log does not: it abstains until it is safe"
        );
        self.voted_through = height;
        let _ = self.parts.sync.send(SyncEvent::VotesLost);
        // At once, wherever the ledger is: the start that follows, when sync has told the height, waits for it.
        self.begin(Some(u64::MAX))
    }

    fn message(&mut self, peer: NodeId, payload: &Bytes) -> Result<(), String> {
        let parts = &self.parts;
        let cpu = CpuTimer::start();
        let (recovery, payload) = unwrap(payload);
        let message = match decode_message(&payload, parts.limits, parts.blocks.as_ref() as &dyn Blocks) {
            Ok(message) => message,
            Err(error) => {
                parts.metrics.message_refused("malformed");
                warn!(peer = %peer.short(), "a consensus message is malformed: {error}");
                parts.outlet.punish(&peer);
                return Ok(());
            }
        };
        if self.domains.recovery_of(message.slot().height) != recovery {
            // One of the two follows a recovery that the other does not, or not yet: nobody's fault.
            parts.metrics.message_refused("other_recovery");
            return Ok(());
        }
        let verified = match verify_message(message, parts.suite.as_ref(), self.domains) {
            Ok(verified) => verified,
            Err(error) => {
                parts.metrics.message_refused(error.name());
                warn!(peer = %peer.short(), "a consensus message is refused: {error}");
                parts.outlet.punish(&peer);
                return Ok(());
            }
        };
        parts.metrics.stage("consensus_verify", cpu.seconds());
        self.step(Input::Message(verified))
    }

    /// Tells the consensus what the pool gives it to do, where that changed.
    fn pool_changed(&mut self) -> Result<(), String> {
        let to_record = self.recovery_to_record();
        let (size, oldest) = self.parts.pool.with(|pool| {
            let waiting = pool.executable().map(|recovered| recovered.transaction.hash());
            let oldest: Vec<B256> = to_record.into_iter().chain(waiting).take(WAITING_NAMED).collect();
            (pool.size(), oldest)
        });
        self.parts.metrics.pool(size);
        let gone: Vec<B256> = self
            .named
            .iter()
            .filter(|hash| !oldest.contains(hash))
            .copied()
            .collect();
        let come: Vec<B256> = oldest
            .iter()
            .filter(|hash| !self.named.contains(hash))
            .copied()
            .collect();
        self.named = oldest;
        for hash in gone {
            self.step(Input::Work {
                reason: Reason::Waiting(hash),
                on: false,
            })?;
        }
        for hash in come {
            self.step(Input::Work {
                reason: Reason::Waiting(hash),
                on: true,
            })?;
        }
        let full = size.executable >= self.parts.in_force.config().transactions as usize;
        if full != self.full {
            self.full = full;
            self.step(Input::Work {
                reason: Reason::Full,
                on: full,
            })?;
        }
        self.step(Input::Work {
            reason: Reason::Pool,
            on: size.executable > 0 || to_record.is_some(),
        })
    }

    fn step(&mut self, input: Input) -> Result<(), String> {
        let outputs = self.consensus.step(self.now(), input);
        self.carry_out(outputs)
    }

    /// Carries outputs out in order. Records of one step share one disk synchronisation; what waits for them is sent after
    /// it.
    fn carry_out(&mut self, outputs: Vec<Output>) -> Result<(), String> {
        let mut persisted: Option<PersistId> = None;
        let mut unsynced = false;
        for output in outputs {
            match output {
                Output::Persist { id, height, record } => {
                    self.vote_log.append(height, &record).map_err(|e| e.to_string())?;
                    if height != ABSTENTION {
                        self.parts.voted.store(true, Ordering::Relaxed);
                        self.voted_through = self.voted_through.max(height);
                    }
                    persisted = Some(id);
                    unsynced = true;
                }
                Output::Send { to, message, after } => {
                    if after.is_some() && unsynced {
                        self.sync_votes()?;
                        unsynced = false;
                    }
                    self.send(to, message);
                }
                other => self.carry_out_one(other)?,
            }
        }
        if unsynced {
            self.sync_votes()?;
        }
        match persisted {
            Some(id) => self.step(Input::Persisted(id)),
            None => Ok(()),
        }
    }

    fn sync_votes(&mut self) -> Result<(), String> {
        let started = Instant::now();
        self.vote_log.sync().map_err(|e| e.to_string())?;
        self.parts.metrics.votes_synced(started.elapsed().as_secs_f64());
        Ok(())
    }

    fn send(&self, to: To, message: Bytes) {
        match to {
            To::All => self.parts.outlet.consensus_to_all(message),
            To::One(peer) => self.parts.outlet.consensus_to(&peer, message),
        }
    }

    fn carry_out_one(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Timer { timer, after_ms } => {
                self.timers.set(timer, self.parts.clock.monotonic_ms() + after_ms);
            }
            Output::Cancel { timer } => self.timers.cancel(timer),
            Output::Build { slot, parent } => self.job(Job::Build { slot, parent }),
            Output::Execute { parent, candidate } => self.job(Job::Execute { parent, candidate }),
            Output::Discard(hash) => {
                self.parts.under_way.cancel(&hash);
                self.job(Job::Discard(hash));
            }
            Output::Commit {
                hash: _,
                candidate,
                certificate,
            } => {
                self.decided = candidate.height;
                self.parts.metrics.view(certificate.view);
                self.job(Job::Commit { candidate, certificate });
            }
            Output::Fetch { height, hash: _, from } => {
                let _ = self.parts.sync.try_send(SyncEvent::Fetch { height, from });
            }
            Output::Evidence(evidence) => {
                self.parts.metrics.evidence();
                error!(alarm = "equivocation", offender = %evidence.offender, "a sealer signed two things at once: {evidence:?}");
            }
            Output::Refused { sender, reason } => {
                self.parts.metrics.message_refused(reason.name());
                debug!(sender = %sender.short(), reason = reason.name(), "a consensus message was not taken");
            }
            Output::Halt { height, hash, reason } => {
                return Err(format!(
                    "block {height} {hash} is certified, and this node computes otherwise: {reason}"
                ));
            }
            // PBFT's head is its last commit; only Aura moves it ahead.
            Output::Head(_) | Output::Persist { .. } | Output::Send { .. } => {}
        }
        Ok(())
    }

    pub(super) fn job(&self, job: Job) {
        // The executor outlives this thread; its queue closes only when the group stops.
        let _ = self.parts.jobs.send(job);
    }
}
