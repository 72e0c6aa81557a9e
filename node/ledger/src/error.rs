//! What can go wrong with a ledger. None of it is ever papered over with a default.

use std::path::PathBuf;

use althing_types::{B256, StateError};

use crate::storage::StorageError;

/// Why a ledger could not be opened. The group stays halted until a person has looked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or used.
    #[error("open the ledger in {folder}: {why}; {advice}")]
    Folder {
        /// The ledger's folder.
        folder: PathBuf,
        /// What the system said.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// The engine failed.
    #[error("open the ledger in {folder}: {source}")]
    Storage {
        /// The ledger's folder.
        folder: PathBuf,
        /// What the engine met.
        source: StorageError,
    },
    /// The folder is in a format this program does not read.
    #[error(
        "the ledger in {folder} has format {found}, this program reads format {expected}; \
         run the version that wrote it, or one that names this format in its change log"
    )]
    Format {
        /// The ledger's folder.
        folder: PathBuf,
        /// The format found.
        found: String,
        /// The format read.
        expected: u32,
    },
    /// The folder belongs to another node, chain, group or genesis.
    #[error(
        "the ledger in {folder} belongs to {what} {found}, this node is configured for {what} {expected}; \
         point the group at its own data folder, or move this one away and let the node synchronise anew"
    )]
    Foreign {
        /// The ledger's folder.
        folder: PathBuf,
        /// Which part of the identity differs: nodeID, chain id, group id or genesis hash.
        what: &'static str,
        /// What the folder says.
        found: String,
        /// What this node is.
        expected: String,
    },
    /// The genesis cannot make a block 0, or the stored one cannot be read back.
    #[error("the genesis of the ledger in {folder}: {why}")]
    Genesis {
        /// The ledger's folder.
        folder: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The data does not fit together.
    #[error(
        "the ledger in {folder} is damaged: {source}; \
         move the folder away and let the node synchronise anew from its peers, keep the old one for examination"
    )]
    Damaged {
        /// The ledger's folder.
        folder: PathBuf,
        /// What was found.
        source: LedgerError,
    },
}

/// Why an open ledger could not be read or written. The group halts on the first three kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The engine failed.
    #[error("{action}: {source}")]
    Storage {
        /// What was being done.
        action: &'static str,
        /// What the engine met.
        source: StorageError,
    },
    /// A stored value is missing or is not what it must be.
    #[error("the stored {what} is corrupt: {why}")]
    Corrupt {
        /// The thing, with its key.
        what: String,
        /// What was found.
        why: String,
    },
    /// An earlier write failed; what is on disk is unknown until the ledger is opened again.
    #[error("the ledger takes no more blocks since a write failed: {0}; mend the cause, then restart the group")]
    Halted(String),
    /// A block, or a part of it, that does not belong where it was to go. Nothing was written.
    #[error("block {height} cannot be committed: {what} is {found}, {expected} is expected")]
    Misfit {
        /// The block's height.
        height: u64,
        /// The part that differs.
        what: &'static str,
        /// What was found.
        found: String,
        /// What fits.
        expected: String,
    },
    /// The block the changes were prepared on is no longer the head.
    #[error("the changes are based on block {base}, the head is block {head}; prepare them again on the head")]
    Stale {
        /// The height prepared on.
        base: u64,
        /// The height of the head.
        head: u64,
    },
    /// A height above the head.
    #[error("block {found} does not exist yet, the head is block {head}")]
    Future {
        /// The height asked for.
        found: u64,
        /// The height of the head.
        head: u64,
    },
    /// Storage was written for an account that does not exist: the execution is wrong.
    #[error(
        "storage was written for account {0}, which does not exist; the execution that made these changes is wrong"
    )]
    StorageWithoutAccount(althing_types::Address),
    /// Proofs need a trie, and this group keeps none.
    #[error("this group keeps no state trie: eth_getProof needs a group whose genesis says state: MPT")]
    NoTrie,
}

/// Why a log query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogsError {
    /// More entries match than were asked for at most.
    #[error("more than {limit} logs match; ask for fewer blocks or filter by address and topics")]
    TooMany {
        /// The bound of the query.
        limit: usize,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl LedgerError {
    pub(crate) fn corrupt(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Corrupt {
            what: what.into(),
            why: why.to_string(),
        }
    }

    pub(crate) fn missing_node(hash: &B256) -> Self {
        Self::corrupt(format!("trie node {hash}"), "it is missing")
    }
}

impl From<LedgerError> for StateError {
    fn from(error: LedgerError) -> Self {
        Self(error.to_string())
    }
}

/// Names what was being done when the engine failed.
pub(crate) trait During<T> {
    fn during(self, action: &'static str) -> Result<T, LedgerError>;
}

impl<T> During<T> for Result<T, StorageError> {
    fn during(self, action: &'static str) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Storage { action, source })
    }
}
