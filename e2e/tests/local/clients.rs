//! The Ethereum clients of `e2e/clients`, each against group 1 of a consortium like the sample.
//!
//! One consortium serves all of them: every client brings a fresh account, so they do not see each other.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use althing_e2e::{Consortium, Edition, Manifests, cache, repository, run, token};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::room;

/// A whole client suite.
const PATIENCE: Duration = Duration::from_secs(300);

fn clients(folder: &str) -> PathBuf {
    repository().join("e2e").join("clients").join(folder)
}

/// Runs one suite and expects its last line, which counts the promises.
async fn keeps_its_promises(mut suite: Command, last_line: &str) {
    // One client at a time: what they share is the machine, and a suite's deadlines are for an idle one.
    static ONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
    let _one = ONE.lock().await;
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::like_the_sample()).await.unwrap();
    let node = consortium.member(1).unwrap();
    suite
        .env("ALTHING_RPC_URL", node.rpc(1).unwrap().url())
        .env("ALTHING_WS_URL", node.web_socket(1));
    let said = run(&mut suite, PATIENCE).await.unwrap();
    println!("{said}");
    assert!(said.contains(last_line), "no line '{last_line}' in:\n{said}");
}

fn node_script(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script).current_dir(clients("js"));
    command
}

fn python() -> Command {
    Command::new(cache().unwrap().join("venv").join("bin").join("python"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ethers_deploys_trades_reads_subscribes_and_decodes() {
    keeps_its_promises(node_script("ethers.mjs"), "ethers: 9 promises kept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viem_deploys_trades_reads_subscribes_and_decodes() {
    keeps_its_promises(node_script("viem.mjs"), "viem: 10 promises kept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web3js_deploys_trades_reads_subscribes_and_decodes() {
    keeps_its_promises(node_script("web3js.mjs"), "web3.js: 8 promises kept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_deploys_trades_reads_subscribes_and_decodes() {
    keeps_its_promises(node_script("cast.mjs"), "cast: 8 promises kept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web3py_deploys_trades_reads_subscribes_and_decodes() {
    let mut command = python();
    command.arg("web3py.py").current_dir(clients("python"));
    keeps_its_promises(command, "web3.py: 9 promises kept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ethclient_deploys_trades_and_recomputes_every_hash() {
    let mut command = Command::new(cache().unwrap().join("bin").join("ethclient"));
    command.current_dir(clients("go"));
    keeps_its_promises(command, "ethclient: 9 promises kept").await;
}

/// Accounts of the SM edition sign what Ethereum's clients cannot; everything that needs no signature works as ever.
#[tokio::test(flavor = "multi_thread")]
async fn ethclient_reads_and_calls_a_group_of_the_sm_edition() {
    let _room = room::enter().await;
    let manifests = Manifests {
        edition: Edition::Sm,
        ..Manifests::uniform(4, 1)
    };
    let consortium = Consortium::start(&manifests).await.unwrap();
    let rpc = consortium.member(1).unwrap().rpc(1).unwrap();
    let owner = consortium.account("an owner", &rpc).await.unwrap();
    let token = token::deploy(&owner, &rpc, "TRD", U256::from(1_000_000)).await.unwrap();
    let (raw, hash) = token::transfer(&owner, 1, token, Address::repeat_byte(7), 1);
    rpc.send_raw(&raw).await.unwrap();
    assert_eq!(rpc.mined(hash, PATIENCE).await.unwrap().status, "0x1");
    let mut command = Command::new(cache().unwrap().join("bin").join("ethclient"));
    command
        .current_dir(clients("go"))
        .env("ALTHING_RPC_URL", rpc.url())
        .env("ALTHING_TOKEN", token.to_string())
        .env("ALTHING_OWNER", owner.address().to_string());
    let said = run(&mut command, PATIENCE).await.unwrap();
    println!("{said}");
    assert!(said.contains("ethclient: 5 promises kept"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn web3pys_own_suite_deviates_exactly_as_documented() {
    let mut command = python();
    command.args(["-m", "pytest", "--timeout", "60", "--tb", "short"]);
    command.current_dir(clients("python").join("module_testing"));
    keeps_its_promises(command, " passed").await;
}

#[tokio::test]
async fn the_document_lists_every_deviation_of_web3pys_suite() {
    let mut command = python();
    command
        .args(["document.py", "--check"])
        .current_dir(clients("python").join("module_testing"));
    run(&mut command, Duration::from_secs(30)).await.unwrap();
}
