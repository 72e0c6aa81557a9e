//! The pool as a plain value: no lock, no clock, no signature.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_consensus::Transaction as _;
use althing_execution::InvalidReason;
use althing_types::{Address, B256, Recovered, U256};

use super::account::{SenderQueue, Slot, Waiting};
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
    by_hash: HashMap<B256, (Address, Slot)>,
    executable: BTreeMap<u64, (Address, Slot)>,
    /// Block limits of those that have one.
    limits_of_blocks: BTreeSet<(u64, Address, U256)>,
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
            limits_of_blocks: BTreeSet::new(),
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
        self.waiting(self.by_hash.get(hash)?).map(|waiting| &waiting.recovered)
    }

    fn waiting(&self, (sender, slot): &(Address, Slot)) -> Option<&Waiting> {
        self.senders.get(sender)?.get(slot)
    }

    /// Whether anything of this sender waits here.
    pub fn has_of(&self, sender: &Address) -> bool {
        self.senders.contains_key(sender)
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
        let (sender, slot) = (recovered.sender, Slot::of(&recovered.transaction));
        let next = self.known_nonce(&sender).unwrap_or(account_nonce);
        let old = self.waiting(&(sender, slot));
        match (slot, old) {
            (Slot::Nonce(nonce), _) => self.check_nonce(nonce, next)?,
            (Slot::RandomId(id), Some(_)) => return Err(PoolError::RandomIdWaits(id)),
            (Slot::RandomId(_), None) => {}
        }
        let size = recovered.transaction.raw().len();
        match old {
            Some(old) if tip(&recovered) <= tip(&old.recovered) => return Err(PoolError::ReplacementUnderpriced),
            Some(_) => {}
            None if self.by_hash.len() >= self.limits.transactions || self.bytes + size > self.limits.bytes => {
                return Err(PoolError::Full);
            }
            None => {}
        }
        self.place(recovered, slot, next, now_ms);
        Ok(())
    }

    fn check_nonce(&self, nonce: u64, next: u64) -> Result<(), PoolError> {
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
        Ok(())
    }

    fn place(&mut self, recovered: Recovered, slot: Slot, next: u64, now_ms: u64) {
        let (sender, hash) = (recovered.sender, recovered.transaction.hash());
        self.bytes += recovered.transaction.raw().len();
        self.by_hash.insert(hash, (sender, slot));
        let block_limit = recovered.transaction.fisco().map(|fisco| fisco.request.block_limit);
        let queue = self.senders.entry(sender).or_insert_with(|| SenderQueue {
            next,
            ..SenderQueue::default()
        });
        let waiting = Waiting {
            recovered,
            since_ms: now_ms,
            sequence: None,
        };
        match slot {
            Slot::RandomId(id) => {
                let sequence = Some(self.next_sequence);
                queue.unordered.insert(id, Waiting { sequence, ..waiting });
                self.executable.insert(self.next_sequence, (sender, slot));
                self.next_sequence += 1;
                self.limits_of_blocks
                    .extend(block_limit.map(|limit| (limit, sender, id)));
            }
            Slot::Nonce(nonce) => {
                if let Some(old) = queue.waiting.insert(nonce, waiting) {
                    // A replacement keeps the place of what it replaces, so that nonces stay in order.
                    self.bytes -= old.recovered.transaction.raw().len();
                    self.by_hash.remove(&old.recovered.transaction.hash());
                    if let Some(new) = queue.waiting.get_mut(&nonce) {
                        new.sequence = old.sequence;
                    }
                }
                for (sequence, nonce) in queue.promote(&mut self.next_sequence) {
                    self.executable.insert(sequence, (sender, Slot::Nonce(nonce)));
                }
            }
        }
    }

    /// The executable transactions in order.
    pub fn executable(&self) -> impl Iterator<Item = &Recovered> {
        let places = self.executable.values();
        places.filter_map(|place| self.waiting(place).map(|waiting| &waiting.recovered))
    }

    /// Transactions that wait for an earlier nonce.
    pub fn queued(&self) -> impl Iterator<Item = &Recovered> {
        self.senders
            .values()
            .flat_map(|queue| queue.waiting.values())
            .filter(|waiting| waiting.sequence.is_none())
            .map(|waiting| &waiting.recovered)
    }

    /// Forgets what the block of this height took up, and what its senders or their limits no longer let into a block.
    pub fn included(&mut self, height: u64, taken: impl Iterator<Item = (Address, Slot)>) {
        for (sender, slot) in taken {
            match slot {
                Slot::Nonce(nonce) => self.advance(sender, nonce + 1),
                Slot::RandomId(id) => self.take_out(sender, id),
            }
        }
        let open = (height.saturating_add(1), Address::ZERO, U256::ZERO);
        let open = self.limits_of_blocks.split_off(&open);
        for (_, sender, id) in std::mem::replace(&mut self.limits_of_blocks, open) {
            self.take_out(sender, id);
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
            self.executable.insert(sequence, (sender, Slot::Nonce(nonce)));
        }
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
        for waiting in gone.into_values() {
            self.forget(&waiting);
        }
    }

    /// Drops the transaction with this randomid; nothing follows from it for others.
    fn take_out(&mut self, sender: Address, id: U256) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        let gone = queue.unordered.remove(&id);
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
        if let Some(waiting) = gone {
            self.forget(&waiting);
        }
    }

    fn forget(&mut self, waiting: &Waiting) {
        self.bytes -= waiting.recovered.transaction.raw().len();
        self.by_hash.remove(&waiting.recovered.transaction.hash());
        if let Some(sequence) = waiting.sequence {
            self.executable.remove(&sequence);
        }
        if let Some(fisco) = waiting.recovered.transaction.fisco() {
            let request = &fisco.request;
            let limit = (request.block_limit, waiting.recovered.sender, request.random_id);
            self.limits_of_blocks.remove(&limit);
        }
    }

    /// Drops a transaction that can never be included, with what its nonce keeps waiting.
    pub fn remove(&mut self, hash: &B256) {
        match self.by_hash.get(hash).copied() {
            Some((sender, Slot::Nonce(nonce))) => self.truncate(sender, nonce),
            Some((sender, Slot::RandomId(id))) => self.take_out(sender, id),
            None => {}
        }
    }

    /// Drops what has waited too long, with what its nonce keeps waiting. Returns how many.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let before = self.by_hash.len();
        let deadline = now_ms.saturating_sub(self.limits.expiration_ms);
        let is_old = |waiting: &&Waiting| waiting.since_ms < deadline;
        let expired = self.senders.values().flat_map(|queue| {
            let first = queue.waiting.values().find(is_old);
            first.into_iter().chain(queue.unordered.values().filter(is_old))
        });
        let expired: Vec<B256> = expired.map(|waiting| waiting.recovered.transaction.hash()).collect();
        for hash in expired {
            self.remove(&hash);
        }
        before - self.by_hash.len()
    }

    /// Drops what asks for more gas than a transaction may be given now, with what comes after it from the same sender.
    pub fn drop_above_gas(&mut self, limit: u64) {
        let above = |waiting: &Waiting| waiting.recovered.transaction.gas_limit() > Some(limit);
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
        if queue.is_empty() {
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
            .filter_map(|place| self.waiting(place))
            .filter(|waiting| waiting.since_ms <= since_ms)
            .take(limit)
            .map(|waiting| waiting.recovered.clone())
            .collect()
    }
}

/// What a sender offers beyond the base fee of 0. It pays nothing; a higher offer replaces a lower one (LEDGER.md 5).
fn tip(recovered: &Recovered) -> Option<u128> {
    recovered.transaction.ethereum().map(|envelope| {
        envelope
            .max_priority_fee_per_gas()
            .unwrap_or_else(|| envelope.max_fee_per_gas())
    })
}
