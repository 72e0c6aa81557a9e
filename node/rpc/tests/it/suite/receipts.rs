//! The receipt of a pending transaction is waited for: `docs/adr/0005`.

use std::time::{Duration, Instant};

use althing_rpc::Limits;
use serde_json::{Value, json};

use super::chain::{COMMITS, REVERTS, TOKEN, TRANSFER, dynamic_fee, legacy};
use super::server::{PATIENCE, TestServer, start};
use super::websocket::Socket;

const WAITING: &str = "althing_rpc_receipts_waiting";
const RECEIPT: &str = "eth_getTransactionReceipt";

/// A wait that only ends by what it waits for.
fn long() -> Limits {
    Limits {
        receipt_wait: Duration::from_secs(3600),
        request_timeout: Duration::from_secs(3600),
        ..Limits::default()
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("never answered")
}

async fn receipt(server: &TestServer, hash: impl serde::Serialize) -> Value {
    soon(server.result(RECEIPT, json!([hash]))).await
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

#[tokio::test]
async fn a_pending_transactions_receipt_comes_as_soon_as_it_is_committed() {
    let server = start(long()).await;
    let sent = dynamic_fee(7, Some(TOKEN));
    let hash = server.group.pend(&sent);
    let blocks = async {
        server.until(WAITING, 1).await;
        // A block without it changes nothing.
        server.group.commit(vec![legacy(6)]);
        server.group.commit(vec![sent.clone()])
    };
    let (receipt, head) = tokio::join!(receipt(&server, hash), blocks);
    assert_eq!(receipt["transactionHash"], json!(hash));
    assert_eq!(receipt["blockHash"], json!(head.hash));
    server.until(WAITING, 0).await;
}

#[tokio::test]
async fn a_failed_transactions_receipt_is_waited_for_as_well() {
    let server = start(long()).await;
    let sent = dynamic_fee(7, Some(REVERTS));
    let hash = server.group.pend(&sent);
    let block = async {
        server.until(WAITING, 1).await;
        server.group.commit(vec![sent.clone()]);
    };
    let (receipt, ()) = tokio::join!(receipt(&server, hash), block);
    assert_eq!(receipt["status"], "0x0");
}

#[tokio::test]
async fn an_unknown_transactions_receipt_is_null_at_once() {
    let server = start(long()).await;
    assert_eq!(receipt(&server, TRANSFER).await, Value::Null);
    assert_eq!(server.error(RECEIPT, json!(["0x12"])).await.0, -32602);
    assert_eq!(server.error(RECEIPT, json!([])).await.0, -32602);
    let answer = soon(server.ask_at("/group/2", RECEIPT, json!([TRANSFER]))).await;
    assert_eq!(answer["result"], Value::Null);
}

#[tokio::test]
async fn the_wait_for_a_receipt_is_bounded() {
    let server = start(Limits {
        receipt_wait: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let hash = server.group.pend(&legacy(7));
    let began = Instant::now();
    assert_eq!(receipt(&server, hash).await, Value::Null);
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    server.until(WAITING, 0).await;
}

#[tokio::test]
async fn the_wait_ends_with_null_when_the_transaction_leaves_the_pool() {
    let server = start(long()).await;
    let hash = server.group.pend(&legacy(7));
    let leave = async {
        server.until(WAITING, 1).await;
        server.group.forget_pool();
        server.group.commit(vec![]);
    };
    let (receipt, ()) = tokio::join!(receipt(&server, hash), leave);
    assert_eq!(receipt, Value::Null);
}

#[tokio::test]
async fn lost_events_do_not_lose_a_receipt() {
    let server = start(long()).await;
    let sent = legacy(7);
    let hash = server.group.pend(&sent);
    let flood = async {
        server.until(WAITING, 1).await;
        server.group.commit(vec![sent.clone()]);
        // Without a pause, and more than the channel of events holds: the block's event is overwritten.
        for nonce in 100..150 {
            server.group.pend(&legacy(nonce));
        }
    };
    let (receipt, ()) = tokio::join!(receipt(&server, hash), flood);
    assert_eq!(receipt["transactionHash"], json!(hash));
}

#[tokio::test]
async fn beyond_the_waits_accepted_a_pending_transactions_receipt_is_null_at_once() {
    let server = start(Limits {
        receipt_waits: 1,
        ..long()
    })
    .await;
    let (first, second) = (legacy(7), legacy(8));
    let (first_hash, second_hash) = (server.group.pend(&first), server.group.pend(&second));
    let others = async {
        server.until(WAITING, 1).await;
        assert_eq!(receipt(&server, second_hash).await, Value::Null);
        assert_eq!(server.metric("althing_rpc_receipts_not_waited_total"), 1);
        server.group.commit(vec![first.clone()]);
    };
    let (found, ()) = tokio::join!(receipt(&server, first_hash), others);
    assert_eq!(found["transactionHash"], json!(first_hash));
}

/// ethers remembers the nonce it was told for 250 ms, and would use it a second time after a receipt that comes sooner.
#[tokio::test]
async fn a_receipt_does_not_come_before_its_sender_has_forgotten_the_nonce_it_was_told() {
    let memory = Duration::from_millis(200);
    let server = start(Limits {
        nonce_memory: memory,
        ..Limits::default()
    })
    .await;
    let sent = dynamic_fee(7, Some(TOKEN));
    let began = Instant::now();
    soon(server.result("eth_getTransactionCount", json!([sent.sender, "pending"]))).await;
    let hash = server.group.pend(&sent);
    server.group.commit(vec![sent]);
    assert_eq!(receipt(&server, hash).await["transactionHash"], json!(hash));
    assert!(began.elapsed() >= memory, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_receipt_is_not_held_for_who_counts_nonces_by_itself() {
    let server = start(Limits {
        nonce_memory: Duration::from_secs(3600),
        ..Limits::default()
    })
    .await;
    let sent = dynamic_fee(7, Some(TOKEN));
    soon(server.result("eth_getTransactionCount", json!([TOKEN, "latest"]))).await;
    let hash = server.group.pend(&sent);
    server.group.commit(vec![sent]);
    assert_eq!(receipt(&server, hash).await["transactionHash"], json!(hash));
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_place() {
    let server = start(long()).await;
    let hash = server.group.pend(&legacy(7));
    let client = reqwest::Client::new();
    let body = request(1, RECEIPT, json!([hash])).to_string();
    let asking = tokio::spawn(client.post(server.url("/")).body(body).send());
    server.until(WAITING, 1).await;
    asking.abort();
    drop(client);
    server.until(WAITING, 0).await;
}

#[tokio::test]
async fn the_receipts_of_a_batch_share_one_wait() {
    let server = start(Limits {
        receipt_wait: Duration::from_millis(300),
        ..Limits::default()
    })
    .await;
    let pending: Vec<_> = (10..110).map(legacy).collect();
    let ask = |(id, sent): (u64, &althing_types::Recovered)| request(id, RECEIPT, json!([server.group.pend(sent)]));
    let batch: Vec<Value> = (0..).zip(&pending).map(ask).collect();
    let body = Value::Array(batch).to_string();
    let began = Instant::now();
    let (_, answers) = soon(server.post("/", body.clone())).await;
    let took = began.elapsed();
    assert!(answers.as_array().unwrap().iter().all(|a| a["result"].is_null()));
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(
        took < Duration::from_secs(15),
        "100 waits one after the other take 30 s: {took:?}"
    );
    let commit = async {
        server.until(WAITING, 100).await;
        server.group.commit(pending[..50].to_vec());
    };
    let ((_, answers), ()) = tokio::join!(soon(server.post("/", body)), commit);
    let found = |place: usize| answers[place]["result"]["transactionHash"] == json!(pending[place].transaction.hash());
    assert_eq!(
        (0..100).filter(|place| found(*place)).collect::<Vec<_>>(),
        (0..50).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_batch_may_send_a_transaction_and_ask_for_its_receipt() {
    let server = start(long()).await;
    let sent = legacy(7);
    let batch = json!([
        request(1, RECEIPT, json!([sent.transaction.hash()])),
        request(2, "eth_sendRawTransaction", json!([sent.transaction.raw()])),
        request(3, "eth_blockNumber", json!([])),
    ]);
    let commit = async {
        server.until(WAITING, 1).await;
        server.group.commit(vec![sent.clone()]);
    };
    let ((_, answers), ()) = tokio::join!(soon(server.post("/", batch.to_string())), commit);
    assert_eq!(answers[0]["result"]["blockNumber"], "0x3", "{answers}");
    assert_eq!(answers[1]["result"], json!(sent.transaction.hash()));
    assert_eq!(answers[2]["result"], "0x3", "read after the wait");
}

/// ethers polls block numbers from one that came in a batch with "no receipt": that number must be the older one.
#[tokio::test]
async fn no_receipt_in_a_batch_is_younger_than_every_block_number_in_it() {
    let server = start(Limits {
        receipt_wait: Duration::ZERO,
        ..Limits::default()
    })
    .await;
    let hash = server.group.pend(&legacy(7));
    // The block is committed in the midst of the batch, after the receipt was asked for.
    let batch = json!([
        request(1, RECEIPT, json!([hash])),
        request(2, "eth_call", json!([{"to": COMMITS}])),
        request(3, "eth_blockNumber", json!([])),
    ]);
    let (_, answers) = soon(server.post("/", batch.to_string())).await;
    assert_eq!(answers[2]["result"], "0x3");
    assert_eq!(answers[0]["result"]["blockNumber"], "0x3", "{answers}");
}

#[tokio::test]
async fn a_web_socket_waits_and_answers_other_questions_meanwhile() {
    let server = start(long()).await;
    let mut socket = Socket::open(&server).await;
    let sent = legacy(7);
    let hash = server.group.pend(&sent);
    socket.send(request(5, RECEIPT, json!([hash]))).await;
    server.until(WAITING, 1).await;
    assert_eq!(socket.ask("eth_blockNumber", json!([])).await["result"], "0x2");
    server.group.commit(vec![sent]);
    let answer = socket.next().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["transactionHash"]),
        (&json!(5), &json!(hash))
    );
}

/// ethers' `waitForTransaction` subscribes to heads after it heard of a receipt newer than its block number.
#[tokio::test]
async fn a_subscription_after_a_wait_begins_with_the_block_that_ended_it() {
    let server = start(long()).await;
    let mut socket = Socket::open(&server).await;
    server.group.commit(vec![]);
    let sent = legacy(7);
    let hash = server.group.pend(&sent);
    socket.send(request(5, RECEIPT, json!([hash]))).await;
    server.until(WAITING, 1).await;
    // A block of others is not what the wait was for.
    server.group.commit(vec![]);
    server.group.commit(vec![sent]);
    assert_eq!(socket.next().await["result"]["blockNumber"], "0x5");
    for expected in ["0x5", "0x6"] {
        let id = socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].take();
        if expected == "0x6" {
            server.group.commit(vec![]);
        }
        assert_eq!(socket.notification(&id).await["number"], expected);
        assert_eq!(socket.ask("eth_unsubscribe", json!([id])).await["result"], true);
    }
}

#[tokio::test]
async fn a_cancelled_listener_ends_its_waits_with_the_ordinary_answer() {
    let server = start(long()).await;
    let hash = server.group.pend(&legacy(7));
    let stop = async {
        server.until(WAITING, 1).await;
        server.shutdown.cancel();
        soon(server.handle.stopped()).await;
    };
    let (receipt, ()) = tokio::join!(receipt(&server, hash), stop);
    assert_eq!(receipt, Value::Null);
}
