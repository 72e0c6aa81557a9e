//! The ledger: opening, reading, preparing and committing blocks.

mod commit;
mod genesis_block;
mod logs;
mod open;
mod prepare;
mod proof;
mod read;
mod recent;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use althing_crypto::Suite;
use althing_types::{B256, Genesis, HashFn, Header, SealerSet, Section};
use parking_lot::{Mutex, RwLock};

use crate::state::StateCache;
use crate::storage::Storage;
use recent::RecentBlocks;

pub use commit::Committed;
pub use logs::{LogEntry, LogFilter, LogQuery};
pub use open::{OpenOptions, Opened};
pub use prepare::Prepared;
pub use proof::{AccountProof, SlotProof};
pub use read::StoredBlock;

/// The ledger of one group. Clones share it; every method may be called from any thread.
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Inner>,
}

/// The newest committed block and what is true after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Its header.
    pub header: Header,
    /// Its section.
    pub section: Section,
    /// Transactions in all blocks so far.
    pub transactions_total: u64,
    /// Those of them that failed.
    pub failed_total: u64,
    /// The sealers of the next height.
    pub next_sealers: SealerSet,
}

impl Head {
    /// The state root after the head.
    pub const fn state_root(&self) -> B256 {
        self.header.state_root
    }

    /// The head's time, milliseconds since 1970.
    pub const fn unix_ms(&self) -> u64 {
        self.section.unix_ms
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) cache: StateCache,
    /// The newest height whose write has begun: what a reader of a lower height sees may already be newer.
    pub(crate) begun: AtomicU64,
    suite: Arc<dyn Suite>,
    hash: HashFn,
    genesis: Genesis,
    genesis_hash: B256,
    full_state_interval: u64,
    head: RwLock<Arc<Head>>,
    recent: RwLock<RecentBlocks>,
    /// Held during a commit; holds why no more may follow after a failed write.
    commits: Mutex<Option<String>>,
}

impl Ledger {
    /// The newest committed block.
    pub fn head(&self) -> Arc<Head> {
        self.inner.head.read().clone()
    }

    /// The fixed config of the group: what block 0 holds, whatever the file says today.
    pub fn genesis(&self) -> &Genesis {
        &self.inner.genesis
    }

    /// The hash of the canonical genesis document.
    pub fn genesis_hash(&self) -> B256 {
        self.inner.genesis_hash
    }

    /// The edition the ledger was opened with.
    pub fn suite(&self) -> &Arc<dyn Suite> {
        &self.inner.suite
    }
}
