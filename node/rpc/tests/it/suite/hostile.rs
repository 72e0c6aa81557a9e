//! What is malformed, too long, too deep or too slow costs its sender, never the node: after each, the next client is
//! served.

use std::sync::Arc;
use std::time::Duration;

use althing_rpc::{Limits, ServeConfig};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::chain::{NEVER_ENDS, legacy};
use super::server::{PATIENCE, TestServer, config, start, try_start};
use super::transport::{FixedTls, tls};
use super::websocket::Socket;

/// Sends bytes and reads until the node closes the connection.
async fn exchange(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.handle.local_addr).await.unwrap();
    // The node may close while this is being written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn still_serves(server: &TestServer) {
    assert!(server.result("eth_chainId", json!([])).await.is_string());
}

fn impatient() -> Limits {
    Limits {
        arrival_timeout: Duration::from_millis(100),
        request_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_millis(100),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let server = start(impatient()).await;
    let begun = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1000\r\n\r\n{";
    let answer = exchange(&server, begun).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("the request took too long to arrive"), "{answer}");
    still_serves(&server).await;
}

#[tokio::test]
async fn a_connection_without_a_request_or_with_half_a_head_is_closed() {
    let server = start(impatient()).await;
    for begun in [&b""[..], b"POST / HTTP/1.1\r\nhost: a\r\nx-slow: "] {
        exchange(&server, begun).await;
    }
    server.until("althing_rpc_connections", 0).await;
    still_serves(&server).await;
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_come_or_is_none_is_given_up_and_counted() {
    let server_tls = tls(&[&rustls::version::TLS13]).0;
    let server = try_start(ServeConfig {
        tls: Some(Arc::new(FixedTls(Arc::new(server_tls)))),
        ..config(impatient())
    })
    .await
    .unwrap();
    exchange(&server, b"").await;
    exchange(&server, b"POST / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server
        .until("althing_rpc_connections_refused_total{reason=\"handshake\"}", 2)
        .await;
    server.until("althing_rpc_connections", 0).await;
}

#[tokio::test]
async fn what_is_no_http_or_has_an_over_long_head_is_refused() {
    let server = start(impatient()).await;
    let long_head = format!("POST / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let many_heads = format!("POST / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "400"),
        (b"\x00\xff\x00\xff\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", "400"),
        (
            b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
            "400",
        ),
        (
            b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
            "400",
        ),
        (long_head.as_bytes(), "431"),
        (many_heads.as_bytes(), "431"),
    ] {
        let answer = exchange(&server, bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{shown:?}: {answer}"
        );
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn an_over_long_body_that_names_no_length_is_refused_at_the_limit() {
    let server = start(Limits {
        body_bytes: 1000,
        ..impatient()
    })
    .await;
    let chunk = format!("{:x}\r\n{}\r\n", 600, "{".repeat(600));
    let body =
        format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}");
    let answer = exchange(&server, body.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("the body is longer than 1000 bytes"), "{answer}");
    still_serves(&server).await;
}

#[tokio::test]
async fn a_malformed_transaction_is_refused_with_an_error() {
    let server = start(Limits::default()).await;
    let sound = legacy(7).transaction.raw().to_vec();
    let mut odd: Vec<Vec<u8>> = (0..sound.len()).map(|length| sound[..length].to_vec()).collect();
    odd.push([&sound[..], &[0]].concat());
    for kind in [0x00, 0x03, 0x04, 0x05, 0x7e, 0x7f, 0x80, 0xbf, 0xc0, 0xff] {
        odd.push(vec![kind]);
        odd.push([&[kind], &sound[..]].concat());
    }
    // Lists that claim to be longer than any memory, and lists within lists.
    odd.push(vec![0xff; 9]);
    odd.push([&[0x02, 0xff][..], &[0x7f; 8]].concat());
    odd.push(vec![0xc1; 100_000]);
    odd.push(vec![0; 1_000_000]);
    for raw in odd {
        let hex = format!("0x{}", raw.iter().map(|b| format!("{b:02x}")).collect::<String>());
        let (code, message, _) = server.error("eth_sendRawTransaction", json!([hex])).await;
        assert_eq!(code, -32000, "{} bytes: {message}", raw.len());
        assert!(message.len() < 500, "{message}");
        let (code, message, _) = server.error("sendRawTransaction", json!([1, hex])).await;
        assert_eq!(code, -32603, "{} bytes: {message}", raw.len());
        assert!(message.len() < 500, "{message}");
    }
    assert!(
        server
            .result("eth_sendRawTransaction", json!([legacy(7).transaction.raw()]))
            .await
            .is_string()
    );
}

#[tokio::test]
async fn an_odd_id_version_or_envelope_is_an_error_or_is_echoed() {
    let server = start(Limits::default()).await;
    for (body, code) in [
        (r#"{"jsonrpc":2,"id":1,"method":"eth_chainId"}"#, Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Some(-32600)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":7}"#,
            Some(-32602),
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}}"#, Some(-32700)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"eth_chainId"}"#, None),
        ("\u{feff}{}", Some(-32700)),
        ("7", Some(-32700)),
    ] {
        let (_, answer) = server.post("/", body).await;
        match code {
            Some(code) => assert_eq!(answer["error"]["code"], code, "{body}: {answer}"),
            None => assert!(answer["result"].is_string(), "{body}: {answer}"),
        }
    }
    let id = "i".repeat(100_000);
    let (_, answer) = server
        .post(
            "/",
            json!({"jsonrpc": "2.0", "id": id, "method": "eth_nothing"}).to_string(),
        )
        .await;
    assert_eq!(answer["id"], id);
    let (code, message, _) = server.error(&"m".repeat(100_000), json!([])).await;
    assert_eq!(code, -32601);
    assert!(message.len() < 200, "a name is not echoed at any length");
}

#[tokio::test]
async fn an_over_long_batch_and_deep_json_are_refused_over_web_socket_too() {
    let server = start(Limits {
        batch_length: 2,
        ..Limits::default()
    })
    .await;
    let mut socket = Socket::open(&server).await;
    let one = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"});
    socket.send(json!([one, one, one])).await;
    assert_eq!(socket.next().await["error"]["code"], -32010);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{nested}}}"#);
    socket.0.send(Message::text(deep)).await.unwrap();
    assert_eq!(socket.next().await["error"]["code"], -32005);
    socket.0.send(Message::text(nested)).await.unwrap();
    let answer = socket.next().await;
    assert!(
        answer["error"].is_object() || answer[0]["error"].is_object(),
        "{answer}"
    );
    socket.0.send(Message::binary(vec![0xff; 1000])).await.unwrap();
    assert_eq!(socket.next().await["error"]["code"], -32700);
    assert!(socket.ask("eth_chainId", json!([])).await["result"].is_string());
}

#[tokio::test]
async fn a_broken_web_socket_frame_ends_its_connection_only() {
    let server = start(Limits::default()).await;
    let upgrade = "GET /group/1 HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for frame in [
        // Reserved bits, a reserved opcode, a control frame of 126 bytes, a continuation of nothing.
        &[0xf1, 0x80, 0, 0, 0, 0][..],
        &[0x83, 0x80, 0, 0, 0, 0],
        &[0x89, 0xfe, 0, 126, 0, 0, 0, 0],
        &[0x80, 0x80, 0, 0, 0, 0],
        // Text that is no UTF-8 and says it is longer than any memory, with nothing behind it: the peer has gone.
        &[0x81, 0x81, 0, 0, 0, 0, 0xff, 0x88, 0x80, 0, 0, 0, 0],
        &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    ] {
        let mut stream = TcpStream::connect(server.handle.local_addr).await.unwrap();
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        stream.write_all(frame).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the connection stays open");
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{frame:?}");
    }
    server.until("althing_rpc_connections", 0).await;
    still_serves(&server).await;
}

#[tokio::test]
async fn web_sockets_count_as_connections() {
    let server = start(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut socket = Socket::open(&server).await;
    let refused = reqwest::Client::new()
        .post(server.url("/"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status().as_u16(), 503);
    socket.0.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.0.next().await {}
    server.until("althing_rpc_connections", 0).await;
    still_serves(&server).await;
}

#[tokio::test]
async fn batches_beyond_the_requests_in_flight_wait_and_are_all_answered() {
    let server = start(Limits {
        requests_in_flight: 1,
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let mut socket = Socket::open(&server).await;
    for id in 0..5 {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "eth_call", "params": [{"to": NEVER_ENDS}]});
        socket.send(json!([call])).await;
    }
    let mut answered = Vec::new();
    for _ in 0..5 {
        let answer = socket.next().await;
        assert_eq!(answer[0]["error"]["code"], -32002, "{answer}");
        answered.push(answer[0]["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_notifications_and_malformed_entries_of_a_batch_cost_nothing_more() {
    let server = start(Limits::default()).await;
    let notification = json!({"jsonrpc": "2.0", "method": "eth_call", "params": [{"to": NEVER_ENDS}]});
    let one = json!({"jsonrpc": "2.0", "id": 9, "method": "eth_chainId"});
    let batch = Value::Array([vec![notification; 500], vec![json!(1); 400], vec![one]].concat());
    let (status, answers) = server.post("/", batch.to_string()).await;
    assert_eq!(status, 200);
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 401, "a notification has no answer");
    assert!(answers[..400].iter().all(|answer| answer["error"]["code"] == -32600));
    assert_eq!(answers[400]["id"], 9);
}
