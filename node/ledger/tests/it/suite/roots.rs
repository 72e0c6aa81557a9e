//! What the state root commits to, in both kinds of state.

use std::sync::Arc;

use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use althing_ledger::storage::{Batch, Column, InMemory, Storage};
use althing_ledger::{Ledger, LedgerError, OpenOptions};
use althing_types::genesis::{PROTOCOL_VERSION, StateKind};
use althing_types::{B256, Bytes, ChangeSet, StateReader, U256};

use super::support::{Content, account, address, commit, contract, genesis, genesis_changes, node, open, pay, suite};

/// A ledger without a disk, hashing the whole state every `interval` blocks.
pub(crate) fn in_memory(state: StateKind, interval: u64) -> (Arc<InMemory>, Ledger) {
    let storage = Arc::new(InMemory::new());
    let options = OpenOptions {
        full_state_interval: interval,
        ..OpenOptions::default()
    };
    let (genesis, changes, suite) = (genesis(state), genesis_changes(), suite());
    let opened = Ledger::open_storage(
        storage.clone(),
        "m".as_ref(),
        &genesis,
        &changes,
        node(1),
        suite,
        options,
    );
    (storage, opened.unwrap().ledger)
}

/// Asserts that each node is found by the edition's hash: the first by the root, every other one in the node before.
fn assert_linked(root: B256, nodes: &[Bytes]) {
    let mut names = root.to_vec();
    for node in nodes {
        let name = (suite().hash_fn())(node);
        assert!(names.windows(32).any(|found| found == name.as_slice()));
        names = node.to_vec();
    }
}

#[test]
fn a_proof_leads_from_the_root_to_the_value_by_the_hash_of_the_edition() {
    let (_, ledger) = in_memory(StateKind::Mpt, 10_000);
    let head = (2..=8).fold(pay(&ledger, 1), |_, number| pay(&ledger, number));
    for number in 1..=8 {
        let proof = ledger.proof(&address(number), &[], 8).unwrap();
        assert_linked(head.state_root(), &proof.account_proof);
        let leaf = alloy_rlp::encode(proof.account);
        assert!(proof.account_proof.last().unwrap().ends_with(&leaf));
        let proof = ledger.proof(&contract(), &[U256::from(number)], 8).unwrap();
        let slot = &proof.storage_proof[0];
        assert_eq!(slot.value, U256::from(number));
        assert_linked(proof.account.storage_root, &slot.proof);
        assert!(slot.proof.last().unwrap().ends_with(&alloy_rlp::encode(slot.value)));
    }
}

#[test]
fn the_mpt_root_follows_from_the_state_alone() {
    let (_, at_once) = in_memory(StateKind::Mpt, 10_000);
    let (_, in_steps) = in_memory(StateKind::Mpt, 10_000);
    let holding = |number: u64| {
        let mut changes = ChangeSet::default();
        changes.accounts.insert(address(number), Some(account(1, number)));
        changes
            .storage
            .insert((address(number), U256::from(number)), U256::from(5));
        changes
    };
    let mut all = ChangeSet::default();
    for number in 1..=20 {
        let one = holding(number);
        all.accounts.extend(one.accounts);
        all.storage.extend(one.storage);
    }
    let content = |changes| Content {
        changes,
        ..Content::default()
    };
    commit(&at_once, content(all));
    // One that comes and goes leaves nothing behind.
    commit(&in_steps, content(holding(99)));
    for number in (1..=20).rev() {
        commit(&in_steps, content(holding(number)));
    }
    let mut gone = ChangeSet::default();
    gone.accounts.insert(address(99), None);
    commit(&in_steps, content(gone));
    assert_eq!(at_once.head().state_root(), in_steps.head().state_root());
}

#[test]
fn an_account_that_does_not_exist_is_proved_absent() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Mpt);
    let proof = ledger.proof(&address(77), &[U256::ZERO], 0).unwrap();
    assert_eq!(
        (proof.account.storage_root, proof.account.code_hash),
        (EMPTY_ROOT_HASH, KECCAK_EMPTY)
    );
    assert!(!proof.account_proof.is_empty());
    assert!(matches!(
        ledger.proof(&address(77), &[], 5),
        Err(LedgerError::Future { .. })
    ));
}

#[test]
fn a_storage_group_answers_a_proof_with_why_it_has_none() {
    let (_, ledger) = in_memory(StateKind::Storage, 10_000);
    let error = ledger.proof(&contract(), &[], 0).unwrap_err();
    assert_eq!(error, LedgerError::NoTrie);
    assert!(error.to_string().contains("state: MPT"));
}

#[test]
fn the_storage_root_commits_to_version_parent_and_net_changes() {
    let (_, ledger) = in_memory(StateKind::Storage, 10_000);
    let root = |version, changes: &ChangeSet| ledger.prepare(None, version, changes).unwrap().state_root();
    let empty = ChangeSet::default();
    assert_ne!(root(1, &empty), ledger.head().state_root(), "an empty block moves on");
    assert_ne!(root(1, &empty), root(2, &empty), "the version");
    let mut slot = ChangeSet::default();
    slot.storage.insert((contract(), U256::from(9)), U256::from(1));
    assert_ne!(root(1, &slot), root(1, &empty));
    let before = root(1, &slot);
    pay(&ledger, 1);
    assert_ne!(root(1, &slot), before, "the parent");
}

#[test]
fn a_key_written_back_to_its_old_value_is_no_change() {
    for kind in [StateKind::Storage, StateKind::Mpt] {
        let (_, ledger) = in_memory(kind, 10_000);
        let state = ledger.state_latest();
        let mut unchanged = ChangeSet::default();
        unchanged.storage.insert((contract(), U256::from(1)), U256::from(42));
        unchanged.storage.insert((contract(), U256::from(2)), U256::ZERO);
        unchanged
            .accounts
            .insert(contract(), state.account(&contract()).unwrap());
        unchanged.accounts.insert(address(500), None);
        let root = |changes| ledger.prepare(None, PROTOCOL_VERSION, changes).unwrap().state_root();
        assert_eq!(root(&unchanged), root(&ChangeSet::default()));
    }
}

#[test]
fn every_k_blocks_the_root_commits_to_the_whole_state_so_that_cold_divergence_shows() {
    let (spoiled, one) = in_memory(StateKind::Storage, 5);
    let (_, two) = in_memory(StateKind::Storage, 5);
    // A value nobody touches goes bad on one node.
    let mut batch = Batch::default();
    let key = [contract().as_slice(), &U256::from(1).to_be_bytes::<32>()].concat();
    batch.put(Column::Slots, key, vec![43]);
    spoiled.write(batch).unwrap();
    for height in 1..5 {
        assert_eq!(pay(&one, 100 + height), pay(&two, 100 + height), "block {height}");
    }
    assert_ne!(pay(&one, 105).state_root(), pay(&two, 105).state_root());
}

#[test]
fn the_full_state_hash_is_the_same_over_stored_and_over_unstored_parents() {
    let (_, ledger) = in_memory(StateKind::Storage, 3);
    let (_, stepwise) = in_memory(StateKind::Storage, 3);
    let changes = |number: u64| {
        let mut changes = ChangeSet::default();
        changes.accounts.insert(address(number), Some(account(1, number)));
        changes.accounts.insert(address(number - 1), None);
        changes
            .storage
            .insert((contract(), U256::from(1)), U256::from(number % 2));
        changes
    };
    let mut parent = None;
    for number in 1..=3 {
        parent = Some(
            ledger
                .prepare(parent.as_ref(), PROTOCOL_VERSION, &changes(number))
                .unwrap(),
        );
        commit(
            &stepwise,
            Content {
                changes: changes(number),
                ..Content::default()
            },
        );
    }
    assert_eq!(parent.unwrap().state_root(), stepwise.head().state_root());
}
