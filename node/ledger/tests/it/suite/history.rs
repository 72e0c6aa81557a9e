//! The state of every height stays readable, also while blocks are committed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use althing_ledger::LedgerError;
use althing_types::genesis::StateKind;
use althing_types::{Account, Address, ChangeSet, StateReader, U256};

use super::support::{Content, account, address, commit, contract, open};

type State = (BTreeMap<Address, Account>, BTreeMap<(Address, U256), U256>);

/// The changes of a height: some accounts come, change and go, some slots are set, changed and cleared.
fn changes(height: u64, state: &mut State) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for number in 0..8 {
        let step = (height * 7 + number * 3) % 5;
        let address = address(1000 + number);
        match step {
            0 | 1 => drop(changes.accounts.insert(address, Some(account(height, number)))),
            2 if state.0.contains_key(&address) => drop(changes.accounts.insert(address, None)),
            _ => {}
        }
        let value = U256::from(if step == 3 { 0 } else { height * step });
        changes.storage.insert((contract(), U256::from(number + 10)), value);
    }
    for (address, account) in &changes.accounts {
        match account {
            Some(account) => drop(state.0.insert(*address, *account)),
            None => drop(state.0.remove(address)),
        }
    }
    state
        .1
        .extend(changes.storage.iter().map(|(key, value)| (*key, *value)));
    changes
}

#[test]
fn the_state_of_every_height_is_what_replaying_gave() {
    for kind in [StateKind::Storage, StateKind::Mpt] {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = open(folder.path(), kind);
        let mut state = State::default();
        let mut past = vec![state.clone()];
        for height in 1..=30 {
            let changes = changes(height, &mut state);
            commit(
                &ledger,
                Content {
                    changes,
                    ..Content::default()
                },
            );
            past.push(state.clone());
        }
        for _ in 0..2 {
            for (height, (accounts, slots)) in past.iter().enumerate() {
                let at = ledger.state_at(height as u64).unwrap();
                for number in 0..8 {
                    let (address, slot) = (address(1000 + number), U256::from(number + 10));
                    assert_eq!(
                        at.account(&address).unwrap(),
                        accounts.get(&address).copied(),
                        "{height}"
                    );
                    let value = slots.get(&(contract(), slot)).copied().unwrap_or_default();
                    assert_eq!(at.storage(&contract(), &slot).unwrap(), value, "{height}");
                }
                assert_eq!(at.block_hash(height as u64 + 1).unwrap(), None, "no ancestor");
                assert!(at.block_hash(height as u64).unwrap().is_some());
            }
            drop(ledger);
            ledger = open(folder.path(), kind);
        }
        assert_eq!(
            ledger.state_at(31).unwrap_err(),
            LedgerError::Future { found: 31, head: 30 }
        );
    }
}

#[test]
fn an_account_that_goes_takes_its_slots_along_and_they_stay_in_the_past() {
    for kind in [StateKind::Storage, StateKind::Mpt] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path(), kind);
        let mut changes = ChangeSet::default();
        changes.accounts.insert(contract(), None);
        commit(
            &ledger,
            Content {
                changes,
                ..Content::default()
            },
        );
        let slot = U256::from(1);
        assert_eq!(ledger.state_latest().storage(&contract(), &slot).unwrap(), U256::ZERO);
        assert_eq!(
            ledger.state_at(0).unwrap().storage(&contract(), &slot).unwrap(),
            U256::from(42)
        );
        let mut changes = ChangeSet::default();
        changes.storage.insert((contract(), slot), U256::from(1));
        let refused = ledger.prepare(None, 1, &changes).unwrap_err();
        assert_eq!(refused, LedgerError::StorageWithoutAccount(contract()));
    }
}

#[test]
fn a_reader_sees_one_height_while_blocks_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), StateKind::Storage);
    let set = |height: u64| {
        let mut changes = ChangeSet::default();
        for slot in 0..50 {
            changes
                .storage
                .insert((contract(), U256::from(100 + slot)), U256::from(height));
        }
        Content {
            changes,
            ..Content::default()
        }
    };
    commit(&ledger, set(1));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::SeqCst) || rounds == 0 {
                let state = ledger.state_latest();
                for slot in 0..50 {
                    let value = state.storage(&contract(), &U256::from(100 + slot)).unwrap();
                    assert_eq!(value, U256::from(state.height()), "slot {slot}");
                }
                rounds += 1;
            }
        });
        for height in 2..=200 {
            commit(&ledger, set(height));
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
}
