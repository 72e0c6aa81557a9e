//! The search for events without an index: header blooms first, then receipts.

use alloy_primitives::{B256, Bloom, BloomInput, Log};

use crate::backend::{BackendError, Cancel, GroupBackend, HeaderView, LogEntry, LogFilter, TransactionLocation};

impl LogFilter {
    /// Whether a block or receipt with this bloom may hold an event that passes.
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        let holds = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let addresses = self.addresses.is_empty() || self.addresses.iter().any(|a| holds(a.as_slice()));
        addresses
            && self
                .topics
                .iter()
                .all(|any| any.is_empty() || any.iter().any(|t| holds(t.as_slice())))
    }

    /// Whether an event passes.
    pub fn matches(&self, log: &Log) -> bool {
        let topic = |(position, any): (usize, &Vec<B256>)| {
            log.topics()
                .get(position)
                .is_some_and(|topic| any.is_empty() || any.contains(topic))
        };
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(topic)
    }
}

/// The events of `from..=to` that pass, in order.
pub(crate) fn scan_logs<G: GroupBackend + ?Sized>(
    group: &G,
    from: u64,
    to: u64,
    filter: &LogFilter,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<LogEntry>, BackendError> {
    let mut found = Vec::new();
    for height in from..=to {
        if cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        let header = group.header(height)?.ok_or(BackendError::UnknownBlock(height))?;
        if filter.may_match(&header.header.logs_bloom) {
            scan_block(group, &header, filter, limit, &mut found)?;
        }
    }
    Ok(found)
}

fn scan_block<G: GroupBackend + ?Sized>(
    group: &G,
    header: &HeaderView,
    filter: &LogFilter,
    limit: usize,
    found: &mut Vec<LogEntry>,
) -> Result<(), BackendError> {
    let height = header.header.number;
    let missing = || BackendError::UnknownBlock(height);
    let receipts = group.receipts(height)?.ok_or_else(missing)?;
    let block = group.block(height)?.ok_or_else(missing)?;
    let mut log_index = 0;
    for ((receipt, transaction), index) in receipts.iter().zip(&block.block.transactions).zip(0..) {
        let first = log_index;
        log_index += receipt.logs.len() as u64;
        if !filter.may_match(&receipt.logs_bloom) {
            continue;
        }
        let location = TransactionLocation {
            height,
            block_hash: header.hash,
            timestamp: header.header.timestamp,
            index,
        };
        for (log, log_index) in receipt.logs.iter().zip(first..).filter(|(log, _)| filter.matches(log)) {
            if found.len() == limit {
                return Err(BackendError::TooManyResults { limit });
            }
            found.push(LogEntry {
                log: log.clone(),
                transaction: transaction.hash(),
                location,
                log_index,
            });
        }
    }
    Ok(())
}
