//! The console, as a person and a script use it: the real program against the sample of four agencies, in which agencies A and B have
//! seats in group 1, whose sealers are nodes 0 to 3.

use std::process::Stdio;
use std::time::Duration;

use althing_e2e::{Consortium, repository, until};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::room;

/// The sample.
const FOUR_AGENCIES: &str = "deploy/samples/four-agencies";
/// How long one run of the program may take.
const COMMAND: Duration = Duration::from_secs(60);
/// Proofs of life come every ten seconds while a change waits for them.
const CARRIED_OUT: Duration = Duration::from_secs(60);

/// What one run of the program came to.
struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Outcome {
    /// The one JSON value on its standard output.
    fn value(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{}\n{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The sample, and its console.
struct Scene {
    consortium: Consortium,
}

impl Scene {
    async fn start() -> Self {
        let consortium = Consortium::start_folder(&repository().join(FOUR_AGENCIES))
            .await
            .unwrap();
        Self { consortium }
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.consortium.althing().unwrap();
        command.arg("console").args(arguments).kill_on_drop(true);
        command.env("XDG_STATE_HOME", self.consortium.scratch().join("xdg"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut pipe = process.stdin.take().unwrap();
        pipe.write_all(input.as_bytes()).await.unwrap();
        drop(pipe);
        let ended = tokio::time::timeout(COMMAND, process.wait_with_output()).await;
        let output = ended.expect("the console ends in time").unwrap();
        Outcome {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// One command, which is carried out.
    async fn json(&self, line: &str) -> Value {
        self.json_as("agency-a", line).await
    }

    async fn json_as(&self, agency: &str, line: &str) -> Value {
        let outcome = self.told(agency, line).await;
        assert_eq!(outcome.code, Some(0), "{line}: {}{}", outcome.out, outcome.err);
        outcome.value()
    }

    /// One command, whatever comes of it.
    async fn told(&self, agency: &str, line: &str) -> Outcome {
        let words = ["-o", "json", "--as", agency, "--"];
        let words: Vec<&str> = words.into_iter().chain(line.split(' ')).collect();
        self.run(&words, "").await
    }

    async fn becomes(&self, what: &str, line: &str, holds: impl Fn(&Value) -> bool) {
        until(what, CARRIED_OUT, || async { holds(&self.json(line).await) })
            .await
            .unwrap();
    }
}

fn listed(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_chain_command_of_the_console_answers_about_a_running_group() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    // A block with a transaction in it: a vote.
    let sent = scene.json("setSystemConfigByKey tx_count_limit 2000").await;
    let transaction = sent["transactionHash"].as_str().unwrap().to_owned();
    let receipt = scene.json(&format!("getTransactionReceipt {transaction}")).await;
    assert_eq!(receipt["transactionHash"], transaction.as_str());
    let number = receipt["blockNumber"].as_str().unwrap().to_owned();
    let hash = scene.json(&format!("getBlockHashByNumber {number}")).await;
    let hash = hash.as_str().unwrap();

    assert!(scene.json("getBlockNumber").await.as_u64().unwrap() > 1);
    assert_eq!(scene.json("getNodeVersion").await["Chain Id"], "20260");
    assert_eq!(scene.json("getGroupList").await, json!([1]));
    assert_eq!(scene.json("getGroupList node-3").await, json!([1, 2]));
    assert_eq!(scene.json("getNodeIDList").await.as_array().unwrap().len(), 6);
    assert_eq!(scene.json("getPeers").await.as_array().unwrap().len(), 5);
    assert_eq!(scene.json("getGroupPeers node-3").await.as_array().unwrap().len(), 3);
    assert_eq!(scene.json("getSealerList").await.as_array().unwrap().len(), 4);
    assert_eq!(scene.json("getObserverList").await, json!([]));
    assert!(scene.json("getPbftView").await.is_u64());
    assert_eq!(scene.json("getConsensusStatus").await[0]["groupId"], 1);
    assert_eq!(scene.json("getSyncStatus").await["isSyncing"], false);
    assert_eq!(scene.json("getAvailableConnections").await.as_array().unwrap().len(), 6);
    assert_eq!(scene.json("getCryptoType").await["ledger"], "ECDSA");
    assert_eq!(scene.json("getPendingTransactions").await, json!([]));
    assert_eq!(scene.json("getPendingTxSize").await, 0);
    assert!(scene.json("getTotalTransactionCount").await["txSum"].is_u64());
    assert_eq!(scene.json("getSystemConfigByKey tx_count_limit").await, "1000");
    // Multicall3 is predeployed; nothing is at the other.
    let code = scene.json("getCode 0xcA11bde05977b3631167028862bE2a173976CA11").await;
    assert!(code.as_str().unwrap().len() > 100);
    let nothing = format!("0x{}", "07".repeat(20));
    assert_eq!(scene.json(&format!("getCode {nothing}")).await, Value::Null);
    for (line, field) in [
        (format!("getBlockByHash {hash}"), "hash"),
        (format!("getBlockByNumber {number} true"), "hash"),
        (format!("getTransactionByHash {transaction}"), "blockHash"),
        (format!("getTransactionByBlockHashAndIndex {hash} 0"), "blockHash"),
        (format!("getTransactionByBlockNumberAndIndex {number} 0"), "blockHash"),
    ] {
        assert_eq!(scene.json(&line).await[field], hash, "{line}");
    }
    let unknown = format!("0x{}", "07".repeat(32));
    assert_eq!(
        scene.json(&format!("getTransactionByHash {unknown}")).await,
        Value::Null
    );

    let accounts = scene.json("listAccount").await;
    assert_eq!(accounts.as_array().unwrap().len(), 4);
    assert_eq!(
        (&accounts[0]["agency"], &accounts[0]["current"]),
        (&json!("agency-a"), &json!(true))
    );
    assert_eq!(scene.json("getCurrentAccount").await, accounts[0]["account"]);
    assert_eq!(scene.json("listCommitteeMembers").await.as_array().unwrap().len(), 2);
    assert_eq!(scene.json("queryCommitteeMemberWeight agency-b").await["weight"], 1);
    assert_eq!(scene.json("queryThreshold").await["threshold"], 50);
    assert_eq!(scene.json("queryVotesOfThreshold").await, json!({}));
    assert_eq!(scene.json("queryVotesOfMember agency-d").await["grant"], json!([]));

    pipes(&scene).await;
    mistakes(&scene).await;
}

/// Lines from a pipe.
async fn pipes(scene: &Scene) {
    let lines = "# what is there\ngetSealerList\n\nswitch 2\ngetSealerList\nhelp getCode\nquit\nfly\n";
    let outcome = scene.run(&[], lines).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let parts: Vec<&str> = outcome.out.split("switched to group 2\n").collect();
    let nodes = |text: &str| text.lines().filter(|line| line.trim().len() > 128).count();
    assert_eq!(
        parts.iter().map(|part| nodes(part)).collect::<Vec<_>>(),
        [4, 2],
        "{}",
        outcome.out
    );
    assert!(!outcome.out.contains("]> "), "there is no prompt: {}", outcome.out);

    let outcome = scene
        .run(&["-o", "json"], "getGroupList\nswitch 9\ngetBlockNumber\n")
        .await;
    assert_eq!(outcome.code, Some(1), "{}", outcome.err);
    let values: Vec<Value> = outcome
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((values.len(), &values[0]), (2, &json!([1])));
    assert_eq!(values[1]["code"], -40_001, "{}", values[1]);
    assert!(outcome.err.contains("line 2"), "{}", outcome.err);
}

/// What is not accepted.
async fn mistakes(scene: &Scene) {
    let long = "ab".repeat(64);
    for (line, exit, code, words) in [
        ("getblocknumber", 2, None, "getBlockNumber"),
        ("addSealer abc", 2, Some(-51_100), "nodeId is \"abc\""),
        ("getBlockByNumber -1", 2, None, "blockNumber"),
        ("getBlockByNumber 4000000000", 1, Some(-40_004), "4000000000"),
        (
            "setSystemConfigByKey consensus_timeout 1",
            2,
            Some(-51_300),
            "3 to 60 seconds",
        ),
        (&format!("addSealer {long}"), 1, Some(-51_102), "getNodeIDList"),
        (&format!("removeNode {long}"), 1, Some(-51_103), "takes no part"),
        ("addSealer node-0", 1, Some(-51_104), "seals already"),
        ("grantCommitteeMember agency-b", 1, Some(-52_000), "has a seat"),
        ("revokeCommitteeMember agency-d", 1, Some(-52_001), "no seat"),
        ("queryCommitteeMemberWeight agency-d", 1, Some(-52_001), "no seat"),
        ("startGroup node-9", 1, None, "no node \"node-9\" runs"),
    ] {
        let outcome = scene.told("agency-a", line).await;
        let told = outcome.value();
        assert_eq!(outcome.code, Some(exit), "{line}: {told}");
        assert_eq!(told.get("code").and_then(Value::as_i64), code, "{line}: {told}");
        assert!(told.to_string().replace('\\', "").contains(words), "{line}: {told}");
    }
    // Who has no seat decides nothing.
    let outcome = scene.told("agency-d", "removeNode node-0").await;
    assert_eq!((outcome.code, &outcome.value()["code"]), (Some(1), &json!(-50_000)));
    // Who did not say as whom is asked to; who names a node that is not there is told which are.
    let outcome = scene.run(&["--", "removeNode", "node-0"], "").await;
    assert_eq!(outcome.code, Some(1), "{}", outcome.out);
    assert!(
        outcome.err.contains("which agency?") && outcome.err.contains("agency-c"),
        "{}",
        outcome.err
    );
    let outcome = scene.run(&["--node", "node-9", "--", "getBlockNumber"], "").await;
    assert!(
        outcome.code == Some(1) && outcome.err.contains("node-5"),
        "{}",
        outcome.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn agencies_change_who_takes_part_by_votes_from_the_console() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    let ids = scene.json("getSealerList").await;
    let member = |node: &str, nodes: &Value| {
        let file = scene
            .consortium
            .state()
            .join("trade/nodes")
            .join(node)
            .join("conf/node.nodeid");
        let id = std::fs::read_to_string(file).unwrap();
        listed(nodes).contains(&id.trim())
    };
    assert!(member("node-2", &ids));

    let recorded = scene.json_as("agency-a", "addObserver node-2").await;
    assert_eq!(
        (&recorded["code"], &recorded["msg"]),
        (&json!(0), &json!("vote recorded"))
    );
    let vote = &recorded["vote"];
    assert_eq!((&vote["votes"], &vote["needed"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&vote["voted"], &vote["missing"]),
        (&json!(["agency-a"]), &json!(["agency-b"]))
    );
    let passed = scene.told("agency-b", "addObserver node-2").await;
    assert_eq!(passed.value()["msg"], "success", "{}", passed.out);
    assert!(passed.err.contains("step by step"), "{}", passed.err);
    scene
        .becomes("node-2 to observe", "getObserverList", |list| member("node-2", list))
        .await;
    let again = scene.told("agency-a", "addObserver node-2").await;
    assert_eq!((again.code, &again.value()["code"]), (Some(1), &json!(-51_105)));

    for agency in ["agency-a", "agency-b"] {
        scene.json_as(agency, "addSealer node-2").await;
    }
    scene
        .becomes("node-2 to seal", "getSealerList", |list| member("node-2", list))
        .await;
    for agency in ["agency-a", "agency-b"] {
        scene.json_as(agency, "removeNode node-2").await;
    }
    scene
        .becomes("node-2 to leave", "getSealerList", |list| !member("node-2", list))
        .await;
    assert_eq!(scene.json("getObserverList").await, json!([]));

    for (agency, told) in [("agency-a", "vote recorded"), ("agency-b", "success")] {
        let sent = scene.json_as(agency, "setSystemConfigByKey tx_count_limit 2000").await;
        assert_eq!(sent["msg"], told, "{sent}");
    }
    assert_eq!(scene.json("getSystemConfigByKey tx_count_limit").await, "2000");

    let recorded = scene.json_as("agency-a", "grantCommitteeMember agency-d").await;
    assert_eq!(recorded["vote"]["what"], "agency-d is to be 1");
    let votes = scene.json("queryVotesOfMember agency-d").await;
    assert_eq!(votes["grant"].as_array().unwrap().len(), 1, "{votes}");
    scene.json_as("agency-b", "grantCommitteeMember agency-d").await;
    assert_eq!(scene.json("queryCommitteeMemberWeight agency-d").await["weight"], 1);
    for agency in ["agency-a", "agency-d"] {
        scene.json_as(agency, "updateThreshold 70").await;
    }
    assert_eq!(scene.json("queryThreshold").await["threshold"], 70);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_node_are_stopped_started_and_made_from_the_console() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    assert_eq!(scene.json("queryGroupStatus node-4 2").await["status"], "RUNNING");
    let stopped = scene.told("agency-a", "stopGroup node-4 2").await;
    assert_eq!(
        (stopped.code, &stopped.value()["code"]),
        (Some(0), &json!("0x0")),
        "{}",
        stopped.err
    );
    assert!(
        stopped.err.contains("Group group-2") && stopped.err.contains("spec.agreed.members"),
        "{}",
        stopped.err
    );
    assert_eq!(scene.json("queryGroupStatus node-4 2").await["status"], "STOPPED");
    let again = scene.told("agency-a", "stopGroup node-4 2").await;
    assert_eq!((again.code, &again.value()["code"]), (Some(1), &json!("0x4")));
    scene.json("startGroup node-4 2").await;
    assert_eq!(scene.json("queryGroupStatus node-4 2").await["status"], "RUNNING");

    let made = scene
        .told("agency-a", "generateGroup node-0 7 1767225600000 node-0")
        .await;
    assert_eq!(
        (made.code, &made.value()["code"]),
        (Some(0), &json!("0x0")),
        "{}",
        made.out
    );
    assert!(made.err.contains("no manifest declares group 7"), "{}", made.err);
    // The group of the prompt is that of --group; without a committee one call passes.
    let in_seven = async |line: &str| {
        let words = ["-o", "json", "--as", "agency-a", "--group", "7", "--"];
        let words: Vec<&str> = words.into_iter().chain(line.split(' ')).collect();
        scene.run(&words, "").await
    };
    assert_eq!(in_seven("startGroup node-0").await.code, Some(0));
    scene
        .becomes("group 7 to run", "getGroupList node-0", |list| *list == json!([1, 7]))
        .await;
    let set = in_seven("setSystemConfigByKey consensus_timeout 9").await;
    assert_eq!(set.value()["msg"], "success", "{}", set.err);
    let granted = in_seven("grantCommitteeMember agency-a").await;
    assert_eq!((granted.code, &granted.value()["code"]), (Some(1), &json!(-52_002)));
    for (line, status) in [
        ("stopGroup", "STOPPED"),
        ("removeGroup", "DELETED"),
        ("recoverGroup", "STOPPED"),
    ] {
        let outcome = in_seven(&format!("{line} node-0")).await;
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.out);
        let told = in_seven("queryGroupStatus node-0").await;
        assert_eq!(told.value()["status"], status, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_given_and_taken_and_a_contract_is_frozen_from_the_console() {
    /// Multicall3, which is there from block 0 on and has no manager.
    const CONTRACT: &str = "0xcA11bde05977b3631167028862bE2a173976CA11";
    let _room = room::enter().await;
    let scene = Scene::start().await;
    let recorded = scene.json_as("agency-a", "grantOperator agency-d").await;
    assert_eq!(recorded["msg"], "vote recorded", "{recorded}");
    assert_eq!(
        scene.json("listOperators").await,
        json!([]),
        "one agency decides nothing alone"
    );
    scene.json_as("agency-b", "grantOperator agency-d").await;
    let operators = scene.json("listOperators").await;
    assert_eq!(operators.as_array().map(Vec::len), Some(1), "{operators}");
    let seat = scene.told("agency-a", "freezeAccount agency-b").await;
    assert_eq!(
        (seat.code, &seat.value()["code"]),
        (Some(1), &json!(-50_000)),
        "a seat is never frozen"
    );

    let freeze = format!("freezeContract {CONTRACT}");
    let stranger = scene.told("agency-c", &freeze).await;
    assert_eq!((stranger.code, &stranger.value()["code"]), (Some(1), &json!(-51_905)));
    assert_eq!(scene.json_as("agency-a", &freeze).await["msg"], "success");
    let status = scene.json(&format!("getContractStatus {CONTRACT}")).await;
    assert!(status.to_string().to_lowercase().contains("frozen"), "{status}");
    let again = scene.told("agency-a", &freeze).await;
    assert_eq!((again.code, &again.value()["code"]), (Some(1), &json!(-51_900)));
    scene.json_as("agency-b", &format!("unfreezeContract {CONTRACT}")).await;
}
