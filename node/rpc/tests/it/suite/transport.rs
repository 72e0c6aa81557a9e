//! Paths, HTTP, TLS, shutdown, metrics.

use std::sync::Arc;

use althing_rpc::{Client, Limits, ListenerTls, Origins, ServeConfig, ServeError};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::chain::CHAIN_ID;
use super::node::MemoryNode;
use super::server::{config, node, start, start_with, try_start};

#[tokio::test]
async fn each_group_is_a_chain_of_its_own_at_its_path() {
    let server = start(Limits::default()).await;
    for (path, id) in [
        ("/", CHAIN_ID),
        ("/group/1", CHAIN_ID),
        ("/group/1/", CHAIN_ID),
        ("/group/2", CHAIN_ID + 1),
    ] {
        let answer = server.ask_at(path, "eth_chainId", json!([])).await;
        assert_eq!(answer["result"], format!("{id:#x}"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_path_or_group_is_404_with_an_error_that_says_why() {
    let server = start(Limits::default()).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}).to_string();
    for (path, status, words) in [
        ("/group/7", 404, "group 7 does not exist on this node"),
        ("/group/8", 404, "this node is not a member of group 8"),
        ("/group/9", 503, "group 9 is not ready"),
        ("/group/x", 404, "is not served"),
        ("/somewhere", 404, "is not served"),
    ] {
        let (found, answer) = server.post(path, body.clone()).await;
        assert_eq!(found, status, "{path}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{path}: {message}");
    }
}

#[tokio::test]
async fn a_node_without_a_default_group_says_where_to_ask() {
    let (group, node) = node();
    let node = MemoryNode { default: None, ..node };
    let server = start_with(config(Limits::default()), group, node).await.unwrap();
    let (code, message, _) = server.error("eth_chainId", json!([])).await;
    assert_eq!(
        (code, message.as_str()),
        (-32001, "this node has no default group; ask at /group/<id>")
    );
    assert_eq!(server.result("getBlockNumber", json!([1])).await, "0x2");
}

#[tokio::test]
async fn malformed_requests_are_errors_and_never_end_the_listener() {
    let server = start(Limits::default()).await;
    for (body, code) in [
        (&b"{"[..], -32700),
        (b"", -32700),
        (b"\xff\xfe", -32700),
        (b"nul", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600),
        (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"eth_chainId\"}", -32600),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":{\"a\":1}}",
            -32602,
        ),
    ] {
        let (_, answer) = server.post("/", body.to_vec()).await;
        assert_eq!(
            answer["error"]["code"],
            code,
            "{:?}: {answer}",
            String::from_utf8_lossy(body)
        );
    }
    assert!(server.result("eth_chainId", json!([])).await.is_string());
}

/// Every method this listener promises.
const METHODS: &[&str] = &[
    "web3_clientVersion",
    "web3_sha3",
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
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getBlockTransactionCountByHash",
    "eth_getUncleCountByBlockNumber",
    "eth_getUncleCountByBlockHash",
    "eth_getUncleByBlockNumberAndIndex",
    "eth_getUncleByBlockHashAndIndex",
    "eth_getBlockReceipts",
    "eth_sendRawTransaction",
    "eth_getTransactionByHash",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getRawTransactionByHash",
    "eth_getTransactionReceipt",
    "eth_getBalance",
    "eth_getTransactionCount",
    "eth_getCode",
    "eth_getStorageAt",
    "eth_getProof",
    "eth_call",
    "eth_estimateGas",
    "eth_createAccessList",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_getLogs",
    "eth_newFilter",
    "eth_newBlockFilter",
    "eth_newPendingTransactionFilter",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_uninstallFilter",
    "txpool_status",
    "txpool_content",
    "txpool_contentFrom",
    "txpool_inspect",
    "getClientVersion",
    "getGroupList",
    "getNodeIDList",
    "getPeers",
    "getGroupPeers",
    "getSealerList",
    "getObserverList",
    "getPbftView",
    "getConsensusStatus",
    "getSyncStatus",
    "getSystemConfigByKey",
    "getBlockNumber",
    "getBlockByNumber",
    "getBlockByHash",
    "getBlockHashByNumber",
    "getTotalTransactionCount",
    "getCode",
    "getTransactionByHash",
    "getTransactionByBlockHashAndIndex",
    "getTransactionByBlockNumberAndIndex",
    "getTransactionReceipt",
    "getPendingTransactions",
    "getPendingTxSize",
    "call",
    "sendRawTransaction",
    "althing_status",
];

#[tokio::test]
async fn no_method_fails_on_parameters_of_the_wrong_kind() {
    let server = start(Limits {
        filters: 1_000_000,
        filters_per_connection: 1_000_000,
        ..Limits::default()
    })
    .await;
    let hash = format!("0x{}", "ff".repeat(32));
    let odd = [
        json!([]),
        json!([null, null, null, null]),
        json!([1, 2, 3, 4]),
        json!([-1, 1.5e300, true, "\u{0}"]),
        json!(["0x", "0x", "0x", "0x"]),
        json!([1, "0xffffffffffffffff", "0xffffffffffffffff"]),
        json!(["0xffffffffffffffff", "0xffffffffffffffff"]),
        json!([hash, hash, hash]),
        json!([{}, {}, {}, {}]),
        json!([[], [[]], {"a": [1]}]),
        json!(["é".repeat(100), "0xé", {"address": ["0xé"], "topics": [[[]]]}]),
        json!([{"fromBlock": "0xffffffffffffffff", "toBlock": "0xffffffffffffffff"}]),
    ];
    for method in METHODS {
        for params in &odd {
            let answer = server.ask_at("/", method, params.clone()).await;
            let code = answer["error"]["code"].as_i64().unwrap_or_default();
            // What a pool refuses has the node's own failure as its code in FISCO's methods, and a status as data.
            let failed = code == -32603 && answer["error"]["data"].is_null();
            assert!(code != -32601 && !failed, "{method} {params}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_bare_curl_is_served_and_a_page_must_name_json() {
    let server = start(Limits::default()).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}).to_string();
    let form = "application/x-www-form-urlencoded";
    let request = || {
        server
            .client
            .post(server.url("/"))
            .header("content-type", form)
            .body(body.clone())
    };
    assert_eq!(request().send().await.unwrap().status().as_u16(), 200);
    let page = request().header("origin", "https://page.example").send().await.unwrap();
    assert_eq!(page.status().as_u16(), 415);
    assert_eq!(
        server
            .client
            .get(server.url("/"))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        405
    );
}

#[tokio::test]
async fn a_wallets_preflight_is_answered_and_a_foreign_origin_is_not_let_in() {
    let preflight = |url: String, origin: &'static str| {
        reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
    };
    let allowed = |response: &reqwest::Response| {
        response
            .headers()
            .get("access-control-allow-origin")
            .map(|v| v.to_str().unwrap().to_owned())
    };
    let open = start(Limits::default()).await;
    let response = preflight(open.url("/group/1"), "https://page.example").await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(allowed(&response).as_deref(), Some("*"));
    let origins = Origins::Only(vec!["https://wallet.example".into()]);
    let closed = try_start(ServeConfig {
        origins,
        ..config(Limits::default())
    })
    .await
    .unwrap();
    let wallet = preflight(closed.url("/"), "https://wallet.example").await.unwrap();
    assert_eq!(allowed(&wallet).as_deref(), Some("https://wallet.example"));
    let foreign = preflight(closed.url("/"), "https://page.example").await.unwrap();
    assert_eq!(allowed(&foreign), None);
    for (origin, status) in [("https://wallet.example", 101), ("https://page.example", 403)] {
        let upgrade = reqwest::Client::new()
            .get(closed.url("/"))
            .header("origin", origin)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(upgrade.send().await.unwrap().status().as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = start(Limits::default()).await;
    let listen = first.handle.local_addr;
    let error = try_start(ServeConfig {
        listen,
        ..config(Limits::default())
    })
    .await
    .err()
    .unwrap();
    assert!(matches!(error, ServeError::AddressInUse { address } if address == listen));
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}

#[tokio::test]
async fn a_cancelled_listener_ends_and_refuses_new_connections() {
    let server = start(Limits::default()).await;
    server.result("eth_chainId", json!([])).await;
    server.shutdown.cancel();
    server.handle.stopped().await;
    assert!(
        reqwest::Client::new()
            .post(server.url("/"))
            .body("{}")
            .send()
            .await
            .is_err()
    );
}

/// TLS that never changes and knows no client.
#[derive(Debug)]
pub(crate) struct FixedTls(pub(crate) Arc<rustls::ServerConfig>);

impl ListenerTls for FixedTls {
    fn server_config(&self) -> Arc<rustls::ServerConfig> {
        Arc::clone(&self.0)
    }

    fn client(&self, _chain: &[CertificateDer<'static>]) -> Result<Client, String> {
        Err("nobody is asked for a certificate here".to_owned())
    }
}

pub(crate) fn tls(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (rustls::ServerConfig, rustls::ClientConfig) {
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, client)
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_served_where_tls_is_configured() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (server_tls, client_tls) = tls(&[version]);
        let with_tls = ServeConfig {
            tls: Some(Arc::new(FixedTls(Arc::new(server_tls)))),
            ..config(Limits::default())
        };
        let server = try_start(with_tls).await.unwrap();
        let stream = tokio::net::TcpStream::connect(server.handle.local_addr).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client_tls));
        let mut stream = connector
            .connect("localhost".try_into().unwrap(), stream)
            .await
            .unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"net_version"}"#;
        let head = "POST /group/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 47\r\n\r\n";
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(&format!("\"result\":\"{CHAIN_ID}\"")), "{answer}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_a_closed_set_of_methods() {
    let server = start(Limits::default()).await;
    server.result("eth_chainId", json!([])).await;
    server.error("eth_\"whatever\"", json!([])).await;
    server.error("eth_getCode", json!([])).await;
    let batch: Value = json!([{"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}]);
    server.post("/", batch.to_string()).await;
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &server.registry).unwrap();
    for line in [
        "althing_rpc_requests_total{method=\"eth_chainId\",outcome=\"ok\"} 2",
        "althing_rpc_requests_total{method=\"other\",outcome=\"error\"} 1",
        "althing_rpc_requests_total{method=\"eth_getCode\",outcome=\"error\"} 1",
        "rpc_request_seconds_count{method=\"eth_chainId\"} 2",
        "althing_rpc_connections 1",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
