//! What only administrators ask, on plain listeners; certificates are shown to the real node in its own tests.

use althing_rpc::{Limits, ServeConfig};
use serde_json::{Value, json};

use super::server::{TestServer, config, start, try_start};

async fn at_all_addresses() -> TestServer {
    let everywhere = ServeConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..config(Limits::default())
    };
    try_start(everywhere).await.unwrap()
}

#[tokio::test]
async fn the_status_of_a_node_is_one_object_with_every_field_an_operator_reads() {
    let server = start(Limits::default()).await;
    let status = server.result("althing_status", json!([])).await;
    assert_eq!(
        (&status["version"], &status["startedAt"]),
        (&json!("0.1.0"), &json!(1_767_225_600))
    );
    assert_eq!(status["nodeId"].as_str().unwrap().len(), 128);
    let peers = status["peers"].as_object().unwrap();
    assert_eq!(peers.keys().map(String::len).collect::<Vec<_>>(), [128]);
    for shown in peers.values().chain([&status["certificates"]]) {
        let nothing = json!({"trust": format!("0x{}", "0".repeat(64)), "issuer": null, "notAfter": 0});
        assert_eq!(shown, &nothing);
    }
    let group = status["groups"]["1"].as_object().unwrap();
    let mut fields: Vec<&str> = group.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "blockHash",
            "genesisHash",
            "halted",
            "height",
            "inSync",
            "leader",
            "live",
            "notReady",
            "peers",
            "role",
            "sealers",
            "settingsDigest",
            "view"
        ]
    );
    assert_eq!(
        (&group["role"], &group["inSync"], &group["notReady"]),
        (&json!("sealer"), &json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn a_plain_port_that_other_machines_reach_administers_nothing_and_says_what_is_needed() {
    let server = at_all_addresses().await;
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "althing_status", "params": []});
    let url = format!("http://127.0.0.1:{}/", server.handle.local_addr.port());
    let post = async |body: Value| {
        let response = server.client.post(&url).body(body.to_string()).send().await.unwrap();
        serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap()
    };
    let one = post(ask.clone()).await;
    let batched = post(json!([ask, {"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"}])).await;
    for answer in [&one, &batched[0]] {
        assert_eq!(answer["error"]["code"], 4100, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        for words in [
            "althing_status administers the node",
            "tls_client_ca",
            "admin certificate of this node's own agency",
        ] {
            assert!(message.contains(words), "{message}");
        }
    }
    assert!(batched[1]["result"].is_string(), "reading stays open: {batched}");
}
