//! `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::hex;
use althing_execution::memory::MemoryState;
use althing_execution::{
    AccountOverride, BlockOverrides, CallContext, CallError, CallOutcome, CallRequest, GasEstimate, InvalidReason,
    StateOverrides, StorageOverride, call, create_access_list, decode_revert_reason, estimate_gas, intrinsic_gas,
    status,
};
use althing_types::{Address, B256, Bytes, U256};

use super::support::*;
use super::token::{creation, transfer};

/// Asks something of a state, with overrides.
struct Question {
    state: MemoryState,
    accounts: StateOverrides,
    block: BlockOverrides,
    gas_cap: u64,
}

impl Question {
    fn of(state: MemoryState) -> Self {
        Self {
            state,
            accounts: StateOverrides::new(),
            block: BlockOverrides::default(),
            gas_cap: 50_000_000,
        }
    }

    fn ask<T>(&self, question: impl Fn(&CallContext<'_>) -> T) -> T {
        let (rules, block) = (rules(), context(7));
        question(&CallContext {
            rules: &rules,
            state: &self.state,
            block: &block,
            state_overrides: &self.accounts,
            block_overrides: &self.block,
            gas_cap: self.gas_cap,
            cancel: &NEVER,
        })
    }

    fn call(&self, request: &CallRequest) -> Result<CallOutcome, CallError> {
        self.ask(|context| call(context, request))
    }

    fn output(&self, request: &CallRequest) -> Bytes {
        match self.call(request).unwrap() {
            CallOutcome::Success { output, .. } => output,
            other => panic!("{other:?}"),
        }
    }

    fn estimate(&self, request: &CallRequest) -> Result<GasEstimate, CallError> {
        self.ask(|context| estimate_gas(context, request))
    }
}

fn to(address: Address, input: Vec<u8>) -> CallRequest {
    CallRequest {
        from: sender(1),
        to: Some(address),
        input: input.into(),
        ..CallRequest::default()
    }
}

/// A state with a token of which sender 1 owns a million.
fn with_token() -> (MemoryState, Address) {
    let mut state = MemoryState::default();
    let created = execute(
        &state,
        &[Tx::create(sender(1), 0, creation(sender(1))).gas(3_000_000).make()],
    )
    .unwrap();
    state.apply(&created.changes);
    (state, created_by(sender(1), 0))
}

#[test]
fn a_sender_that_does_not_exist_may_call_and_sees_price_0() {
    let question = Question::of(state_with(&[(place(1), &hex!("3a5f5260205ff3"))]));
    assert_eq!(
        question.output(&CallRequest {
            from: sender(9),
            ..to(place(1), Vec::new())
        })[..],
        word(0)
    );
}

#[test]
fn a_contract_may_be_the_sender_and_any_nonce_will_do() {
    // Returns CALLER.
    let mut state = state_with(&[(place(1), &hex!("335f5260205ff3")), (place(2), STORE)]);
    let used = execute(&state, &[Tx::call(sender(1), 0, place(2), words(&[1, 1])).make()]).unwrap();
    state.apply(&used.changes);
    let question = Question::of(state);
    for from in [place(2), sender(1)] {
        assert_eq!(
            question.output(&CallRequest {
                from,
                ..to(place(1), Vec::new())
            })[..],
            from.into_word()[..]
        );
    }
}

#[test]
fn value_is_not_made_of_nothing() {
    let question = Question::of(state_with(&[]));
    let request = CallRequest {
        value: U256::from(1),
        ..to(place(1), Vec::new())
    };
    let expected = InvalidReason::InsufficientFunds {
        balance: U256::ZERO,
        value: U256::from(1),
    };
    assert_eq!(question.call(&request), Err(CallError::Invalid(expected.clone())));
    assert!(
        expected
            .to_string()
            .starts_with("insufficient funds for gas * price + value")
    );
}

#[test]
fn reverts_and_halts_say_why() {
    let (state, token) = with_token();
    let question = Question::of(state);
    let request = CallRequest {
        from: sender(2),
        ..to(token, transfer(sender(3), 1))
    };
    let Ok(CallOutcome::Revert { output, .. }) = question.call(&request) else {
        panic!("it reverts")
    };
    assert_eq!(
        decode_revert_reason(&output).as_deref(),
        Some("ERC20: transfer amount exceeds balance")
    );
    let question = Question::of(state_with(&[(place(1), &hex!("600556"))]));
    let Ok(CallOutcome::Halt(halt)) = question.call(&to(place(1), Vec::new())) else {
        panic!("it halts")
    };
    assert_eq!(
        (halt.status, halt.reason.as_str()),
        (status::BAD_JUMP_DESTINATION, "invalid jump destination")
    );
}

#[test]
fn a_creation_returns_its_code_and_keeps_nothing() {
    let question = Question::of(state_with(&[]));
    let before = question.state.clone();
    let request = CallRequest {
        to: None,
        input: init_code(STORE).into(),
        ..CallRequest::default()
    };
    assert_eq!(question.output(&request)[..], *STORE);
    assert_eq!(question.state, before);
}

#[test]
fn gas_is_capped_by_the_node_and_by_the_block() {
    let mut question = Question::of(state_with(&[(place(1), LOOP)]));
    question.gas_cap = 100_000;
    for gas in [None, Some(200_000), Some(u64::MAX)] {
        let Ok(CallOutcome::Halt(halt)) = question.call(&CallRequest {
            gas,
            ..to(place(1), Vec::new())
        }) else {
            panic!("it runs out of gas")
        };
        assert_eq!((halt.status, halt.gas_used), (status::OUT_OF_GAS, 100_000));
    }
    let request = CallRequest {
        gas: Some(20_999),
        ..to(place(1), Vec::new())
    };
    let expected = InvalidReason::IntrinsicGas {
        found: 20_999,
        needed: 21_000,
    };
    assert_eq!(question.call(&request), Err(CallError::Invalid(expected)));
}

#[test]
fn state_overrides_are_seen_and_forgotten() {
    let mut state = state_with(&[(place(1), READ)]);
    let written = [
        ((place(1), U256::from(1)), U256::from(11)),
        ((place(1), U256::from(2)), U256::from(22)),
    ]
    .into();
    state.apply(&althing_types::ChangeSet {
        storage: written,
        ..Default::default()
    });
    let mut question = Question::of(state);
    let read = |question: &Question, slot| U256::from_be_slice(&question.output(&to(place(1), words(&[slot]))));
    let slots = [(U256::from(2), U256::from(99))];
    let patched = AccountOverride {
        storage: StorageOverride::Patch(slots.into()),
        ..AccountOverride::default()
    };
    question.accounts.insert(place(1), patched);
    assert_eq!(
        (read(&question, 1), read(&question, 2)),
        (U256::from(11), U256::from(99))
    );
    let replaced = AccountOverride {
        storage: StorageOverride::Replace(slots.into()),
        ..AccountOverride::default()
    };
    question.accounts.insert(place(1), replaced);
    assert_eq!((read(&question, 1), read(&question, 2)), (U256::ZERO, U256::from(99)));
    // Returns BALANCE(CALLER), at an address where nothing was.
    let code = Some(Bytes::from_static(&hex!("33315f5260205ff3")));
    question.accounts.insert(
        place(5),
        AccountOverride {
            code,
            ..AccountOverride::default()
        },
    );
    let balance = Some(U256::from(1234));
    question.accounts.insert(
        sender(1),
        AccountOverride {
            balance,
            ..AccountOverride::default()
        },
    );
    assert_eq!(question.output(&to(place(5), Vec::new()))[..], word(1234));
    let nonce = Some(41);
    question.accounts.insert(
        sender(2),
        AccountOverride {
            nonce,
            ..AccountOverride::default()
        },
    );
    question.accounts.clear();
    assert_eq!(read(&question, 2), U256::from(22));
    assert!(question.output(&to(place(5), Vec::new())).is_empty());
}

#[test]
fn block_overrides_are_seen() {
    // COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT
    let code = hex!("415f524260205243604052446060524560805260a05ff3");
    let mut question = Question::of(state_with(&[(place(1), &code)]));
    question.block = BlockOverrides {
        number: Some(100),
        timestamp: Some(200),
        gas_limit: Some(300_000),
        beneficiary: Some(place(3)),
        prevrandao: Some(B256::repeat_byte(4)),
    };
    let output = question.output(&to(place(1), Vec::new()));
    let expected = [
        &place(3).into_word()[..],
        &word(200),
        &word(100),
        &B256::repeat_byte(4)[..],
        &word(300_000),
    ]
    .concat();
    assert_eq!(output[..], expected[..]);
}

#[test]
fn an_estimate_suffices_and_is_close() {
    let (state, token) = with_token();
    let question = Question::of(state.clone());
    for (to_address, input) in [(Some(token), transfer(sender(2), 5)), (None, creation(sender(2)))] {
        let request = CallRequest {
            from: sender(1),
            to: to_address,
            input: input.clone().into(),
            ..CallRequest::default()
        };
        let Ok(GasEstimate::Gas(gas)) = question.estimate(&request) else {
            panic!("an estimate")
        };
        let tx = Tx {
            to: to_address,
            ..Tx::call(sender(1), 1, token, input)
        }
        .gas(gas);
        let executed = execute(&state, &[tx.make()]).unwrap();
        assert_eq!(executed.receipts[0].status, status::OK);
        assert!(
            gas >= executed.gas_used && gas - executed.gas_used <= gas / 50,
            "{gas} for {}",
            executed.gas_used
        );
    }
    assert_eq!(
        question.estimate(&to(sender(5), Vec::new())),
        Ok(GasEstimate::Gas(21_000))
    );
}

#[test]
fn an_estimate_counts_the_gas_that_stays_behind_in_inner_calls() {
    // Reverts when it has less than 500,000 gas, and uses next to nothing.
    let picky = hex!("6207a1205a10600b57005b5b5f5ffd");
    // Calls it, and reverts when it does.
    let mut strict = hex!("5f5f5f5f5f73").to_vec();
    strict.extend_from_slice(place(1).as_slice());
    strict.extend_from_slice(&hex!("5af115602157005b5f5ffd"));
    let state = state_with(&[(place(1), &picky), (place(2), &strict)]);
    let Ok(GasEstimate::Gas(gas)) = Question::of(state.clone()).estimate(&to(place(2), Vec::new())) else {
        panic!("an estimate")
    };
    let with = |gas| run_one(&state, &Tx::call(sender(1), 0, place(2), Vec::new()).gas(gas)).0;
    assert_eq!((with(gas), with(gas - gas / 50)), (status::OK, status::REVERT), "{gas}");
}

#[test]
fn hostile_requests_get_an_answer() {
    // Returns CREATE(0, 0, 0).
    let mut question = Question::of(state_with(&[(place(1), &hex!("5f5f5ff05f5260205ff3"))]));
    let long = CallRequest {
        to: None,
        input: vec![0; 524_289].into(),
        ..CallRequest::default()
    };
    let expected = InvalidReason::InitCode {
        found: 524_289,
        accepted: 524_288,
    };
    assert_eq!(question.call(&long), Err(CallError::Invalid(expected)));
    let last = AccountOverride {
        nonce: Some(u64::MAX),
        balance: Some(U256::MAX),
        ..AccountOverride::default()
    };
    question.accounts.insert(sender(1), last.clone());
    question.accounts.insert(place(1), last);
    let creation = CallRequest {
        from: sender(1),
        input: init_code(STORE).into(),
        ..CallRequest::default()
    };
    assert!(question.call(&creation).is_ok());
    assert_eq!(
        question.output(&to(place(1), Vec::new()))[..],
        word(0),
        "its nonce cannot grow"
    );
    let rich = CallRequest {
        value: U256::MAX,
        ..to(place(1), Vec::new())
    };
    assert!(question.call(&rich).is_ok());
    // A delegation designator is no code here (EIP-7702 transactions are not accepted).
    let designator = Some([&hex!("ef0100")[..], place(1).as_slice()].concat().into());
    question.accounts.insert(
        place(2),
        AccountOverride {
            code: designator,
            ..AccountOverride::default()
        },
    );
    assert!(matches!(
        question.call(&to(place(2), Vec::new())),
        Ok(CallOutcome::Halt(_))
    ));
}

#[test]
fn an_estimate_of_what_fails_says_how() {
    let (state, token) = with_token();
    let question = Question::of(state);
    let request = CallRequest {
        from: sender(2),
        ..to(token, transfer(sender(3), 1))
    };
    let Ok(GasEstimate::Revert { output, status }) = question.estimate(&request) else {
        panic!("it reverts")
    };
    assert_eq!(status, althing_execution::status::REVERT);
    assert_eq!(
        decode_revert_reason(&output).as_deref(),
        Some("ERC20: transfer amount exceeds balance")
    );
    let question = Question::of(state_with(&[(place(1), LOOP), (place(2), &hex!("fe"))]));
    let request = CallRequest {
        gas: Some(90_000),
        ..to(place(1), Vec::new())
    };
    assert_eq!(
        question.estimate(&request),
        Err(CallError::Allowance { allowance: 90_000 })
    );
    let Ok(GasEstimate::Halt(halt)) = question.estimate(&to(place(2), Vec::new())) else {
        panic!("it halts")
    };
    assert_eq!(halt.status, status::BAD_INSTRUCTION);
}

#[test]
fn an_access_list_names_what_a_call_loads_beside_its_ends() {
    let question = Question::of(state_with(&[(place(1), STORE), (place(2), &proxy(place(1)))]));
    let request = to(place(2), words(&[3, 4, 0]));
    let outcome = question.ask(|context| create_access_list(context, &request)).unwrap();
    let item = AccessListItem {
        address: place(1),
        storage_keys: vec![word(3).into()],
    };
    assert_eq!(
        (outcome.access_list.clone(), outcome.error),
        (AccessList(vec![item]), None)
    );
    let with_list = CallRequest {
        access_list: outcome.access_list,
        ..request
    };
    let Ok(CallOutcome::Success { gas_used, .. }) = question.call(&with_list) else {
        panic!("it succeeds")
    };
    assert_eq!(gas_used, outcome.gas_used);
    // A creation's own account is no entry, and a failing call still has a list.
    let creation = CallRequest {
        to: None,
        input: init_code(STORE).into(),
        ..CallRequest::default()
    };
    let outcome = question.ask(|context| create_access_list(context, &creation)).unwrap();
    assert_eq!(outcome.access_list, AccessList::default());
    let reverting = to(place(2), words(&[3, 4, 1]));
    let outcome = question.ask(|context| create_access_list(context, &reverting)).unwrap();
    assert_eq!(outcome.error.as_deref(), Some("execution reverted"));
    assert_eq!(outcome.access_list.0.len(), 1);
}

#[test]
fn intrinsic_gas_counts_base_bytes_and_creation() {
    let plain = Tx::call(sender(1), 0, place(1), Vec::new()).make();
    assert_eq!(intrinsic_gas(&rules(), &plain.transaction), 21_000);
    // EIP-7623: ten gas per token, four tokens per byte that is not zero.
    let data = Tx::call(sender(1), 0, place(1), vec![1, 0]).make();
    assert_eq!(intrinsic_gas(&rules(), &data.transaction), 21_000 + 50);
    let creation = Tx::create(sender(1), 0, vec![0x5f]).make();
    assert_eq!(intrinsic_gas(&rules(), &creation.transaction), 53_000 + 16 + 2);
}
