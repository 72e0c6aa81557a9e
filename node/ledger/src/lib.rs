//! The durable ledger of one group: blocks, receipts, state and indexes in one database, the log of votes beside it.
//!
//! ```text
//!              ┌── prepare(changes) ──▶ state root ─┐ (leader and voters, any number of candidates)
//! execution ───┤                                    ▼
//!              └──────────────────── commit(block, certificate, …) ──▶ one synced batch ──▶ head
//! readers ◀── blocks, receipts, logs, proofs, state at any height (cheap clones, any thread)
//! consensus ◀─▶ vote log (append, sync before a vote leaves)
//! ```
//!
//! Invariants: a block is on disk as a whole or not at all; what `commit` returned for is durable; what cannot be read
//! is an error and never a default; only `commit` writes.

mod error;
mod keys;
mod ledger;
mod records;
mod state;
pub mod storage;
mod trie;
pub mod vote_log;

pub use error::{LedgerError, LogsError, OpenError};
pub use ledger::{
    AccountProof, Committed, Head, Ledger, LogEntry, LogFilter, LogQuery, OpenOptions, Opened, Prepared, SlotProof,
    StoredBlock,
};
pub use records::{StoredHeader, StoredReceipt};
pub use state::{FULL_STATE_INTERVAL, StateAt};
pub use storage::{MemoryLimits, SharedMemory};
pub use vote_log::VoteLog;
