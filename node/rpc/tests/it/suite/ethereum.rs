//! Ethereum's methods: shapes and words that its tools depend on.

use althing_rpc::Limits;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::chain::{CHAIN_ID, FROZEN, LARGE, REVERTS, RICH, TOKEN, TRANSFER, access_list, dynamic_fee, legacy};
use super::server::{TestServer, start};

async fn server() -> TestServer {
    start(Limits::default()).await
}

fn raw(recovered: &althing_types::Recovered) -> Value {
    json!([recovered.transaction.raw()])
}

#[tokio::test]
async fn a_block_has_every_field_its_readers_need() {
    let server = server().await;
    assert_json_snapshot!(
        "block_with_hashes",
        server.result("eth_getBlockByNumber", json!(["0x1", false])).await
    );
    assert_json_snapshot!(
        "block_with_objects",
        server.result("eth_getBlockByNumber", json!(["0x1", true])).await
    );
    assert_json_snapshot!(
        "block_0",
        server.result("eth_getBlockByNumber", json!(["earliest", false])).await
    );
}

#[tokio::test]
async fn a_block_is_found_by_tag_number_and_hash_and_an_unknown_one_is_null() {
    let server = server().await;
    let head = server.result("eth_getBlockByNumber", json!(["latest", false])).await;
    for tag in ["pending", "safe", "finalized", "0x2"] {
        assert_eq!(
            server.result("eth_getBlockByNumber", json!([tag, false])).await,
            head,
            "{tag}"
        );
    }
    let by_hash = server.result("eth_getBlockByHash", json!([head["hash"], false])).await;
    assert_eq!(by_hash, head);
    assert_eq!(
        server.result("eth_getBlockByNumber", json!(["0x3", false])).await,
        Value::Null
    );
    assert_eq!(
        server.result("eth_getBlockByHash", json!([TRANSFER, false])).await,
        Value::Null
    );
    assert_eq!(
        server
            .result("eth_getBlockTransactionCountByNumber", json!(["0x1"]))
            .await,
        "0x3"
    );
    assert_eq!(
        server
            .result("eth_getBlockTransactionCountByHash", json!([TRANSFER]))
            .await,
        Value::Null
    );
    assert_eq!(
        server.result("eth_getUncleCountByBlockNumber", json!(["0x1"])).await,
        "0x0"
    );
    assert_eq!(
        server
            .result("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"]))
            .await,
        Value::Null
    );
}

#[tokio::test]
async fn receipts_name_contract_events_and_price() {
    let server = server().await;
    assert_json_snapshot!(
        "block_receipts",
        server.result("eth_getBlockReceipts", json!(["0x1"])).await
    );
    let failed = dynamic_fee(3, Some(REVERTS)).transaction.hash();
    assert_json_snapshot!(
        "failed_receipt",
        server.result("eth_getTransactionReceipt", json!([failed])).await
    );
    let second = access_list(2).transaction.hash();
    let alone = server.result("eth_getTransactionReceipt", json!([second])).await;
    let together = server.result("eth_getBlockReceipts", json!(["0x1"])).await;
    assert_eq!(alone, together[2]);
    assert_eq!(
        server.result("eth_getTransactionReceipt", json!([TRANSFER])).await,
        Value::Null
    );
    assert_eq!(server.result("eth_getBlockReceipts", json!(["0x9"])).await, Value::Null);
}

#[tokio::test]
async fn a_transaction_is_the_same_by_hash_and_by_place() {
    let server = server().await;
    let hash = dynamic_fee(1, None).transaction.hash();
    let by_hash = server.result("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(by_hash["gasPrice"], "0x0", "a mined transaction shows what it paid");
    let by_number = server
        .result("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x1"]))
        .await;
    assert_eq!(by_number, by_hash);
    let block_hash = &by_hash["blockHash"];
    let by_block_hash = server
        .result("eth_getTransactionByBlockHashAndIndex", json!([block_hash, "0x1"]))
        .await;
    assert_eq!(by_block_hash, by_hash);
    assert_eq!(
        server
            .result("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x3"]))
            .await,
        Value::Null
    );
    assert_eq!(
        server.result("eth_getTransactionByHash", json!([TRANSFER])).await,
        Value::Null
    );
    let raw = server.result("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(raw, json!(dynamic_fee(1, None).transaction.raw()));
    let raw_by_place = server
        .result("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x1"]))
        .await;
    assert_eq!(raw_by_place, raw);
}

#[tokio::test]
async fn a_sent_transaction_is_visible_at_once_and_counted_as_pending() {
    let server = server().await;
    let sent = dynamic_fee(7, Some(TOKEN));
    let hash = server.result("eth_sendRawTransaction", raw(&sent)).await;
    assert_eq!(hash, json!(sent.transaction.hash()));
    assert_json_snapshot!(
        "pending_transaction",
        server.result("eth_getTransactionByHash", json!([hash])).await
    );
    assert_eq!(
        server.result("eth_getTransactionReceipt", json!([hash])).await,
        Value::Null
    );
    assert_eq!(
        server.result("eth_getTransactionCount", json!([RICH, "latest"])).await,
        "0x4"
    );
    assert_eq!(
        server.result("eth_getTransactionCount", json!([RICH, "pending"])).await,
        "0x5"
    );
    assert_eq!(
        server.result("txpool_status", json!([])).await,
        json!({"pending": "0x1", "queued": "0x0"})
    );
    assert_json_snapshot!("pool_content", server.result("txpool_content", json!([])).await);
    assert_json_snapshot!(
        "pool_content_from",
        server.result("txpool_contentFrom", json!([RICH])).await
    );
    assert_json_snapshot!("pool_inspect", server.result("txpool_inspect", json!([])).await);
}

#[tokio::test]
async fn refusals_use_the_words_that_tools_match() {
    let server = server().await;
    let sent = dynamic_fee(7, Some(TOKEN));
    server.result("eth_sendRawTransaction", raw(&sent)).await;
    let (code, message, _) = server.error("eth_sendRawTransaction", raw(&sent)).await;
    assert_eq!((code, message.as_str()), (-32000, "already known"));
    let (code, message, _) = server.error("eth_sendRawTransaction", json!(["0x01"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("a transaction is malformed"), "{message}");
    assert_eq!(server.error("eth_sendRawTransaction", json!(["xyz"])).await.0, -32602);
    assert_eq!(server.error("eth_sendRawTransaction", json!([])).await.0, -32602);
}

#[tokio::test]
async fn a_batch_of_transactions_is_answered_in_order_beside_other_questions() {
    let server = server().await;
    let question =
        |id: u64, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let batch = json!([
        question(1, "eth_sendRawTransaction", raw(&legacy(10))),
        question(2, "eth_chainId", json!([])),
        question(3, "eth_sendRawTransaction", json!(["0x"])),
        question(4, "eth_sendRawTransaction", raw(&legacy(11))),
        {"jsonrpc": "2.0", "method": "eth_chainId"},
        {"id": 6},
        question(7, "eth_nothing", json!([])),
    ]);
    let (status, answers) = server.post("/", batch.to_string()).await;
    assert_eq!(status, 200);
    let answers = answers.as_array().unwrap();
    let ids: Vec<_> = answers.iter().map(|a| a["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 6, 7], "a notification has no answer");
    assert_eq!(answers[0]["result"], json!(legacy(10).transaction.hash()));
    assert_eq!(answers[1]["result"], json!(format!("{CHAIN_ID:#x}")));
    assert_eq!(answers[2]["error"]["code"], -32000);
    assert_eq!(answers[3]["result"], json!(legacy(11).transaction.hash()));
    assert_eq!(answers[4]["error"]["code"], -32600);
    assert_eq!(answers[5]["error"]["code"], -32601);
}

#[tokio::test]
async fn parameters_may_be_missing_null_or_empty() {
    let server = server().await;
    for params in ["", r#","params":null"#, r#","params":[]"#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":"a","method":"eth_chainId"{params}}}"#);
        let (_, answer) = server.post("/", body).await;
        assert_eq!(
            answer,
            json!({"jsonrpc": "2.0", "id": "a", "result": format!("{CHAIN_ID:#x}")}),
            "{params}"
        );
    }
}

#[tokio::test]
async fn methods_that_would_mislead_tools_do_not_exist() {
    let server = server().await;
    for method in [
        "eth_fillTransaction",
        "hardhat_metadata",
        "hardhat_getAutomine",
        "eth_sendTransaction",
        "eth_signTransaction",
        "eth_sign",
        "personal_unlockAccount",
        "",
    ] {
        let (code, message, _) = server.error(method, json!([])).await;
        assert_eq!(code, -32601, "{method}: {message}");
        assert!(message.contains("does not exist/is not available"));
    }
}

#[tokio::test]
async fn gas_is_free_and_the_methods_that_say_so_exist() {
    let server = server().await;
    assert_eq!(server.result("eth_gasPrice", json!([])).await, "0x0");
    assert_eq!(server.result("eth_maxPriorityFeePerGas", json!([])).await, "0x0");
    assert_json_snapshot!(
        "fee_history",
        server
            .result("eth_feeHistory", json!(["0xa", "latest", [20, 50.5]]))
            .await
    );
    for count in [json!(2), json!("2"), json!("0x2")] {
        let history = server.result("eth_feeHistory", json!([count, "0x2"])).await;
        assert_eq!(history["oldestBlock"], "0x1");
        assert_eq!(history["baseFeePerGas"], json!(["0x0", "0x0", "0x0"]));
        assert!(history.get("reward").is_none());
    }
    assert_eq!(
        server.error("eth_feeHistory", json!([1, "latest", [50, 20]])).await.0,
        -32602
    );
    assert_eq!(
        server.error("eth_feeHistory", json!([1, "latest", [101]])).await.0,
        -32602
    );
}

#[tokio::test]
async fn a_revert_carries_code_3_the_reason_and_hex_data() {
    let server = server().await;
    for method in ["eth_call", "eth_estimateGas"] {
        let (code, message, data) = server.error(method, json!([{"to": REVERTS}])).await;
        assert_eq!((code, message.as_str()), (3, "execution reverted: too little"));
        assert!(data.as_str().unwrap().starts_with("0x08c379a0"), "{data}");
    }
}

#[tokio::test]
async fn a_frozen_contract_is_an_error_that_clients_understand() {
    let server = server().await;
    for method in ["eth_call", "eth_estimateGas"] {
        let (code, message, _) = server.error(method, json!([{"to": FROZEN}])).await;
        assert_eq!(
            (code, message.as_str()),
            (3, "execution reverted: contract 0xdd is frozen")
        );
    }
}

#[tokio::test]
async fn a_call_takes_input_data_overrides_and_unknown_keys() {
    let server = server().await;
    let call =
        json!({"from": RICH, "to": TOKEN, "data": "0x0102", "input": "0x0102", "gasPrice": "0x0", "type": "0x2"});
    assert_eq!(server.result("eth_call", json!([call])).await, "0x0102");
    let head = server.result("eth_getBlockByNumber", json!(["latest", false])).await;
    let at_hash = json!({"blockHash": head["hash"], "requireCanonical": true});
    assert_eq!(server.result("eth_call", json!([call, at_hash])).await, "0x0102");
    let state = json!({RICH.to_string(): {"balance": "0x2a"}});
    let balance = server.result("eth_call", json!([call, "latest", state])).await;
    assert_eq!(balance, format!("{:#066x}", 42));
    let number = server
        .result("eth_call", json!([call, "latest", null, {"number": "0x64"}]))
        .await;
    assert_eq!(number, format!("{:#066x}", 100));
    assert_eq!(
        server.result("eth_estimateGas", json!([call, "pending"])).await,
        "0x7530"
    );
    assert_json_snapshot!(
        "access_list",
        server.result("eth_createAccessList", json!([call])).await
    );
    assert_json_snapshot!(
        "failed_access_list",
        server.result("eth_createAccessList", json!([{"to": REVERTS}])).await
    );
    assert_eq!(
        server
            .result("eth_call", json!([{"to": LARGE}]))
            .await
            .as_str()
            .unwrap()
            .len(),
        200_002
    );
}

#[tokio::test]
async fn state_is_read_at_any_kept_block_and_a_pruned_one_says_so() {
    let server = server().await;
    assert_eq!(
        server.result("eth_getBalance", json!([RICH, "latest"])).await,
        "0xf4240"
    );
    assert_eq!(server.result("eth_getBalance", json!([TOKEN])).await, "0x0");
    assert_eq!(server.result("eth_getCode", json!([TOKEN, "0x1"])).await, "0x6080");
    assert_eq!(
        server
            .result("eth_getCode", json!([RICH, {"blockNumber": "0x1"}]))
            .await,
        "0x"
    );
    assert_eq!(
        server.result("eth_getStorageAt", json!([TOKEN, "0x5", "latest"])).await,
        format!("{:#066x}", 6)
    );
    let long = format!("{:#066x}", 5);
    assert_eq!(
        server.result("eth_getStorageAt", json!([TOKEN, long])).await,
        format!("{:#066x}", 6)
    );
    let (code, message, _) = server.error("eth_getBalance", json!([RICH, "0x0"])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("missing state"), "{message}");
    let (code, message, _) = server.error("eth_getBalance", json!([RICH, "0x10"])).await;
    assert_eq!(
        (code, message.as_str()),
        (-32000, "header not found: block 16 is above the head, 2")
    );
    assert_eq!(
        server
            .error("eth_getBalance", json!([RICH, {"blockHash": TRANSFER}]))
            .await
            .0,
        -32000
    );
    assert_eq!(server.error("eth_getBalance", json!(["0x12"])).await.0, -32602);
}

#[tokio::test]
async fn a_proof_exists_where_the_state_is_a_trie() {
    let server = server().await;
    let params = json!([RICH, ["0x1", format!("{:#066x}", 2)], "latest"]);
    let answer = server.ask_at("/group/2", "eth_getProof", params.clone()).await;
    assert_json_snapshot!("proof", answer["result"]);
    let (code, message, _) = server.error("eth_getProof", params).await;
    assert_eq!(code, -32004);
    assert!(message.contains("state: Storage"), "{message}");
}

#[tokio::test]
async fn events_are_found_by_range_hash_address_and_topic() {
    let server = server().await;
    let all = server
        .result("eth_getLogs", json!([{"fromBlock": "earliest", "toBlock": "latest"}]))
        .await;
    assert_json_snapshot!("logs", all);
    let filter = json!([{"fromBlock": "0x0", "address": [TOKEN], "topics": [[TRANSFER], null, null]}]);
    assert_eq!(server.result("eth_getLogs", filter).await, all);
    let hash = &all[0]["blockHash"];
    assert_eq!(
        server.result("eth_getLogs", json!([{"blockHash": hash}])).await,
        json!([all[0]])
    );
    for none in [
        json!({"fromBlock": "0x0", "address": RICH}),
        json!({"fromBlock": "0x0", "topics": [null, TRANSFER]}),
        // These events have three topics: a fourth place, though open, is one too many.
        json!({"fromBlock": "0x0", "topics": [null, null, null, null]}),
    ] {
        assert_eq!(server.result("eth_getLogs", json!([none])).await, json!([]));
    }
    assert_eq!(
        server.result("eth_getLogs", json!([{}])).await,
        json!([all[1]]),
        "without a range: the head"
    );
}

#[tokio::test]
async fn a_wrong_range_of_events_is_an_error_and_never_an_empty_answer() {
    let server = server().await;
    for (filter, code, words) in [
        (
            json!({"fromBlock": "0x2", "toBlock": "0x1"}),
            -32602,
            "invalid block range params",
        ),
        (
            json!({"fromBlock": "0x1", "toBlock": "0x9"}),
            -32602,
            "beyond current head block",
        ),
        (
            json!({"blockHash": TRANSFER, "fromBlock": "0x1"}),
            -32602,
            "cannot specify both",
        ),
        (json!({"blockHash": TRANSFER}), -32000, "unknown block"),
    ] {
        let (found, message, _) = server.error("eth_getLogs", json!([filter])).await;
        assert_eq!(found, code, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn node_and_chain_answer_old_tools_too() {
    let server = server().await;
    let mut answers = serde_json::Map::new();
    for method in [
        "net_version",
        "net_listening",
        "net_peerCount",
        "eth_chainId",
        "eth_protocolVersion",
        "eth_syncing",
        "eth_accounts",
        "eth_coinbase",
        "eth_mining",
        "eth_hashrate",
        "eth_blockNumber",
    ] {
        answers.insert(method.into(), server.result(method, json!([])).await);
    }
    assert_json_snapshot!("node", answers);
    let version = server.result("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("althing/v0.1.0/"), "{version}");
    assert_eq!(
        server.result("web3_sha3", json!(["0x"])).await,
        "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    );
    let syncing = server.ask_at("/group/2", "eth_syncing", json!([])).await;
    assert_eq!(
        syncing["result"],
        json!({"startingBlock": "0x1", "currentBlock": "0x2", "highestBlock": "0x9"})
    );
}
