//! Searching logs by block range, address and topics, with the semantics of `eth_getLogs`.

use alloy_primitives::BloomInput;
use althing_types::{Address, B256, Bloom, Log};

use super::{Inner, Ledger};
use crate::error::During;
use crate::records::{StoredHeader, StoredReceipt};
use crate::storage::Column;
use crate::{LedgerError, LogsError, keys};

/// Which logs are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Any of these emitters; none given is any emitter.
    pub addresses: Vec<Address>,
    /// For each position any of these topics; none given is any topic. A log with fewer topics than positions never
    /// matches.
    pub topics: Vec<Vec<B256>>,
}

/// A search over blocks `from` to `to`, both included; blocks above the head are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The first height.
    pub from: u64,
    /// The last height.
    pub to: u64,
    /// Which logs.
    pub filter: LogFilter,
    /// How many entries are answered at most.
    pub limit: usize,
}

/// A log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The log.
    pub log: Log,
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The block's time, seconds since 1970.
    pub timestamp: u64,
    /// The transaction.
    pub transaction_hash: B256,
    /// The transaction's index in the block.
    pub transaction_index: u32,
    /// The log's index in the block.
    pub log_index: u64,
}

impl LogFilter {
    /// Whether a log is wanted.
    pub fn matches(&self, log: &Log) -> bool {
        let topics = log.topics();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.len() <= topics.len()
            && self
                .topics
                .iter()
                .zip(topics)
                .all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }

    /// The filter's blooms, hashed once for many tests.
    fn blooms(&self) -> FilterBlooms {
        let of = |item: &[u8]| Bloom::from(BloomInput::Raw(item));
        let mut positions = vec![self.addresses.iter().map(|address| of(address.as_slice())).collect()];
        positions.extend(
            self.topics
                .iter()
                .map(|wanted| wanted.iter().map(|topic| of(topic.as_slice())).collect()),
        );
        FilterBlooms { positions }
    }
}

/// For each position of a filter that names anything, the blooms of what it names.
struct FilterBlooms {
    positions: Vec<Vec<Bloom>>,
}

impl FilterBlooms {
    /// Whether a block or receipt with this bloom may hold a wanted log; false is certain.
    fn may_match(&self, bloom: &Bloom) -> bool {
        self.positions
            .iter()
            .all(|wanted| wanted.is_empty() || wanted.iter().any(|item| bloom.contains(item)))
    }
}

impl Ledger {
    /// The wanted logs in the order of the chain. Only blocks and receipts whose bloom may match are decoded.
    pub fn logs(&self, query: &LogQuery) -> Result<Vec<LogEntry>, LogsError> {
        let mut found = Vec::new();
        let blooms = query.filter.blooms();
        let last = query.to.min(self.head().height);
        let headers = self.inner.storage.iterate(Column::Headers, &keys::height(query.from));
        for (height, entry) in (query.from..=last).zip(headers) {
            let (key, value) = entry.during("read headers")?;
            if key[..] != keys::height(height) {
                return Err(LedgerError::corrupt(format!("header of block {height}"), "it is missing").into());
            }
            let header = StoredHeader::read(height, &value)?;
            if header.transactions > 0 && blooms.may_match(&header.header.logs_bloom) {
                self.inner.block_logs(&header, query, &blooms, &mut found)?;
            }
        }
        Ok(found)
    }
}

impl Inner {
    fn block_logs(
        &self,
        header: &StoredHeader,
        query: &LogQuery,
        blooms: &FilterBlooms,
        found: &mut Vec<LogEntry>,
    ) -> Result<(), LogsError> {
        let height = header.header.number;
        for (index, stored) in (0u32..).zip(self.read_receipts(height, header.transactions)?) {
            let StoredReceipt {
                transaction_hash,
                first_log_index,
                receipt,
            } = stored;
            if !blooms.may_match(&receipt.logs_bloom) {
                continue;
            }
            let numbered = (first_log_index..).zip(receipt.logs);
            for (log_index, log) in numbered.filter(|(_, log)| query.filter.matches(log)) {
                if found.len() >= query.limit {
                    return Err(LogsError::TooMany { limit: query.limit });
                }
                found.push(LogEntry {
                    log,
                    height,
                    block_hash: header.hash,
                    timestamp: header.header.timestamp,
                    transaction_hash,
                    transaction_index: index,
                    log_index,
                });
            }
        }
        Ok(())
    }
}
