//! The engine of tests and the simulator: the same order and atomicity, no disk.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::{Batch, Column, Entries, Entry, Storage, StorageError};

/// A key in its column.
type Place = (Column, Vec<u8>);

/// Columns in memory. What it holds is gone when it is dropped.
#[derive(Debug, Default)]
pub struct InMemory {
    entries: RwLock<BTreeMap<Place, Vec<u8>>>,
}

impl InMemory {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Storage for InMemory {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.entries.read().get(&(column, key.to_vec())).cloned())
    }

    fn multi_get(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        let entries = self.entries.read();
        Ok(keys
            .iter()
            .map(|key| entries.get(&(column, key.clone())).cloned())
            .collect())
    }

    fn iterate<'a>(&'a self, column: Column, from: &[u8]) -> Entries<'a> {
        let copy: Vec<Entry> = self
            .entries
            .read()
            .range((column, from.to_vec())..)
            .take_while(|((of, _), _)| *of == column)
            .map(|((_, key), value)| (key.clone().into_boxed_slice(), value.clone().into_boxed_slice()))
            .collect();
        Box::new(copy.into_iter().map(Ok))
    }

    fn seek(&self, column: Column, from: &[u8], prefix: &[u8]) -> Result<Option<Entry>, StorageError> {
        let entries = self.entries.read();
        let first = entries.range((column, from.to_vec())..).next();
        Ok(first
            .filter(|((of, key), _)| *of == column && key.starts_with(prefix))
            .map(|((_, key), value)| (key.clone().into_boxed_slice(), value.clone().into_boxed_slice())))
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut entries = self.entries.write();
        for operation in batch.operations {
            match operation.value {
                Some(value) => entries.insert((operation.column, operation.key), value),
                None => entries.remove(&(operation.column, operation.key)),
            };
        }
        Ok(())
    }
}
