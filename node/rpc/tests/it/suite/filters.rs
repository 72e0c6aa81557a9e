//! Filters that clients poll.

use std::time::Duration;

use althing_rpc::Limits;
use serde_json::{Value, json};

use super::chain::{TOKEN, access_list, dynamic_fee, legacy};
use super::server::start;

#[tokio::test]
async fn a_block_filter_has_every_block_once() {
    let server = start(Limits::default()).await;
    let id = server.result("eth_newBlockFilter", json!([])).await;
    assert_eq!(server.result("eth_getFilterChanges", json!([id])).await, json!([]));
    let (first, second) = (server.group.commit(vec![]), server.group.commit(vec![]));
    assert_eq!(
        server.result("eth_getFilterChanges", json!([id])).await,
        json!([first.hash, second.hash])
    );
    assert_eq!(server.result("eth_getFilterChanges", json!([id])).await, json!([]));
}

#[tokio::test]
async fn a_log_filter_has_what_is_new_and_its_logs_are_the_whole_range() {
    let server = start(Limits::default()).await;
    let id = server
        .result("eth_newFilter", json!([{"fromBlock": "0x0", "address": TOKEN}]))
        .await;
    assert_eq!(server.result("eth_getFilterChanges", json!([id])).await, json!([]));
    let head = server.group.commit(vec![legacy(20), access_list(21)]);
    let changes = server.result("eth_getFilterChanges", json!([id])).await;
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!(changes[0]["blockHash"], json!(head.hash));
    assert_eq!(changes[0]["transactionIndex"], "0x1");
    assert_eq!(
        server
            .result("eth_getFilterLogs", json!([id]))
            .await
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_log_filter_skips_nothing_when_more_came_than_one_answer_holds() {
    let server = start(Limits {
        log_results: 2,
        ..Limits::default()
    })
    .await;
    let id = server.result("eth_newFilter", json!([{}])).await;
    for nonce in 30..35 {
        server.group.commit(vec![access_list(nonce)]);
    }
    let mut found = Vec::new();
    for _ in 0..5 {
        let changes = server.result("eth_getFilterChanges", json!([id])).await;
        found.extend(changes.as_array().unwrap().iter().map(|log| log["blockNumber"].clone()));
    }
    assert_eq!(
        found,
        [json!("0x3"), json!("0x4"), json!("0x5"), json!("0x6"), json!("0x7")]
    );
}

#[tokio::test]
async fn a_pending_filter_has_what_entered_the_pool() {
    let server = start(Limits::default()).await;
    let id = server.result("eth_newPendingTransactionFilter", json!([])).await;
    let sent = dynamic_fee(40, Some(TOKEN));
    let hash = server
        .result("eth_sendRawTransaction", json!([sent.transaction.raw()]))
        .await;
    assert_eq!(server.result("eth_getFilterChanges", json!([id])).await, json!([hash]));
}

#[tokio::test]
async fn an_unknown_uninstalled_or_foreign_filter_is_not_found() {
    let server = start(Limits::default()).await;
    let id = server.result("eth_newBlockFilter", json!([])).await;
    let foreign = server.ask_at("/group/2", "eth_getFilterChanges", json!([id])).await;
    assert_eq!(foreign["error"], json!({"code": -32000, "message": "filter not found"}));
    assert_eq!(
        server.result("eth_uninstallFilter", json!([id])).await,
        Value::Bool(true)
    );
    assert_eq!(
        server.result("eth_uninstallFilter", json!([id])).await,
        Value::Bool(false)
    );
    for id in [id, json!("0x1")] {
        let (code, message, _) = server.error("eth_getFilterChanges", json!([id])).await;
        assert_eq!((code, message.as_str()), (-32000, "filter not found"));
    }
}

#[tokio::test]
async fn a_filter_nobody_asks_for_is_forgotten() {
    let server = start(Limits {
        filter_idle: Duration::ZERO,
        ..Limits::default()
    })
    .await;
    let id = server.result("eth_newBlockFilter", json!([])).await;
    assert_eq!(
        server.error("eth_getFilterChanges", json!([id])).await.1,
        "filter not found"
    );
}

#[tokio::test]
async fn filters_are_bounded_by_connection_and_altogether() {
    let server = start(Limits {
        filters_per_connection: 1,
        filters: 2,
        ..Limits::default()
    })
    .await;
    server.result("eth_newBlockFilter", json!([])).await;
    let (code, message, _) = server.error("eth_newBlockFilter", json!([])).await;
    assert_eq!(code, -32005);
    assert!(
        message.contains("this connection has 1 filters, at most 1"),
        "{message}"
    );
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_newBlockFilter"}).to_string();
    let mut errors = Vec::new();
    for _ in 0..2 {
        let other = reqwest::Client::new();
        let answer = other
            .post(server.url("/"))
            .body(body.clone())
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        errors.push(serde_json::from_str::<Value>(&answer).unwrap()["error"]["message"].clone());
    }
    assert_eq!(errors[0], Value::Null);
    assert_eq!(errors[1], "the node has 2 filters, at most 2");
}
