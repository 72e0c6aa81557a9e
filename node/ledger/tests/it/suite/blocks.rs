//! Committing and reading blocks.

use std::sync::Arc;

use althing_ledger::storage::{Batch, Column, Entries, Entry, InMemory, Storage, StorageError};
use althing_ledger::{Ledger, LedgerError};
use althing_types::genesis::{PROTOCOL_VERSION, StateKind};
use althing_types::{ChangeSet, SealerSet, StateReader, U256};

use super::support::{
    Content, account, address, assemble, commit, fisco_transaction, genesis, genesis_changes, node, open, pay, receipt,
    suite, transaction,
};

#[test]
fn transactions_receipts_and_senders_are_found_in_recent_and_in_old_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let transactions: Vec<_> = (100..103).map(|n| (transaction(n), receipt(Vec::new()))).collect();
    let mut failed = transactions.clone();
    failed[1].1.status = 22;
    let hash = transactions[1].0.hash();
    let head = commit(
        &ledger,
        Content {
            transactions: failed,
            ..Content::default()
        },
    );
    assert_eq!((head.transactions_total, head.failed_total), (3, 1));
    for _ in 0..2 {
        assert_eq!(ledger.transaction_position(&hash).unwrap(), Some((1, 1)));
        let found = ledger.transaction(1, 1).unwrap().unwrap();
        assert_eq!((found.transaction.hash(), found.sender), (hash, address(1)));
        assert_eq!(ledger.receipt(1, 1).unwrap().unwrap().receipt.status, 22);
        assert_eq!(ledger.receipts(1).unwrap().unwrap().len(), 3);
        assert_eq!(ledger.header(1).unwrap().unwrap().transactions, 3);
        assert_eq!(ledger.block(1).unwrap().unwrap().senders.len(), 3);
        assert_eq!(ledger.transaction(1, 3).unwrap(), None);
        assert_eq!(ledger.receipt(1, 3).unwrap(), None);
        // The second turn reads from disk: the block is no longer among the recent ones.
        (1..=20).for_each(|number| drop(pay(&ledger, number)));
    }
    assert_eq!(ledger.transaction(99, 0).unwrap(), None);
    assert_eq!(ledger.receipts(99).unwrap(), None);
}

#[test]
fn the_sealers_of_every_height_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let fewer = SealerSet::new((1..=3).map(node).collect());
    pay(&ledger, 1);
    commit(
        &ledger,
        Content {
            next_sealers: Some(fewer.clone()),
            ..Content::default()
        },
    );
    pay(&ledger, 2);
    drop(ledger);
    let ledger = open(folder.path(), StateKind::Storage);
    let at = |height| ledger.sealers(height).unwrap().map(|set| set.len());
    assert_eq!(
        [at(0), at(1), at(2), at(3), at(4), at(5)],
        [None, Some(4), Some(4), Some(3), Some(3), None]
    );
    assert_eq!(ledger.head().next_sealers, fewer);
}

#[test]
fn a_block_that_does_not_fit_is_refused_by_name_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let head = ledger.head();
    let good = || {
        let prepared = ledger.prepare(None, PROTOCOL_VERSION, &ChangeSet::default()).unwrap();
        assemble(&ledger, &head, prepared, Content::default())
    };
    type Spoil = fn(&mut althing_ledger::Committed);
    let cases: [(&str, Spoil); 6] = [
        ("its height", |c| Arc::make_mut(&mut c.block).header.number += 1),
        ("its parent hash", |c| {
            Arc::make_mut(&mut c.block).header.parent_hash = Default::default()
        }),
        ("its hash", |c| c.hash = Default::default()),
        ("number of its receipts", |c| c.receipts.push(receipt(Vec::new()))),
        ("hash of its next sealers", |c| {
            c.next_sealers = SealerSet::new(vec![node(9)])
        }),
        ("block of its certificate", |c| c.certificate.block = Default::default()),
    ];
    for (what, spoil) in cases {
        let mut spoiled = good();
        spoil(&mut spoiled);
        let error = ledger.commit(spoiled).unwrap_err();
        assert!(
            matches!(error, LedgerError::Misfit { .. }) && error.to_string().contains(what),
            "{what}: {error}"
        );
    }
    let mut changes = ChangeSet::default();
    changes.accounts.insert(address(5), Some(account(1, 1)));
    let other = ledger.prepare(None, PROTOCOL_VERSION, &changes).unwrap();
    let error = ledger
        .commit(althing_ledger::Committed {
            prepared: other,
            ..good()
        })
        .unwrap_err();
    assert!(error.to_string().contains("state root"), "{error}");
    assert_eq!(ledger.head(), head);
    ledger.commit(good()).unwrap();
    assert_eq!(ledger.head().height, 1);
}

#[test]
fn candidates_coexist_and_a_chain_of_them_commits_in_order() {
    for kind in [StateKind::Storage, StateKind::Mpt] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path(), kind);
        let change = |number: u64, value: u64| {
            let mut changes = ChangeSet::default();
            changes
                .accounts
                .insert(address(number), (value > 0).then(|| account(0, value)));
            changes
        };
        let first = ledger.prepare(None, PROTOCOL_VERSION, &change(1, 7)).unwrap();
        let rival = ledger.prepare(None, PROTOCOL_VERSION, &change(1, 8)).unwrap();
        assert_ne!(first.state_root(), rival.state_root());
        let second = ledger.prepare(Some(&first), PROTOCOL_VERSION, &change(2, 9)).unwrap();
        let third = ledger.prepare(Some(&second), PROTOCOL_VERSION, &change(1, 0)).unwrap();
        for prepared in [first, second.clone(), third] {
            let block = assemble(&ledger, &ledger.head(), prepared, Content::default());
            ledger.commit(block).unwrap();
        }
        assert!(matches!(
            ledger.prepare(Some(&rival), PROTOCOL_VERSION, &change(3, 1)),
            Err(LedgerError::Stale { .. })
        ));
        let state = ledger.state_latest();
        assert_eq!(state.account(&address(1)), Ok(None));
        assert_eq!(state.account(&address(2)), Ok(Some(account(0, 9))));
        // The same three blocks one by one give the same roots.
        let folder = tempfile::tempdir().unwrap();
        let replay = open(folder.path(), kind);
        for changes in [change(1, 7), change(2, 9), change(1, 0)] {
            commit(
                &replay,
                Content {
                    changes,
                    ..Content::default()
                },
            );
        }
        assert_eq!(replay.head().state_root(), ledger.head().state_root());
    }
}

/// An engine whose writes fail from some moment on.
#[derive(Debug, Default)]
struct FullDisk {
    inner: InMemory,
    full: std::sync::atomic::AtomicBool,
}

impl Storage for FullDisk {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.get(column, key)
    }
    fn multi_get(&self, column: Column, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.inner.multi_get(column, keys)
    }
    fn iterate<'a>(&'a self, column: Column, from: &[u8]) -> Entries<'a> {
        self.inner.iterate(column, from)
    }
    fn seek(&self, column: Column, from: &[u8], prefix: &[u8]) -> Result<Option<Entry>, StorageError> {
        self.inner.seek(column, from, prefix)
    }
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        match self.full.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(StorageError::Full("No space left on device".into())),
            false => self.inner.write(batch),
        }
    }
}

#[test]
fn after_a_failed_write_no_block_is_taken_until_the_ledger_is_opened_again() {
    let disk = Arc::new(FullDisk::default());
    let (genesis, changes) = (genesis(StateKind::Storage), genesis_changes());
    let open = || {
        let suite = suite();
        let folder = "full-disk".as_ref();
        Ledger::open_storage(
            disk.clone(),
            folder,
            &genesis,
            &changes,
            node(1),
            suite,
            Default::default(),
        )
    };
    let ledger = open().unwrap().ledger;
    pay(&ledger, 1);
    let content = || ledger.prepare(None, PROTOCOL_VERSION, &ChangeSet::default()).unwrap();
    let block = assemble(&ledger, &ledger.head(), content(), Content::default());
    disk.full.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = ledger.commit(block.clone()).unwrap_err().to_string();
    assert!(
        error.contains("disk is full") && error.contains("free space"),
        "{error}"
    );
    disk.full.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(ledger.commit(block), Err(LedgerError::Halted(_))));
    assert_eq!(ledger.head().height, 1);
    assert_eq!(
        ledger.state_latest().account(&address(1)).unwrap().unwrap().balance,
        U256::from(1),
        "reading goes on"
    );
    let again = open().unwrap().ledger;
    pay(&again, 2);
    assert_eq!(again.head().height, 2);
}

#[test]
fn the_randomids_of_a_block_are_read_from_its_body() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let mixed = [
        transaction(100),
        fisco_transaction(7),
        transaction(101),
        fisco_transaction(9),
    ];
    let transactions = mixed.map(|transaction| (transaction, receipt(Vec::new()))).to_vec();
    let hash = transactions[3].0.hash();
    commit(
        &ledger,
        Content {
            transactions,
            ..Content::default()
        },
    );
    pay(&ledger, 1);
    assert_eq!(
        ledger.random_ids(1).unwrap(),
        [(address(1), U256::from(7)), (address(3), U256::from(9))]
    );
    assert_eq!(ledger.random_ids(2).unwrap(), []);
    assert!(ledger.random_ids(3).is_err(), "there is no such block");
    drop(ledger);
    let ledger = open(folder.path(), StateKind::Storage);
    assert_eq!(ledger.random_ids(1).unwrap().len(), 2);
    let found = ledger.transaction(1, 3).unwrap().unwrap();
    assert_eq!(found.transaction.hash(), hash);
    assert_eq!(found.transaction.fisco().unwrap().request.random_id, U256::from(9));
}
