//! Execution can be stopped, between transactions and inside one, and what was stopped left no trace.

use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::hex;
use althing_execution::memory::MemoryState;
use althing_execution::{BlockBuilder, ExecutionError, Limit, PushOutcome, execute_block};
use althing_types::{Account, Address, B256, Bytes, StateError, StateReader, U256};

use super::support::*;

/// A state that raises the flag when slot 1 is read.
struct Raising<'a> {
    state: &'a MemoryState,
    flag: &'a AtomicBool,
}

impl StateReader for Raising<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        self.state.account(address)
    }
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        if *slot == U256::from(1) {
            self.flag.store(true, Ordering::Relaxed);
        }
        self.state.storage(address, slot)
    }
    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        self.state.code(code_hash)
    }
    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        self.state.block_hash(height)
    }
    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        self.state.block_ms(height)
    }
}

/// Reads slot 1, then jumps for ever.
const LOOP_AFTER_READ: &[u8] = &hex!("600154505b600456");
/// Reads slot 1, then calls itself twice, for ever, without a jump; a failing inner call changes nothing.
const TREE_AFTER_READ: &[u8] = &hex!("600154505f5f5f5f5f305af1505f5f5f5f5f305af15000");

#[test]
fn a_raised_flag_stops_a_block_before_its_first_transaction() {
    let state = state_with(&[(place(1), STORE)]);
    let block = [Tx::call(sender(1), 0, place(1), words(&[1, 2])).make()];
    let flag = AtomicBool::new(true);
    assert_eq!(
        execute_block(&rules(), &state, &NONE_USED, &context(1), &block, &flag),
        Err(ExecutionError::Cancelled)
    );
}

#[test]
fn a_raised_flag_stops_loops_and_call_trees_inside_a_transaction() {
    for code in [LOOP_AFTER_READ, TREE_AFTER_READ] {
        let nested = proxy(place(1));
        let state = state_with(&[(place(1), code), (place(2), &nested)]);
        for target in [place(1), place(2)] {
            let flag = AtomicBool::new(false);
            let raising = Raising {
                state: &state,
                flag: &flag,
            };
            let block = [Tx::call(sender(1), 0, target, words(&[0, 0, 0])).gas(GAS).make()];
            let result = execute_block(&rules(), &raising, &NONE_USED, &context(1), &block, &flag);
            assert_eq!(result, Err(ExecutionError::Cancelled));
        }
    }
}

#[test]
fn a_builder_that_ran_out_of_time_keeps_what_was_done_before() {
    let state = state_with(&[(place(1), STORE), (place(2), LOOP_AFTER_READ)]);
    let flag = AtomicBool::new(false);
    let raising = Raising {
        state: &state,
        flag: &flag,
    };
    let good = Tx::call(sender(1), 0, place(1), words(&[5, 6])).make();
    let endless = Tx::call(sender(1), 1, place(2), Vec::new()).gas(GAS).make();
    let rules = rules();
    let mut builder = BlockBuilder::new(&rules, &raising, &NONE_USED, &context(1), &flag);
    assert!(matches!(builder.try_push(&good), Ok(PushOutcome::Included { .. })));
    assert_eq!(builder.try_push(&endless), Ok(PushOutcome::Full(Limit::Time)));
    assert_eq!(builder.try_push(&endless), Ok(PushOutcome::Full(Limit::Time)));
    let (transactions, executed) = builder.finish();
    assert_eq!(transactions, [good]);
    assert_eq!(executed, execute(&state, &transactions).unwrap());
}
