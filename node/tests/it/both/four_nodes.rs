//! Four sealers of four agencies, from their files: blocks, a restart, somebody who joins later, and a stranger of the other edition.

use alloy_primitives::{Address, address};
use alloy_sol_types::{SolCall, sol};
use serde_json::{Value, json};

use super::account::Account;
use super::edition;
use super::folder::{Folder, genesis, identity};
use super::pki;
use super::running::Running;
use super::voted::{number, receipt};

sol! {
    function addObserver(string node) returns (int256);
}

const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");

/// The folders of nodes that know each other and are in a group of which the first four are the sealers.
fn folders(count: usize) -> Vec<Folder> {
    let first = Folder::new();
    let others: Vec<Folder> = (1..count).map(|_| first.beside()).collect();
    let folders: Vec<Folder> = std::iter::once(first).chain(others).collect();
    let sealers: Vec<&str> = folders.iter().take(4).map(|folder| folder.node_id.as_str()).collect();
    let addresses: Vec<String> = folders
        .iter()
        .map(|folder| format!("127.0.0.1:{}", folder.ports.p2p))
        .collect();
    for folder in &folders {
        folder.write("conf/group.1.genesis", genesis(&sealers, 1));
        folder.write("nodes.json", json!({"nodes": addresses}).to_string());
    }
    folders
}

fn start(folder: &Folder) -> Running {
    Running::start(&folder.file("config.ini"), folder.ports)
}

fn is_ready(running: &Running) {
    running.until("ready", |running| running.page("/readyz") == "ready\n");
}

fn block(running: &Running, height: &Value) -> Value {
    running.ask("getBlockHashByNumber", json!([1, height]))["result"].clone()
}

/// Waits until a node holds this block of another.
fn has_block_of(node: &Running, other: &Running, height: &Value) {
    node.until("it holds the block", |node| block(node, height) == block(other, height));
}

#[test]
fn four_sealers_make_blocks_one_restarts_and_a_fifth_node_syncs() {
    let folders = folders(5);
    let mut nodes: Vec<Running> = folders.iter().take(4).map(start).collect();
    nodes.iter().for_each(is_ready);
    let mut numbers = 0;
    for round in 1..=3_u8 {
        let mut account = Account::new(&nodes[0], round);
        let hash = account.send(Address::ZERO, vec![], 21_000).unwrap();
        let height = receipt(&nodes[0], &hash)["blockNumber"].clone();
        nodes.iter().for_each(|node| has_block_of(node, &nodes[0], &height));
        numbers += 1;
    }
    assert_eq!(
        nodes[0].ask("getBlockNumber", json!([1]))["result"],
        format!("{numbers:#x}")
    );

    // Three of four go on without the one that restarts, and it follows.
    drop(nodes.remove(3));
    let hash = Account::new(&nodes[0], 7).send(Address::ZERO, vec![], 21_000).unwrap();
    let height = receipt(&nodes[0], &hash)["blockNumber"].clone();
    nodes.push(start(&folders[3]));
    has_block_of(&nodes[3], &nodes[0], &height);

    let node = folders[4].node_id.clone();
    let hash = Account::new(&nodes[0], 8).send(CONSENSUS, addObserverCall { node }.abi_encode(), 5_000_000);
    let height = receipt(&nodes[0], &hash.unwrap())["blockNumber"].clone();
    let fifth = start(&folders[4]);
    has_block_of(&fifth, &nodes[3], &height);
    is_ready(&fifth);
}

#[test]
fn a_sealer_that_lost_its_votes_brings_an_idle_group_to_the_block_that_it_sits_out() {
    let folders = folders(4);
    let mut nodes: Vec<Running> = folders.iter().map(start).collect();
    nodes.iter().for_each(is_ready);
    let mut account = Account::new(&nodes[0], 1);
    let hash = account.send(Address::ZERO, vec![], 21_000).unwrap();
    let height = receipt(&nodes[0], &hash)["blockNumber"].clone();
    nodes.iter().for_each(|node| has_block_of(node, &nodes[0], &height));
    drop(nodes.remove(3));
    folders[3].remove("data/group1/votes.log");
    nodes.push(start(&folders[3]));
    let next = json!(format!("{:#x}", number(&height) + 1));
    nodes[0].until("a block that nobody else asked for", |node| {
        block(node, &next).is_string()
    });
    let made = nodes[0].ask("getBlockByNumber", json!([1, next, true]))["result"].clone();
    let knock = &made["transactions"][0];
    assert_eq!(knock["from"], knock["to"], "{made}");
    nodes.iter().for_each(is_ready);
}

#[test]
fn a_node_of_the_other_edition_is_refused_and_told_why_and_the_group_goes_on() {
    let folders = folders(4);
    let nodes: Vec<Running> = folders.iter().map(start).collect();
    nodes.iter().for_each(is_ready);

    // The same names and addresses, everything else of the other edition.
    let other = Stranger::beside(&folders[0]);
    let mut stranger = other.start();
    let said = stranger.until_said("other_edition");
    assert!(said.contains("edition"), "{said}");
    let counted = "althing_network_refused_total{reason=\"other_edition\"}";
    nodes[0].until("it is counted", |node| {
        let page = node.page("/metrics");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(counted)?.strip_prefix(' '));
        line.is_some_and(|count| count != "0")
    });

    let mut account = Account::new(&nodes[0], 1);
    let hash = account.send(Address::ZERO, vec![], 21_000).unwrap();
    receipt(&nodes[0], &hash);
}

/// A node of the other edition that dials one of this one.
struct Stranger {
    folder: Folder,
}

impl Stranger {
    fn beside(known: &Folder) -> Self {
        let other = edition().other();
        let folder = Folder::new();
        let root = pki::chain_of(other, "chain");
        let files = root.agency("agency-a").node("node-0");
        // The files keep the names that its config.ini has for them.
        for (file, text) in [
            ("ca.crt", &root.pem),
            ("node.crt", &files.certificate),
            ("node.key", &files.key),
        ] {
            folder.write(&identity(file), text);
        }
        folder.remove(&identity("node.nodeid"));
        let sm_crypto = |edition: pki::Edition| format!("sm_crypto={}", edition.cryptography().sm_crypto());
        folder.replace("config.ini", &sm_crypto(edition()), &sm_crypto(other));
        folder.remove("conf/group.1.genesis");
        folder.write(
            "nodes.json",
            json!({"nodes": [format!("127.0.0.1:{}", known.ports.p2p)]}).to_string(),
        );
        Self { folder }
    }

    fn start(&self) -> Running {
        start(&self.folder)
    }
}
