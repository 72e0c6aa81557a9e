//! `eth_getLogs` semantics.

use althing_ledger::storage::{Batch, Column, Database, Storage};
use althing_ledger::{Ledger, LogFilter, LogQuery, LogsError, SharedMemory};
use althing_types::genesis::StateKind;
use althing_types::{Address, B256, Log};

use super::support::{Content, commit, open, pay, receipt, transaction};

fn log(emitter: u8, topics: &[u8]) -> Log {
    let topics = topics.iter().map(|byte| B256::repeat_byte(*byte)).collect();
    Log::new_unchecked(Address::repeat_byte(emitter), topics, vec![emitter].into())
}

fn query(addresses: &[u8], topics: &[&[u8]]) -> LogQuery {
    let topics = topics
        .iter()
        .map(|any| any.iter().map(|byte| B256::repeat_byte(*byte)).collect())
        .collect();
    let addresses = addresses.iter().map(|byte| Address::repeat_byte(*byte)).collect();
    LogQuery {
        from: 0,
        to: u64::MAX,
        filter: LogFilter { addresses, topics },
        limit: 100,
    }
}

/// Blocks 1 and 3 have logs, block 2 has none.
fn chain(ledger: &Ledger) {
    let block = |number, logs: Vec<Vec<Log>>| {
        let transactions = (number..)
            .zip(logs)
            .map(|(n, logs)| (transaction(n), receipt(logs)))
            .collect();
        drop(commit(
            ledger,
            Content {
                transactions,
                ..Content::default()
            },
        ));
    };
    block(
        100,
        vec![vec![log(1, &[10, 20])], vec![log(2, &[10]), log(1, &[11, 21])]],
    );
    pay(ledger, 1);
    block(200, vec![vec![], vec![log(3, &[10, 20, 30])]]);
}

fn found(ledger: &Ledger, query: &LogQuery) -> Vec<(u64, u32, u64)> {
    let entries = ledger.logs(query).unwrap();
    entries
        .iter()
        .map(|entry| (entry.height, entry.transaction_index, entry.log_index))
        .collect()
}

#[test]
fn logs_match_any_of_the_addresses_and_any_topic_at_each_position() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    chain(&ledger);
    let all = vec![(1, 0, 0), (1, 1, 1), (1, 1, 2), (3, 1, 0)];
    assert_eq!(found(&ledger, &query(&[], &[])), all);
    assert_eq!(found(&ledger, &query(&[1], &[])), [(1, 0, 0), (1, 1, 2)]);
    assert_eq!(found(&ledger, &query(&[2, 3], &[])), [(1, 1, 1), (3, 1, 0)]);
    assert_eq!(found(&ledger, &query(&[], &[&[10]])), [(1, 0, 0), (1, 1, 1), (3, 1, 0)]);
    assert_eq!(
        found(&ledger, &query(&[], &[&[], &[20, 21]])),
        [(1, 0, 0), (1, 1, 2), (3, 1, 0)]
    );
    assert_eq!(
        found(&ledger, &query(&[], &[&[], &[], &[]])),
        [(3, 1, 0)],
        "fewer topics than positions"
    );
    assert_eq!(found(&ledger, &query(&[1], &[&[10], &[21]])), []);
    assert_eq!(found(&ledger, &query(&[9], &[])), []);
}

#[test]
fn the_range_includes_both_ends_and_entries_name_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    chain(&ledger);
    assert_eq!(
        found(
            &ledger,
            &LogQuery {
                from: 2,
                to: 3,
                ..query(&[], &[])
            }
        ),
        [(3, 1, 0)]
    );
    assert_eq!(
        found(
            &ledger,
            &LogQuery {
                from: 1,
                to: 2,
                ..query(&[], &[])
            }
        )
        .len(),
        3
    );
    assert_eq!(
        found(
            &ledger,
            &LogQuery {
                from: 3,
                to: 1,
                ..query(&[], &[])
            }
        ),
        []
    );
    assert_eq!(
        found(
            &ledger,
            &LogQuery {
                from: 9,
                to: 99,
                ..query(&[], &[])
            }
        ),
        []
    );
    let entry = ledger.logs(&query(&[3], &[])).unwrap().remove(0);
    let block = ledger.block(3).unwrap().unwrap();
    assert_eq!(entry.block_hash, block.hash);
    assert_eq!(entry.timestamp, block.block.header.timestamp);
    assert_eq!(entry.transaction_hash, block.block.transactions[1].hash());
    assert_eq!(entry.log, log(3, &[10, 20, 30]));
}

#[test]
fn too_many_logs_are_an_error_and_no_cut_list() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    chain(&ledger);
    assert_eq!(
        ledger.logs(&LogQuery {
            limit: 3,
            ..query(&[], &[])
        }),
        Err(LogsError::TooMany { limit: 3 })
    );
    assert_eq!(
        ledger
            .logs(&LogQuery {
                limit: 4,
                ..query(&[], &[])
            })
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn a_search_reads_no_body_and_no_receipt_of_blocks_that_cannot_match() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    chain(&ledger);
    (10..40).for_each(|number| drop(pay(&ledger, number)));
    drop(ledger);
    let storage = Database::open(folder.path(), &SharedMemory::default()).unwrap();
    let mut batch = Batch::default();
    for height in 1..=3u64 {
        batch.delete(Column::Bodies, height.to_be_bytes());
    }
    batch.delete(Column::Receipts, [&1u64.to_be_bytes()[..], &[0; 4]].concat());
    storage.write(batch).unwrap();
    drop(storage);
    let ledger = open(folder.path(), StateKind::Storage);
    assert_eq!(found(&ledger, &query(&[3], &[])), [(3, 1, 0)]);
    assert!(
        matches!(ledger.logs(&query(&[1], &[])), Err(LogsError::Ledger(_))),
        "a missing receipt is no empty one"
    );
}
