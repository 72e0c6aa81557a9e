//! The ledger's contracts are called by the selectors of Keccak-256 and of SM3, in every kind of group.

use alloy_sol_types::{SolCall, SolEvent, sol};
use althing_crypto::{SmSuite, Suite};
use althing_execution::{
    CHAIN_GOVERNANCE, CONSENSUS, GOVERNANCE, LIFE_CYCLE, PERMISSION, SYSTEM_CONFIG, calls_recover,
    decode_revert_reason, status,
};
use althing_governance::Role;
use althing_governance::abi::{advanceCall, recoverCall};
use althing_types::{Address, B256};

use super::compilers::called;
use super::support::*;
use super::system::{Chain, node};

sol! {
    function addObserver(string node) returns (int256);
    function getValueByKey(string key) view returns (string, int256);
    function queryByName(string table) view returns (string);
    function freeze(address target) returns (int256);
    function listOperators() view returns (string);
    function queryThreshold() view returns (int256);
    event Voted(address indexed account, bytes32 indexed id);
}

fn by_sm3<C: SolCall>(call: &C) -> Vec<u8> {
    called(SmSuite.hash_fn(), call)
}

#[test]
fn a_vote_by_either_selector_is_the_same_vote() {
    let mut chain = Chain::new();
    let vote = addObserverCall {
        node: node(7).to_string(),
    };
    assert_eq!(chain.code(1, CONSENSUS, by_sm3(&vote)), 0);
    assert_eq!(chain.code(2, CONSENSUS, vote.abi_encode()), 0);
    assert_eq!(chain.code(3, CONSENSUS, by_sm3(&vote)), 1);
    assert_eq!(chain.group().role(&node(7)), Role::Observer);
}

#[test]
fn every_contract_of_the_ledger_answers_to_both() {
    let mut chain = Chain::new();
    let key = "tx_count_limit".to_owned();
    let table = "_sys_tables_".to_owned();
    let target = place(1);
    let id = B256::ZERO;
    let calls: [(Address, [Vec<u8>; 2]); 6] = [
        (SYSTEM_CONFIG, both(&getValueByKeyCall { key })),
        (PERMISSION, both(&queryByNameCall { table })),
        (LIFE_CYCLE, both(&freezeCall { target })),
        (CHAIN_GOVERNANCE, both(&listOperatorsCall {})),
        (CHAIN_GOVERNANCE, both(&queryThresholdCall {})),
        (GOVERNANCE, both(&advanceCall { id })),
    ];
    for (contract, inputs) in calls {
        let [by_keccak, by_sm3] = inputs.map(|input| {
            // A contract that the caller may not freeze, and a change that nobody knows: refused, and not unknown.
            let (status, output, _) = chain.call(sender(9), contract, input);
            (status, output)
        });
        assert_eq!(by_keccak.0, status::OK);
        assert_eq!(by_keccak, by_sm3, "{contract}");
    }
}

fn both<C: SolCall>(call: &C) -> [Vec<u8>; 2] {
    [call.abi_encode(), by_sm3(call)]
}

#[test]
fn a_recovery_is_known_by_both_before_anything_is_executed() {
    let document = vec![1, 2, 3].into();
    for input in both(&recoverCall { document }) {
        let transaction = Tx::call(sender(1), 0, GOVERNANCE, input).make();
        assert!(calls_recover(&transaction.transaction));
    }
}

#[test]
fn events_of_the_ledger_and_its_refusals_are_named_by_the_hash_of_the_evm() {
    let mut chain = Chain::new();
    let vote = addObserverCall {
        node: node(7).to_string(),
    };
    let (_, _, executed) = chain.call(sender(1), CONSENSUS, vote.abi_encode());
    let topics = executed.receipts[0].logs[0].topics().to_vec();
    assert_eq!(topics[0], evm_hash(Voted::SIGNATURE.as_bytes()));
    assert_eq!(topics[1], to_b256(sender(1)));

    let contract = chain.deploy(sender(7), STORE);
    assert_eq!(
        chain.code(1, LIFE_CYCLE, freezeCall { target: contract }.abi_encode()),
        1
    );
    let (status, output, _) = chain.call(sender(7), contract, words(&[1, 2]));
    assert_eq!(status, status::CONTRACT_FROZEN);
    assert_eq!(output[..4], evm_hash(b"Error(string)")[..4]);
    assert!(decode_revert_reason(&output).unwrap().contains("is frozen"));
}
