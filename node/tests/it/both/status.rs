//! What a node says of itself.

use std::fs;

use alloy_primitives::keccak256;
use althing_types::genesis::{genesis_hash, parse_genesis};
use serde_json::{Value, json};

use super::edition;
use super::folder::Folder;
use super::running::Running;

#[test]
fn the_status_on_loopback_says_what_the_node_runs_and_who_is_live() {
    let folder = Folder::new();
    let running = Running::start(&folder.file("config.ini"), folder.ports);
    running.until("ready", |running| running.page("/readyz") == "ready\n");
    let status = running.ask("althing_status", json!([]))["result"].clone();
    let read = |file: &str| fs::read_to_string(folder.file(file)).unwrap();
    let genesis = parse_genesis("group.1.genesis", &read("conf/group.1.genesis")).unwrap();
    let group = &status["groups"]["1"];
    let hex = |hash: alloy_primitives::B256| json!(format!("{hash:#x}"));
    assert_eq!(
        group["genesisHash"],
        hex(genesis_hash(&genesis, edition().suite().hash_fn())),
        "{status}"
    );
    assert_eq!(group["settingsDigest"], hex(keccak256(read("conf/group.1.ini"))));
    assert_eq!(
        (&group["height"], &group["view"], &group["peers"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let block = running.ask("getBlockHashByNumber", json!([1, "0x0"]));
    assert_eq!(group["blockHash"], block["result"]);
    for field in ["sealers", "live"] {
        assert_eq!(group[field], json!([folder.node_id]), "{field}");
    }
    assert_eq!(
        (&group["leader"], &group["role"]),
        (&json!(folder.node_id), &json!("sealer"))
    );
    assert_eq!(
        (&group["inSync"], &group["halted"], &group["notReady"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&status["version"], &status["nodeId"]),
        (&json!("0.1.0"), &json!(folder.node_id))
    );
    assert!(status["startedAt"].as_u64().unwrap() > 1_700_000_000);
}
