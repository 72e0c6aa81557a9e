//! FISCO's transactions in blocks: whose group they are for, until when, and each of them once.

use std::sync::Arc;

use alloy_primitives::{TxKind, hex};
use althing_execution::{
    BlockBuilder, ExecutionError, InvalidReason, PushOutcome, RandomId, RandomIds, SenderError, check_stateless,
    execute_block, recover, status,
};
use althing_types::genesis::Cryptography;
use althing_types::{
    Address, BLOCK_LIMIT_BLOCKS, ChangeSet, FiscoRequest, FiscoSignature, Recovered, StateReader, Transaction, U256,
};
use proptest::prelude::*;

use super::support::*;
use super::system::Chain;

/// A request that block 1 takes.
fn request(random_id: u64, to: Option<Address>) -> FiscoRequest {
    FiscoRequest {
        random_id: U256::from(random_id),
        gas_price: U256::from(300_000_000),
        gas: U256::from(1),
        block_limit: 500,
        to: to.map_or(TxKind::Create, TxKind::Call),
        chain_id: 20_260,
        group_id: 1,
        ..FiscoRequest::default()
    }
}

/// The signature is none: recovery has tests of its own.
fn made(request: FiscoRequest, sender: Address) -> Recovered {
    let signature = FiscoSignature::recoverable(U256::from(1), U256::from(1), false);
    let raw = request.signed(signature).encode();
    let transaction = Transaction::decode(raw, suite().hash_fn()).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender,
    }
}

fn call(random_id: u64) -> Recovered {
    made(request(random_id, Some(place(1))), sender(1))
}

fn creation(random_id: u64, runtime: &[u8]) -> Recovered {
    let request = FiscoRequest {
        input: init_code(runtime).into(),
        ..request(random_id, None)
    };
    made(request, sender(1))
}

/// Why a block of this one transaction is none.
fn invalid(height: u64, used: &RandomIds, recovered: Recovered) -> Option<InvalidReason> {
    let state = state_with(&[(place(1), READ)]);
    match execute_block(&rules(), &state, used, &context(height), &[recovered], &NEVER) {
        Ok(_) => None,
        Err(ExecutionError::InvalidTransaction { index: 0, reason }) => Some(reason),
        Err(other) => panic!("{other}"),
    }
}

/// The nonce of the first sender after these changes, where they change it.
fn nonce(changes: &ChangeSet) -> Option<u64> {
    changes.accounts.get(&sender(1)).map(|account| account.unwrap().nonce)
}

/// The first call of FISCO's java-sdk in the oracle's text of this edition, with its account (`node/crypto/tests/oracle`).
fn of_java_sdk() -> (Vec<u8>, Address) {
    let text = include_str!("../../../../crypto/tests/testdata/java-sdk.txt");
    let edition = match KIND.cryptography {
        Cryptography::Standard => "standard",
        Cryptography::Sm => "sm",
    };
    let mut entries = text.split("\n\n").map(|entry| {
        let lines = entry.lines().filter_map(|line| line.split_once(" = "));
        lines.collect::<std::collections::BTreeMap<_, _>>()
    });
    let entry = entries
        .find(|entry| entry.get("edition") == Some(&edition) && entry.contains_key("raw"))
        .unwrap();
    (hex::decode(entry["raw"]).unwrap(), entry["address"].parse().unwrap())
}

#[test]
fn a_transaction_of_java_sdk_recovers_to_its_account() {
    let (raw, account) = of_java_sdk();
    let transaction = Transaction::decode(raw.into(), suite().hash_fn()).unwrap();
    let found = recover(&*suite(), CHAIN_ID, Arc::new(transaction)).unwrap();
    assert_eq!(found.sender, account);
}

#[test]
fn what_is_built_and_signed_recovers_to_its_signer_and_a_signature_of_another_form_or_number_to_nobody() {
    let secret = [9; 32];
    let own = suite().account_key_of(&secret).unwrap().address();
    let recovered = |transaction| recover(&*suite(), CHAIN_ID, transaction).map(|recovered| recovered.sender);
    let transaction = signed(&request(1, None), &secret);
    assert_eq!(recovered(Arc::clone(&transaction)), Ok(own));
    let FiscoSignature { r, s, .. } = transaction.fisco().unwrap().signature.clone();
    for refused in [
        FiscoSignature::recoverable(U256::ZERO, U256::ZERO, false),
        FiscoSignature::with_key(U256::ZERO, U256::ZERO, &[1; 64]),
        FiscoSignature::with_key(r, s, &[1; 64]),
        FiscoSignature::recoverable(r, U256::MAX - s, false),
    ] {
        let raw = request(1, None).signed(refused).encode();
        let transaction = Transaction::decode(raw, suite().hash_fn()).unwrap();
        assert!(matches!(
            recovered(Arc::new(transaction)),
            Err(SenderError::Signature(_))
        ));
    }
}

#[test]
fn a_block_takes_what_is_signed_for_this_chain_and_group_only() {
    let other_chain = made(
        FiscoRequest {
            chain_id: 1,
            ..request(1, None)
        },
        sender(1),
    );
    let other_group = made(
        FiscoRequest {
            group_id: 2,
            ..request(1, None)
        },
        sender(1),
    );
    let chain = InvalidReason::ChainId {
        found: 1,
        expected: 20_260,
    };
    let group = InvalidReason::GroupId { found: 2, expected: 1 };
    for (transaction, reason) in [(other_chain, chain), (other_group, group)] {
        let stateless = check_stateless(&rules(), &LIMITS, &ids(), &transaction.transaction);
        assert_eq!(stateless, Err(reason.clone()));
        assert_eq!(invalid(1, &NONE_USED, transaction), Some(reason));
    }
}

#[test]
fn a_block_takes_a_limit_from_its_own_height_to_999_above_it() {
    for (height, limit, is_taken) in [
        (1, 0, false),
        (1, 1, true),
        (1, 1_000, true),
        (1, 1_001, false),
        (500, 499, false),
        (500, 500, true),
        (500, 1_499, true),
        (500, 1_500, false),
        (500, u64::MAX, false),
    ] {
        let request = FiscoRequest {
            block_limit: limit,
            ..request(1, Some(place(1)))
        };
        let used = RandomIds::after(height - 1);
        let expected = (!is_taken).then_some(InvalidReason::BlockLimit {
            found: limit,
            first: height,
            last: height + 999,
        });
        assert_eq!(
            invalid(height, &used, made(request, sender(1))),
            expected,
            "{limit} in {height}"
        );
    }
}

#[test]
fn a_block_that_repeats_a_randomid_is_no_block() {
    let state = state_with(&[(place(1), READ)]);
    let other = FiscoRequest {
        input: words(&[3]).into(),
        ..request(7, Some(place(1)))
    };
    for second in [call(7), made(other, sender(1))] {
        let error = execute(&state, &[call(7), second]).unwrap_err();
        let reason = InvalidReason::RandomIdUsed(U256::from(7));
        assert_eq!(error, ExecutionError::InvalidTransaction { index: 1, reason });
    }
    let of_another = made(request(7, Some(place(1))), sender(2));
    assert_eq!(
        execute(&state, &[call(7), of_another, call(8)]).unwrap().receipts.len(),
        3
    );
}

#[test]
fn a_randomid_of_the_last_thousand_blocks_is_used_and_an_older_one_is_not() {
    let hash = suite().hash_fn();
    let mut used = RandomIds::default();
    used.follow([RandomId::new(&sender(1), &U256::from(7), hash)]);
    let at = |used: &RandomIds| {
        let height = used.head() + 1;
        let request = FiscoRequest {
            block_limit: height,
            ..request(7, Some(place(1)))
        };
        invalid(height, used, made(request, sender(1)))
    };
    for _ in 0..BLOCK_LIMIT_BLOCKS {
        assert_eq!(at(&used), Some(InvalidReason::RandomIdUsed(U256::from(7))));
        used.follow([]);
    }
    assert_eq!(at(&used), None);
}

#[test]
fn a_leader_leaves_out_what_is_used_and_a_transaction_that_did_not_fit_uses_nothing() {
    let state = state_with(&[(place(1), LOOP), (place(2), READ)]);
    let endless = made(request(7, Some(place(1))), sender(1));
    let (rules, context) = (rules(), context(1));
    let mut builder = BlockBuilder::new(&rules, &state, &NONE_USED, &context, &NEVER);
    let small = made(request(5, Some(place(2))), sender(1));
    assert!(matches!(builder.try_push(&small), Ok(PushOutcome::Included { .. })));
    assert!(matches!(builder.try_push(&endless), Ok(PushOutcome::Full(_))));
    let same_id = made(request(7, Some(place(2))), sender(1));
    assert!(matches!(builder.try_push(&same_id), Ok(PushOutcome::Included { .. })));
    let refused = PushOutcome::Skipped(InvalidReason::RandomIdUsed(U256::from(5)));
    assert_eq!(builder.try_push(&small), Ok(refused));
    let (transactions, built) = builder.finish();
    assert_eq!(
        execute_block(&rules, &state, &NONE_USED, &context, &transactions, &NEVER),
        Ok(built)
    );
}

#[test]
fn calls_leave_the_accounts_nonce_alone_and_creations_count_it() {
    let state = state_with(&[(place(1), REVERTER)]);
    let executed = execute(&state, &[call(1), call(2)]).unwrap();
    assert_eq!(nonce(&executed.changes), None, "{:?}", executed.changes);
    let executed = execute(&state, &[creation(1, READ), call(2), creation(3, STORE)]).unwrap();
    assert_eq!(nonce(&executed.changes), Some(2));
    let contract = |index: usize| executed.receipts[index].contract_address();
    assert_eq!(contract(0), Some(created_by(sender(1), 0)));
    assert_eq!(contract(2), Some(created_by(sender(1), 1)));
    // One that fails counts, too.
    let failing = FiscoRequest {
        input: vec![0xfe].into(),
        ..request(4, None)
    };
    let executed = execute(&state, &[made(failing, sender(1))]).unwrap();
    assert_eq!(executed.receipts[0].status, status::BAD_INSTRUCTION);
    assert_eq!(nonce(&executed.changes), Some(1));
}

#[test]
fn both_formats_of_one_account_go_into_one_block() {
    let state = state_with(&[(place(1), READ)]);
    let ethereum = |nonce| Tx::call(sender(1), nonce, place(1), words(&[1])).make();
    let block = [
        ethereum(0),
        call(1),
        creation(2, READ),
        ethereum(2),
        call(3),
        ethereum(3),
    ];
    let executed = execute(&state, &block).unwrap();
    assert!(executed.receipts.iter().all(|receipt| receipt.status == status::OK));
    assert_eq!(nonce(&executed.changes), Some(4));
    assert_eq!(executed.receipts[2].contract_address(), Some(created_by(sender(1), 1)));
    // An Ethereum transaction goes on being held to its account's nonce.
    let low = execute(&state, &[ethereum(0), creation(2, READ), ethereum(1)]).unwrap_err();
    let reason = InvalidReason::NonceTooLow {
        transaction: 1,
        account: 2,
    };
    assert_eq!(low, ExecutionError::InvalidTransaction { index: 2, reason });
}

#[test]
fn the_gas_in_force_applies_and_nothing_is_paid() {
    let state = state_with(&[(place(1), READ), (place(2), LOOP)]);
    // It offers 3·10^8 a gas for 1 gas, from an account that has nothing.
    let executed = execute(&state, &[call(1)]).unwrap();
    assert_eq!(executed.receipts[0].status, status::OK);
    assert_eq!(executed.receipts[0].transaction_type, 0);
    let endless = made(request(2, Some(place(2))), sender(1));
    let executed = execute(&state, &[endless]).unwrap();
    assert_eq!(
        (executed.receipts[0].status, executed.gas_used),
        (status::OUT_OF_GAS, GAS)
    );
}

#[test]
fn it_sends_no_more_than_its_account_has_and_contracts_sign_nothing() {
    let mut state = state_with(&[(place(1), READ), (sender(3), READ)]);
    fund(&mut state, sender(1), 10);
    let worth = |value: u64, from| {
        let request = FiscoRequest {
            value: U256::from(value),
            ..request(value, Some(sender(2)))
        };
        made(request, from)
    };
    let executed = execute(&state, &[worth(10, sender(1))]).unwrap();
    assert_eq!(executed.changes.accounts[&sender(2)].unwrap().balance, U256::from(10));
    assert_eq!(state.account(&sender(1)).unwrap().unwrap().nonce, 0);
    let error = execute(&state, &[worth(11, sender(1))]).unwrap_err();
    let reason = InvalidReason::InsufficientFunds {
        balance: U256::from(10),
        value: U256::from(11),
    };
    assert_eq!(error, ExecutionError::InvalidTransaction { index: 0, reason });
    let error = execute(&state, &[worth(0, sender(3))]).unwrap_err();
    let reason = InvalidReason::SenderHasCode { sender: sender(3) };
    assert_eq!(error, ExecutionError::InvalidTransaction { index: 0, reason });
}

#[test]
fn a_frozen_account_does_nothing_in_this_format_either() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    chain.freeze_account(account);
    let nonce = chain.state.account(&account).unwrap().unwrap().nonce;
    for (to, counted) in [(Some(place(1)), None), (None, Some(nonce + 1))] {
        let request = FiscoRequest {
            block_limit: chain.height,
            ..request(1, to)
        };
        let (block, context) = ([made(request, account)], context(chain.height));
        let executed = execute_block(&rules(), &chain.state, &NONE_USED, &context, &block, &NEVER).unwrap();
        assert_eq!(executed.receipts[0].status, status::ACCOUNT_FROZEN);
        let changed = executed.changes.accounts.get(&account);
        assert_eq!(changed.map(|account| account.unwrap().nonce), counted);
    }
}

proptest! {
    /// A leader is offered anything; what it makes is what voters take, and no randomid is in it twice.
    #[test]
    fn what_a_leader_makes_of_both_formats_voters_take(
        offers in proptest::collection::vec((0..3_u8, 0..4_u64, 0..6_u64, any::<bool>()), 0..40),
        used in proptest::collection::vec((0..3_u8, 0..4_u64), 0..6),
    ) {
        let state = state_with(&[(place(1), STORE)]);
        let hash = suite().hash_fn();
        let mut before = RandomIds::after(3);
        before.follow(used.iter().map(|(from, id)| RandomId::new(&sender(*from), &U256::from(*id), hash)));
        let (rules, context) = (rules(), context(5));
        let mut builder = BlockBuilder::new(&rules, &state, &before, &context, &NEVER);
        for (from, id, limit, is_ethereum) in offers {
            let offered = match is_ethereum {
                true => Tx::call(sender(from), id, place(1), words(&[id, limit])).make(),
                false => {
                    let request = FiscoRequest {
                        block_limit: limit + 3,
                        input: words(&[id, limit]).into(),
                        ..request(id, (id > 0).then(|| place(1)))
                    };
                    made(request, sender(from))
                }
            };
            builder.try_push(&offered).unwrap();
        }
        let (transactions, built) = builder.finish();
        let mut ids: Vec<_> = used.clone();
        for recovered in &transactions {
            if let Some(fisco) = recovered.transaction.fisco() {
                let from = (0..3_u8).find(|n| sender(*n) == recovered.sender).unwrap();
                let id = (from, fisco.request.random_id.to::<u64>());
                prop_assert!(!ids.contains(&id));
                prop_assert!(fisco.request.block_limit >= 5);
                ids.push(id);
            }
        }
        prop_assert_eq!(execute_block(&rules, &state, &before, &context, &transactions, &NEVER), Ok(built));
    }
}
