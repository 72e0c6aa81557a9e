//! Making a ledger, opening it again, refusing what is not ours.

use std::sync::Arc;

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use althing_ledger::storage::{Batch, Column, Database, Storage};
use althing_ledger::{Ledger, OpenError, SharedMemory};
use althing_types::genesis::{StateKind, genesis_hash};
use althing_types::{GroupId, SealerSet, StateReader, U256};

use super::support::{address, contract, genesis, genesis_changes, node, open, open_with, pay, suite};

fn refused(result: Result<althing_ledger::Opened, OpenError>, words: &[&str]) {
    let error = result.expect_err("it must be refused").to_string();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn block_0_is_ethereum_shaped_and_names_the_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Mpt);
    let hash = suite().hash_fn();
    let block = ledger.block(0).unwrap().unwrap();
    let header = &block.block.header;
    assert_eq!(header.timestamp, 1_767_225_600);
    assert_eq!(header.base_fee_per_gas, Some(0));
    assert_eq!(header.difficulty, U256::ZERO);
    assert_eq!(header.extra_data[..], block.block.section.hash(hash)[..]);
    let recomputed = hash(&alloy_rlp::encode(header));
    assert_eq!(
        block.hash, recomputed,
        "what Ethereum's clients hash, by the edition's hash"
    );
    let empty = (EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, EMPTY_ROOT_HASH);
    let found = (header.ommers_hash, header.transactions_root, header.receipts_root);
    assert_eq!(
        found, empty,
        "Keccak's constants in every edition: Ethereum's clients know no others"
    );
    assert_eq!(
        block.block.section.genesis,
        Some(genesis_hash(&genesis(StateKind::Mpt), hash))
    );
    assert_eq!(ledger.genesis_hash(), genesis_hash(&genesis(StateKind::Mpt), hash));
    assert_eq!(ledger.sealers(1).unwrap().unwrap(), genesis(StateKind::Mpt).sealers);
    assert_eq!(
        ledger.state_latest().storage(&contract(), &U256::from(1)),
        Ok(U256::from(42))
    );
    assert_eq!(ledger.block(1).unwrap(), None);
}

#[test]
fn two_nodes_make_the_same_block_0() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = open(one.path(), StateKind::Storage);
    let second = open_with(two.path(), &genesis(StateKind::Storage), node(2))
        .unwrap()
        .ledger;
    assert_eq!(first.head(), second.head());
}

#[test]
fn a_reopened_ledger_is_the_ledger_that_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    (1..=20).for_each(|number| drop(pay(&ledger, number)));
    let head = ledger.head();
    let block = ledger.block(7).unwrap().unwrap();
    drop(ledger);
    let ledger = open(folder.path(), StateKind::Storage);
    assert_eq!(ledger.head(), head);
    assert_eq!(ledger.head().transactions_total, 20);
    assert_eq!(ledger.block(7).unwrap().unwrap(), block);
    assert_eq!(ledger.block_by_hash(&block.hash).unwrap().unwrap(), block);
    assert_eq!(ledger.certificate(20).unwrap().unwrap().block, head.hash);
    let state = ledger.state_latest();
    assert_eq!(state.account(&address(20)).unwrap().unwrap().balance, U256::from(20));
    pay(&ledger, 21);
}

#[test]
fn an_acknowledged_block_survives_a_process_that_never_closes_its_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let head = pay(&ledger, 1);
    // What a killed process leaves: the files as they are right after the commit, while the database is still open.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let survivor = open(copy.path(), StateKind::Storage);
    assert_eq!(survivor.head(), head);
    assert_eq!(
        survivor
            .transaction_position(&survivor.block(1).unwrap().unwrap().block.transactions[0].hash())
            .unwrap(),
        Some((1, 0))
    );
}

#[test]
fn an_edited_genesis_raises_the_differences_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let head = open(folder.path(), StateKind::Storage).head();
    let mut edited = genesis(StateKind::Storage);
    edited.consensus.timeout_ms = 5000;
    edited.sealers = SealerSet::new(vec![node(9)]);
    let opened = open_with(folder.path(), &edited, node(1)).unwrap();
    let fields: Vec<_> = opened.genesis_differences.iter().map(|d| d.field.as_str()).collect();
    assert!(fields.contains(&"consensus.timeoutMs"), "{fields:?}");
    assert_eq!(opened.ledger.genesis(), &genesis(StateKind::Storage));
    assert_eq!(opened.ledger.head(), head);
    assert_eq!(
        opened.ledger.sealers(1).unwrap(),
        Some(genesis(StateKind::Storage).sealers)
    );
}

#[test]
fn a_folder_of_another_node_chain_or_group_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    drop(open(folder.path(), StateKind::Storage));
    let ours = genesis(StateKind::Storage);
    let (mine, other) = (node(1).to_string(), node(2).to_string());
    refused(
        open_with(folder.path(), &ours, node(2)),
        &[&path, "nodeID", &mine, &other, "data folder"],
    );
    let chain = althing_types::Genesis {
        chain_id: 7,
        ..ours.clone()
    };
    refused(
        open_with(folder.path(), &chain, node(1)),
        &[&path, "chain id 20260", "chain id 7"],
    );
    let group = althing_types::Genesis {
        group_id: GroupId::try_from(2).unwrap(),
        ..ours
    };
    refused(
        open_with(folder.path(), &group, node(1)),
        &[&path, "group id 1,", "group id 2"],
    );
}

#[test]
fn a_genesis_document_that_is_not_block_0s_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), StateKind::Storage));
    let mut other = genesis(StateKind::Storage);
    other.gas_limit += 1;
    let mut batch = Batch::default();
    batch.put(
        Column::Meta,
        b"genesis",
        althing_types::genesis::canonical_document(&other),
    );
    Database::open(folder.path(), &SharedMemory::default())
        .unwrap()
        .write(batch)
        .unwrap();
    refused(
        open_with(folder.path(), &genesis(StateKind::Storage), node(1)),
        &["genesis hash"],
    );
}

#[test]
fn a_format_of_the_future_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), StateKind::Storage));
    let mut batch = Batch::default();
    batch.put(Column::Meta, b"format", 99u32.to_be_bytes());
    Database::open(folder.path(), &SharedMemory::default())
        .unwrap()
        .write(batch)
        .unwrap();
    refused(
        open_with(folder.path(), &genesis(StateKind::Storage), node(1)),
        &["format 99", "reads format 1"],
    );
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _ledger = open(folder.path(), StateKind::Storage);
    let second = open_with(folder.path(), &genesis(StateKind::Storage), node(1));
    refused(second, &["another process holds the folder"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let inside = file.join("group1");
    let result = open_with(&inside, &genesis(StateKind::Storage), node(1));
    refused(
        result,
        &[&inside.display().to_string(), "point the data folder elsewhere"],
    );
}

#[test]
fn the_in_memory_engine_holds_the_same_chain_as_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = open(folder.path(), StateKind::Mpt);
    let storage = Arc::new(althing_ledger::storage::InMemory::new());
    let memory = Ledger::open_storage(
        storage,
        "memory".as_ref(),
        &genesis(StateKind::Mpt),
        &genesis_changes(),
        node(1),
        suite(),
        Default::default(),
    );
    let memory = memory.unwrap().ledger;
    for number in 1..=5 {
        assert_eq!(pay(&disk, number), pay(&memory, number));
    }
}
