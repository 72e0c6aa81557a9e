//! What transactions do to the state, and which may not be in a block.

use alloy_primitives::hex;
use althing_execution::{ExecutionError, InvalidReason, check_stateless, status};
use althing_types::{Account, Address, Bytes, ChangeSet, StateReader, U256};

use super::support::*;

fn invalid(
    state: &althing_execution::memory::MemoryState,
    transactions: &[althing_types::Recovered],
) -> (usize, InvalidReason) {
    match execute(state, transactions) {
        Err(ExecutionError::InvalidTransaction { index, reason }) => (index, reason),
        other => panic!("expected an invalid block, found {other:?}"),
    }
}

#[test]
fn a_nonce_gap_a_used_nonce_and_a_duplicate_make_the_block_invalid() {
    let state = state_with(&[(place(1), STORE)]);
    let tx = |nonce| Tx::call(sender(1), nonce, place(1), words(&[1, 2])).make();
    let gap = InvalidReason::NonceTooHigh {
        transaction: 2,
        account: 1,
    };
    assert_eq!(invalid(&state, &[tx(0), tx(2)]), (1, gap));
    let duplicate = InvalidReason::NonceTooLow {
        transaction: 0,
        account: 1,
    };
    assert_eq!(invalid(&state, &[tx(0), tx(0)]), (1, duplicate));
    assert!(execute(&state, &[tx(0), tx(1)]).is_ok());
}

#[test]
fn a_transaction_of_another_chain_or_over_the_limits_makes_the_block_invalid() {
    let state = state_with(&[(place(1), STORE)]);
    let base = Tx::call(sender(1), 0, place(1), words(&[1, 2]));
    let cases = [
        (
            Tx {
                chain_id: 7,
                ..base.clone()
            },
            InvalidReason::ChainId {
                found: 7,
                expected: CHAIN_ID,
            },
        ),
        (
            base.clone().gas(GAS + 1),
            InvalidReason::GasLimit {
                found: GAS + 1,
                accepted: GAS,
            },
        ),
        (
            base.clone().value(5),
            InvalidReason::InsufficientFunds {
                balance: U256::ZERO,
                value: U256::from(5),
            },
        ),
        (
            Tx {
                nonce: u64::MAX,
                ..base.clone()
            },
            InvalidReason::NonceExhausted,
        ),
    ];
    for (tx, reason) in cases {
        assert_eq!(invalid(&state, &[tx.make()]), (0, reason));
    }
    let (_, reason) = invalid(&state, &[base.gas(21_000).make()]);
    assert!(
        matches!(reason, InvalidReason::IntrinsicGas { found: 21_000, needed } if needed > 21_000),
        "{reason:?}"
    );
}

#[test]
fn what_a_pool_refuses_without_state_no_block_takes_and_the_reasons_are_equal() {
    let state = state_with(&[(place(1), STORE)]);
    let base = Tx::call(sender(1), 0, place(1), words(&[1, 2]));
    let refused = [
        Tx {
            chain_id: 7,
            ..base.clone()
        },
        base.clone().gas(GAS + 1),
        base.clone().gas(21_000),
        Tx {
            nonce: u64::MAX,
            ..base.clone()
        },
    ];
    for tx in refused {
        let made = tx.make();
        let stateless = check_stateless(&rules(), &LIMITS, &ids(), &made.transaction).unwrap_err();
        assert_eq!(invalid(&state, &[made]), (0, stateless));
    }
    assert_eq!(
        check_stateless(&rules(), &LIMITS, &ids(), &base.make().transaction),
        Ok(())
    );
}

#[test]
fn a_legacy_transaction_without_chain_id_is_valid_in_a_block() {
    let state = state_with(&[(place(1), READ)]);
    assert_eq!(
        execute(&state, &[legacy(sender(1), None, place(1), 0)])
            .unwrap()
            .receipts[0]
            .status,
        status::OK
    );
    let (_, reason) = invalid(&state, &[legacy(sender(1), Some(1), place(1), 0)]);
    assert_eq!(
        reason,
        InvalidReason::ChainId {
            found: 1,
            expected: CHAIN_ID
        }
    );
}

#[test]
fn the_effective_gas_price_is_always_0_whatever_is_offered() {
    // GASPRICE, BASEFEE, SELFBALANCE, BALANCE(CALLER)
    let code = hex!("3a5f524860205247604052333160605260805ff3");
    let mut state = state_with(&[(place(1), &code)]);
    fund(&mut state, sender(2), 77);
    let offered = 300_000_000;
    for (from, balance) in [(sender(1), 0), (sender(2), 77)] {
        let tx = Tx {
            price: offered,
            ..Tx::call(from, 0, place(1), Vec::new())
        };
        for made in [tx.make(), legacy(from, Some(CHAIN_ID), place(1), offered)] {
            let executed = execute(&state, &[made]).unwrap();
            assert_eq!(executed.receipts[0].output[..], words(&[0, 0, 0, balance])[..]);
            let account = executed.changes.accounts[&from].unwrap();
            assert_eq!((account.nonce, account.balance), (1, U256::from(balance)));
            assert_eq!(executed.changes.accounts.len(), 1, "nothing is paid to the beneficiary");
        }
    }
}

#[test]
fn block_opcodes_are_defined() {
    // COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID BASEFEE BLOBBASEFEE BLOBHASH(0), a word each.
    let mut code = Vec::new();
    for (n, op) in [
        &[0x41][..],
        &[0x42],
        &[0x43],
        &[0x44],
        &[0x45],
        &[0x46],
        &[0x48],
        &[0x4a],
        &[0x5f, 0x49],
    ]
    .iter()
    .enumerate()
    {
        code.extend_from_slice(op);
        code.extend_from_slice(&[0x61, ((n * 32) >> 8) as u8, (n * 32) as u8, 0x52]);
    }
    code.extend_from_slice(&hex!("6101205ff3"));
    let state = state_with(&[(place(1), &code)]);
    let (_, output) = run_one(&state, &Tx::call(sender(1), 0, place(1), Vec::new()));
    let mut expected = to_b256(context(1).beneficiary).to_vec();
    expected.extend(words(&[1_700_000_000, 1, 0, GAS, CHAIN_ID, 0, 1, 0]));
    assert_eq!(output[..], expected[..]);
}

#[test]
fn no_gas_cap_lies_below_the_blocks() {
    let state = state_with(&[(place(1), READ)]);
    let (status, _) = run_one(&state, &Tx::call(sender(1), 0, place(1), words(&[0])).gas(GAS));
    assert_eq!(status, status::OK);
}

#[test]
fn receipts_carry_fiscos_status_numbers() {
    let cases: [(&[u8], u32); 8] = [
        (STORE, status::OK),
        (&hex!("63deadbeef5f526004601cfd"), status::REVERT),
        (LOOP, status::OUT_OF_GAS),
        (&hex!("fe"), status::BAD_INSTRUCTION),
        (&hex!("0c"), status::BAD_INSTRUCTION),
        (&hex!("600556"), status::BAD_JUMP_DESTINATION),
        (&hex!("01"), status::STACK_UNDERFLOW),
        (&hex!("5b5f5f56"), status::OUT_OF_STACK),
    ];
    for (code, expected) in cases {
        let state = state_with(&[(place(1), code)]);
        let (status, output) = run_one(&state, &Tx::call(sender(1), 0, place(1), words(&[1, 2])));
        assert_eq!(status, expected, "{code:02x?}");
        let reverted: &[u8] = if expected == status::REVERT {
            &[0xde, 0xad, 0xbe, 0xef]
        } else {
            &[]
        };
        assert_eq!(output[..], *reverted);
    }
    let pairing = Address::with_last_byte(8);
    let (status, _) = run_one(&state_with(&[]), &Tx::call(sender(1), 0, pairing, vec![1]));
    assert_eq!(status, status::PRECOMPILED_ERROR);
    let taken = state_with(&[(created_by(sender(1), 0), STORE)]);
    let (status, _) = run_one(&taken, &Tx::create(sender(1), 0, init_code(READ)));
    assert_eq!(status, status::ADDRESS_ALREADY_USED);
}

#[test]
fn a_failed_transaction_keeps_only_its_nonce() {
    let state = state_with(&[(place(1), REVERTER), (place(2), LOOP)]);
    let transactions = [
        Tx::call(sender(1), 0, place(1), Vec::new()).make(),
        Tx::call(sender(1), 1, place(2), Vec::new()).make(),
    ];
    let executed = execute(&state, &transactions).unwrap();
    assert_eq!(executed.changes.accounts.keys().collect::<Vec<_>>(), [&sender(1)]);
    assert_eq!(executed.changes.accounts[&sender(1)].unwrap().nonce, 2);
    assert!(executed.changes.storage.is_empty());
    assert_eq!(executed.receipts[1].gas_used, 1_000_000);
    assert_eq!(executed.receipts[1].cumulative_gas_used, executed.gas_used);
    assert_eq!(executed.gas_used, executed.receipts[0].gas_used + 1_000_000);
}

#[test]
fn a_creation_has_ethereum_s_address_and_its_code_in_the_state() {
    let executed = execute(&state_with(&[]), &[Tx::create(sender(1), 0, init_code(STORE)).make()]).unwrap();
    let receipt = &executed.receipts[0];
    let address = created_by(sender(1), 0);
    assert_eq!(receipt.contract_address(), Some(address));
    assert!(
        receipt.output.is_empty(),
        "the code is in the state, not in the receipt"
    );
    let code_hash = evm_hash(STORE);
    assert_eq!(
        executed.changes.accounts[&address],
        Some(Account {
            nonce: 1,
            balance: U256::ZERO,
            code_hash
        })
    );
    assert_eq!(executed.changes.code[&code_hash], Bytes::copy_from_slice(STORE));
}

#[test]
fn create2_makes_the_address_of_its_salt_and_code() {
    let state = state_with(&[(place(1), FACTORY)]);
    let init = init_code(STORE);
    let input = [&word(5)[..], &init].concat();
    let (_, output) = run_one(&state, &Tx::call(sender(1), 0, place(1), input));
    assert_eq!(Address::from_slice(&output[12..]), created2(place(1), word(5), &init));
}

#[test]
fn code_may_have_256_kib_and_no_byte_more() {
    // Returns `calldata`-independent zeroes of the given length as code: PUSH3 length, PUSH0, RETURN.
    let create = |length: u32| {
        let bytes = length.to_be_bytes();
        Tx::create(sender(1), 0, vec![0x62, bytes[1], bytes[2], bytes[3], 0x5f, 0xf3]).gas(GAS)
    };
    let executed = execute(&state_with(&[]), &[create(262_144).make()]).unwrap();
    assert_eq!(executed.receipts[0].status, status::OK);
    assert_eq!(executed.changes.code.values().next().unwrap().len(), 262_144);
    let executed = execute(&state_with(&[]), &[create(262_145).make()]).unwrap();
    assert_eq!(executed.receipts[0].status, status::OUT_OF_GAS);
    assert_eq!(executed.receipts[0].contract_address(), None);
    assert!(executed.changes.code.is_empty());
}

#[test]
fn only_a_contract_of_the_same_transaction_is_destroyed() {
    let mut state = state_with(&[(place(1), DESTROYER), (place(2), FACTORY)]);
    let executed = execute(&state, &[Tx::call(sender(1), 0, place(1), Vec::new()).make()]).unwrap();
    assert!(
        !executed.changes.accounts.contains_key(&place(1)),
        "EIP-6780: it was there before"
    );
    // Writes a slot in its constructor and destroys itself; later in the block the same address is made again.
    let dying = hex!("600160015533ff");
    let born = init_code(READ);
    let call = |nonce, init: &[u8]| Tx::call(sender(1), nonce, place(2), [&word(9)[..], init].concat()).make();
    let executed = execute(&state, &[call(0, &dying), call(1, &born), call(2, &dying)]).unwrap();
    let (first, second) = (created2(place(2), word(9), &dying), created2(place(2), word(9), &born));
    assert!(
        !executed.changes.accounts.contains_key(&first),
        "made and destroyed twice is no change"
    );
    assert!(executed.changes.storage.is_empty());
    assert_eq!(executed.changes.accounts[&second].unwrap().code_hash, evm_hash(READ));
    state.apply(&executed.changes);
    assert_eq!(state.account(&first), Ok(None));
}

#[test]
fn a_key_written_back_to_its_old_value_is_no_change() {
    let mut state = state_with(&[(place(1), STORE)]);
    let storage = [((place(1), U256::from(3)), U256::from(30))].into();
    state.apply(&ChangeSet {
        storage,
        ..ChangeSet::default()
    });
    let write = |nonce, slot, value| Tx::call(sender(1), nonce, place(1), words(&[slot, value])).make();
    let block = [
        write(0, 3, 31),
        write(1, 4, 40),
        write(2, 3, 30),
        write(3, 4, 0),
        write(4, 5, 50),
    ];
    let executed = execute(&state, &block).unwrap();
    let expected = [((place(1), U256::from(5)), U256::from(50))].into();
    assert_eq!(executed.changes.storage, expected);
    let cleared = execute(&state, &[write(0, 3, 0)]).unwrap();
    assert_eq!(cleared.changes.storage[&(place(1), U256::from(3))], U256::ZERO);
}

#[test]
fn value_moves_and_an_emptied_account_is_deleted() {
    let mut state = state_with(&[]);
    fund(&mut state, sender(1), 10);
    let executed = execute(&state, &[Tx::call(sender(1), 0, place(9), Vec::new()).value(10).make()]).unwrap();
    assert_eq!(executed.changes.accounts[&place(9)].unwrap().balance, U256::from(10));
    assert_eq!(executed.changes.accounts[&sender(1)].unwrap().balance, U256::ZERO);
    // Touching an account that does not exist makes none.
    let executed = execute(&state, &[Tx::call(sender(2), 0, place(8), Vec::new()).make()]).unwrap();
    assert_eq!(executed.changes.accounts.keys().collect::<Vec<_>>(), [&sender(2)]);
}

#[test]
fn blooms_hold_every_event_of_receipt_and_block() {
    let state = state_with(&[(place(1), STORE)]);
    let write = |nonce, slot| Tx::call(sender(1), nonce, place(1), words(&[slot, 1])).make();
    let executed = execute(&state, &[write(0, 1), write(1, 2)]).unwrap();
    for (n, receipt) in executed.receipts.iter().enumerate() {
        let log = &receipt.logs[0];
        assert_eq!(
            (log.address, log.topics()),
            (place(1), &[word(n as u64 + 1).into()][..])
        );
        assert!(receipt.logs_bloom.contains_raw_log(log.address, log.topics()));
        assert!(executed.logs_bloom.contains_raw_log(log.address, log.topics()));
        assert_eq!(receipt.transaction_type, 2);
    }
    assert_ne!(executed.receipts[0].logs_bloom, executed.logs_bloom);
}
