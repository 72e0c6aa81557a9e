//! The RocksDB engine: one database per group.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction,
    ErrorKind, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::{Batch, Column, Entries, Entry, SharedMemory, Storage, StorageError};

/// Bytes of one column's write buffer before it is flushed.
const WRITE_BUFFER_BYTES: usize = 8 << 20;
/// Bytes a write buffer grows by; small, so that idle columns cost little.
const ARENA_BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a data block.
const BLOCK_BYTES: usize = 8 << 10;
/// Bits of Bloom filter per key: about 1 % of absent keys cost a read.
const BLOOM_BITS: f64 = 10.0;
/// Files one group keeps open.
const OPEN_FILES: i32 = 256;
/// Bytes of write-ahead log after which the oldest column is flushed; bounds the replay at open.
const WAL_BYTES: u64 = 48 << 20;
/// Bytes of the engine's own text log, of which two are kept.
const TEXT_LOG_BYTES: usize = 1 << 20;

/// A group's RocksDB.
#[derive(Debug)]
pub struct Database {
    db: DB,
}

impl Database {
    /// Opens the database in this folder, creating what is missing.
    pub fn open(folder: &Path, shared: &SharedMemory) -> Result<Self, StorageError> {
        let columns =
            Column::ALL.map(|column| ColumnFamilyDescriptor::new(column.name(), column_options(column, shared)));
        let db = DB::open_cf_descriptors(&database_options(shared), folder, columns).map_err(engine_error)?;
        Ok(Self { db })
    }

    fn handle(&self, column: Column) -> Result<&ColumnFamily, StorageError> {
        self.db
            .cf_handle(column.name())
            .ok_or_else(|| StorageError::Corrupt(format!("no column {}", column.name())))
    }
}

fn database_options(shared: &SharedMemory) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_write_buffer_manager(&shared.write_buffers);
    options.set_max_background_jobs(2);
    options.set_max_open_files(OPEN_FILES);
    options.set_max_total_wal_size(WAL_BYTES);
    // A torn last record was never acknowledged; damage before it was, and must halt the group. Recycled logs would
    // blur the two.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_recycle_log_file_num(0);
    options.set_paranoid_checks(true);
    options.set_bytes_per_sync(1 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(TEXT_LOG_BYTES);
    options.set_stats_dump_period_sec(0);
    options
}

fn column_options(column: Column, shared: &SharedMemory) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&shared.cache);
    table.set_block_size(BLOCK_BYTES);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if column.is_looked_up() {
        table.set_bloom_filter(BLOOM_BITS, false);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(2);
    options.set_arena_block_size(ARENA_BLOCK_BYTES);
    options.set_level_compaction_dynamic_level_bytes(true);
    let compression = if column.is_incompressible() {
        DBCompressionType::None
    } else {
        DBCompressionType::Lz4
    };
    options.set_compression_type(compression);
    options
}

/// RocksDB gives a class and a text; the causes a person can mend are told apart by the system's words in the text.
fn engine_error(error: rocksdb::Error) -> StorageError {
    let kind = error.kind();
    let text = error.into_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["No space left", "Disk quota exceeded"]) {
        StorageError::Full(text)
    } else if says(&["Read-only file system", "Permission denied", "Operation not permitted"]) {
        StorageError::ReadOnly(text)
    } else if says(&["/LOCK", "lock hold by"]) {
        StorageError::Locked(text)
    } else if kind == ErrorKind::Corruption || says(&["No such file", "checksum mismatch"]) {
        StorageError::Corrupt(text)
    } else {
        StorageError::Engine(text)
    }
}

impl Storage for Database {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.db.get_cf(self.handle(column)?, key).map_err(engine_error)
    }

    fn multi_get(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.db
            .batched_multi_get_cf(self.handle(column)?, keys, false)
            .into_iter()
            .map(|value| value.map(|v| v.map(|bytes| bytes.to_vec())).map_err(engine_error))
            .collect()
    }

    fn iterate<'a>(&'a self, column: Column, from: &[u8]) -> Entries<'a> {
        let handle = match self.handle(column) {
            Ok(handle) => handle,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let mode = IteratorMode::From(from, Direction::Forward);
        Box::new(
            self.db
                .iterator_cf(handle, mode)
                .map(|entry| entry.map_err(engine_error)),
        )
    }

    fn seek(&self, column: Column, from: &[u8], prefix: &[u8]) -> Result<Option<Entry>, StorageError> {
        let mut options = ReadOptions::default();
        if let Some(bound) = after_prefix(prefix) {
            options.set_iterate_upper_bound(bound);
        }
        let mode = IteratorMode::From(from, Direction::Forward);
        let first = self.db.iterator_cf_opt(self.handle(column)?, options, mode).next();
        first.transpose().map_err(engine_error)
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut writes = WriteBatch::default();
        for operation in &batch.operations {
            let handle = self.handle(operation.column)?;
            match &operation.value {
                Some(value) => writes.put_cf(handle, &operation.key, value),
                None => writes.delete_cf(handle, &operation.key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        // Within a column a block's keys mostly ascend.
        options.set_memtable_insert_hint_per_batch(true);
        self.db.write_opt(writes, &options).map_err(engine_error)
    }
}

/// The smallest key above every key with this prefix; none when there is no such key.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut bound = prefix.get(..=last)?.to_vec();
    if let Some(byte) = bound.last_mut() {
        *byte += 1;
    }
    Some(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_a_prefix_is_above_all_its_keys_and_none_other() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 0xff, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xff]), None);
        assert_eq!(after_prefix(&[]), None);
    }
}
