//! Requests and subscriptions over WebSocket.

use std::time::Duration;

use althing_rpc::Limits;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::chain::{NEVER_ENDS, TOKEN, access_list, dynamic_fee, legacy};
use super::server::{TestServer, start};

pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn open(server: &TestServer) -> Self {
        let stream = TcpStream::connect(server.handle.local_addr).await.unwrap();
        let url = format!("ws://{}/group/1", server.handle.local_addr);
        Self(client_async(url, stream).await.unwrap().0)
    }

    pub(crate) async fn send(&mut self, body: Value) {
        self.0.send(Message::text(body.to_string())).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(10), self.0.next())
                .await
                .unwrap();
            match message.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(text.as_str()).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
            .await;
        self.next().await
    }

    /// The result of the next notification, which must be of this subscription.
    pub(crate) async fn notification(&mut self, subscription: &Value) -> Value {
        let mut message = self.next().await;
        assert_eq!(message["method"], "eth_subscription", "{message}");
        assert_eq!(&message["params"]["subscription"], subscription);
        message["params"]["result"].take()
    }
}

#[tokio::test]
async fn new_heads_come_in_order_with_every_header_field() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    let id = socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].take();
    assert!(id.as_str().unwrap().starts_with("0x"), "{id}");
    server.group.commit(vec![]);
    insta::assert_json_snapshot!("new_head", socket.notification(&id).await);
    for height in 4..7 {
        server.group.commit(vec![]);
        assert_eq!(socket.notification(&id).await["number"], format!("{height:#x}"));
    }
}

#[tokio::test]
async fn a_reader_that_fell_behind_misses_no_head() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    let id = socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].take();
    // Many more than the channel of events holds.
    for _ in 0..300 {
        server.group.commit(vec![]);
    }
    for height in 3..303 {
        assert_eq!(socket.notification(&id).await["number"], format!("{height:#x}"));
    }
}

#[tokio::test]
async fn events_are_filtered_and_pending_transactions_pushed() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    let logs = socket.ask("eth_subscribe", json!(["logs", {"address": TOKEN}])).await["result"].take();
    server.group.commit(vec![legacy(60)]);
    server.group.commit(vec![access_list(61)]);
    let event = socket.notification(&logs).await;
    assert_eq!(
        (&event["blockNumber"], &event["removed"]),
        (&json!("0x4"), &json!(false))
    );
    let pending = socket.ask("eth_subscribe", json!(["newPendingTransactions"])).await["result"].take();
    let sent = dynamic_fee(62, Some(TOKEN));
    socket
        .send(
            json!({"jsonrpc": "2.0", "id": 9, "method": "eth_sendRawTransaction", "params": [sent.transaction.raw()]}),
        )
        .await;
    let (first, second) = (socket.next().await, socket.next().await);
    let (answer, pushed) = if first["id"] == 9 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(answer["result"], json!(sent.transaction.hash()));
    assert_eq!(
        pushed["params"],
        json!({"subscription": pending, "result": sent.transaction.hash()})
    );
}

#[tokio::test]
async fn an_ended_subscription_sends_nothing_more() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    let id = socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].take();
    assert_eq!(socket.ask("eth_unsubscribe", json!([id])).await["result"], true);
    assert_eq!(socket.ask("eth_unsubscribe", json!([id])).await["result"], false);
    server.group.commit(vec![]);
    assert_eq!(
        socket.ask("eth_blockNumber", json!([])).await["result"],
        "0x3",
        "the next message is the answer"
    );
}

#[tokio::test]
async fn an_unknown_subscription_and_one_over_http_are_refused() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    let answer = socket.ask("eth_subscribe", json!(["rain"])).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let answer = socket.ask("eth_subscribe", serde_json::from_str(&deep).unwrap()).await;
    assert_eq!(answer["error"]["code"], -32005, "{answer}");
    let (code, message, _) = server.error("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(code, -32601);
    assert!(message.starts_with("notifications not supported"), "{message}");
}

#[tokio::test]
async fn subscriptions_of_a_connection_are_bounded() {
    let server = start(Limits {
        subscriptions_per_connection: 1,
        ..Limits::default()
    })
    .await;
    let mut socket = Socket::open(&server).await;
    assert!(socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].is_string());
    let answer = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(answer["error"]["code"], -32006, "{answer}");
}

#[tokio::test]
async fn a_batch_and_a_malformed_or_over_long_message_are_answered() {
    let server = start(Limits {
        body_bytes: 10_000,
        ..Limits::default()
    })
    .await;
    let mut socket = Socket::open(&server).await;
    let one = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"});
    socket.send(json!([one, one])).await;
    let answers = socket.next().await;
    assert_eq!(answers.as_array().unwrap().len(), 2);
    socket.0.send(Message::text("{")).await.unwrap();
    assert_eq!(socket.next().await["error"]["code"], -32700);
    socket.0.send(Message::text("x".repeat(10_001))).await.unwrap();
    assert_eq!(socket.next().await["error"]["code"], -32007);
    assert_eq!(socket.ask("eth_blockNumber", json!([])).await["result"], "0x2");
}

#[tokio::test]
async fn requests_beyond_those_in_flight_wait_and_are_all_answered() {
    let limits = Limits {
        requests_in_flight: 2,
        request_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = start(limits).await;
    let mut socket = Socket::open(&server).await;
    for id in 0..9 {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "eth_call", "params": [{"to": NEVER_ENDS}]});
        socket.send(call).await;
    }
    let mut answered = Vec::new();
    for _ in 0..9 {
        let answer = socket.next().await;
        assert_eq!(answer["error"]["code"], -32002, "{answer}");
        answered.push(answer["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..9).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cancelled_listener_closes_open_sockets() {
    let server = start(Limits::default()).await;
    let mut socket = Socket::open(&server).await;
    socket.ask("eth_subscribe", json!(["newHeads"])).await;
    server.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while let Some(Ok(_)) = socket.0.next().await {}
    });
    ended.await.unwrap();
    server.handle.stopped().await;
}

#[tokio::test]
async fn a_subscription_lets_go_of_a_group_that_has_stopped() {
    let server = start(Limits::default()).await;
    let held = std::sync::Arc::strong_count(&server.group);
    let mut socket = Socket::open(&server).await;
    for topic in ["newHeads", "logs", "newPendingTransactions"] {
        assert!(socket.ask("eth_subscribe", json!([topic])).await["result"].is_string());
    }
    assert_eq!(std::sync::Arc::strong_count(&server.group), held + 3);
    server.group.stop();
    let deadline = tokio::time::Instant::now() + super::server::PATIENCE;
    while std::sync::Arc::strong_count(&server.group) > held {
        assert!(tokio::time::Instant::now() < deadline, "it is still held");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The connection goes on.
    assert!(socket.ask("eth_chainId", json!([])).await["result"].is_string());
}
