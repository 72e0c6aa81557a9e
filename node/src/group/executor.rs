//! The executor of a group: one thread that builds, executes, commits and imports, in the order asked. It alone writes the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use althing_consensus::{Candidate, Domains, Fresh, Head, Outcome, Recovered as Decided, Slot, verify_certificate};
use althing_crypto::Suite;
use althing_ledger::{Committed, Ledger};
use althing_rpc::backend::GroupEvent;
use althing_types::{B256, Block, CommitCertificate, NodeId, Recovered, SealerSet};
use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tracing::{debug, error, info, warn};

use super::Audience;
use super::assemble::{AssembleError, Assembler, Parent, Sealed, StageTimes};
use super::blocks::BlockCache;
use super::event::CoreEvent;
use super::halt::Halt;
use super::own_account::OwnAccount;
use super::recovery::Taken;
use crate::clock::Clock;
use crate::cpu::CpuTimer;
use crate::metrics::Metrics;
use crate::sync::{SyncEvent, SyncedBlock};
use crate::txpool::{TxPool, taken_by};

/// Candidates kept at once; consensus discards what it no longer needs.
const CANDIDATES_MAX: usize = 16;

/// What the executor is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Make a block; answered by [`CoreEvent::Built`].
    Build { slot: Slot, parent: Head },
    /// Execute a candidate; answered by [`CoreEvent::Executed`].
    Execute { parent: B256, candidate: Candidate },
    /// Forget a candidate.
    Discard(B256),
    /// Make and take only blocks that carry this recovery, at its height; answered by [`CoreEvent::Recovering`].
    Recover(Taken),
    /// Write a decided block.
    Commit {
        candidate: Candidate,
        certificate: CommitCertificate,
    },
    /// Verify and write blocks a peer sent; answered by [`CoreEvent::Imported`].
    Import { peer: NodeId, blocks: Vec<SyncedBlock> },
}

/// The execution under way, so that the consensus thread can call it off.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Option<(B256, Arc<AtomicBool>)>>);

impl UnderWay {
    fn begin(&self, hash: B256) -> Arc<AtomicBool> {
        let cancel = Arc::new(AtomicBool::new(false));
        *self.0.lock() = Some((hash, Arc::clone(&cancel)));
        cancel
    }

    fn end(&self) {
        *self.0.lock() = None;
    }

    /// Calls off the execution of this candidate, if it runs.
    pub(super) fn cancel(&self, hash: &B256) {
        if let Some((_, cancel)) = self.0.lock().as_ref().filter(|(running, _)| running == hash) {
            cancel.store(true, Ordering::Relaxed);
        }
    }
}

/// What an executor works with.
pub(super) struct ExecutorParts {
    pub(super) own: NodeId,
    pub(super) genesis_hash: B256,
    pub(super) suite: Arc<dyn Suite>,
    pub(super) assembler: Arc<Assembler>,
    pub(super) audience: Audience,
    pub(super) ledger: Ledger,
    pub(super) pool: Arc<TxPool>,
    pub(super) blocks: Arc<BlockCache>,
    pub(super) under_way: Arc<UnderWay>,
    pub(super) core: Sender<CoreEvent>,
    pub(super) sync: Sender<SyncEvent>,
    pub(super) events: broadcast::Sender<GroupEvent>,
    pub(super) halt: Arc<Halt>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    pub(super) account: OwnAccount,
    /// What the vote log says that this node has taken up.
    pub(super) taken: Option<Taken>,
}

pub(super) struct Executor {
    pub(super) parts: ExecutorParts,
    candidates: HashMap<B256, Sealed>,
}

impl Executor {
    pub(super) fn new(parts: ExecutorParts) -> Self {
        Self {
            parts,
            candidates: HashMap::new(),
        }
    }

    /// Works until the job queue is closed or the group halts.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            if self.parts.halt.reason().is_some() {
                continue;
            }
            match job {
                Job::Build { slot, parent } => self.build(slot, parent),
                Job::Execute { parent, candidate } => self.execute(parent, &candidate),
                Job::Discard(hash) => {
                    self.candidates.remove(&hash);
                }
                Job::Recover(taken) => {
                    self.parts.taken = Some(taken.clone());
                    self.tell(CoreEvent::Recovering(taken));
                }
                Job::Commit { candidate, certificate } => self.commit_decided(&candidate, certificate),
                Job::Import { peer, blocks } => self.import(peer, blocks),
            }
        }
    }

    pub(super) fn head(&self) -> Parent {
        let head = self.parts.ledger.head();
        Parent {
            height: head.height,
            hash: head.hash,
            unix_ms: head.unix_ms(),
        }
    }

    fn tell(&self, event: CoreEvent) {
        // The consensus thread outlives the executor; a closed queue means the group is stopping.
        let _ = self.parts.core.send(event);
    }

    fn fatal(&self, what: &str, why: impl std::fmt::Display) {
        self.parts.halt.halt(format!("{what}: {why}"));
        self.tell(CoreEvent::Halted);
    }

    fn build(&mut self, slot: Slot, parent: Head) {
        let head = self.head();
        if head.hash != parent.hash {
            debug!(
                height = slot.height,
                "the parent is no longer the head, nothing is built on it"
            );
            return self.tell(CoreEvent::Built { slot, fresh: None });
        }
        let parts = &self.parts;
        let count = parts.assembler.in_force().config().transactions;
        let offered = parts.pool.executable(count as usize);
        let first = self.first(slot);
        if offered.is_empty() && slot.view == 0 && first.is_none() {
            return self.tell(CoreEvent::Built { slot, fresh: None });
        }
        let cancel = AtomicBool::new(false);
        let wall_ms = parts.clock.unix_ms();
        let built = parts
            .assembler
            .build(&parts.ledger, &head, first, &offered, &parts.own, wall_ms, &cancel);
        match built {
            Ok((sealed, leftovers, times)) => {
                for hash in &leftovers.unusable {
                    parts.pool.with(|pool| pool.remove(hash));
                }
                self.record(times);
                let fresh = (slot.view > 0 || !sealed.block.transactions.is_empty()).then(|| self.keep(sealed));
                self.tell(CoreEvent::Built { slot, fresh });
            }
            Err(AssembleError::Fatal(why)) => self.fatal("build a block", why),
            Err(other) => {
                warn!(height = slot.height, "no block was built: {other}");
                self.tell(CoreEvent::Built { slot, fresh: None });
            }
        }
    }

    fn keep(&mut self, sealed: Sealed) -> Fresh {
        let candidate = Candidate {
            height: sealed.block.height(),
            parent: sealed.block.header.parent_hash,
            hash: sealed.hash,
            unix_ms: sealed.block.section.unix_ms,
            bytes: sealed.block.encode().into(),
        };
        let next_sealers = sealed.next_sealers.clone();
        self.insert(sealed);
        Fresh {
            candidate,
            next_sealers,
        }
    }

    fn insert(&mut self, sealed: Sealed) {
        if self.candidates.len() >= CANDIDATES_MAX {
            let height = self.parts.ledger.head().height;
            self.candidates.retain(|_, old| old.block.height() > height);
        }
        if self.candidates.len() < CANDIDATES_MAX {
            self.candidates.insert(sealed.hash, sealed);
        }
    }

    fn execute(&mut self, parent: B256, candidate: &Candidate) {
        let hash = candidate.hash;
        let outcome = match self.candidates.get(&hash) {
            Some(known) => self.carries(known).map(|()| known.next_sealers.clone()),
            None if parent != self.head().hash => Err(AssembleError::Invalid(
                "its parent is not the head of this node".to_owned(),
            )),
            None => self.verify(candidate).and_then(|sealed| {
                self.carries(&sealed)?;
                let next_sealers = sealed.next_sealers.clone();
                self.insert(sealed);
                Ok(next_sealers)
            }),
        };
        let outcome = match outcome {
            Ok(next_sealers) => Outcome::Valid { next_sealers },
            Err(AssembleError::Fatal(why)) => return self.fatal("execute a block", why),
            Err(other) => {
                warn!(height = candidate.height, %hash, "a proposal is not voted for: {other}");
                Outcome::Invalid {
                    reason: other.to_string(),
                }
            }
        };
        self.tell(CoreEvent::Executed { hash, outcome });
    }

    fn verify(&self, candidate: &Candidate) -> Result<Sealed, AssembleError> {
        let parts = &self.parts;
        let block = parts
            .blocks
            .get(&candidate.hash, &candidate.bytes)
            .map_err(|e| AssembleError::Invalid(e.to_string()))?;
        self.verify_block(candidate.hash, &block)
    }

    fn verify_block(&self, hash: B256, block: &Block) -> Result<Sealed, AssembleError> {
        let parts = &self.parts;
        let recovered = self.senders(block)?;
        let cancel = parts.under_way.begin(hash);
        let verified = parts
            .assembler
            .verify(&parts.ledger, &self.head(), block, recovered, &cancel);
        parts.under_way.end();
        let (sealed, times) = verified?;
        self.record(times);
        Ok(sealed)
    }

    /// The senders of a block: from the pool where it knows the transaction, recovered in parallel where not.
    fn senders(&self, block: &Block) -> Result<Vec<Recovered>, AssembleError> {
        let parts = &self.parts;
        let known = parts
            .pool
            .known(block.transactions.iter().map(|transaction| transaction.hash()));
        let missing: Vec<_> = block
            .transactions
            .iter()
            .zip(&known)
            .filter(|(_, sender)| sender.is_none())
            .map(|(transaction, _)| Arc::clone(transaction))
            .collect();
        let mut recovered = parts.pool.senders(&missing).into_iter();
        let mut result = Vec::with_capacity(block.transactions.len());
        for (transaction, sender) in block.transactions.iter().zip(known) {
            result.push(match sender {
                Some(sender) => Recovered {
                    transaction: Arc::clone(transaction),
                    sender,
                },
                None => match recovered.next() {
                    Some(Ok(recovered)) => recovered,
                    Some(Err(error)) => return Err(AssembleError::Invalid(error.to_string())),
                    None => return Err(AssembleError::Fatal("fewer senders than transactions".to_owned())),
                },
            });
        }
        Ok(result)
    }

    fn commit_decided(&mut self, candidate: &Candidate, certificate: CommitCertificate) {
        let head = self.head();
        if candidate.height <= head.height {
            return debug!(height = candidate.height, "sync wrote this block already");
        }
        let sealed = match self.candidates.remove(&candidate.hash) {
            Some(sealed) => Ok(sealed),
            None => self.verify(candidate),
        };
        match sealed {
            Ok(sealed) => {
                self.write(sealed, certificate);
            }
            Err(error) => self.fatal(
                &format!(
                    "block {} {} is certified but cannot be committed",
                    candidate.height, candidate.hash
                ),
                error,
            ),
        }
        self.candidates.retain(|_, kept| kept.block.height() > candidate.height);
    }

    /// Writes a block: durable when this returns true.
    fn write(&mut self, sealed: Sealed, certificate: CommitCertificate) -> bool {
        let (started, cpu) = (Instant::now(), CpuTimer::start());
        let Sealed {
            block,
            hash,
            senders,
            executed,
            prepared,
            next_sealers,
            next_config,
            next_members,
            carried,
        } = sealed;
        let height = block.height();
        let taken = taken_by(&block, &senders, &executed.changes);
        let random_ids = self.parts.assembler.used().of_block(&block, &senders);
        let transactions = block.transactions.len();
        let committed = Committed {
            block,
            hash,
            receipts: executed.receipts,
            senders,
            prepared,
            certificate,
            next_sealers,
            recovered_sealers: carried.map(|carried| carried.sealers),
        };
        if let Err(error) = self.parts.ledger.commit(committed) {
            self.fatal(&format!("write block {height}"), error);
            return false;
        }
        let parts = &self.parts;
        parts.assembler.used().follow(random_ids);
        let in_force = parts.assembler.in_force();
        let less_gas = next_config.gas < in_force.config().gas;
        in_force.set(next_config);
        if let Some(members) = next_members {
            parts.audience.set(members);
        }
        if less_gas {
            parts.pool.with(|pool| pool.drop_above_gas(next_config.gas));
        }
        parts.pool.included(height, taken.into_iter());
        let seconds = started.elapsed().as_secs_f64();
        parts.metrics.committed(height, transactions, seconds);
        parts.metrics.stage("commit", cpu.seconds());
        info!(height, %hash, transactions, milliseconds = (seconds * 1000.0).round(), "block committed");
        // Nobody listening is no error.
        let _ = parts.events.send(GroupEvent::Committed { height, hash });
        let _ = parts.sync.send(SyncEvent::Committed);
        self.tell(CoreEvent::Written { height });
        true
    }

    fn record(&self, times: StageTimes) {
        self.parts.metrics.stages(times);
    }

    fn import(&mut self, peer: NodeId, blocks: Vec<SyncedBlock>) {
        let mut last: Option<CoreEvent> = None;
        for synced in blocks {
            match self.import_one(&synced, last.as_ref()) {
                Ok(None) => {}
                Ok(Some(imported)) => last = Some(imported),
                Err(ImportError::Peer(why)) => {
                    warn!(peer = %peer.short(), "blocks of a peer are refused: {why}");
                    let _ = self.parts.sync.send(SyncEvent::Refused { peer });
                    break;
                }
                Err(ImportError::Apart(why)) => {
                    error!(alarm = "recovery_apart", peer = %peer.short(), "a peer went on without the recovery that this node follows: {why}");
                    let _ = self.parts.sync.send(SyncEvent::NotTaken { peer });
                    break;
                }
                Err(ImportError::Fatal(why)) => {
                    self.fatal("import a block", why);
                    break;
                }
            }
        }
        if let Some(imported) = last {
            self.tell(imported);
        }
        let _ = self.parts.sync.send(SyncEvent::ImportDone);
    }

    /// Whether this node's signature is in a certificate.
    fn signed(&self, certificate: &CommitCertificate, sealers: &SealerSet) -> bool {
        let own = sealers.index_of(&self.parts.own).map(|index| index as u64);
        certificate
            .signatures
            .iter()
            .any(|signature| Some(signature.sealer) == own)
    }

    fn import_one(
        &mut self,
        synced: &SyncedBlock,
        before: Option<&CoreEvent>,
    ) -> Result<Option<CoreEvent>, ImportError> {
        let suite = Arc::clone(&self.parts.suite);
        let block = Block::decode(&synced.block, suite.hash_fn()).map_err(|e| ImportError::Peer(e.to_string()))?;
        let head = self.head();
        if block.height() <= head.height {
            return Ok(None);
        }
        let hash = block.hash(suite.hash_fn());
        let certificate = &synced.certificate;
        if block.height() != head.height + 1 || block.header.parent_hash != head.hash {
            return Err(ImportError::Peer(format!(
                "block {} does not follow block {}",
                block.height(),
                head.height
            )));
        }
        if certificate.block != hash || certificate.height != block.height() {
            return Err(ImportError::Peer(format!(
                "the certificate of block {} is another block's",
                block.height()
            )));
        }
        let carried = self.carried_by(&block)?;
        let recovery = carried.as_ref().map(|carried| carried.digest);
        let sealers = carried.map_or_else(
            || self.parts.ledger.head().next_sealers.clone(),
            |carried| carried.sealers,
        );
        let height = block.height();
        let recovered = recovery.map(|digest| Decided { height, digest });
        let domains = Domains::new(self.parts.genesis_hash, recovered);
        verify_certificate(certificate, suite.as_ref(), domains, &sealers)
            .map_err(|e| ImportError::Peer(format!("the certificate of block {}: {e}", block.height())))?;
        let sealed = match self.candidates.remove(&hash) {
            Some(sealed) => sealed,
            None => self.verify_block(hash, &block).map_err(|error| match error {
                // A quorum certified something else than this node computes: the group halts here (LEDGER.md 3).
                AssembleError::Invalid(why) => {
                    ImportError::Fatal(format!("block {} {hash} is certified, and {why}", block.height()))
                }
                other => ImportError::Fatal(other.to_string()),
            })?,
        };
        let next_sealers: SealerSet = sealed.next_sealers.clone();
        let head = Head {
            height: block.height(),
            hash,
            unix_ms: block.section.unix_ms,
        };
        if !self.write(sealed, certificate.clone()) {
            return Err(ImportError::Fatal("the block could not be written".to_owned()));
        }
        let signed = match (self.signed(certificate, &sealers), before) {
            (true, _) => Some(head.height),
            (false, Some(CoreEvent::Imported { signed, .. })) => *signed,
            (false, _) => None,
        };
        Ok(Some(CoreEvent::Imported {
            head,
            certificate: certificate.clone(),
            sealers,
            next_sealers,
            recovery,
            signed,
        }))
    }
}

/// Why a peer's block is not written.
pub(super) enum ImportError {
    /// The peer sent what it should not have.
    Peer(String),
    /// The peer is on the other side of a recovery; neither lies.
    Apart(String),
    /// The group cannot go on here.
    Fatal(String),
}
