//! A block holds so many transactions, bytes and gas used, and no more (LEDGER.md 2).

use althing_execution::{
    BlockBuilder, BlockContext, ExecutionError, InvalidReason, Limit, Limits, PushOutcome, execute_block,
};

use super::support::*;

fn limited(limits: Limits) -> BlockContext {
    BlockContext { limits, ..context(1) }
}

#[test]
fn builder_and_verifier_hold_a_block_to_the_same_limits() {
    let state = state_with(&[(place(1), STORE)]);
    let block: Vec<_> = (0..3)
        .map(|n| Tx::call(sender(1), n, place(1), words(&[n, 1])).gas(60_000).make())
        .collect();
    let bytes: u64 = block.iter().map(|t| t.transaction.raw().len() as u64).sum();
    let gas = execute(&state, &block).unwrap().gas_used;
    let cases = [
        (
            Limits {
                transactions: 2,
                ..LIMITS
            },
            Limit::Transactions,
            3,
            2,
        ),
        (
            Limits {
                bytes: bytes - 1,
                ..LIMITS
            },
            Limit::Bytes,
            bytes,
            bytes - 1,
        ),
        (Limits { gas: gas - 1, ..LIMITS }, Limit::Gas, gas, gas - 1),
    ];
    for (limits, limit, found, accepted) in cases {
        let context = limited(limits);
        let over = ExecutionError::OverLimit { limit, found, accepted };
        assert_eq!(
            execute_block(&rules(), &state, &NONE_USED, &context, &block, &NEVER),
            Err(over)
        );
        let rules = rules();
        let mut builder = BlockBuilder::new(&rules, &state, &NONE_USED, &context, &NEVER);
        assert!(matches!(builder.try_push(&block[0]), Ok(PushOutcome::Included { .. })));
        assert!(matches!(builder.try_push(&block[1]), Ok(PushOutcome::Included { .. })));
        assert_eq!(builder.try_push(&block[2]), Ok(PushOutcome::Full(limit)));
        let (transactions, executed) = builder.finish();
        assert_eq!(transactions, block[..2]);
        assert_eq!(
            Ok(executed),
            execute_block(&rules, &state, &NONE_USED, &context, &transactions, &NEVER)
        );
    }
    let exact = Limits {
        transactions: 3,
        bytes,
        gas,
    };
    assert!(execute_block(&rules(), &state, &NONE_USED, &limited(exact), &block, &NEVER).is_ok());
}

#[test]
fn gas_is_counted_as_used_not_as_asked_for() {
    // FISCO's clients ask for 300,000,000 each.
    let state = state_with(&[(place(1), STORE)]);
    let block: Vec<_> = (0..10)
        .map(|n| Tx::call(sender(1), n, place(1), words(&[n, 1])).gas(GAS).make())
        .collect();
    assert_eq!(execute(&state, &block).unwrap().receipts.len(), 10);
}

#[test]
fn a_transaction_longer_than_a_block_is_skipped_not_waited_for() {
    let state = state_with(&[(place(1), STORE)]);
    let long = Tx::call(sender(1), 0, place(1), vec![1; 2000]).make();
    let size = long.transaction.raw().len() as u64;
    let (rules, context) = (rules(), limited(Limits { bytes: 1000, ..LIMITS }));
    let mut builder = BlockBuilder::new(&rules, &state, &NONE_USED, &context, &NEVER);
    let reason = InvalidReason::Bytes {
        found: size,
        accepted: 1000,
    };
    assert_eq!(builder.try_push(&long), Ok(PushOutcome::Skipped(reason)));
    assert!(builder.transactions().is_empty());
    assert_eq!(builder.gas_used(), 0);
}
