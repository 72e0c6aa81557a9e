//! Opening a ledger: making block 0, or checking that what is there is whole and ours.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use althing_crypto::Suite;
use althing_types::genesis::{
    Cryptography, GenesisDifference, StateKind, canonical_document, differences, genesis_hash, parse_canonical,
};
use althing_types::{B256, Block, ChangeSet, Genesis, HashFn, NodeId};
use parking_lot::{Mutex, RwLock};

use super::commit::{write_block, write_head};
use super::genesis_block::genesis_block;
use super::recent::RecentBlocks;
use super::{Head, Inner, Ledger};
use crate::error::During;
use crate::records::{self, HeadRecord, Identity, StoredHeader};
use crate::state::{FULL_STATE_INTERVAL, StateAt, StateCache, net_changes};
use crate::storage::format::{self, FORMAT_VERSION, Found};
use crate::storage::{Batch, Column, Database, SharedMemory, Storage};
use crate::{LedgerError, OpenError, keys};

/// Headers whose chain of hashes is checked at open: whatever a crash can touch, at a cost that does not grow.
const CHECKED_AT_OPEN: u64 = 128;

/// An open ledger.
#[derive(Debug)]
pub struct Opened {
    /// The ledger.
    pub ledger: Ledger,
    /// Where the genesis it was opened with differs from block 0's, which holds (left: block 0, right: the file).
    /// Anything here is an alarm.
    pub genesis_differences: Vec<GenesisDifference>,
}

/// What tests and simulators may set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// Every how many blocks the whole state is hashed. Part of the protocol: all nodes of a group must agree.
    pub full_state_interval: u64,
    /// Bytes of hot state kept in memory.
    pub state_cache_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        let state_cache_bytes = crate::MemoryLimits::default().state_cache;
        Self {
            full_state_interval: FULL_STATE_INTERVAL,
            state_cache_bytes,
        }
    }
}

impl Ledger {
    /// Opens the ledger in a folder, or makes it: block 0 from the genesis and `genesis_changes` (predeployed code,
    /// system contracts' tables), which are not looked at again afterwards.
    pub fn open_or_create(
        folder: &Path,
        genesis: &Genesis,
        genesis_changes: &ChangeSet,
        identity: NodeId,
        suite: Arc<dyn Suite>,
        shared: &SharedMemory,
    ) -> Result<Opened, OpenError> {
        std::fs::create_dir_all(folder).map_err(|error| folder_error(folder, &error))?;
        let open = Database::open(folder, shared);
        let storage = open.map_err(|source| OpenError::Storage {
            folder: folder.into(),
            source,
        })?;
        let options = OpenOptions {
            state_cache_bytes: shared.limits().state_cache,
            ..OpenOptions::default()
        };
        Self::open_storage(
            Arc::new(storage),
            folder,
            genesis,
            genesis_changes,
            identity,
            suite,
            options,
        )
    }

    /// The same over any engine; `folder` is what errors call it.
    pub fn open_storage(
        storage: Arc<dyn Storage>,
        folder: &Path,
        genesis: &Genesis,
        genesis_changes: &ChangeSet,
        identity: NodeId,
        suite: Arc<dyn Suite>,
        options: OpenOptions,
    ) -> Result<Opened, OpenError> {
        let hash = suite.hash_fn();
        let found = format::check(storage.as_ref(), folder)?;
        let damaged = |source| OpenError::Damaged {
            folder: folder.into(),
            source,
        };
        if found == Found::Nothing {
            let inner = Inner::new(storage, genesis.clone(), suite, options, placeholder(genesis, hash));
            let ledger = inner.create(identity, genesis_changes).map_err(damaged)?;
            return Ok(Opened {
                ledger,
                genesis_differences: Vec::new(),
            });
        }
        let stored = stored_genesis(storage.as_ref(), folder, hash, identity, genesis)?;
        let genesis_differences = differences(&stored, genesis);
        let head = load_head(storage.as_ref(), &stored, hash).map_err(damaged)?;
        let inner = Inner::new(storage, stored, suite, options, head);
        inner.check_chain().map_err(damaged)?;
        Ok(Opened {
            ledger: Self { inner: Arc::new(inner) },
            genesis_differences,
        })
    }
}

fn folder_error(folder: &Path, error: &std::io::Error) -> OpenError {
    use std::io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let advice = match error.kind() {
        StorageFull | QuotaExceeded => "free space there, then restart the node",
        PermissionDenied | ReadOnlyFilesystem => "give the node's user the right to write there, then restart the node",
        NotADirectory => "a part of this path is a file; point the data folder elsewhere, or move the file away",
        _ => "check the configured data folder and the disk below it",
    };
    OpenError::Folder {
        folder: folder.into(),
        why: error.to_string(),
        advice,
    }
}

/// The stored genesis, after it is clear that the folder is this node's and this group's.
fn stored_genesis(
    storage: &dyn Storage,
    folder: &Path,
    hash: HashFn,
    node: NodeId,
    configured: &Genesis,
) -> Result<Genesis, OpenError> {
    let damaged = |source| OpenError::Damaged {
        folder: folder.into(),
        source,
    };
    let read = |key, what: &str| {
        let value = storage
            .get(Column::Meta, key)
            .during("read the identity of the ledger")
            .map_err(damaged)?;
        value.ok_or_else(|| damaged(LedgerError::corrupt(what, "it is missing")))
    };
    let identity: Identity = records::decode(
        || "identity of the ledger".into(),
        &read(keys::IDENTITY, "identity of the ledger")?,
    )
    .map_err(damaged)?;
    let owner = hex(&identity.node_id);
    let pairs = [
        ("nodeID", owner, node.to_string()),
        (
            "chain id",
            identity.chain_id.to_string(),
            configured.chain_id.to_string(),
        ),
        (
            "group id",
            identity.group_id.to_string(),
            configured.group_id.to_string(),
        ),
    ];
    let foreign = |what, found, expected| OpenError::Foreign {
        folder: folder.into(),
        what,
        found,
        expected,
    };
    if let Some((what, found, expected)) = pairs.into_iter().find(|(_, found, expected)| found != expected) {
        return Err(foreign(what, found, expected));
    }
    let document = read(keys::GENESIS, "genesis document")?;
    let wrong = |why: String| OpenError::Genesis {
        folder: folder.into(),
        why,
    };
    let stored = parse_canonical(&document).map_err(|e| wrong(format!("block 0's document cannot be read: {e}")))?;
    if stored.cryptography != configured.cryptography {
        return Err(foreign("cryptography", edition(&stored), edition(configured)));
    }
    match hash(&document) {
        found if found == identity.genesis_hash => Ok(stored),
        found => Err(foreign(
            "genesis hash",
            found.to_string(),
            identity.genesis_hash.to_string(),
        )),
    }
}

fn edition(genesis: &Genesis) -> String {
    match genesis.cryptography {
        Cryptography::Standard => "standard".into(),
        Cryptography::Sm => "sm".into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode(bytes)
}

/// The head before there is a block: what block 0 is prepared on.
fn placeholder(genesis: &Genesis, hash: HashFn) -> Head {
    let parent_root = match genesis.state {
        StateKind::Mpt => alloy_trie::EMPTY_ROOT_HASH,
        StateKind::Storage => B256::ZERO,
    };
    let Block { header, section, .. } = genesis_block(genesis, B256::ZERO, parent_root, hash);
    head_of(0, B256::ZERO, header, section, genesis)
}

fn head_of(
    height: u64,
    hash: B256,
    header: althing_types::Header,
    section: althing_types::Section,
    genesis: &Genesis,
) -> Head {
    let next_sealers = genesis.sealers.clone();
    Head {
        height,
        hash,
        header,
        section,
        transactions_total: 0,
        failed_total: 0,
        next_sealers,
    }
}

fn load_head(storage: &dyn Storage, genesis: &Genesis, hash: HashFn) -> Result<Head, LedgerError> {
    let read = |column, key: &[u8], what: &str| {
        let stored = storage.get(column, key).during("read the head")?;
        stored.ok_or_else(|| LedgerError::corrupt(what, "it is missing"))
    };
    let record: HeadRecord = records::decode(|| "head".into(), &read(Column::Meta, keys::HEAD, "head")?)?;
    let header = read(Column::Headers, &keys::height(record.height), "header of the head")?;
    let header = StoredHeader::read(record.height, &header)?.verify(hash)?;
    if header.hash != record.hash {
        return Err(LedgerError::corrupt(
            "head",
            format!("it names block {}, stored is {}", record.hash, header.hash),
        ));
    }
    let head = head_of(record.height, record.hash, header.header, header.section, genesis);
    Ok(Head {
        transactions_total: record.transactions_total,
        failed_total: record.failed_total,
        ..head
    })
}

impl Inner {
    fn new(
        storage: Arc<dyn Storage>,
        genesis: Genesis,
        suite: Arc<dyn Suite>,
        options: OpenOptions,
        head: Head,
    ) -> Self {
        let hash = suite.hash_fn();
        Self {
            cache: StateCache::new(options.state_cache_bytes, head.height),
            begun: AtomicU64::new(head.height),
            genesis_hash: genesis_hash(&genesis, hash),
            full_state_interval: options.full_state_interval.max(1),
            head: RwLock::new(Arc::new(head)),
            recent: RwLock::new(RecentBlocks::default()),
            commits: Mutex::new(None),
            storage,
            suite,
            hash,
            genesis,
        }
    }

    /// Writes block 0 with identity and format in one batch: a folder holds a whole ledger or none.
    fn create(self, node: NodeId, changes: &ChangeSet) -> Result<Ledger, LedgerError> {
        let inner = Arc::new(self);
        let mut layer = net_changes(&StateAt::new(inner.clone(), 0), &[], changes)?;
        layer.parent_root = inner.head.read().state_root();
        inner.finish(&mut layer, &[], inner.genesis.protocol_version)?;
        let block = genesis_block(&inner.genesis, inner.genesis_hash, layer.state_root, inner.hash);
        let hash = block.hash(inner.hash);
        let head = head_of(0, hash, block.header.clone(), block.section.clone(), &inner.genesis);
        let identity = Identity {
            node_id: node.as_bytes().to_vec().into(),
            chain_id: inner.genesis.chain_id,
            group_id: inner.genesis.group_id.get(),
            genesis_hash: inner.genesis_hash,
        };
        let mut batch = Batch::default();
        batch.put(Column::Meta, keys::FORMAT, FORMAT_VERSION.to_be_bytes());
        batch.put(Column::Meta, keys::IDENTITY, alloy_rlp::encode(identity));
        batch.put(Column::Meta, keys::GENESIS, canonical_document(&inner.genesis));
        layer.write(&mut batch);
        let recent = write_block(&mut batch, Arc::new(block), &head, Vec::new(), Vec::new());
        write_head(&mut batch, &head, true);
        inner.storage.write(batch).during("write block 0")?;
        inner.cache.advance(&layer);
        inner.recent.write().push(recent);
        *inner.head.write() = Arc::new(head);
        Ok(Ledger { inner })
    }

    /// Checks block 0, the newest headers' chain of hashes, and the body and sealers of the head; sets the sealers.
    fn check_chain(&self) -> Result<(), LedgerError> {
        let head = self.head.read().clone();
        let verified = |height| match self.header_record(height)? {
            Some(header) => header.verify(self.hash),
            None => Err(LedgerError::corrupt(
                format!("header of block {height}"),
                "it is missing",
            )),
        };
        if verified(0)?.section.genesis != Some(self.genesis_hash) {
            return Err(LedgerError::corrupt("block 0", "it does not name the stored genesis"));
        }
        let mut child: Option<StoredHeader> = None;
        for height in (head.height.saturating_sub(CHECKED_AT_OPEN)..=head.height).rev() {
            let header = verified(height)?;
            if let Some(named) = child
                .map(|child| child.header.parent_hash)
                .filter(|named| *named != header.hash)
            {
                let why = format!("its child names it {named}, stored is {}", header.hash);
                return Err(LedgerError::corrupt(format!("block {height}"), why));
            }
            child = Some(header);
        }
        self.read_body(head.height)?;
        let next_sealers = self.read_sealers(head.height + 1)?;
        if next_sealers.hash(self.hash) != head.section.next_sealers {
            return Err(LedgerError::corrupt(
                "sealer set after the head",
                "it is not the one the head names",
            ));
        }
        *self.head.write() = Arc::new(Head {
            next_sealers,
            ..Head::clone(&head)
        });
        Ok(())
    }
}
