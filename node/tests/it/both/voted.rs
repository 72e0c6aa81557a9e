//! The system configuration, changed by votes in a running group. The group has no committee: one call is enough.

use std::path::Path;

use alloy_primitives::{Address, I256, TxKind, address, hex};
use alloy_sol_types::{SolCall, SolValue, sol};
use serde_json::{Value, json};

use super::account::Account;
use super::folder::{Folder, genesis};
use super::running::Running;

sol! {
    function setValueByKey(string key, string value) returns (int256);
    function getValueByKey(string key) view returns (string, int256);
    function addObserver(string node) returns (int256);
}

const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000001000");
const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");

/// The receipt of a call that sets a value.
pub(crate) fn set_value(account: &mut Account<'_>, key: &str, value: &str) -> Value {
    let hash = account.send(SYSTEM_CONFIG, set(key, value), 5_000_000).unwrap();
    receipt(account.running, &hash)
}

fn set(key: &str, value: &str) -> Vec<u8> {
    let (key, value) = (key.to_owned(), value.to_owned());
    setValueByKeyCall { key, value }.abi_encode()
}

pub(crate) fn receipt(running: &Running, hash: &Value) -> Value {
    let mut found = Value::Null;
    running.until("the transaction is in a block", |running| {
        found = running.ask("eth_getTransactionReceipt", json!([hash]))["result"].clone();
        !found.is_null()
    });
    assert_eq!(found["status"], "0x1", "{found}");
    found
}

pub(crate) fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn call(running: &Running, input: Vec<u8>) -> Vec<u8> {
    let to = json!({"to": SYSTEM_CONFIG, "data": hex::encode_prefixed(input)});
    let answer = running.ask("eth_call", json!([to, "latest"]));
    hex::decode(answer["result"].as_str().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

fn system_config(running: &Running, key: &str) -> Value {
    running.ask("getSystemConfigByKey", json!([1, key]))["result"].clone()
}

/// Sends transactions of one account all at once, and gives how many the blocks hold that they are in.
fn sizes_of_blocks(account: &mut Account<'_>, count: usize) -> Vec<u64> {
    let running = account.running;
    let before = number(&running.ask("getBlockNumber", json!([1]))["result"]);
    let mut batch = Vec::new();
    for id in 0..count {
        let raw = account.sign(TxKind::Call(Address::ZERO), vec![], 21_000);
        batch.push(json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]}));
        account.nonce += 1;
    }
    // A batch enters the pool at once: nothing can be sealed before all are there.
    let answers = running.ask_together(&Value::Array(batch));
    let heights = answers.as_array().unwrap().iter();
    let heights = heights.map(|answer| number(&receipt(running, &answer["result"])["blockNumber"]));
    let end = heights.max().unwrap();
    let size = |height: u64| {
        let height = format!("{height:#x}");
        number(&running.ask("eth_getBlockTransactionCountByNumber", json!([height]))["result"])
    };
    (before + 1..=end).map(size).collect()
}

pub(crate) fn start(folder: &Folder) -> Running {
    let config: &Path = &folder.file("config.ini");
    let running = Running::start(config, folder.ports);
    running.until("ready", |running| running.page("/readyz") == "ready\n");
    running
}

#[test]
fn a_voted_tx_count_limit_holds_for_every_block_after_it_and_after_a_restart() {
    let folder = Folder::new();
    let running = start(&folder);
    assert_eq!(system_config(&running, "tx_count_limit"), "1000");
    let mut account = Account::new(&running, 1);
    assert_eq!(sizes_of_blocks(&mut account, 7), [7]);
    let voted_in = number(&set_value(&mut account, "tx_count_limit", "2")["blockNumber"]);
    assert_eq!(system_config(&running, "tx_count_limit"), "2");
    let get = getValueByKeyCall {
        key: "tx_count_limit".to_owned(),
    };
    let (value, since) = <(String, I256)>::abi_decode_params(&call(&running, get.abi_encode())).unwrap();
    assert_eq!((value.as_str(), since), ("2", I256::unchecked_from(voted_in + 1)));
    assert_eq!(sizes_of_blocks(&mut account, 7), [2, 2, 2, 1]);
    let nonce = account.nonce;
    drop(running);
    let running = start(&folder);
    assert_eq!(system_config(&running, "tx_count_limit"), "2");
    let mut account = Account::new(&running, 1);
    account.nonce = nonce;
    assert_eq!(sizes_of_blocks(&mut account, 5), [2, 2, 1]);
}

#[test]
fn a_voted_tx_gas_limit_holds_for_headers() {
    let folder = Folder::new();
    let running = start(&folder);
    let mut account = Account::new(&running, 1);
    set_value(&mut account, "tx_gas_limit", "10000000");
    assert_eq!(system_config(&running, "tx_gas_limit"), "10000000");
    let hash = account.send(Address::ZERO, vec![], 10_000_000).unwrap();
    let height = receipt(&running, &hash)["blockNumber"].clone();
    let block = running.ask("eth_getBlockByNumber", json!([height, false]));
    assert_eq!(block["result"]["gasLimit"], "0x989680");
    set_value(&mut account, "consensus_timeout", "5");
    assert_eq!(system_config(&running, "consensus_timeout"), "5");
}

#[test]
fn a_value_that_a_key_does_not_take_gets_fisco_s_code() {
    let folder = Folder::new();
    let running = start(&folder);
    for (key, value) in [
        ("tx_count_limit", "0"),
        ("tx_count_limit", "many"),
        ("tx_count_limit", "100001"),
        ("tx_gas_limit", "1"),
        ("consensus_timeout", "4294967"),
        ("colour", "1"),
    ] {
        let code = I256::abi_decode(&call(&running, set(key, value))).unwrap();
        assert_eq!(code, I256::unchecked_from(-51_300), "{key} = {value}");
    }
    let mut account = Account::new(&running, 1);
    set_value(&mut account, "tx_count_limit", "0");
    assert_eq!(system_config(&running, "tx_count_limit"), "1000");
    assert_eq!(
        running.ask("getSystemConfigByKey", json!([1, "colour"]))["error"]["code"],
        -40008
    );
}

#[test]
fn a_node_that_joins_later_holds_each_block_to_what_was_in_force_then() {
    let one = Folder::new();
    let other = one.beside();
    other.write("conf/group.1.genesis", genesis(&[&one.node_id], 1));
    other.write(
        "nodes.json",
        format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", one.ports.p2p),
    );
    let running = start(&one);
    let mut account = Account::new(&running, 1);
    assert_eq!(sizes_of_blocks(&mut account, 7), [7]);
    set_value(&mut account, "tx_count_limit", "2");
    assert_eq!(sizes_of_blocks(&mut account, 5), [2, 2, 1]);
    set_value(&mut account, "tx_gas_limit", "20000000");
    set_value(&mut account, "tx_count_limit", "50");
    assert_eq!(sizes_of_blocks(&mut account, 7), [7]);
    let node = other.node_id.clone();
    let hash = account.send(CONSENSUS, addObserverCall { node }.abi_encode(), 5_000_000);
    let head = receipt(&running, &hash.unwrap())["blockNumber"].clone();
    let late = Running::start(&other.file("config.ini"), other.ports);
    let block = |node: &Running| node.ask("getBlockHashByNumber", json!([1, head]))["result"].clone();
    late.until("it holds the chain", |late| block(late).is_string());
    assert_eq!(block(&late), block(&running));
    for (key, value) in [("tx_count_limit", "50"), ("tx_gas_limit", "20000000")] {
        assert_eq!(system_config(&late, key), value);
    }
}

/// Two nodes that seal a group together, ready.
pub(crate) fn two_sealers() -> ([Folder; 2], [Running; 2]) {
    let one = Folder::new();
    let other = one.beside();
    let sealers = [one.node_id.as_str(), other.node_id.as_str()];
    for (folder, peer) in [(&one, &other), (&other, &one)] {
        folder.write("conf/group.1.genesis", genesis(&sealers, 1));
        folder.write(
            "nodes.json",
            format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", peer.ports.p2p),
        );
    }
    let nodes = [&one, &other].map(|folder| Running::start(&folder.file("config.ini"), folder.ports));
    for node in &nodes {
        node.until("ready", |node| node.page("/readyz") == "ready\n");
    }
    ([one, other], nodes)
}

#[test]
fn every_leader_of_a_group_is_held_to_what_was_voted_on() {
    let (_folders, nodes) = two_sealers();
    let mut account = Account::new(&nodes[0], 1);
    set_value(&mut account, "tx_count_limit", "2");
    let sizes = sizes_of_blocks(&mut account, 9);
    assert_eq!(sizes.iter().sum::<u64>(), 9);
    assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
    let head = nodes[0].ask("getBlockNumber", json!([1]))["result"].clone();
    let hash = |node: &Running| node.ask("getBlockHashByNumber", json!([1, head]))["result"].clone();
    nodes[1].until("both have the same blocks", |node| hash(node) == hash(&nodes[0]));
    let leaders: std::collections::BTreeSet<String> = (2..=number(&head))
        .map(|height| {
            let block = nodes[0].ask("eth_getBlockByNumber", json!([format!("{height:#x}"), false]));
            block["result"]["miner"].to_string()
        })
        .collect();
    assert_eq!(leaders.len(), 2, "{leaders:?}");
}
