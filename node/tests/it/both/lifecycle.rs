//! Groups made, started, stopped, removed and recovered over RPC while the node runs (FISCO BCOS 2.x).

use std::fs;

use alloy_primitives::Address;
use althing_types::genesis::parse_genesis;
use serde_json::{Value, json};

use super::account::Account;
use super::client::Client;
use super::folder::{Folder, genesis};
use super::running::Running;
use super::voted::{number, receipt};

const TIMESTAMP: &str = "1767225600000";
/// What changes groups, or tells of them.
pub(crate) const METHODS: [&str; 6] = [
    "generateGroup",
    "startGroup",
    "stopGroup",
    "removeGroup",
    "recoverGroup",
    "queryGroupStatus",
];

fn start(folder: &Folder) -> Running {
    let running = Running::start(&folder.file("config.ini"), folder.ports);
    running.until("ready", |running| running.page("/readyz") == "ready\n");
    running
}

/// What a method answers: FISCO's code and words.
fn does(running: &Running, method: &str, params: Value) -> (String, String) {
    let answer = running.ask(method, params);
    let text = |field: &str| {
        let found = answer["result"][field].as_str();
        found.unwrap_or_else(|| panic!("{method}: {answer}")).to_owned()
    };
    (text("code"), text("message"))
}

fn code(running: &Running, method: &str, params: Value) -> String {
    does(running, method, params).0
}

fn status(running: &Running, group: u32) -> String {
    let answer = running.ask("queryGroupStatus", json!([group]));
    assert_eq!(answer["result"]["code"], "0x0", "{answer}");
    answer["result"]["status"].as_str().unwrap().to_owned()
}

fn asked(folder: &Folder) -> Value {
    json!({"timestamp": TIMESTAMP, "sealers": [folder.node_id]})
}

fn height(running: &Running, group: u32) -> Value {
    running.ask("getBlockNumber", json!([group]))["result"].clone()
}

/// A block with one transaction in the default group.
fn seal(running: &Running, account: u8) {
    let hash = Account::new(running, account)
        .send(Address::ZERO, vec![], 21_000)
        .unwrap();
    receipt(running, &hash);
}

#[test]
fn a_group_goes_through_fisco_s_states_and_each_wrong_step_has_its_code() {
    let folder = Folder::new();
    let running = start(&folder);
    let steps = |expected: [(&str, &str); 5]| {
        for (method, wanted) in expected {
            let params = match method {
                "generateGroup" => json!([2, asked(&folder)]),
                _ => json!([2]),
            };
            let (found, message) = does(&running, method, params);
            assert_eq!(found, wanted, "{method}: {message}");
            assert!(!message.is_empty(), "{method}");
        }
    };
    assert_eq!(status(&running, 2), "INEXISTENT");
    steps([
        ("startGroup", "0x6"),
        ("stopGroup", "0x6"),
        ("removeGroup", "0x6"),
        ("recoverGroup", "0x6"),
        ("generateGroup", "0x0"),
    ]);
    assert_eq!(status(&running, 2), "STOPPED");
    steps([
        ("generateGroup", "0x2"),
        ("stopGroup", "0x4"),
        ("recoverGroup", "0xe"),
        ("startGroup", "0x0"),
        ("startGroup", "0x3"),
    ]);
    assert_eq!(status(&running, 2), "RUNNING");
    assert_eq!(running.ask("getGroupList", json!([]))["result"], json!([1, 2]));
    steps([
        ("generateGroup", "0x2"),
        ("removeGroup", "0x3"),
        ("recoverGroup", "0xe"),
        ("stopGroup", "0x0"),
        ("removeGroup", "0x0"),
    ]);
    assert_eq!(status(&running, 2), "DELETED");
    assert_eq!(running.ask("getBlockNumber", json!([2]))["error"]["code"], -40001);
    steps([
        ("generateGroup", "0x2"),
        ("startGroup", "0x5"),
        ("stopGroup", "0x5"),
        ("removeGroup", "0x5"),
        ("recoverGroup", "0x0"),
    ]);
    assert_eq!(status(&running, 2), "STOPPED");
    assert_eq!(running.ask("getBlockNumber", json!([2]))["error"]["code"], -40010);
    assert_eq!(running.ask("getGroupList", json!([]))["result"], json!([1]));
    // The others never noticed.
    assert_eq!(running.page("/readyz"), "ready\n");
}

#[test]
fn a_request_that_makes_no_group_says_what_is_accepted_and_leaves_nothing() {
    let folder = Folder::new();
    let running = start(&folder);
    let node = &folder.node_id;
    let stranger = "ab".repeat(64);
    for (group, request, wanted, words) in [
        (json!(0), asked(&folder), "0x7", "1 to 32767"),
        (json!(32_768), asked(&folder), "0x7", "1 to 32767"),
        (
            json!(5),
            json!({"timestamp": "soon", "sealers": [node]}),
            "0x7",
            "timestamp",
        ),
        (
            json!(5),
            json!({"timestamp": TIMESTAMP, "sealers": []}),
            "0x7",
            "sealers is empty",
        ),
        (
            json!(5),
            json!({"timestamp": TIMESTAMP, "sealers": [&node[1..]]}),
            "0x7",
            "sealers[0]",
        ),
        (
            json!(5),
            json!({"timestamp": TIMESTAMP, "sealers": [node, node]}),
            "0x7",
            "named twice",
        ),
        (
            json!(5),
            json!({"timestamp": TIMESTAMP, "sealers": [node, stranger]}),
            "0x8",
            "abababab",
        ),
    ] {
        let (found, message) = does(&running, "generateGroup", json!([group, request]));
        assert_eq!(found, wanted, "{request}: {message}");
        assert!(message.contains(words), "{request}: {message}");
    }
    for method in [
        "startGroup",
        "stopGroup",
        "removeGroup",
        "recoverGroup",
        "queryGroupStatus",
    ] {
        assert_eq!(code(&running, method, json!([0])), "0x7", "{method}");
        assert_eq!(running.ask(method, json!(["x"]))["error"]["code"], -32602, "{method}");
        assert_eq!(running.ask(method, json!([]))["error"]["code"], -32602, "{method}");
    }
    folder.write("conf/group.5.ini", "[tx_pool]\nlimit=7\n");
    assert_eq!(code(&running, "generateGroup", json!([5, asked(&folder)])), "0xa");
    assert_eq!(status(&running, 5), "INEXISTENT");
    assert!(!folder.file("data/group5").exists() && !folder.file("conf/group.5.genesis").exists());
}

#[test]
fn a_made_group_has_the_genesis_of_these_rules_and_another_one_is_told_by_field() {
    let folder = Folder::new();
    let running = start(&folder);
    assert_eq!(code(&running, "generateGroup", json!([2, asked(&folder)])), "0x0");
    let made = fs::read_to_string(folder.file("conf/group.2.genesis")).unwrap();
    let expected = parse_genesis("expected", &genesis(&[&folder.node_id], 2)).unwrap();
    assert_eq!(parse_genesis("made", &made).unwrap(), expected);
    let (_, message) = does(&running, "generateGroup", json!([2, asked(&folder)]));
    assert!(message.contains("with the same genesis"), "{message}");
    let other = json!({"timestamp": "1767225600001", "sealers": [folder.node_id]});
    let (found, message) = does(&running, "generateGroup", json!([2, other]));
    assert_eq!(found, "0x2");
    assert!(
        message.contains("with another genesis: ") && message.contains("1767225600001"),
        "{message}"
    );
    // Files that come start a group, but not one that waits for a person.
    folder.write("conf/group.3.genesis", genesis(&[&folder.node_id], 3));
    running.until("group 3 runs", |running| status(running, 3) == "RUNNING");
    assert_eq!(status(&running, 2), "STOPPED");
    assert_eq!(fs::read_to_string(folder.file("conf/group.2.genesis")).unwrap(), made);
}

#[test]
fn what_was_decided_about_a_group_holds_after_a_restart_and_its_blocks_are_kept() {
    let folder = Folder::new();
    let mut running = start(&folder);
    seal(&running, 1);
    let before = height(&running, 1);
    assert_eq!(number(&before), 1);
    assert_eq!(code(&running, "stopGroup", json!([1])), "0x0");
    let restart = |running: Running| {
        drop(running);
        start(&folder)
    };
    running = restart(running);
    assert_eq!(status(&running, 1), "STOPPED");
    assert!(
        running
            .page("/readyz?group=1")
            .contains("group 1 is stopped; startGroup starts it")
    );
    let told = running.ask("althing_status", json!([]))["result"]["groups"]["1"]["halted"].clone();
    assert!(told.as_str().unwrap().contains("startGroup"), "{told}");
    assert_eq!(code(&running, "removeGroup", json!([1])), "0x0");
    running = restart(running);
    assert_eq!(status(&running, 1), "DELETED");
    assert_eq!(code(&running, "recoverGroup", json!([1])), "0x0");
    assert_eq!(code(&running, "startGroup", json!([1])), "0x0");
    assert_eq!(height(&running, 1), before);
    running.until("ready", |running| running.page("/readyz?group=1") == "ready\n");
    seal(&running, 2);
    running = restart(running);
    assert_eq!(status(&running, 1), "RUNNING");
    assert_eq!(number(&height(&running, 1)), 2);
}

#[test]
fn a_group_is_stopped_and_started_again_and_again_and_seals_in_between() {
    let folder = Folder::new();
    let running = start(&folder);
    for round in 1..=5 {
        seal(&running, round);
        assert_eq!(code(&running, "stopGroup", json!([1])), "0x0");
        assert!(running.ask("eth_blockNumber", json!([]))["error"]["message"].is_string());
        assert!(running.page("/metrics").contains("althing_group_ready{group=\"1\"} 0"));
        assert_eq!(code(&running, "startGroup", json!([1])), "0x0");
        assert_eq!(number(&height(&running, 1)), u64::from(round));
    }
}

#[test]
fn files_that_are_missing_or_spoilt_are_named_and_cost_nothing() {
    let folder = Folder::new();
    let mut running = start(&folder);
    assert_eq!(code(&running, "stopGroup", json!([1])), "0x0");
    let text = fs::read_to_string(folder.file("conf/group.1.genesis")).unwrap();
    folder.remove("conf/group.1.genesis");
    let (found, message) = does(&running, "startGroup", json!([1]));
    assert_eq!(found, "0xb");
    assert!(message.contains("group.1.genesis is not there"), "{message}");
    folder.write(
        "conf/group.1.genesis",
        text.replace("consensus_type=pbft", "consensus_type=paxos"),
    );
    let (found, message) = does(&running, "startGroup", json!([1]));
    assert_eq!(found, "0x1");
    assert!(message.contains("paxos"), "{message}");
    assert_eq!(status(&running, 1), "STOPPED");
    folder.write("conf/group.1.genesis", text);
    assert_eq!(code(&running, "startGroup", json!([1])), "0x0");
    drop(running);
    folder.write("data/group1/.group_status", "PAUSED\n");
    running = Running::start(&folder.file("config.ini"), folder.ports);
    assert!(
        running
            .page("/readyz")
            .contains("says \"PAUSED\"; accepted is RUNNING, STOPPED or DELETED")
    );
    assert_eq!(status(&running, 1), "UNKNOWN");
    assert_eq!(code(&running, "removeGroup", json!([1])), "0x3");
    assert_eq!(code(&running, "startGroup", json!([1])), "0x0");
    assert_eq!(status(&running, 1), "RUNNING");
    running.until("ready", |running| running.page("/readyz") == "ready\n");
}

#[test]
fn a_node_may_let_nobody_change_groups() {
    let folder = Folder::new();
    folder.replace("config.ini", "[rpc]\n", "[rpc]\ndisable_dynamic_group=true\n");
    let running = start(&folder);
    for method in METHODS {
        let answer = running.ask(method, json!([1, asked(&folder)]));
        assert_eq!(answer["error"]["code"], -100_001, "{method}: {answer}");
    }
    assert_eq!(running.page("/readyz"), "ready\n");
}

#[test]
fn nodes_that_are_asked_for_the_same_group_seal_it_together_and_find_each_other_again_after_a_stop() {
    let one = Folder::new();
    let other = one.beside();
    for (folder, peer) in [(&one, &other), (&other, &one)] {
        folder.write(
            "nodes.json",
            format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", peer.ports.p2p),
        );
    }
    let running = [start(&one), start(&other)];
    let mut sealers = [one.node_id.as_str(), other.node_id.as_str()];
    sealers.sort_unstable();
    for node in &running {
        node.until("the other is connected", |node| {
            node.ask("getPeers", json!([1]))["result"]
                .as_array()
                .is_some_and(|peers| peers.len() == 1)
        });
        let asked = json!({"timestamp": TIMESTAMP, "sealers": sealers});
        assert_eq!(code(node, "generateGroup", json!([2, asked])), "0x0");
        assert_eq!(code(node, "startGroup", json!([2])), "0x0");
    }
    let live = |node: &Running| node.ask("althing_status", json!([]))["result"]["groups"]["2"]["live"].clone();
    let both_live = || {
        for node in &running {
            node.until("both are live", |node| live(node) == json!(sealers));
            node.until("ready", |node| node.page("/readyz?group=2") == "ready\n");
        }
    };
    both_live();
    let genesis =
        |node: &Running| node.ask("althing_status", json!([]))["result"]["groups"]["2"]["genesisHash"].clone();
    assert_eq!(genesis(&running[0]), genesis(&running[1]));
    assert_eq!(code(&running[1], "stopGroup", json!([2])), "0x0");
    running[0].until("one is live", |node| live(node) == json!([one.node_id]));
    assert_eq!(code(&running[1], "startGroup", json!([2])), "0x0");
    both_live();
}

#[test]
fn what_a_kill_left_of_making_a_group_is_no_group_and_stands_in_nobody_s_way() {
    let folder = Folder::new();
    fs::create_dir_all(folder.file("data/group2")).unwrap();
    folder.write("data/group2/.group_status", "STOPPED\n");
    folder.write("data/group2/.group_status.new", "STO");
    folder.write("conf/.group.2.genesis.new", "[consensus]\nnode.0=");
    let running = start(&folder);
    assert_eq!(status(&running, 2), "INEXISTENT");
    assert_eq!(code(&running, "startGroup", json!([2])), "0x6");
    assert_eq!(code(&running, "generateGroup", json!([2, asked(&folder)])), "0x0");
    assert_eq!(code(&running, "startGroup", json!([2])), "0x0");
}

#[test]
fn people_who_start_and_stop_a_group_all_at_once_get_one_answer_each_and_leave_it_whole() {
    let folder = Folder::new();
    let running = start(&folder);
    seal(&running, 1);
    let port = folder.ports.rpc;
    let person = move |methods: [&'static str; 2]| {
        for method in methods.iter().cycle().take(12) {
            let answer = Client::plain(port).ask(method, json!([1])).unwrap();
            let code = answer["result"]["code"]
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"))
                .to_owned();
            assert!(["0x0", "0x3", "0x4"].contains(&code.as_str()), "{method}: {answer}");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| person(["stopGroup", "startGroup"]));
            scope.spawn(|| person(["startGroup", "stopGroup"]));
        }
    });
    let _ = does(&running, "startGroup", json!([1]));
    assert_eq!(status(&running, 1), "RUNNING");
    assert_eq!(number(&height(&running, 1)), 1);
    seal(&running, 2);
}

#[test]
fn a_group_that_could_not_be_made_leaves_nothing_that_holds_up_one_of_its_number() {
    let folder = Folder::new();
    let running = start(&folder);
    for obstacle in ["conf/.group.2.genesis.new", "conf/.group.2.ini.new"] {
        fs::create_dir(folder.file(obstacle)).unwrap();
        let (found, message) = does(&running, "generateGroup", json!([2, asked(&folder)]));
        assert_eq!(found, "0x1", "{obstacle}");
        assert!(message.contains("cannot be written"), "{message}");
        assert_eq!(status(&running, 2), "INEXISTENT");
        assert!(!folder.file("data/group2").exists() && !folder.file("conf/group.2.genesis").exists());
        fs::remove_dir(folder.file(obstacle)).unwrap();
    }
    folder.write("conf/group.2.genesis", genesis(&[&folder.node_id], 2));
    running.until("its files start it", |running| status(running, 2) == "RUNNING");
}
