//! The pool as a plain value: no lock, no clock, no signature.

use std::collections::{BTreeMap, HashMap};

use alloy_consensus::Transaction as _;
use althing_execution::InvalidReason;
use althing_types::transaction::Envelope;
use althing_types::{Address, B256, Recovered};

use super::account::{SenderQueue, Waiting};
use super::admission::PoolError;

/// How much a pool holds (`group.N.ini` `[tx_pool]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions.
    pub transactions: usize,
    /// Bytes of raw transactions.
    pub bytes: usize,
    /// How long one may wait, milliseconds.
    pub expiration_ms: u64,
    /// How far ahead of its account's nonce one may be.
    pub nonces_ahead: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            transactions: 150_000,
            bytes: 512 << 20,
            expiration_ms: 600_000,
            nonces_ahead: 16_384,
        }
    }
}

/// How much is in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolSize {
    /// Transactions that could be included now.
    pub executable: usize,
    /// Transactions that wait for an earlier nonce.
    pub queued: usize,
    /// Bytes of both.
    pub bytes: usize,
}

/// The waiting transactions of a group.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    senders: HashMap<Address, SenderQueue>,
    by_hash: HashMap<B256, (Address, u64)>,
    executable: BTreeMap<u64, (Address, u64)>,
    next_sequence: u64,
    bytes: usize,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            senders: HashMap::new(),
            by_hash: HashMap::new(),
            executable: BTreeMap::new(),
            next_sequence: 0,
            bytes: 0,
        }
    }

    /// Whether a transaction waits here.
    pub fn contains(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// A waiting transaction.
    pub fn get(&self, hash: &B256) -> Option<&Recovered> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders
            .get(sender)?
            .waiting
            .get(nonce)
            .map(|waiting| &waiting.recovered)
    }

    /// The nonce the pool believes an account to be at; none for a sender without waiting transactions.
    pub fn known_nonce(&self, sender: &Address) -> Option<u64> {
        self.senders.get(sender).map(|queue| queue.next)
    }

    /// The nonce after a sender's executable transactions; none for a sender without waiting transactions.
    pub fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        self.senders.get(sender).map(SenderQueue::first_missing)
    }

    /// How much is here.
    pub fn size(&self) -> PoolSize {
        let executable = self.executable.len();
        PoolSize {
            executable,
            queued: self.by_hash.len() - executable,
            bytes: self.bytes,
        }
    }

    /// Takes a transaction in. `account_nonce` is the sender's next nonce on chain, used when the pool does not know it.
    pub fn insert(&mut self, recovered: Recovered, account_nonce: u64, now_ms: u64) -> Result<(), PoolError> {
        let hash = recovered.transaction.hash();
        if self.contains(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        let (sender, nonce) = (recovered.sender, recovered.transaction.nonce());
        let next = self.known_nonce(&sender).unwrap_or(account_nonce);
        if nonce < next {
            return Err(InvalidReason::NonceTooLow {
                transaction: nonce,
                account: next,
            }
            .into());
        }
        if nonce - next > self.limits.nonces_ahead {
            return Err(PoolError::NonceTooFar {
                next,
                found: nonce,
                ahead: self.limits.nonces_ahead,
            });
        }
        let size = recovered.transaction.raw().len();
        let replaced = self.senders.get(&sender).and_then(|queue| queue.waiting.get(&nonce));
        if let Some(old) = replaced {
            if tip(&recovered) <= tip(&old.recovered) {
                return Err(PoolError::ReplacementUnderpriced);
            }
        } else if self.by_hash.len() >= self.limits.transactions || self.bytes + size > self.limits.bytes {
            return Err(PoolError::Full);
        }
        self.place(recovered, next, now_ms);
        Ok(())
    }

    fn place(&mut self, recovered: Recovered, next: u64, now_ms: u64) {
        let (sender, nonce, hash) = (
            recovered.sender,
            recovered.transaction.nonce(),
            recovered.transaction.hash(),
        );
        self.bytes += recovered.transaction.raw().len();
        let queue = self.senders.entry(sender).or_insert_with(|| SenderQueue {
            next,
            ..SenderQueue::default()
        });
        let waiting = Waiting {
            recovered,
            since_ms: now_ms,
            sequence: None,
        };
        if let Some(old) = queue.waiting.insert(nonce, waiting) {
            // A replacement keeps the place of what it replaces, so that nonces stay in order.
            self.bytes -= old.recovered.transaction.raw().len();
            self.by_hash.remove(&old.recovered.transaction.hash());
            if let Some(new) = queue.waiting.get_mut(&nonce) {
                new.sequence = old.sequence;
            }
        }
        for (sequence, nonce) in queue.promote(&mut self.next_sequence) {
            self.executable.insert(sequence, (sender, nonce));
        }
        self.by_hash.insert(hash, (sender, nonce));
    }

    /// The executable transactions in order.
    pub fn executable(&self) -> impl Iterator<Item = &Recovered> {
        self.executable.values().filter_map(|(sender, nonce)| {
            self.senders
                .get(sender)?
                .waiting
                .get(nonce)
                .map(|waiting| &waiting.recovered)
        })
    }

    /// Transactions that wait for an earlier nonce.
    pub fn queued(&self) -> impl Iterator<Item = &Recovered> {
        self.senders
            .values()
            .flat_map(|queue| queue.waiting.values())
            .filter(|waiting| waiting.sequence.is_none())
            .map(|waiting| &waiting.recovered)
    }

    /// Forgets what a block included, and what its senders can no longer use.
    pub fn included<'a>(&mut self, transactions: impl Iterator<Item = (Address, u64)> + 'a) {
        for (sender, nonce) in transactions {
            self.advance(sender, nonce + 1);
        }
    }

    /// The account of a sender is at `next` now: what is below is dropped, what became executable gets its place.
    fn advance(&mut self, sender: Address, next: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        if next <= queue.next {
            return;
        }
        let kept = queue.waiting.split_off(&next);
        let gone = std::mem::replace(&mut queue.waiting, kept);
        queue.next = next;
        for (sequence, nonce) in queue.promote(&mut self.next_sequence) {
            self.executable.insert(sequence, (sender, nonce));
        }
        if queue.waiting.is_empty() {
            self.senders.remove(&sender);
        }
        for waiting in gone.into_values() {
            self.forget(&waiting);
        }
    }

    fn forget(&mut self, waiting: &Waiting) {
        self.bytes -= waiting.recovered.transaction.raw().len();
        self.by_hash.remove(&waiting.recovered.transaction.hash());
        if let Some(sequence) = waiting.sequence {
            self.executable.remove(&sequence);
        }
    }

    /// Drops a transaction that can never be included, with what comes after it from the same sender.
    pub fn remove(&mut self, hash: &B256) {
        let Some((sender, nonce)) = self.by_hash.get(hash).copied() else {
            return;
        };
        self.truncate(sender, nonce);
    }

    /// Drops what has waited too long; what follows it from the same sender goes with it. Returns how many.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let before = self.by_hash.len();
        let deadline = now_ms.saturating_sub(self.limits.expiration_ms);
        let expired: Vec<(Address, u64)> = self
            .senders
            .iter()
            .filter_map(|(sender, queue)| {
                let old = queue.waiting.iter().find(|(_, waiting)| waiting.since_ms < deadline);
                old.map(|(nonce, _)| (*sender, *nonce))
            })
            .collect();
        for (sender, nonce) in expired {
            self.truncate(sender, nonce);
        }
        before - self.by_hash.len()
    }

    /// Drops what asks for more gas than a transaction may be given now, with what comes after it from the same sender.
    pub fn drop_above_gas(&mut self, limit: u64) {
        let above = |waiting: &Waiting| waiting.recovered.transaction.gas_limit() > limit;
        let first = self.senders.iter().filter_map(|(sender, queue)| {
            let first = queue.waiting.iter().find(|(_, waiting)| above(waiting));
            first.map(|(nonce, _)| (*sender, *nonce))
        });
        let first: Vec<(Address, u64)> = first.collect();
        for (sender, nonce) in first {
            self.truncate(sender, nonce);
        }
    }

    fn truncate(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        let gone = queue.waiting.split_off(&nonce);
        if queue.waiting.is_empty() {
            self.senders.remove(&sender);
        }
        for waiting in gone.into_values() {
            self.forget(&waiting);
        }
    }

    /// Executable transactions that have waited since before `since_ms`, oldest place first.
    pub fn waiting_since(&self, since_ms: u64, limit: usize) -> Vec<Recovered> {
        self.executable
            .values()
            .filter_map(|(sender, nonce)| self.senders.get(sender)?.waiting.get(nonce))
            .filter(|waiting| waiting.since_ms <= since_ms)
            .take(limit)
            .map(|waiting| waiting.recovered.clone())
            .collect()
    }
}

/// What a sender offers beyond the base fee of 0. It pays nothing; a higher offer replaces a lower one (LEDGER.md 5).
fn tip(recovered: &Recovered) -> u128 {
    match recovered.transaction.envelope() {
        Envelope::Ethereum(envelope) => envelope
            .max_priority_fee_per_gas()
            .unwrap_or_else(|| envelope.max_fee_per_gas()),
    }
}
