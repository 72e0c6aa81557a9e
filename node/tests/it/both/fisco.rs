//! FISCO's own transaction format on running nodes: sent, included once, and never again.

use alloy_primitives::{Address, TxKind, U256, address, hex};
use alloy_sol_types::{SolCall, sol};
use althing_types::FiscoRequest;
use serde_json::{Value, json};

use super::account::{self, Account, account_key};
use super::folder::{Folder, genesis};
use super::running::Running;
use super::voted::{number, receipt, start, two_sealers};

sol! {
    function addObserver(string node) returns (int256);
}

/// Returns its input.
const ECHO: &[u8] = &hex!("365f5f37365ff3");
const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");

fn account() -> Address {
    account_key(0x33).address()
}

/// A call that every group of these tests takes from its first block on.
fn request(random_id: u64, to: TxKind, input: &[u8]) -> FiscoRequest {
    FiscoRequest {
        random_id: U256::from(random_id),
        gas_price: U256::from(300_000_000),
        gas: U256::from(300_000_000),
        block_limit: 500,
        to,
        input: input.to_vec().into(),
        chain_id: 20_260,
        group_id: 1,
        ..FiscoRequest::default()
    }
}

fn call(random_id: u64) -> FiscoRequest {
    request(random_id, TxKind::Call(Address::repeat_byte(7)), b"")
}

/// Signed, in hex.
fn signed(request: FiscoRequest) -> String {
    account::signed(&*account_key(0x33), request)
}

/// The hash, or the error's message.
fn send(running: &Running, request: FiscoRequest) -> Result<Value, String> {
    let answer = running.ask("sendRawTransaction", json!([1, signed(request)]));
    match answer["error"]["message"].as_str() {
        Some(why) => Err(why.to_owned()),
        None => Ok(answer["result"].clone()),
    }
}

/// FISCO's receipt, once there is one.
fn fisco_receipt(running: &Running, hash: &Value) -> Value {
    let mut found = Value::Null;
    running.until("the transaction is in a block", |running| {
        found = running.ask("getTransactionReceipt", json!([1, hash]))["result"].clone();
        !found.is_null()
    });
    found
}

fn init_code(runtime: &[u8]) -> Vec<u8> {
    let length = u8::try_from(runtime.len()).unwrap();
    [&[0x60, length, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3], runtime].concat()
}

#[test]
fn a_contract_is_deployed_and_called_as_by_fiscos_sdk() {
    let folder = Folder::new();
    let running = start(&folder);
    let deployed = send(&running, request(1, TxKind::Create, &init_code(ECHO))).unwrap();
    let deployed = fisco_receipt(&running, &deployed);
    let contract = account().create(0);
    assert_eq!(deployed["status"], "0x0", "{deployed}");
    assert_eq!(deployed["contractAddress"], json!(contract));
    let called = send(&running, request(2, TxKind::Call(contract), &[5, 6])).unwrap();
    let receipt = fisco_receipt(&running, &called);
    assert_eq!(
        (&receipt["output"], &receipt["from"]),
        (&json!("0x0506"), &json!(account()))
    );
    let shown = running.ask("getTransactionByHash", json!([1, called]))["result"].clone();
    for (field, value) in [
        ("nonce", "0x2"),
        ("blockLimit", "0x1f4"),
        ("chainId", "0x4f24"),
        ("groupId", "0x1"),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    let shown = running.ask("eth_getTransactionByHash", json!([called]))["result"].clone();
    for (field, value) in [
        ("type", "0x0"),
        ("gasPrice", "0x0"),
        ("r", "0x0"),
        ("s", "0x0"),
        ("v", "0x0"),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    // Deployments count the account's nonce, calls do not.
    let nonce = running.ask("eth_getTransactionCount", json!([account(), "latest"]));
    assert_eq!(nonce["result"], "0x1");
}

#[test]
fn what_is_not_for_this_group_or_this_time_is_refused_by_fiscos_names() {
    let folder = Folder::new();
    let running = start(&folder);
    let head = number(&running.ask("getBlockNumber", json!([1]))["result"]);
    for (request, name) in [
        (FiscoRequest { chain_id: 1, ..call(1) }, "InvalidChainId"),
        (FiscoRequest { group_id: 2, ..call(1) }, "InvalidGroupId"),
        (
            FiscoRequest {
                block_limit: head,
                ..call(1)
            },
            "BlockLimitCheckFail",
        ),
        (
            FiscoRequest {
                block_limit: head + 1_001,
                ..call(1)
            },
            "BlockLimitCheckFail",
        ),
        (
            FiscoRequest {
                value: U256::from(1),
                ..call(1)
            },
            "NotEnoughCash",
        ),
    ] {
        let why = send(&running, request).unwrap_err();
        assert!(why.starts_with(&format!("{name}: ")), "{why}");
    }
    let hash = send(
        &running,
        FiscoRequest {
            block_limit: head + 1_000,
            ..call(1)
        },
    )
    .unwrap();
    assert_eq!(fisco_receipt(&running, &hash)["status"], "0x0");
}

#[test]
fn what_was_included_is_refused_before_and_after_a_restart() {
    let folder = Folder::new();
    let running = start(&folder);
    for id in 1..=20 {
        let hash = send(&running, call(id)).unwrap();
        fisco_receipt(&running, &hash);
    }
    let refuses = |running: &Running| {
        for request in [call(3), request(3, TxKind::Create, b""), call(20)] {
            let why = send(running, request).unwrap_err();
            assert!(why.starts_with("NonceCheckFail: "), "{why}");
        }
    };
    refuses(&running);
    drop(running);
    let running = start(&folder);
    refuses(&running);
    let hash = send(&running, call(21)).unwrap();
    assert_eq!(fisco_receipt(&running, &hash)["status"], "0x0");
}

#[test]
fn a_node_that_joins_later_knows_what_was_used_before() {
    let one = Folder::new();
    let other = one.beside();
    other.write("conf/group.1.genesis", genesis(&[&one.node_id], 1));
    other.write(
        "nodes.json",
        format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", one.ports.p2p),
    );
    let running = start(&one);
    let hash = send(&running, call(1)).unwrap();
    fisco_receipt(&running, &hash);
    let node = other.node_id.clone();
    let observer = addObserverCall { node }.abi_encode();
    let hash = send(&running, request(2, TxKind::Call(CONSENSUS), &observer)).unwrap();
    let head = fisco_receipt(&running, &hash)["blockNumber"].clone();
    let late = Running::start(&other.file("config.ini"), other.ports);
    let block = |node: &Running| node.ask("getBlockHashByNumber", json!([1, head]))["result"].clone();
    late.until("it holds the chain", |late| block(late).is_string());
    assert_eq!(block(&late), block(&running));
    let why = send(&late, call(1)).unwrap_err();
    assert!(why.starts_with("NonceCheckFail: "), "{why}");
    // What an observer is handed reaches the sealer.
    let hash = send(&late, call(3)).unwrap();
    assert_eq!(fisco_receipt(&running, &hash)["status"], "0x0");
    assert_eq!(fisco_receipt(&late, &hash)["status"], "0x0");
}

#[test]
fn two_sealers_gossip_and_agree_on_blocks_of_every_format_that_accounts_sign() {
    let (_folders, nodes) = two_sealers();
    let mut ethereum = Account::new(&nodes[0], 1);
    let mut hashes = Vec::new();
    let mut has_both = false;
    for round in 0..5_u64 {
        // One batch enters the pool at once, so that all of it waits for the same block.
        let mut raw: Vec<String> = (0..4).map(|n| signed(call(round * 4 + n))).collect();
        raw.push(ethereum.sign(TxKind::Call(Address::ZERO), vec![], 21_000));
        ethereum.nonce += 1;
        let question = |(id, raw): (usize, &String)| json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]});
        let batch: Vec<Value> = raw.iter().enumerate().map(question).collect();
        let node = &nodes[usize::from(round % 2 == 1)];
        let answers = node.ask_together(&Value::Array(batch));
        let sent: Vec<Value> = answers
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["result"].clone())
            .collect();
        assert!(sent.iter().all(Value::is_string), "{answers}");
        let heights: Vec<Value> = sent
            .iter()
            .map(|hash| receipt(node, hash)["blockNumber"].clone())
            .collect();
        has_both |= heights.iter().take(4).any(|height| *height == heights[4]);
        hashes.extend(sent);
    }
    assert!(has_both, "no block held transactions of both accounts");
    for hash in &hashes {
        assert_eq!(receipt(&nodes[0], hash), receipt(&nodes[1], hash));
    }
    for node in &nodes {
        let why = send(node, call(7)).unwrap_err();
        assert!(why.starts_with("NonceCheckFail: "), "{why}");
    }
}
