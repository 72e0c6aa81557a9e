//! Who seals, by votes on the chain (GOVERNANCE.md 1, LEDGER.md 4).

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::{Address, TxKind, address};
use alloy_sol_types::{SolCall, sol};
use althing_e2e::{Account, Consortium, Dice, Manifests, Member, Rpc, until};
use serde_json::json;
use tokio::process::Child;

use crate::faults::wipe;
use crate::room;

sol! {
    function addSealer(string node) returns (int256);
    function addObserver(string node) returns (int256);
    function remove(string node) returns (int256);
}

/// FISCO's consensus contract.
const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");
/// Proofs of life come every ten seconds while a change waits for them.
const CARRIED_OUT: Duration = Duration::from_secs(60);
const GAS: u64 = 10_000_000;

async fn listed(rpc: &Rpc, method: &str) -> Vec<String> {
    rpc.call(method, json!([1])).await.unwrap_or_default()
}

async fn send(rpc: &Rpc, account: &Account, nonce: u64, input: Vec<u8>) {
    let (raw, hash) = account.sign(nonce, TxKind::Call(CONSENSUS), input.into(), GAS);
    rpc.send_raw(&raw).await.unwrap();
    let receipt = rpc.mined(hash, Duration::from_secs(20)).await.unwrap();
    assert_eq!(receipt.status, "0x1");
}

fn id(member: &Member) -> String {
    let file = member.folder.join("conf").join("node.nodeid");
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

/// Four sealers, the agency's seat, and a node to ask.
struct Scene {
    consortium: Consortium,
    nodes: Vec<Member>,
    rpc: Rpc,
    seat: Account,
}

impl Scene {
    async fn start() -> Self {
        let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
        let nodes = consortium.members().unwrap();
        let rpc = nodes[0].rpc(1).unwrap();
        let seat = consortium.governance("agency-a", &rpc).await.unwrap();
        Self {
            consortium,
            nodes,
            rpc,
            seat,
        }
    }

    /// Waits until proofs of life, which is all there is, have made so many blocks.
    async fn proofs_make(&self, blocks: u64) {
        let height = self.rpc.height().await.unwrap() + blocks;
        until("blocks with proofs of life", CARRIED_OUT, || async {
            self.rpc.height().await.is_ok_and(|found| found >= height)
        })
        .await
        .unwrap();
    }

    async fn sealers_become(&self, wanted: usize) {
        until("the sealers to change", CARRIED_OUT, || async {
            listed(&self.rpc, "getSealerList").await.len() == wanted
        })
        .await
        .unwrap();
    }

    async fn commits(&self, seed: &str) {
        let account = self.consortium.account(seed, &self.rpc).await.unwrap();
        let (raw, hash) = account.nothing(0);
        self.rpc.send_raw(&raw).await.unwrap();
        self.rpc.mined(hash, Duration::from_secs(30)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_sealer_while_another_is_down_waits_for_it_and_the_group_goes_on() {
    // FISCO-BCOS #3876.
    let _room = room::enter().await;
    let scene = Scene::start().await;
    scene.nodes[3].kill().await.unwrap();
    let node = id(&scene.nodes[2]);
    send(
        &scene.rpc,
        &scene.seat,
        0,
        removeCall { node: node.clone() }.abi_encode(),
    )
    .await;
    scene.proofs_make(3).await;
    assert_eq!(listed(&scene.rpc, "getSealerList").await.len(), 4);
    scene.commits("one is down").await;
    let _back = scene.nodes[3].start_as_it_is().unwrap();
    scene.sealers_become(3).await;
    assert!(!listed(&scene.rpc, "getSealerList").await.contains(&node));
    assert!(listed(&scene.rpc, "getObserverList").await.is_empty());
    scene.commits("one has left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_removals_in_one_block_take_two_and_the_group_goes_on() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    let leaving = [id(&scene.nodes[2]), id(&scene.nodes[3])];
    let mut hashes = vec![];
    for (nonce, node) in (0..).zip(&leaving) {
        let call = removeCall { node: node.clone() }.abi_encode();
        hashes.push(scene.seat.sign(nonce, TxKind::Call(CONSENSUS), call.into(), GAS));
    }
    // In the order of their nonces, so that the second waits for the first: the leader takes both at once.
    for (raw, _) in hashes.iter().rev() {
        scene.rpc.send_raw(raw).await.unwrap();
    }
    let mut blocks = vec![];
    for (_, hash) in &hashes {
        let receipt = scene.rpc.mined(*hash, Duration::from_secs(20)).await.unwrap();
        assert_eq!(receipt.status, "0x1");
        blocks.push(receipt.block_number);
    }
    assert_eq!(blocks[0], blocks[1], "both are in one block");
    let height = u64::from_str_radix(blocks[0].trim_start_matches("0x"), 16).unwrap();
    let at = |height: u64| json!([1, format!("0x{height:x}"), true]);
    scene.sealers_become(2).await;
    // The chain tells block by block who sealed: never two less than before.
    let mut before = 4;
    let head = scene.rpc.height().await.unwrap();
    for height in height..=head {
        let block: serde_json::Value = scene.rpc.call("getBlockByNumber", at(height)).await.unwrap();
        let sealers = block["sealerList"].as_array().unwrap().len();
        assert!(
            before - sealers <= 1,
            "{before} sealers, then {sealers} at height {height}"
        );
        before = sealers;
    }
    scene.commits("two have left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_that_is_not_there_does_not_join_and_the_group_goes_on() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    let nobody = "ab".repeat(64);
    send(
        &scene.rpc,
        &scene.seat,
        0,
        addSealerCall { node: nobody.clone() }.abi_encode(),
    )
    .await;
    scene.proofs_make(3).await;
    assert_eq!(listed(&scene.rpc, "getSealerList").await.len(), 4);
    assert_eq!(listed(&scene.rpc, "getObserverList").await, [nobody]);
    scene.commits("nobody joined").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_sealer_of_an_idle_group_votes_again_without_any_client() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    scene.commits("before").await;
    scene.nodes[3].kill().await.unwrap();
    wipe(&scene.nodes[3]);
    scene.consortium.up().await.unwrap();
    // It abstains through two more blocks, which its own proofs make.
    scene.proofs_make(2).await;
    scene.nodes[2].kill().await.unwrap();
    scene.commits("with its vote").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_that_is_removed_while_it_is_away_learns_of_it() {
    let _room = room::enter().await;
    let scene = Scene::start().await;
    let node = id(&scene.nodes[3]);
    let observer = addObserverCall { node: node.clone() }.abi_encode();
    send(&scene.rpc, &scene.seat, 0, observer).await;
    scene.sealers_become(3).await;
    scene.commits("it follows").await;
    let equal = scene
        .consortium
        .ledgers_are_equal(1, &scene.nodes, Duration::from_secs(30));
    equal.await.unwrap();
    scene.nodes[3].kill().await.unwrap();
    scene.commits("it is away").await;
    let removal = removeCall { node: node.clone() }.abi_encode();
    send(&scene.rpc, &scene.seat, 1, removal).await;
    assert!(listed(&scene.rpc, "getObserverList").await.is_empty());
    scene.commits("it is free").await;
    scene.commits("it is still free").await;
    let _back = scene.nodes[3].start_as_it_is().unwrap();
    let rpc = scene.nodes[3].rpc(1).unwrap();
    until("the node to learn that it was removed", CARRIED_OUT, || async {
        let observers: Result<Vec<String>, _> = rpc.call("getObserverList", json!([1])).await;
        observers.is_ok_and(|observers| observers.is_empty())
    })
    .await
    .unwrap();
    let (here, there) = (rpc.height().await.unwrap(), scene.rpc.height().await.unwrap());
    assert!(
        here < there,
        "it is at {here} of {there} and gets nothing beyond its removal"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_becomes_an_observer_and_a_sealer_again_by_votes_while_blocks_go_on() {
    let _room = room::enter().await;
    let Scene {
        consortium,
        nodes,
        rpc,
        seat,
    } = Scene::start().await;
    let node = id(&nodes[3]);
    let stranger = consortium.account("a stranger", &rpc).await.unwrap();

    // Who has no seat is told so and changes nothing.
    let call = addObserverCall { node: node.clone() }.abi_encode();
    send(&rpc, &stranger, 0, call.clone()).await;
    assert_eq!(listed(&rpc, "getSealerList").await.len(), 4);

    send(&rpc, &seat, 0, call).await;
    until("the sealer to be an observer", CARRIED_OUT, || async {
        listed(&rpc, "getObserverList").await == [node.clone()] && listed(&rpc, "getSealerList").await.len() == 3
    })
    .await
    .unwrap();
    let account = consortium.account("membership", &rpc).await.unwrap();
    for nonce in 0..3 {
        let (raw, hash) = account.nothing(nonce);
        rpc.send_raw(&raw).await.unwrap();
        rpc.mined(hash, Duration::from_secs(20)).await.unwrap();
    }
    // The observer follows.
    consortium
        .ledgers_are_equal(1, &nodes, Duration::from_secs(30))
        .await
        .unwrap();

    send(&rpc, &seat, 1, addSealerCall { node: node.clone() }.abi_encode()).await;
    until("the observer to be a sealer", CARRIED_OUT, || async {
        listed(&rpc, "getSealerList").await.contains(&node) && listed(&rpc, "getObserverList").await.is_empty()
    })
    .await
    .unwrap();
    // With four sealers the group goes on without one of them, so the one that came back votes.
    nodes[0].kill().await.unwrap();
    let rpc = nodes[1].rpc(1).unwrap();
    for nonce in 3..6 {
        let (raw, hash) = account.nothing(nonce);
        rpc.send_raw(&raw).await.unwrap();
        rpc.mined(hash, Duration::from_secs(30)).await.unwrap();
    }
    consortium
        .ledgers_are_equal(1, &nodes[1..], Duration::from_secs(30))
        .await
        .unwrap();
}

/// The variable with another number of rounds.
const VARIABLE: &str = "ALTHING_CHURN_ROUNDS";
/// How many rounds there are otherwise.
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn membership_changes_survive_kills_at_random_points() {
    let _room = room::enter().await;
    let rounds = std::env::var(VARIABLE)
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(ROUNDS);
    let scene = Scene::start().await;
    let ids: Vec<String> = scene.nodes.iter().map(id).collect();
    // The processes that this case started, which replace those of `althing up`.
    let mut restarted: BTreeMap<usize, Child> = BTreeMap::new();
    let mut dice = Dice::default();
    for round in 0..rounds {
        let changed = 2 + dice.index(2);
        let joins = !listed(&scene.rpc, "getSealerList").await.contains(&ids[changed]);
        let node = ids[changed].clone();
        let input = match joins {
            true => addSealerCall { node }.abi_encode(),
            false => addObserverCall { node }.abi_encode(),
        };
        let nonce = u64::try_from(round).unwrap();
        let (raw, _) = scene.seat.sign(nonce, TxKind::Call(CONSENSUS), input.into(), GAS);
        scene.rpc.send_raw(&raw).await.unwrap();
        // Wherever the change is by then.
        tokio::time::sleep(dice.milliseconds(1_500)).await;
        let victim = 1 + dice.index(3);
        match restarted.remove(&victim) {
            Some(mut process) => process.kill().await.unwrap(),
            None => scene.nodes[victim].kill().await.unwrap(),
        }
        tokio::time::sleep(dice.milliseconds(3_000)).await;
        restarted.insert(victim, scene.nodes[victim].start_as_it_is().unwrap());
        let what = format!("round {round}: node {changed} to join ({joins}) while node {victim} was killed");
        until(&what, CARRIED_OUT, || async {
            let sealers = listed(&scene.rpc, "getSealerList").await;
            !sealers.is_empty() && sealers.contains(&ids[changed]) == joins
        })
        .await
        .unwrap();
    }
    for node in &scene.nodes {
        until(&format!("{} to answer", node.name), CARRIED_OUT, || async {
            node.rpc(1).unwrap().height().await.is_ok()
        })
        .await
        .unwrap();
    }
    let height = scene
        .consortium
        .ledgers_are_equal(1, &scene.nodes, CARRIED_OUT)
        .await
        .unwrap();
    println!("{rounds} changes under kills, {height} equal blocks");
}
