//! Each limit refuses what lies beyond it, and says how much is accepted.

use std::time::Duration;

use althing_rpc::Limits;
use serde_json::{Value, json};

use super::chain::{LARGE, NEVER_ENDS, RICH, TOKEN, TRANSFER, legacy};
use super::server::start;

#[tokio::test]
async fn an_over_long_body_is_refused() {
    let server = start(Limits {
        body_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let (status, answer) = server.post("/", "x".repeat(1001)).await;
    assert_eq!(status, 413);
    assert_eq!(answer["error"]["code"], -32007);
    assert_eq!(answer["error"]["data"], "Exceeded max limit of 1000");
}

#[tokio::test]
async fn an_over_long_batch_is_refused() {
    let server = start(Limits {
        batch_length: 2,
        ..Limits::default()
    })
    .await;
    let one = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"});
    let (_, answer) = server.post("/", json!([one, one, one]).to_string()).await;
    assert_eq!(answer["error"]["code"], -32010);
    assert_eq!(answer["error"]["data"], "Exceeded max limit of 2");
    let (_, answer) = server.post("/", "[]").await;
    assert_eq!(answer["error"]["code"], -32600, "an empty batch is no request");
}

#[tokio::test]
async fn an_over_long_answer_is_refused_alone_and_in_a_batch() {
    let server = start(Limits {
        response_bytes: 150_000,
        ..Limits::default()
    })
    .await;
    let (code, _, data) = server.error("eth_call", json!([{"to": LARGE}])).await;
    assert_eq!(code, -32008);
    assert!(
        data.as_str().unwrap().starts_with("Exceeded max limit of 150"),
        "{data}"
    );
    let block = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x1", true]});
    let (_, answer) = server.post("/", Value::Array(vec![block; 200]).to_string()).await;
    assert_eq!(answer["error"]["code"], -32011);
}

#[tokio::test]
async fn deep_json_is_refused_and_never_recursed_into() {
    let server = start(Limits::default()).await;
    for depth in [33, 100_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for method in ["eth_call", "eth_chainId", "eth_sendRawTransaction"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{nested}}}"#);
            let (_, answer) = server.post("/", body).await;
            assert_eq!(answer["error"]["code"], -32005, "{method} {depth}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert_eq!(message, format!("the parameters nest {depth} levels deep, at most 32"));
        }
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_chainId","extra":{nested}}}"#);
        let (_, answer) = server.post("/", body).await;
        assert!(answer["result"].is_string(), "a key nobody reads costs nothing");
        let (_, answer) = server.post("/", nested).await;
        assert!(
            answer["error"].is_object() || answer[0]["error"].is_object(),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_search_over_too_many_blocks_or_for_too_many_events_is_refused() {
    let server = start(Limits {
        log_range: 2,
        log_results: 1,
        log_values: 2,
        ..Limits::default()
    })
    .await;
    let (code, message, _) = server.error("eth_getLogs", json!([{"fromBlock": "0x0"}])).await;
    assert_eq!(
        (code, message.as_str()),
        (-32005, "query spans 3 blocks, at most 2 are searched")
    );
    let (code, message, _) = server.error("eth_getLogs", json!([{"fromBlock": "0x1"}])).await;
    assert_eq!((code, message.as_str()), (-32005, "query returned more than 1 results"));
    let (code, _, _) = server
        .error("eth_getLogs", json!([{"topics": [[TRANSFER, TRANSFER], TRANSFER]}]))
        .await;
    assert_eq!(code, -32005);
}

#[tokio::test]
async fn what_takes_too_long_ends_with_an_error_and_frees_its_place() {
    let limits = Limits {
        request_timeout: Duration::from_millis(200),
        computations: 1,
        ..Limits::default()
    };
    let server = start(limits).await;
    let (code, message, _) = server.error("eth_call", json!([{"to": NEVER_ENDS}])).await;
    assert_eq!((code, message.as_str()), (-32002, "request timed out after 0.2 s"));
    // The only place is free again because the call was cancelled. It may take a moment to notice.
    let answer = server
        .ask_at("/", "eth_call", json!([{"to": TOKEN, "data": "0x01"}]))
        .await;
    assert_eq!(answer["result"], "0x01", "{answer}");
}

#[tokio::test]
async fn a_busy_listener_still_answers_cheap_questions() {
    let limits = Limits {
        request_timeout: Duration::from_secs(2),
        computations: 1,
        ..Limits::default()
    };
    let server = start(limits).await;
    let stuck = server.error("eth_call", json!([{"to": NEVER_ENDS}]));
    let cheap = async {
        for _ in 0..50 {
            server.result("eth_blockNumber", json!([])).await;
        }
        server
            .result("eth_sendRawTransaction", json!([legacy(50).transaction.raw()]))
            .await
    };
    let (stuck, _) = tokio::join!(stuck, cheap);
    assert_eq!(stuck.0, -32002);
}

#[tokio::test]
async fn proofs_and_overrides_are_bounded() {
    let server = start(Limits {
        proof_slots: 1,
        override_values: 1,
        ..Limits::default()
    })
    .await;
    assert_eq!(
        server
            .error("eth_getProof", json!([RICH, ["0x1", "0x2"], "latest"]))
            .await
            .0,
        -32005
    );
    let two = json!({RICH.to_string(): {}, TOKEN.to_string(): {}});
    assert_eq!(
        server.error("eth_call", json!([{"to": TOKEN}, "latest", two])).await.0,
        -32005
    );
}

#[tokio::test]
async fn more_connections_than_accepted_are_told_so() {
    let server = start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    server.result("eth_chainId", json!([])).await;
    let other = reqwest::Client::new().post(server.url("/")).body("{}").send().await;
    let refused = other.unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    let text = refused.text().await.unwrap();
    assert!(text.contains("too many connections, at most 1 are served"), "{text}");
}
