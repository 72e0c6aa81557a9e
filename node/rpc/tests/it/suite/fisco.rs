//! FISCO's methods: shapes and codes that its SDKs and console depend on.

use althing_rpc::Limits;
use althing_types::{FiscoRequest, FiscoSignature, U256};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::chain::{FROZEN, REVERTS, RICH, TOKEN, TRANSFER, access_list, dynamic_fee, node_id};
use super::server::start;
use super::transactions::{fisco, fisco_request, fisco_signed};

#[tokio::test]
async fn node_and_members_have_fiscos_shapes() {
    let server = start(Limits::default()).await;
    assert_json_snapshot!("fisco_version", server.result("getClientVersion", json!([])).await);
    assert_json_snapshot!("fisco_peers", server.result("getPeers", json!([1])).await);
    assert_eq!(server.result("getGroupList", json!([])).await, json!([1, 2]));
    assert_eq!(
        server.result("getNodeIDList", json!([1])).await,
        json!([node_id(1), node_id(2)])
    );
    assert_eq!(
        server
            .result("getGroupPeers", json!([1]))
            .await
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(
        server
            .result("getSealerList", json!([1]))
            .await
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(server.result("getObserverList", json!([1])).await, json!([node_id(5)]));
}

#[tokio::test]
async fn consensus_and_sync_have_fiscos_shapes() {
    let server = start(Limits::default()).await;
    assert_eq!(server.result("getPbftView", json!([1])).await, "0x5");
    assert_json_snapshot!("fisco_consensus", server.result("getConsensusStatus", json!([1])).await);
    assert_json_snapshot!(
        "fisco_consensus_raft",
        server.result("getConsensusStatus", json!([2])).await
    );
    assert_json_snapshot!("fisco_sync", server.result("getSyncStatus", json!([1])).await);
    for (key, value) in [
        ("tx_count_limit", "1000"),
        ("tx_gas_limit", "300000000"),
        ("consensus_timeout", "3"),
    ] {
        assert_eq!(server.result("getSystemConfigByKey", json!([1, key])).await, value);
    }
}

#[tokio::test]
async fn blocks_have_fiscos_shape_and_a_number_is_hex_decimal_text_or_json() {
    let server = start(Limits::default()).await;
    assert_eq!(server.result("getBlockNumber", json!([1])).await, "0x2");
    let block = server.result("getBlockByNumber", json!([1, "0x1", false])).await;
    assert_json_snapshot!("fisco_block", block);
    assert_json_snapshot!(
        "fisco_block_0",
        server.result("getBlockByNumber", json!([1, "0", false])).await
    );
    for number in [json!("1"), json!(1)] {
        assert_eq!(
            server.result("getBlockByNumber", json!([1, number, false])).await,
            block
        );
    }
    assert_eq!(
        server.result("getBlockByHash", json!([1, block["hash"], false])).await,
        block
    );
    assert_eq!(
        server.result("getBlockHashByNumber", json!([1, "0x1"])).await,
        block["hash"]
    );
    let full = server.result("getBlockByNumber", json!([1, "0x1", true])).await;
    assert_json_snapshot!("fisco_transactions", full["transactions"]);
    assert_eq!(
        server.result("getTotalTransactionCount", json!([1])).await,
        json!({"txSum": "0x5", "blockNumber": "0x2", "failedTxSum": "0x1"})
    );
}

#[tokio::test]
async fn transactions_and_receipts_have_fiscos_shapes() {
    let server = start(Limits::default()).await;
    let hash = access_list(2).transaction.hash();
    let by_hash = server.result("getTransactionByHash", json!([1, hash])).await;
    let by_number = server
        .result("getTransactionByBlockNumberAndIndex", json!([1, "0x1", "0x2"]))
        .await;
    assert_eq!(by_number, by_hash);
    let block_hash = &by_hash["blockHash"];
    let by_block_hash = server
        .result("getTransactionByBlockHashAndIndex", json!([1, block_hash, "2"]))
        .await;
    assert_eq!(by_block_hash, by_hash);
    assert_json_snapshot!(
        "fisco_receipt",
        server.result("getTransactionReceipt", json!([1, hash])).await
    );
    let created = dynamic_fee(1, None).transaction.hash();
    assert_json_snapshot!(
        "fisco_creation_receipt",
        server.result("getTransactionReceipt", json!([1, created])).await
    );
    let failed = dynamic_fee(3, Some(REVERTS)).transaction.hash();
    let receipt = server.result("getTransactionReceipt", json!([1, failed])).await;
    assert_eq!(
        (&receipt["status"], &receipt["statusMsg"]),
        (&json!("0x16"), &json!("RevertInstruction"))
    );
    assert_eq!(
        server.result("getTransactionByHash", json!([1, TRANSFER])).await,
        Value::Null
    );
    assert_eq!(
        server.result("getTransactionReceipt", json!([1, TRANSFER])).await,
        Value::Null
    );
}

#[tokio::test]
async fn the_pool_has_fiscos_shape() {
    let server = start(Limits::default()).await;
    assert_eq!(server.result("getPendingTxSize", json!([1])).await, "0x0");
    let sent = dynamic_fee(7, Some(TOKEN));
    server
        .result("eth_sendRawTransaction", json!([sent.transaction.raw()]))
        .await;
    assert_eq!(server.result("getPendingTxSize", json!([1])).await, "0x1");
    assert_json_snapshot!(
        "fisco_pending",
        server.result("getPendingTransactions", json!([1])).await
    );
}

#[tokio::test]
async fn a_call_answers_block_output_and_status() {
    let server = start(Limits::default()).await;
    let answer = server
        .result("call", json!([1, {"from": RICH, "to": TOKEN, "data": "0x0102"}]))
        .await;
    assert_eq!(
        answer,
        json!({"currentBlockNumber": "0x2", "output": "0x0102", "status": "0x0"})
    );
    let reverted = server
        .result("call", json!([1, {"from": RICH, "to": REVERTS, "data": "0x"}]))
        .await;
    assert_eq!(reverted["status"], "0x16");
    let frozen = server
        .result("call", json!([1, {"from": RICH, "to": FROZEN, "data": "0x"}]))
        .await;
    assert_eq!(frozen["status"], "0x1e");
    assert_eq!(server.result("getCode", json!([1, TOKEN])).await, "0x6080");
}

#[tokio::test]
async fn errors_have_fiscos_codes() {
    let server = start(Limits::default()).await;
    for (method, params, code) in [
        ("getBlockNumber", json!([7]), -40001),
        ("getBlockNumber", json!([0]), -40001),
        ("getBlockNumber", json!([99_999_999_999_u64]), -40001),
        ("getBlockNumber", json!([]), -32602),
        ("getBlockNumber", json!(["one"]), -32602),
        ("getBlockByHash", json!([1, TRANSFER, false]), -40003),
        ("getBlockByNumber", json!([1, "0x9", false]), -40004),
        ("getBlockHashByNumber", json!([1, "9"]), -40004),
        ("getTransactionByBlockNumberAndIndex", json!([1, "0x1", "0x3"]), -40005),
        ("call", json!([1, {"to": TOKEN, "data": "0x"}]), -40006),
        ("getPbftView", json!([2]), -40007),
        ("getSystemConfigByKey", json!([1, "colour"]), -40008),
        ("getSealerList", json!([8]), -40009),
        ("getSealerList", json!([9]), -40010),
        ("addPeers", json!([["127.0.0.1:30300"]]), -32601),
        ("generateGroup", json!([1]), -32602),
        ("startGroup", json!([1]), -100_001),
    ] {
        let (found, message, _) = server.error(method, params.clone()).await;
        assert_eq!(found, code, "{method} {params}: {message}");
    }
}

#[tokio::test]
async fn fiscos_methods_name_their_group_at_every_path() {
    let server = start(Limits::default()).await;
    let answer = server.ask_at("/group/2", "getSyncStatus", json!([1])).await;
    assert_eq!(answer["result"]["protocolId"], 65545);
}

#[tokio::test]
async fn a_transaction_in_fiscos_format_is_sent_by_both_methods_and_read_by_both_clients() {
    let server = start(Limits::default()).await;
    let (one, other) = (fisco(fisco_request(2)), fisco(fisco_request(3)));
    let hash = server
        .result("sendRawTransaction", json!([1, one.transaction.raw()]))
        .await;
    assert_eq!(hash, json!(one.transaction.hash()));
    let hash = server
        .result("eth_sendRawTransaction", json!([other.transaction.raw()]))
        .await;
    assert_eq!(hash, json!(other.transaction.hash()));
    assert_eq!(server.result("getPendingTxSize", json!([1])).await, "0x2");
    let content = server.result("txpool_content", json!([])).await;
    let shown = serde_json::to_value(RICH).unwrap();
    let number = (U256::from(3) << 200_usize).to_string();
    assert_eq!(content["pending"][shown.as_str().unwrap()][number]["hash"], hash);
    let lines = server.result("txpool_inspect", json!([])).await;
    assert!(lines.to_string().contains("300000000 gas × 300000000 wei"), "{lines}");
    server.group.commit(vec![one.clone(), other]);
    let hash = one.transaction.hash();
    assert_json_snapshot!(
        "fisco_own_transaction",
        server.result("getTransactionByHash", json!([1, hash])).await
    );
    assert_json_snapshot!(
        "fisco_own_receipt",
        server.result("getTransactionReceipt", json!([1, hash])).await
    );
    assert_json_snapshot!(
        "fisco_own_transaction_ethereum",
        server.result("eth_getTransactionByHash", json!([hash])).await
    );
    assert_json_snapshot!(
        "fisco_own_receipt_ethereum",
        server.result("eth_getTransactionReceipt", json!([hash])).await
    );
    let raw = server.result("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(raw, json!(one.transaction.raw()));
    let block = server.result("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(block["transactions"][0]["hash"], json!(hash));
}

#[tokio::test]
async fn a_signature_beside_its_key_is_shown_as_fisco_shows_it() {
    let server = start(Limits::default()).await;
    let signature = FiscoSignature::with_key(U256::from(5), U256::from(7), &[9; 64]);
    let sent = fisco_signed(fisco_request(2), signature);
    server.group.commit(vec![sent.clone()]);
    let found = server
        .result("getTransactionByHash", json!([1, sent.transaction.hash()]))
        .await;
    let signature = &found["signature"];
    assert_eq!(signature["v"], format!("0x{}", "09".repeat(64)));
    assert_eq!(signature["r"], format!("0x{:064x}", 5));
    let whole = format!("0x{:064x}{:064x}{}", 5, 7, "09".repeat(64));
    assert_eq!(signature["signature"], whole);
}

#[tokio::test]
async fn what_the_pool_refuses_has_fiscos_name_and_number() {
    let server = start(Limits::default()).await;
    let raw = |change: fn(FiscoRequest) -> FiscoRequest| json!(fisco(change(fisco_request(2))).transaction.raw());
    let known = raw(|request| request);
    server.result("sendRawTransaction", json!([1, known])).await;
    for (raw, name, number) in [
        (known, "AlreadyKnown", "10000"),
        (
            raw(|request| FiscoRequest { chain_id: 1, ..request }),
            "InvalidChainId",
            "10002",
        ),
        (
            raw(|request| FiscoRequest { group_id: 2, ..request }),
            "InvalidGroupId",
            "10003",
        ),
        (
            raw(|request| FiscoRequest {
                block_limit: 2,
                ..request
            }),
            "BlockLimitCheckFail",
            "16",
        ),
        (
            raw(|request| FiscoRequest {
                random_id: U256::from(1),
                ..request
            }),
            "NonceCheckFail",
            "15",
        ),
        (json!("0xc0"), "MalformedTx", "10005"),
    ] {
        let (code, message, data) = server.error("sendRawTransaction", json!([1, raw])).await;
        assert_eq!((code, data), (-32603, json!(number)), "{message}");
        assert!(message.starts_with(&format!("{name}: ")), "{message}");
    }
    let (_, message, _) = server
        .error(
            "sendRawTransaction",
            json!([1, raw(|r| FiscoRequest { block_limit: 2, ..r })]),
        )
        .await;
    assert_eq!(
        message,
        "BlockLimitCheckFail: block limit out of range: have 2, 3 to 1002 are accepted now"
    );
    for (params, code) in [
        (json!([7, "0xc0"]), -40001),
        (json!([9, "0xc0"]), -40010),
        (json!([1]), -32602),
        (json!([1, "xyz"]), -32602),
        (json!([]), -32602),
    ] {
        assert_eq!(server.error("sendRawTransaction", params).await.0, code);
    }
}
