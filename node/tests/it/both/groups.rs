//! Groups whose files come, change and go while the node runs, in a folder as Kubernetes mounts it.

use serde_json::{Value, json};

use super::folder::{Folder, genesis};
use super::mount::Mount;
use super::running::{Running, names_in};

fn start() -> (Folder, Mount, Running) {
    let folder = Folder::new();
    let mount = Mount::of(&folder);
    let running = Running::start(&mount.config(), folder.ports);
    (folder, mount, running)
}

fn group_list(running: &Running) -> Value {
    running.ask("getGroupList", json!([]))["result"].clone()
}

#[test]
fn files_of_a_new_group_start_it_without_a_restart() {
    let (folder, mut mount, running) = start();
    let before = names_in(&mount.folder());
    running.until("ready", |running| running.page("/readyz") == "ready\n");
    assert_eq!(group_list(&running), json!([1]));
    mount
        .files
        .insert("group.2.genesis".to_owned(), genesis(&[&folder.node_id], 2));
    mount
        .files
        .insert("group.2.ini".to_owned(), "[tx_pool]\nlimit=1000\n".to_owned());
    mount.publish();
    running.until("group 2 is served", |running| group_list(running) == json!([1, 2]));
    running.until("group 2 is ready", |running| {
        running.page("/readyz?group=2") == "ready\n"
    });
    assert_eq!(running.page("/readyz"), "ready\n");
    assert_eq!(
        running.ask("getSealerList", json!([2]))["result"],
        json!([folder.node_id])
    );
    assert!(running.page("/metrics").contains("althing_block_height{group=\"2\"} 0"));
    let status = running.ask("althing_status", json!([]));
    assert_eq!(
        status["result"]["groups"]["2"]["live"],
        json!([folder.node_id]),
        "{status}"
    );
    // The node writes into its data folder and nowhere else.
    assert_eq!(names_in(&mount.data()), ["group1", "group2"]);
    let written = |name: &String| !before.contains(name) && !name.starts_with("..2026") && !name.starts_with("group.2");
    assert!(
        !names_in(&mount.folder()).iter().any(written),
        "{:?}",
        names_in(&mount.folder())
    );
}

#[test]
fn a_group_that_failed_because_of_its_files_starts_once_they_are_repaired() {
    let (folder, mut mount, mut running) = start();
    let good = genesis(&[&folder.node_id], 2);
    let bad = good.replace("consensus_type=pbft", "consensus_type=paxos");
    mount.files.insert("group.2.genesis".to_owned(), bad);
    mount.publish();
    let line = running.until_said("group 2 does not start");
    assert!(line.contains("paxos"), "{line}");
    assert!(running.page("/readyz").contains("paxos"));
    let status = running.ask("althing_status", json!([]));
    let failed = &status["result"]["groups"]["2"];
    assert!(failed["halted"].as_str().unwrap().contains("paxos"), "{status}");
    assert_eq!(
        (&failed["genesisHash"], &failed["inSync"], &failed["live"]),
        (&Value::Null, &json!(false), &json!([]))
    );
    mount.files.insert("group.2.genesis".to_owned(), good);
    mount.publish();
    running.until("ready again", |running| running.page("/readyz") == "ready\n");
    assert_eq!(group_list(&running), json!([1, 2]));
    assert!(running.page("/metrics").contains("althing_group_halted{group=\"2\"} 0"));
}

#[test]
fn a_group_that_does_not_start_is_told_before_the_node_has_started_and_keeps_no_other_from_it() {
    let folder = Folder::new();
    let bad = genesis(&[&folder.node_id], 2).replace("consensus_type=pbft", "consensus_type=paxos");
    folder.write("conf/group.2.genesis", &bad);
    let mut running = Running::start(&folder.file("config.ini"), folder.ports);
    let line = running.until_said("group 2 does not start");
    assert!(line.contains("paxos"), "{line}");
    running.until_said("node started");
    assert_eq!(running.ask("getBlockNumber", json!([1]))["result"], "0x0");
}

#[test]
fn files_that_change_or_go_under_a_running_group_are_told_and_change_nothing() {
    let (folder, mut mount, mut running) = start();
    let digest =
        |running: &Running| running.ask("althing_status", json!([]))["result"]["groups"]["1"]["settingsDigest"].clone();
    let first = digest(&running);
    let text = mount.files["group.1.genesis"].replace("max_trans_num=1000", "max_trans_num=7");
    mount.files.insert("group.1.genesis".to_owned(), text);
    mount
        .files
        .insert("group.1.ini".to_owned(), "[tx_pool]\nlimit=7\n".to_owned());
    mount.publish();
    let alarm = running.until_said("group.1.genesis was edited");
    assert!(
        alarm.contains("genesis_differs") && alarm.contains("block 0 holds 1000"),
        "{alarm}"
    );
    running.until_said("group.1.ini is not what the group runs with: it counts at the next restart");
    assert_eq!(digest(&running), first, "the digest is of the text it runs with");
    mount.files.remove("group.1.genesis");
    mount.files.remove("group.1.ini");
    mount.publish();
    running.until_said("group.1.genesis is gone: the group goes on");
    // A group that comes after shows that later looks were taken, and said nothing more.
    let other = genesis(&[&folder.node_id], 3);
    mount.files.insert("group.3.genesis".to_owned(), other);
    mount.publish();
    running.until("group 3 is served", |running| group_list(running) == json!([1, 3]));
    assert_eq!(running.times_said("is gone"), 1);
    assert_eq!(running.ask("getBlockNumber", json!([1]))["result"], "0x0");
}

#[test]
fn two_nodes_that_are_given_a_group_while_they_run_seal_it_and_see_each_other_live() {
    let one = Folder::new();
    let other = one.beside();
    let mut sealers = [one.node_id.as_str(), other.node_id.as_str()];
    sealers.sort_unstable();
    let folders = [&one, &other];
    let mut mounts = folders.map(Mount::of);
    for (mount, peer) in mounts.iter_mut().zip([&other, &one]) {
        let address = format!("{{\"nodes\": [\"127.0.0.1:{}\"]}}", peer.ports.p2p);
        mount.files.insert("nodes.json".to_owned(), address);
        mount.publish();
    }
    let mut running: Vec<Running> = mounts
        .iter()
        .zip(folders)
        .map(|(mount, folder)| Running::start(&mount.config(), folder.ports))
        .collect();
    for mount in &mut mounts {
        mount.files.insert("group.2.genesis".to_owned(), genesis(&sealers, 2));
        mount.publish();
    }
    let live = |running: &Running| running.ask("althing_status", json!([]))["result"]["groups"]["2"]["live"].clone();
    for node in &running {
        node.until("both are live", |node| live(node) == json!(sealers));
        node.until("ready", |node| node.page("/readyz?group=2") == "ready\n");
    }
    // Whoever is gone is no longer live, and a group without its quorum says so.
    drop(running.pop());
    let left = &running[0];
    left.until("one is live", |left| live(left) == json!([one.node_id]));
    let status = left.ask("althing_status", json!([]));
    let group = &status["result"]["groups"]["2"];
    assert!(
        group["notReady"]
            .as_str()
            .unwrap()
            .contains("no quorum of its 2 sealers"),
        "{status}"
    );
    assert_eq!((&group["peers"], &group["inSync"]), (&json!(0), &json!(true)));
    assert!(left.page("/metrics").contains("althing_sealers_live{group=\"2\"} 1"));
}
