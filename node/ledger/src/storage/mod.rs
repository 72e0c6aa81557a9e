//! The one owner of the disk: ordered columns of bytes, read concurrently, written in atomic synced batches.
//!
//! Invariant: a batch is on disk as a whole when [`Storage::write`] returns, or not at all.

mod column_family;
mod database;
pub mod format;
mod in_memory;
mod shared_memory;

pub use column_family::Column;
pub use database::Database;
pub use in_memory::InMemory;
pub use shared_memory::{MemoryLimits, SharedMemory};

/// A key with its value.
pub type Entry = (Box<[u8]>, Box<[u8]>);
/// Entries of one column, ascending by key, as they were when the iterator was made.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, StorageError>> + 'a>;

/// Why an engine failed. Every one of them halts the group: data is never defaulted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The engine found bytes that are not what it wrote (a checksum, a missing file).
    #[error("the data is corrupt: {0}")]
    Corrupt(String),
    /// The disk has no room.
    #[error("the disk is full: {0}; free space, then restart the node")]
    Full(String),
    /// The folder cannot be written.
    #[error("the folder cannot be written: {0}; give the node's user the right to write there, then restart the node")]
    ReadOnly(String),
    /// Another process holds the folder.
    #[error("another process holds the folder: {0}; stop it, an identity runs at most once")]
    Locked(String),
    /// Anything else the engine reports.
    #[error("the storage engine failed: {0}")]
    Engine(String),
}

/// What a ledger needs of an engine. Engines over SQL or NoSQL stores fit behind it as they are.
pub trait Storage: Send + Sync + std::fmt::Debug {
    /// The value of a key.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// The values of several keys, in their order.
    fn multi_get(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StorageError>;

    /// The entries from a key on, itself included; later writes do not show.
    fn iterate<'a>(&'a self, column: Column, from: &[u8]) -> Entries<'a>;

    /// The first entry at or after `from` whose key starts with `prefix`.
    fn seek(&self, column: Column, from: &[u8], prefix: &[u8]) -> Result<Option<Entry>, StorageError>;

    /// Writes a batch atomically; returns when it is durable.
    fn write(&self, batch: Batch) -> Result<(), StorageError>;
}

/// Writes that happen together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug)]
struct Operation {
    column: Column,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Batch {
    /// An empty batch with room for this many writes.
    pub fn with_capacity(writes: usize) -> Self {
        Self {
            operations: Vec::with_capacity(writes),
        }
    }

    /// Sets a key.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.operations.push(Operation {
            column,
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// Removes a key.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.operations.push(Operation {
            column,
            key: key.into(),
            value: None,
        });
    }

    /// How many writes it holds.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}
