//! The pool behind a lock, with what its users wait for: new work, new transactions to gossip.

use std::sync::Arc;

use althing_execution::{InvalidReason, SenderError};
use althing_types::{Address, B256, Bytes, Recovered, StateReader, Transaction, U256};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::account::Slot;
use super::admission::{Admission, PoolError};
use super::pool::{Pool, PoolLimits, PoolSize};
use crate::clock::Clock;
use crate::cpu::CpuTimer;
use crate::metrics::Metrics;

/// Where a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of this node: it is gossiped on.
    Client,
    /// A peer.
    Peer,
}

/// Called with what entered the pool, outside its lock.
pub type OnEntered = Box<dyn Fn(&[Recovered], Origin) + Send + Sync>;

/// The pool of one group, shared by RPC, gossip, sealer and executor.
pub struct TxPool {
    admission: Admission,
    pool: Mutex<Pool>,
    clock: Clock,
    metrics: Metrics,
    on_entered: OnEntered,
}

impl std::fmt::Debug for TxPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxPool")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl TxPool {
    /// An empty pool; `on_entered` is told of every transaction that enters.
    pub fn new(
        admission: Admission,
        limits: PoolLimits,
        clock: Clock,
        metrics: Metrics,
        on_entered: OnEntered,
    ) -> Self {
        Self {
            admission,
            pool: Mutex::new(Pool::new(limits)),
            clock,
            metrics,
            on_entered,
        }
    }

    /// Takes raw transactions in, decoding and recovering them in parallel; the answers are in the order given.
    /// Runs on the caller's thread and the parallel pool: not for an asynchronous thread.
    pub fn submit(&self, raw: Vec<Bytes>, origin: Origin, state: &dyn StateReader) -> Vec<Result<B256, PoolError>> {
        let admitted: Vec<_> = match raw.len() {
            0..=2 => raw.into_iter().map(|bytes| self.admit(bytes)).collect(),
            _ => raw
                .into_par_iter()
                .with_min_len(8)
                .map(|bytes| self.admit(bytes))
                .collect(),
        };
        let mut entered = Vec::with_capacity(admitted.len());
        let now_ms = self.clock.monotonic_ms();
        let mut pool = self.pool.lock();
        let answers = admitted
            .into_iter()
            .map(|admitted| {
                let recovered = admitted?;
                let hash = recovered.transaction.hash();
                self.admission
                    .check_room(&recovered.transaction, pool.size().executable)?;
                let nonce = self.account_nonce(&pool, &recovered, state)?;
                pool.insert(recovered.clone(), nonce, now_ms)?;
                entered.push(recovered);
                Ok(hash)
            })
            .collect();
        drop(pool);
        if !entered.is_empty() {
            (self.on_entered)(&entered, origin);
        }
        answers
    }

    fn admit(&self, raw: Bytes) -> Result<Recovered, PoolError> {
        let cpu = CpuTimer::start();
        let admitted = self.admission.admit(raw);
        self.metrics.stage("admit", cpu.seconds());
        admitted
    }

    fn account_nonce(&self, pool: &Pool, recovered: &Recovered, state: &dyn StateReader) -> Result<u64, PoolError> {
        let value = recovered.transaction.value();
        if let (Some(nonce), true) = (pool.known_nonce(&recovered.sender), value.is_zero()) {
            return Ok(nonce);
        }
        let account = state
            .account(&recovered.sender)
            .map_err(|e| PoolError::State(e.to_string()))?;
        let balance = account.map_or(U256::ZERO, |account| account.balance);
        if value > balance {
            return Err(InvalidReason::InsufficientFunds { balance, value }.into());
        }
        Ok(account.map_or(0, |account| account.nonce))
    }

    /// Runs `read` on the pool under its lock: short work only.
    pub fn with<T>(&self, read: impl FnOnce(&mut Pool) -> T) -> T {
        read(&mut self.pool.lock())
    }

    /// How much is here.
    pub fn size(&self) -> PoolSize {
        self.pool.lock().size()
    }

    /// A waiting transaction.
    pub fn get(&self, hash: &B256) -> Option<Recovered> {
        self.pool.lock().get(hash).cloned()
    }

    /// The waiting ones among these hashes, in one locking: what a proposal need not recover again.
    pub fn known(&self, hashes: impl Iterator<Item = B256>) -> Vec<Option<Address>> {
        let pool = self.pool.lock();
        hashes
            .map(|hash| pool.get(&hash).map(|recovered| recovered.sender))
            .collect()
    }

    /// The senders of transactions, found in parallel where they are not known, in the order given.
    pub fn senders(&self, transactions: &[Arc<Transaction>]) -> Vec<Result<Recovered, SenderError>> {
        let transactions = transactions.par_iter().with_min_len(4);
        let senders = transactions.map(|transaction| self.admission.sender(Arc::clone(transaction)));
        senders.collect()
    }

    /// The first executable transactions, for the sealer.
    pub fn executable(&self, limit: usize) -> Vec<Recovered> {
        self.pool.lock().executable().take(limit).cloned().collect()
    }

    /// Forgets what the block of this height took up, and what no block after it takes.
    pub fn included(&self, height: u64, taken: impl Iterator<Item = (Address, Slot)>) {
        self.pool.lock().included(height, taken);
    }

    /// Drops what has waited too long.
    pub fn expire(&self) -> usize {
        let now_ms = self.clock.monotonic_ms();
        self.pool.lock().expire(now_ms)
    }

    /// Executable transactions that have waited for this long, to be gossiped again.
    pub fn stale(&self, age_ms: u64, limit: usize) -> Vec<Recovered> {
        let since = self.clock.monotonic_ms().saturating_sub(age_ms);
        self.pool.lock().waiting_since(since, limit)
    }
}
