//! Damaged data halts the group with a clear error; it is never a default.

use std::path::{Path, PathBuf};

use althing_ledger::storage::{Batch, Column, Database, Storage};
use althing_ledger::{LedgerError, OpenError, SharedMemory};
use althing_types::genesis::StateKind;
use althing_types::{StateReader, U256};

use super::support::{address, contract, genesis, node, open, open_with, pay};

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

/// Turns over a bit in every 64 bytes of a part of a file.
fn damage(path: &Path, part: std::ops::Range<f64>) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = |share: f64| (bytes.len() as f64 * share) as usize;
    for position in (at(part.start)..at(part.end)).step_by(64) {
        bytes[position] ^= 4;
    }
    std::fs::write(path, bytes).unwrap();
}

fn open_error(folder: &Path) -> OpenError {
    open_with(folder, &genesis(StateKind::Storage), node(1)).expect_err("it must not open")
}

fn overwrite(folder: &Path, column: Column, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::default();
    match value {
        Some(value) => batch.put(column, key, value),
        None => batch.delete(column, key),
    }
    Database::open(folder, &SharedMemory::default())
        .unwrap()
        .write(batch)
        .unwrap();
}

#[test]
fn a_damaged_write_ahead_log_halts_the_group_instead_of_losing_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    (1..=30).for_each(|number| drop(pay(&ledger, number)));
    drop(ledger);
    for log in files(folder.path(), "log") {
        damage(&log, 0.3..0.5);
    }
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Storage { .. }), "{error}");
    assert!(error.to_string().contains("corrupt"), "{error}");
    assert!(
        error.to_string().contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[test]
fn a_damaged_sorted_file_halts_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    (1..=30).for_each(|number| drop(pay(&ledger, number)));
    drop(ledger);
    // Opening replays the log into sorted files.
    drop(open(folder.path(), StateKind::Storage));
    let tables = files(folder.path(), "sst");
    assert!(!tables.is_empty());
    for table in &tables {
        damage(table, 0.0..0.5);
    }
    let error = open_error(folder.path()).to_string();
    assert!(error.contains("corrupt"), "{error}");
}

#[test]
fn a_head_that_does_not_hash_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    pay(&ledger, 1);
    drop(ledger);
    let storage = Database::open(folder.path(), &SharedMemory::default()).unwrap();
    let mut header = storage.get(Column::Headers, &1u64.to_be_bytes()).unwrap().unwrap();
    drop(storage);
    let last = header.len() - 60;
    header[last] ^= 1;
    overwrite(folder.path(), Column::Headers, &1u64.to_be_bytes(), Some(&header));
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("synchronise anew"), "{error}");
}

#[test]
fn a_missing_block_near_the_head_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    (1..=5).for_each(|number| drop(pay(&ledger, number)));
    drop(ledger);
    overwrite(folder.path(), Column::Headers, &3u64.to_be_bytes(), None);
    assert!(open_error(folder.path()).to_string().contains("header of block 3"));
}

#[test]
fn missing_and_undecodable_values_are_errors_and_never_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    (1..=20).for_each(|number| drop(pay(&ledger, number)));
    drop(ledger);
    let height = 2u64.to_be_bytes();
    overwrite(folder.path(), Column::Bodies, &height, None);
    overwrite(folder.path(), Column::Certificates, &height, None);
    overwrite(folder.path(), Column::Receipts, &[&height[..], &[0; 4]].concat(), None);
    overwrite(folder.path(), Column::Accounts, address(0).as_slice(), Some(b"?"));
    overwrite(
        folder.path(),
        Column::Slots,
        &[contract().as_slice(), &U256::from(1).to_be_bytes::<32>()].concat(),
        Some(&[1; 40]),
    );
    let ledger = open(folder.path(), StateKind::Storage);
    assert!(matches!(ledger.block(2), Err(LedgerError::Corrupt { .. })));
    assert!(matches!(ledger.transaction(2, 0), Err(LedgerError::Corrupt { .. })));
    assert!(matches!(ledger.certificate(2), Err(LedgerError::Corrupt { .. })));
    assert!(matches!(ledger.receipts(2), Err(LedgerError::Corrupt { .. })));
    let state = ledger.state_latest();
    assert!(state.account(&address(0)).unwrap_err().to_string().contains("corrupt"));
    assert!(
        state
            .storage(&contract(), &U256::from(1))
            .unwrap_err()
            .to_string()
            .contains("corrupt")
    );
    assert!(
        state
            .code(&althing_types::B256::repeat_byte(1))
            .unwrap_err()
            .to_string()
            .contains("missing")
    );
    assert!(ledger.block(3).unwrap().is_some(), "the rest stays readable");
}
