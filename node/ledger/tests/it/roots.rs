//! What the state root commits to, in both kinds of state.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount};
use althing_crypto::StandardSuite;
use althing_ledger::storage::{Batch, Column, InMemory, Storage};
use althing_ledger::{Ledger, LedgerError, OpenOptions};
use althing_types::genesis::{PROTOCOL_VERSION, StateKind};
use althing_types::{Account, Address, B256, ChangeSet, StateReader, U256};
use proptest::prelude::*;

use crate::support::{Content, account, address, commit, contract, genesis, genesis_changes, node, open, pay};

fn keccak(bytes: &[u8]) -> B256 {
    alloy_primitives::keccak256(bytes)
}

/// A ledger without a disk, hashing the whole state every `interval` blocks.
fn in_memory(state: StateKind, interval: u64) -> (Arc<InMemory>, Ledger) {
    let storage = Arc::new(InMemory::new());
    let options = OpenOptions {
        full_state_interval: interval,
        ..OpenOptions::default()
    };
    let (genesis, changes, suite) = (genesis(state), genesis_changes(), Arc::new(StandardSuite));
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

/// The state as maps, for the reference root.
#[derive(Clone, Default)]
struct Model {
    accounts: BTreeMap<Address, Account>,
    slots: BTreeMap<Address, BTreeMap<U256, U256>>,
}

impl Model {
    fn apply(&mut self, changes: &ChangeSet) {
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => drop(self.accounts.insert(*address, *account)),
                None => {
                    self.accounts.remove(address);
                    self.slots.remove(address);
                }
            }
        }
        for ((address, slot), value) in &changes.storage {
            if self.accounts.contains_key(address) {
                self.slots.entry(*address).or_default().insert(*slot, *value);
            }
        }
    }

    fn leaf(&self, address: &Address) -> TrieAccount {
        let slots = self
            .slots
            .get(address)
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_zero());
        let hashed = slots.map(|(slot, value)| (keccak(&slot.to_be_bytes::<32>()), *value));
        let root = alloy_trie::root::storage_root_unsorted(hashed);
        self.accounts.get(address).map_or_else(TrieAccount::default, |account| {
            TrieAccount::new(account.nonce, account.balance, root, account.code_hash)
        })
    }

    fn root(&self) -> B256 {
        let leaves = self
            .accounts
            .keys()
            .map(|address| (keccak(address.as_slice()), self.leaf(address)));
        alloy_trie::root::state_root_unsorted(leaves)
    }
}

/// Net changes that fit the model: creations, changes, deletions, slots set and cleared.
fn changes(model: &Model, picks: &[(u8, u8, u8)]) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for (who, what, value) in picks {
        let address = address(u64::from(who % 12));
        let exists = match changes.accounts.get(&address) {
            Some(account) => account.is_some(),
            None => model.accounts.contains_key(&address),
        };
        match what % 6 {
            0 if exists && !changes.accounts.contains_key(&address) => {
                changes.storage.retain(|(of, _), _| *of != address);
                changes.accounts.insert(address, None);
            }
            1 if !changes.accounts.contains_key(&address) => {
                changes
                    .accounts
                    .insert(address, Some(account(u64::from(*value), u64::from(*what))));
            }
            _ if exists => {
                let value = U256::from(if value % 3 == 0 { 0 } else { *value });
                changes.storage.insert((address, U256::from(what / 6)), value);
            }
            _ => {}
        }
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_mpt_root_is_ethereums_and_every_value_is_proved_at_every_height(
        rounds in proptest::collection::vec(proptest::collection::vec(any::<(u8, u8, u8)>(), 0..24), 1..8)
    ) {
        let (_, ledger) = in_memory(StateKind::Mpt, 10_000);
        let mut model = Model::default();
        model.apply(&genesis_changes());
        let mut past = vec![model.clone()];
        prop_assert_eq!(ledger.head().state_root(), model.root());
        for picks in rounds {
            let changes = changes(&model, &picks);
            model.apply(&changes);
            let head = commit(&ledger, Content { changes, ..Content::default() });
            prop_assert_eq!(head.state_root(), model.root());
            past.push(model.clone());
        }
        for (height, model) in past.iter().enumerate() {
            let root = ledger.header(height as u64).unwrap().unwrap().header.state_root;
            for address in (0..14).map(address).chain([contract()]) {
                check_proof(&ledger, model, root, &address, height as u64);
            }
        }
    }
}

fn check_proof(ledger: &Ledger, model: &Model, root: B256, address: &Address, height: u64) {
    let slots: Vec<U256> = (0..4).map(U256::from).collect();
    let proof = ledger.proof(address, &slots, height).unwrap();
    let leaf = model.leaf(address);
    assert_eq!(proof.account, leaf);
    let expected = model.accounts.contains_key(address).then(|| alloy_rlp::encode(leaf));
    let key = Nibbles::unpack(keccak(address.as_slice()));
    alloy_trie::proof::verify_proof(root, key, expected, &proof.account_proof).unwrap();
    for slot in &proof.storage_proof {
        let value = model
            .slots
            .get(address)
            .and_then(|slots| slots.get(&slot.slot))
            .copied()
            .unwrap_or_default();
        assert_eq!(slot.value, value);
        let key = Nibbles::unpack(keccak(&slot.slot.to_be_bytes::<32>()));
        let expected = (!value.is_zero()).then(|| alloy_rlp::encode(value));
        alloy_trie::proof::verify_proof(leaf.storage_root, key, expected, &slot.proof).unwrap();
    }
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
