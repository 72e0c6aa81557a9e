//! A state that cannot be read ends the work. It is never taken for an empty one.

use std::sync::atomic::{AtomicUsize, Ordering};

use althing_execution::memory::MemoryState;
use althing_execution::{
    BlockOverrides, CallContext, CallError, CallRequest, ExecutionError, StateOverrides, call, execute_block,
};
use althing_types::{Account, Address, B256, Bytes, StateError, StateReader, U256};

use super::support::*;

/// A state whose n-th read fails.
struct Failing<'a> {
    state: &'a MemoryState,
    reads_left: AtomicUsize,
}

impl Failing<'_> {
    fn read<T>(&self, value: Result<T, StateError>) -> Result<T, StateError> {
        let left = self.reads_left.load(Ordering::Relaxed);
        self.reads_left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 0 {
            Err(StateError("the disk is gone".to_owned()))
        } else {
            value
        }
    }
}

impl StateReader for Failing<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        self.read(self.state.account(address))
    }
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.read(self.state.storage(address, slot))
    }
    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        self.read(self.state.code(code_hash))
    }
    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        self.read(self.state.block_hash(height))
    }
    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        self.read(self.state.block_ms(height))
    }
}

#[test]
fn whichever_read_fails_the_block_has_no_result() {
    let mut state = state_with(&[(place(1), STORE), (place(2), &proxy(place(1))), (place(3), BLOCKHASH)]);
    state.set_block(0, B256::repeat_byte(7), 0);
    let block = [
        Tx::call(sender(1), 0, place(2), words(&[1, 2, 0])).make(),
        Tx::call(sender(2), 0, place(3), words(&[0])).make(),
        Tx::create(sender(3), 0, init_code(READ)).make(),
    ];
    let good = execute(&state, &block).unwrap();
    let mut failures = 0;
    for reads in 0.. {
        let failing = Failing {
            state: &state,
            reads_left: AtomicUsize::new(reads),
        };
        match execute_block(&rules(), &failing, &NONE_USED, &context(1), &block, &NEVER) {
            Err(ExecutionError::State(error)) => assert!(error.0.contains("the disk is gone")),
            Ok(executed) => {
                assert_eq!(executed, good);
                break;
            }
            Err(other) => panic!("read {reads}: {other}"),
        }
        failures += 1;
    }
    assert!(failures >= 10, "only {failures} reads were tried");
}

#[test]
fn a_missing_ancestor_hash_halts_a_block_and_is_zero_for_a_call() {
    let mut state = state_with(&[(place(3), BLOCKHASH)]);
    let block = [Tx::call(sender(1), 0, place(3), words(&[5])).make()];
    let error = execute_block(&rules(), &state, &NONE_USED, &context(9), &block, &NEVER).unwrap_err();
    assert!(
        matches!(&error, ExecutionError::State(e) if e.0.contains("the hash of block 5")),
        "{error}"
    );
    state.set_block(5, B256::repeat_byte(5), 0);
    let executed = execute_block(&rules(), &state, &NONE_USED, &context(9), &block, &NEVER).unwrap();
    assert_eq!(executed.receipts[0].output[..], [5; 32]);
    // Block 9 itself and what is older than 256 blocks is zero by the EVM's own rule.
    let block = [Tx::call(sender(1), 0, place(3), words(&[9])).make()];
    let executed = execute_block(&rules(), &state, &NONE_USED, &context(9), &block, &NEVER).unwrap();
    assert_eq!(executed.receipts[0].output[..], [0; 32]);
}

#[test]
fn a_call_over_a_failing_state_is_an_error() {
    let state = state_with(&[(place(1), READ)]);
    let failing = Failing {
        state: &state,
        reads_left: AtomicUsize::new(2),
    };
    let (rules, block) = (rules(), context(1));
    let context = CallContext {
        rules: &rules,
        state: &failing,
        block: &block,
        state_overrides: &StateOverrides::new(),
        block_overrides: &BlockOverrides::default(),
        gas_cap: GAS,
        cancel: &NEVER,
    };
    let request = CallRequest {
        to: Some(place(1)),
        input: words(&[0]).into(),
        ..CallRequest::default()
    };
    assert!(matches!(call(&context, &request), Err(CallError::State(_))));
}
