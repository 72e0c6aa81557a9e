//! Rights in a running group, as clients of both kinds see them. The group has no committee: one call is enough.

use alloy_primitives::{Address, TxKind, address, hex};
use alloy_sol_types::{SolCall, sol};
use serde_json::{Value, json};

use super::account::Account;
use super::folder::{Folder, genesis};
use super::running::Running;
use super::voted::{receipt, start};

sol! {
    function freeze(address target) returns (int256);
    function unfreeze(address target) returns (int256);
    function freezeAccount(address account) returns (int256);
    function insert(string table, string account) returns (int256);
    function addObserver(string node) returns (int256);
}

const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");
const PERMISSION: Address = address!("0000000000000000000000000000000000001005");
const LIFE_CYCLE: Address = address!("0000000000000000000000000000000000001007");
const CHAIN_GOVERNANCE: Address = address!("0000000000000000000000000000000000001008");
/// Initialisation code of a contract that writes `calldata[32]` to the slot `calldata[0]`.
const STORE: [u8; 17] = hex!("6007600a5f3960075ff36020355f355500");
const GAS: u64 = 5_000_000;

/// What FISCO's clients read of a receipt, once there is one: status, its name, the output.
fn fisco_receipt(running: &Running, hash: &Value) -> (String, String, String) {
    let mut found = Value::Null;
    running.until("the transaction is in a block", |running| {
        found = running.ask("getTransactionReceipt", json!([1, hash]))["result"].clone();
        !found.is_null()
    });
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    let said = hex::decode(text("output")).unwrap();
    (
        text("status"),
        text("statusMsg"),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// A transaction that lacks a right: in a block, failed for both kinds of clients, and with a sentence.
fn refused(running: &Running, hash: &Value, status: &str, name: &str, words: &str) {
    let (found, found_name, said) = fisco_receipt(running, hash);
    assert_eq!((found.as_str(), found_name.as_str()), (status, name));
    assert!(said.contains(words), "{said}");
    let receipt = running.ask("eth_getTransactionReceipt", json!([hash]))["result"].clone();
    assert_eq!(receipt["status"], "0x0", "{receipt}");
    assert_eq!(receipt["logs"], json!([]));
}

fn deploy(running: &Running, account: &mut Account<'_>) -> Address {
    let hash = account.send_to(TxKind::Create, STORE.to_vec(), GAS).unwrap();
    let contract = receipt(running, &hash)["contractAddress"].clone();
    contract.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_frozen_contract_is_refused_to_both_kinds_of_clients_until_its_manager_undoes_it() {
    let folder = Folder::new();
    let running = start(&folder);
    let (mut manager, mut other) = (Account::new(&running, 1), Account::new(&running, 2));
    let contract = deploy(&running, &mut manager);
    let stranger = other
        .send(LIFE_CYCLE, freezeCall { target: contract }.abi_encode(), GAS)
        .unwrap();
    // FISCO's code -51905, as a number of 32 bytes.
    receipt(&running, &stranger);
    let output = running.ask("getTransactionReceipt", json!([1, stranger]))["result"]["output"].clone();
    assert!(output.as_str().unwrap().ends_with("ffff353f"), "{output}");

    let freeze = manager.send(LIFE_CYCLE, freezeCall { target: contract }.abi_encode(), GAS);
    receipt(&running, &freeze.unwrap());
    let hash = other.send(contract, vec![0; 64], GAS).unwrap();
    let named = format!("contract {contract:#x} is frozen; one of its managers");
    refused(&running, &hash, "0x1e", "ContractFrozen", &named);

    let call = json!({"from": other.address(), "to": contract, "data": "0x"});
    for (method, params) in [
        ("eth_call", json!([call, "latest"])),
        ("eth_estimateGas", json!([call])),
    ] {
        let error = running.ask(method, params)["error"].clone();
        assert_eq!(error["code"], 3, "{error}");
        assert!(error["message"].as_str().unwrap().contains(&named), "{error}");
    }
    let answer = running.ask("call", json!([1, call]))["result"].clone();
    assert_eq!(answer["status"], "0x1e", "{answer}");

    let undo = manager.send(LIFE_CYCLE, unfreezeCall { target: contract }.abi_encode(), GAS);
    receipt(&running, &undo.unwrap());
    let hash = other.send(contract, vec![0; 64], GAS).unwrap();
    receipt(&running, &hash);
}

#[test]
fn rights_hold_after_a_restart_and_on_a_node_that_joins_later() {
    let one = Folder::new();
    let late = one.beside();
    late.write("conf/group.1.genesis", genesis(&[&one.node_id], 1));
    late.write(
        "nodes.json",
        format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", one.ports.p2p),
    );
    let running = start(&one);
    let (mut first, mut second) = (Account::new(&running, 1), Account::new(&running, 2));
    deploy(&running, &mut second);
    let frozen = freezeAccountCall {
        account: second.address(),
    };
    receipt(
        &running,
        &first.send(CHAIN_GOVERNANCE, frozen.abi_encode(), GAS).unwrap(),
    );
    let hash = second.send(Address::ZERO, vec![], GAS).unwrap();
    let named = format!("account {:#x} is frozen; a vote", second.address());
    refused(&running, &hash, "0x1f", "AccountFrozen", &named);
    let row = insertCall {
        table: "_sys_tables_".to_owned(),
        account: first.address().to_string(),
    };
    receipt(&running, &first.send(PERMISSION, row.abi_encode(), GAS).unwrap());
    let (first_nonce, second_nonce) = (first.nonce, second.nonce);
    drop(running);

    let running = start(&one);
    let (mut first, mut second) = (Account::new(&running, 1), Account::new(&running, 2));
    (first.nonce, second.nonce) = (first_nonce, second_nonce);
    let hash = second.send(Address::ZERO, vec![], GAS).unwrap();
    refused(&running, &hash, "0x1f", "AccountFrozen", &named);
    let mut third = Account::new(&running, 3);
    let hash = third.send_to(TxKind::Create, STORE.to_vec(), GAS).unwrap();
    let named = format!("account {:#x} may not deploy contracts", third.address());
    refused(&running, &hash, "0x19", "PermissionDenied", &named);
    deploy(&running, &mut first);

    let node = late.node_id.clone();
    let joined = first.send(CONSENSUS, addObserverCall { node }.abi_encode(), GAS);
    let head = receipt(&running, &joined.unwrap())["blockNumber"].clone();
    let late = Running::start(&late.file("config.ini"), late.ports);
    let block = |node: &Running| node.ask("getBlockHashByNumber", json!([1, head]))["result"].clone();
    late.until("it holds the chain", |late| block(late).is_string());
    assert_eq!(block(&late), block(&running));
}
