//! The root of a group with `state: MPT` is Ethereum's: the trie that was published is the judge. It knows Keccak-256 alone, so this is
//! about the standard edition.

use std::collections::BTreeMap;

use alloy_trie::{Nibbles, TrieAccount};
use althing_ledger::Ledger;
use althing_types::genesis::StateKind;
use althing_types::{Account, Address, B256, ChangeSet, U256};
use proptest::prelude::*;

use crate::standard::suite::roots::in_memory;
use crate::standard::suite::support::{Content, account, address, commit, contract, genesis_changes};

fn keccak(bytes: &[u8]) -> B256 {
    alloy_primitives::keccak256(bytes)
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
