//! A contract of FISCO's SM compiler on a ledger with `evmHash: sm3`: all that it hashes, in blocks and in questions.

use std::collections::BTreeMap;

use alloy_primitives::{I256, hex};
use alloy_sol_types::{SolCall, SolEvent, SolValue, sol};
use althing_crypto::{SmSuite, Suite};
use althing_execution::{
    AccountOverride, BlockOverrides, CallContext, CallOutcome, CallRequest, GasEstimate, StateOverrides, call,
    create_access_list, decode_revert_reason, estimate_gas, status,
};
use althing_governance::Wish;
use althing_types::{Address, B256, Bytes, StateReader, U256};

use crate::sm_evm::suite::compilers::called;
use crate::sm_evm::suite::support::*;
use crate::sm_evm::suite::system::{Chain, node};

sol! {
    event Moved(address indexed to, uint256 amount);
    function balances(address account) view returns (uint256);
    function push(uint256 value);
    function list(uint256 index) view returns (uint256);
    function move(address to, uint256 amount);
    function refuse() view;
    function hash(bytes data) view returns (bytes32);
    function observe(string node) returns (int256);
    function sm3(bytes data) view returns (bytes32);
    function child() returns (address, uint256);
    function knows(address target, address account) view returns (bool, bool);
}

fn sm3_of(bytes: &[u8]) -> B256 {
    (SmSuite.hash_fn())(bytes)
}

fn input<C: SolCall>(call: &C) -> Vec<u8> {
    called(SmSuite.hash_fn(), call)
}

/// A ledger with the contract.
fn deployed() -> (Chain, Address) {
    let mut chain = Chain::new();
    let creation = hex::decode(include_str!("fixtures/evm_hash/ledger.hex").trim()).unwrap();
    let (status, _, executed) = chain.transact(sender(7), None, creation);
    assert_eq!(status, status::OK);
    let contract = executed.receipts[0].contract_address().unwrap();
    assert_eq!(contract, created_by(sender(7), 0));
    (chain, contract)
}

fn ok<C: SolCall>(chain: &mut Chain, from: u8, contract: Address, call: &C) -> Bytes {
    let (status, output, _) = chain.call(sender(from), contract, input(call));
    assert_eq!(status, status::OK, "{}", C::SIGNATURE);
    output
}

#[test]
fn mappings_arrays_and_hashes_are_what_it_compiled_them_to_be() {
    let (mut chain, contract) = deployed();
    for value in [7, 8].map(U256::from) {
        ok(&mut chain, 7, contract, &pushCall { value });
    }
    let index = U256::from(1);
    assert_eq!(ok(&mut chain, 7, contract, &listCall { index })[..], word(8));
    let data = Bytes::from_static(b"abc");
    assert_eq!(ok(&mut chain, 7, contract, &hashCall { data })[..], sm3_of(b"abc")[..]);

    let (to, amount) = (sender(3), U256::from(40));
    let (_, _, executed) = chain.call(sender(7), contract, input(&moveCall { to, amount }));
    let log = &executed.receipts[0].logs[0];
    assert_eq!(log.topics(), [sm3_of(Moved::SIGNATURE.as_bytes()), to_b256(to)]);
    let account = to;
    assert_eq!(ok(&mut chain, 7, contract, &balancesCall { account })[..], word(40));
}

#[test]
fn its_reasons_are_read() {
    let (mut chain, contract) = deployed();
    let (status, output, _) = chain.call(sender(7), contract, input(&refuseCall {}));
    assert_eq!(status, status::REVERT);
    assert_eq!(output[..4], sm3_of(b"Error(string)")[..4]);
    assert_eq!(decode_revert_reason(&output).as_deref(), Some("x"));
}

#[test]
fn it_calls_contracts_of_the_ledger_and_whoever_signed_acts() {
    let (mut chain, contract) = deployed();
    let observe = observeCall {
        node: node(7).to_string(),
    };
    assert_eq!(ok(&mut chain, 1, contract, &observe)[..], I256::ZERO.abi_encode());
    let votes = chain.group();
    let wish = Wish::Role(node(7), althing_governance::Role::Observer);
    assert_eq!(votes.votes()[&wish.subject()].keys().collect::<Vec<_>>(), [&sender(1)]);
    let data = Bytes::from_static(b"abc");
    assert_eq!(ok(&mut chain, 7, contract, &sm3Call { data })[..], sm3_of(b"abc")[..]);
}

#[test]
fn what_it_creates_has_its_address_by_sm3_and_code_that_is_known_by_sm3() {
    let (mut chain, contract) = deployed();
    let output = ok(&mut chain, 7, contract, &childCall {});
    let (made, number) = <(Address, U256)>::abi_decode_params(&output).unwrap();
    // A contract begins with nonce 1 (EIP-161).
    assert_eq!((made, number), (created_by(contract, 1), U256::from(5)));
    let account = sender(7);
    for target in [contract, made] {
        let known = ok(&mut chain, 7, contract, &knowsCall { target, account });
        assert_eq!(<(bool, bool)>::abi_decode_params(&known), Ok((true, true)));
    }
}

#[test]
fn questions_are_answered_by_the_same_rules_as_blocks() {
    let (mut chain, contract) = deployed();
    ok(&mut chain, 7, contract, &pushCall { value: U256::from(7) });
    // The contract at an address where it is not, with nothing in it.
    let code_hash = chain.state.account(&contract).unwrap().unwrap().code_hash;
    let code = chain.state.code(&code_hash).unwrap();
    let pretended = Address::repeat_byte(0x77);
    let overridden = AccountOverride {
        code: Some(code),
        ..AccountOverride::default()
    };
    let overrides: StateOverrides = BTreeMap::from([(pretended, overridden)]);
    let (rules, block, unchanged) = (rules(), context(chain.height), BlockOverrides::default());
    let context = CallContext {
        rules: &rules,
        state: &chain.state,
        block: &block,
        state_overrides: &overrides,
        block_overrides: &unchanged,
        gas_cap: GAS,
        cancel: &NEVER,
    };
    let request = |to: Address, input: Vec<u8>| CallRequest {
        from: sender(7),
        to: Some(to),
        input: input.into(),
        ..CallRequest::default()
    };
    let answer = |request: &CallRequest| match call(&context, request).unwrap() {
        CallOutcome::Success { output, .. } => output,
        other => panic!("{other:?}"),
    };
    let read = request(contract, input(&listCall { index: U256::ZERO }));
    assert_eq!(answer(&read)[..], word(7));
    let slot = sm3_of(&word(1));
    let touched = create_access_list(&context, &read).unwrap();
    let of_contract = touched
        .access_list
        .0
        .iter()
        .find(|item| item.address == contract)
        .unwrap();
    assert!(
        of_contract.storage_keys.contains(&slot),
        "the array's first element is at the hash of its slot"
    );
    assert!(matches!(estimate_gas(&context, &read), Ok(GasEstimate::Gas(_))));
    let (target, account) = (pretended, sender(7));
    let knows = request(contract, input(&knowsCall { target, account }));
    assert_eq!(<(bool, bool)>::abi_decode_params(&answer(&knows)), Ok((true, true)));
    let child = request(contract, input(&childCall {}));
    let (made, _) = <(Address, U256)>::abi_decode_params(&answer(&child)).unwrap();
    assert_eq!(made, created_by(contract, 1));
}
