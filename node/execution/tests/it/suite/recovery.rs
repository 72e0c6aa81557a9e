//! `recover` of 0x1100 counts in one place only, and then it does what the committee signed.

use std::sync::Arc;

use alloy_primitives::I256;
use alloy_sol_types::SolValue;
use althing_crypto::AccountKey;
use althing_execution::memory::MemoryState;
use althing_execution::{
    BlockContext, Executed, GOVERNANCE, calls_recover, carried_recovery, check_recovery, execute_block,
    genesis_changes, governance, recover_call, recovery_signers, status,
};
use althing_governance::{RecoveryFault, Role};
use althing_types::genesis::{Committee, Seat};
use althing_types::{Address, B256, Bytes, GroupId, NodeId, Recovered, Recovery, SealerSet};

use super::genesis::genesis;
use super::support::*;

const GENESIS: B256 = B256::repeat_byte(3);
const BLOCK: B256 = B256::repeat_byte(8);
const HEIGHT: u64 = 41;

fn node(number: u8) -> NodeId {
    NodeId::new([number; 64])
}

fn key(number: u8) -> Arc<dyn AccountKey> {
    suite().account_key_of(&[number; 32]).unwrap()
}

fn account(number: u8) -> Address {
    key(number).address()
}

/// Four sealers, three seats of equal weight, block 41 with this hash.
fn state() -> MemoryState {
    let mut genesis = genesis(&[]);
    genesis.sealers = SealerSet::new((1..=4).map(node).collect());
    let seat = |number| Seat {
        account: account(number),
        weight: 1,
    };
    let mut seats: Vec<Seat> = (1..=3).map(seat).collect();
    seats.sort();
    genesis.committee = Committee { seats, threshold: 50 };
    let mut state = MemoryState::new(&genesis_changes(&genesis, GENESIS));
    state.set_block(HEIGHT, BLOCK, 1_700_000_000_000);
    state.apply(&changes_with(&[(place(1), &proxy(GOVERNANCE))]));
    state
}

fn recovery(signers: &[u8]) -> Recovery {
    let mut recovery = Recovery {
        genesis: GENESIS,
        group: GroupId::try_from(1).unwrap(),
        height: HEIGHT,
        block: BLOCK,
        replaces: None,
        sealers: SealerSet::new(vec![node(1), node(2)]),
        signatures: vec![],
    };
    let digest = recovery.digest(suite().hash_fn());
    let sign = |number: &u8| key(*number).sign(&digest).to_bytes()[..].try_into().unwrap();
    recovery.signatures = signers.iter().map(sign).collect();
    recovery
}

fn call(nonce: u64, to: Address, input: Bytes) -> Recovered {
    Tx::call(sender(9), nonce, to, input.to_vec()).gas(20_000_000).make()
}

fn block(state: &MemoryState, transactions: &[Recovered]) -> Executed {
    let context = BlockContext {
        unix_ms: 1_700_000_001_000,
        ..context(HEIGHT + 1)
    };
    execute_block(&rules(), state, &NONE_USED, &context, transactions, &NEVER).unwrap()
}

/// What the call of this place was told.
fn told(executed: &Executed, place: usize) -> (i64, String) {
    assert_eq!(executed.receipts[place].status, status::OK);
    let (code, reason) = <(I256, String)>::abi_decode_params(&executed.receipts[place].output).unwrap();
    (i64::try_from(code).unwrap(), reason)
}

fn sealers(mut state: MemoryState, executed: &Executed) -> SealerSet {
    state.apply(&executed.changes);
    governance(&state).unwrap().unwrap().sealers()
}

#[test]
fn the_first_transaction_of_the_next_block_makes_exactly_the_documents_nodes_sealers() {
    let (state, recovery) = (state(), recovery(&[1, 3]));
    let transaction = call(0, GOVERNANCE, recover_call(&recovery));
    assert!(calls_recover(&transaction.transaction));
    let carried = carried_recovery(Some(&transaction.transaction)).unwrap();
    assert_eq!(
        carried.as_ref(),
        Some(&recovery),
        "it is read from the body before anything is executed"
    );
    let executed = block(&state, &[transaction]);
    assert_eq!(told(&executed, 0), (1, String::new()));
    // Recovered, and what each of the two that seal no more is now.
    assert_eq!(executed.receipts[0].logs.len(), 3);
    assert_eq!(sealers(state, &executed), recovery.sealers);
}

#[test]
fn anywhere_else_it_is_refused_with_a_sentence_and_changes_nothing() {
    let state = state();
    let input = recover_call(&recovery(&[1, 2, 3]));
    let nothing = || call(0, Address::ZERO, Bytes::new());
    let executed = block(&state, &[nothing(), call(1, GOVERNANCE, input.clone())]);
    let (code, reason) = told(&executed, 1);
    assert_eq!(code, -50_000);
    assert!(reason.contains("first transaction of a block"), "{reason}");
    // By a contract it is not called directly, even when that is what the first transaction does.
    let through = call(0, place(1), input);
    assert_eq!(carried_recovery(Some(&through.transaction)), Ok(None));
    let executed = block(&state, &[through]);
    assert!(executed.receipts[0].logs.is_empty());
    assert_eq!(sealers(state, &executed).len(), 4);
}

#[test]
fn too_few_signatures_another_parent_and_spoilt_bytes_are_refused() {
    let state = state();
    let other_parent = Recovery {
        height: HEIGHT - 1,
        ..recovery(&[])
    };
    let mut bad_signature = recovery(&[1, 2]);
    bad_signature.signatures[1] = [9; 65].into();
    for (recovery, says) in [
        (recovery(&[1]), "weight 1 signed it, 2 are needed"),
        (recovery(&[1, 1, 9]), "weight 1 signed it, 2 are needed"),
        (other_parent, "goes on from block 40"),
        (bad_signature, "signature 1 of it does not hold"),
    ] {
        let executed = block(&state, &[call(0, GOVERNANCE, recover_call(&recovery))]);
        let (code, reason) = told(&executed, 0);
        assert_eq!(code, -50_000);
        assert!(reason.contains(says), "{reason}");
        let holds = governance(&state).unwrap().unwrap();
        let alike = check_recovery(&holds, &recovery, (HEIGHT, BLOCK), &*suite()).unwrap_err();
        assert_eq!(
            alike.to_string(),
            reason,
            "whoever reads the body says what the contract says"
        );
    }
    let mut spoilt = recover_call(&recovery(&[1, 2])).to_vec();
    spoilt[4 + 64 + 3] ^= 1;
    let spoilt = call(0, GOVERNANCE, spoilt.into());
    assert!(matches!(
        carried_recovery(Some(&spoilt.transaction)),
        Err(RecoveryFault::Document(_))
    ));
    let executed = block(&state, &[spoilt]);
    assert_eq!(told(&executed, 0).0, -50_000);
    assert_eq!(governance(&state).unwrap().unwrap().role(&node(4)), Role::Sealer);
}

#[test]
fn who_signed_is_who_holds_the_keys() {
    let found = recovery_signers(&recovery(&[2, 1]), &*suite());
    assert_eq!(found, Ok([account(1), account(2)].into()));
    assert!(recovery_signers(&recovery(&[]), &*suite()).unwrap().is_empty());
}
