//! A group that lost its quorum for ever goes on by its committee's word (GOVERNANCE.md 5, ADR 0016), as two agencies do it with the
//! commands and manifests of docs/operations/recovery.md.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use althing_e2e::{Account, Consortium, Manifests, Member, Rpc, run, until};
use serde_json::json;
use tokio::process::Child;

use crate::room;

const GROUP: u32 = 1;
/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(60);
/// How long nodes may take to see a file, to agree and to make blocks.
const PATIENCE: Duration = Duration::from_secs(90);

/// Two agencies with two nodes each; group 1 is sealed by all four, and both have a seat. `recovery` is a field of the group.
fn manifest(recovery: &str) -> String {
    let plain = Manifests::uniform(4, 1).render();
    let agency_a = "---\napiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {name: agency-a}\nspec: {consortium: trade, approval: Manifest}\n";
    let agencies = format!("{agency_a}{}", agency_a.replace("agency-a", "agency-b"));
    let (seat_a, seats) = (
        "seats: [{agency: agency-a, weight: 1}]",
        "seats: [{agency: agency-a, weight: 1}, {agency: agency-b, weight: 1}]",
    );
    let of = |node: usize, agency: &str| format!("metadata: {{name: node-{node}}}\nspec: {{agency: {agency}}}\n");
    let mut changed = vec![
        (agency_a.to_owned(), agencies),
        (seat_a.to_owned(), seats.to_owned()),
        ("  groupId: 1\n".to_owned(), format!("  groupId: 1\n{recovery}")),
    ];
    changed.extend([1, 3].map(|node| (of(node, "agency-a"), of(node, "agency-b"))));
    changed.into_iter().fold(plain, |text, (from, to)| {
        assert!(text.contains(&from), "{from} in {text}");
        text.replacen(&from, &to, 1)
    })
}

struct Scene {
    /// Dropped after the consortium that reads it.
    consortium: Consortium,
    folder: tempfile::TempDir,
    nodes: Vec<Member>,
    account: Account,
    nonce: u64,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("althing-recovery-").tempdir().unwrap();
        let manifests = folder.path().join("manifests");
        std::fs::create_dir(&manifests).unwrap();
        std::fs::write(manifests.join("trade.yaml"), manifest("")).unwrap();
        let consortium = Consortium::start_folder(&manifests).await.unwrap();
        let nodes = consortium.members().unwrap();
        let account = consortium
            .account("recovery", &nodes[0].rpc(GROUP).unwrap())
            .await
            .unwrap();
        Self {
            consortium,
            folder,
            nodes,
            account,
            nonce: 0,
        }
    }

    fn rpc(&self, node: usize) -> Rpc {
        self.nodes[node].rpc(GROUP).unwrap()
    }

    /// A transaction through a node is in a block.
    async fn commits(&mut self, node: usize) {
        let (raw, hash) = self.account.nothing(self.nonce);
        self.nonce += 1;
        let rpc = self.rpc(node);
        rpc.send_raw(&raw).await.unwrap();
        rpc.mined(hash, PATIENCE).await.unwrap();
    }

    /// `althing recover`: the document, in a file.
    async fn recover(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let mut command = self.consortium.althing().unwrap();
        command.args(["recover", "group-1"]).args(arguments);
        let document = run(&mut command, COMMAND).await.unwrap();
        let file = self.folder.path().join(name);
        std::fs::write(&file, document).unwrap();
        file
    }

    /// What a document is called, as the command that checks it says.
    async fn digest(&self, document: &Path) -> String {
        let mut command = self.consortium.althing().unwrap();
        command.args(["recover", "group-1", "--document"]).arg(document);
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let named = said.split_once("recovery ").and_then(|(_, rest)| rest.split_once(':'));
        named.unwrap_or_else(|| panic!("{said}")).0.to_owned()
    }

    /// Puts a document into the nodes' folders, as every agency's manifest would.
    fn install(&self, document: &Path, nodes: &[usize]) {
        for node in nodes {
            let to = self.nodes[*node].folder.join("conf").join("group.1.recovery");
            std::fs::copy(document, to).unwrap();
        }
    }

    /// Puts a document into the manifest, and applies it: whatever was down is started too.
    async fn declare(&self, document: &Path) {
        let text = std::fs::read_to_string(document).unwrap();
        let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
        let manifest = manifest(&format!("  recovery: |\n{lines}"));
        std::fs::write(self.folder.path().join("manifests").join("trade.yaml"), manifest).unwrap();
        self.consortium.up().await.unwrap();
    }

    async fn sealers(&self, node: usize) -> usize {
        let rpc = self.rpc(node);
        let listed = rpc.call::<Vec<String>>("getSealerList", json!([GROUP]));
        listed.await.unwrap_or_default().len()
    }

    /// Starts a killed node with its old disk, and waits until it answers. Its ports may be taken for a moment by the one that was killed.
    async fn start_again(&self, node: usize) -> Child {
        let (member, rpc, begun) = (&self.nodes[node], self.rpc(node), Instant::now());
        let mut process = member.start_as_it_is().unwrap();
        while rpc.height().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "{} does not answer", member.name);
            if process.try_wait().unwrap().is_some() {
                process = member.start_as_it_is().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        process
    }

    /// The ledgers of these nodes become equal, whichever of them is still starting.
    async fn become_equal(&self, nodes: &[usize]) {
        for node in nodes {
            let rpc = self.rpc(*node);
            let name = &self.nodes[*node].name;
            until(&format!("{name} to answer"), PATIENCE, || async {
                rpc.height().await.is_ok()
            })
            .await
            .unwrap();
        }
        let nodes: Vec<Member> = nodes.iter().map(|node| self.nodes[*node].clone()).collect();
        let equal = self.consortium.ledgers_are_equal(GROUP, &nodes, PATIENCE);
        equal.await.unwrap();
    }

    async fn refused(&self, node: usize, wanted: f64) {
        let series = "althing_recovery_refused{group=\"1\"}";
        until("the alarm of a recovery", PATIENCE, || async {
            self.nodes[node].metric(series).await == Some(wanted)
        })
        .await
        .unwrap();
    }

    async fn doctor(&self) -> String {
        let mut command = self.consortium.althing().unwrap();
        let output = command.arg("doctor").output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_lost_its_quorum_goes_on_by_its_committees_word() {
    let _room = room::enter().await;
    let mut scene = Scene::start().await;
    scene.commits(0).await;
    scene.become_equal(&[0, 1, 2, 3]).await;
    scene.nodes[2].kill().await.unwrap();
    scene.nodes[3].kill().await.unwrap();
    let height = scene.rpc(0).height().await.unwrap();
    // A client's transaction waits: with two of four no block is made, and both have voted for the next one.
    let (raw, waiting) = scene.account.nothing(scene.nonce);
    scene.nonce += 1;
    scene.rpc(0).send_raw(&raw).await.unwrap();

    // One of two seats is not above half: the group goes on as it is, and says why.
    let half = scene
        .recover("half", &["--sealers", "node-0,node-1", "--as", "agency-a"])
        .await;
    scene.install(&half, &[0]);
    scene.refused(0, 1.0).await;
    let told = scene.doctor().await;
    assert!(told.contains("seats of weight 1 signed it, 2 are needed"), "{told}");
    assert_eq!(scene.rpc(0).height().await.unwrap(), height);
    assert_eq!(scene.sealers(0).await, 4);

    let whole = scene
        .recover(
            "whole",
            &["--document", &half.display().to_string(), "--as", "agency-b"],
        )
        .await;
    scene.install(&whole, &[0, 1]);
    let rpc = scene.rpc(1);
    rpc.mined(waiting, PATIENCE).await.unwrap();
    scene.refused(0, 0.0).await;
    assert_eq!(scene.sealers(1).await, 2);
    scene.commits(1).await;

    // Who was lost comes back with its old disk and without the document: it follows, and does not vote.
    let mut back = scene.start_again(3).await;
    scene.become_equal(&[0, 1, 3]).await;
    assert_eq!(scene.sealers(3).await, 2);
    // A restarted node has no use for the file any more.
    scene.nodes[0].kill().await.unwrap();
    std::fs::remove_file(scene.nodes[0].folder.join("conf").join("group.1.recovery")).unwrap();
    let mut again = scene.start_again(0).await;
    scene.commits(1).await;
    scene.become_equal(&[0, 1, 3]).await;

    // By manifest it reaches every node; the one that was still down follows as well.
    for process in [&mut back, &mut again] {
        process.kill().await.unwrap();
    }
    scene.declare(&whole).await;
    scene.become_equal(&[0, 1, 2, 3]).await;
    assert!(scene.nodes[2].folder.join("conf").join("group.1.recovery").exists());
    scene.refused(2, 0.0).await;
    assert_eq!(scene.sealers(2).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_that_led_nowhere_is_followed_by_the_one_that_replaces_it() {
    const BOTH: [&str; 4] = ["--as", "agency-a", "--as", "agency-b"];
    let _room = room::enter().await;
    let mut scene = Scene::start().await;
    scene.commits(0).await;
    scene.become_equal(&[0, 1, 2, 3]).await;
    for lost in [2, 3] {
        scene.nodes[lost].kill().await.unwrap();
    }
    let sealers = |names: &'static str| [&["--sealers", names], &BOTH[..]].concat();
    let first = scene.recover("first", &sealers("node-0,node-1")).await;
    scene.install(&first, &[0]);
    until("node-0 to follow the first document", PATIENCE, || async {
        scene.nodes[0].log().contains("goes on by its committee's recovery")
    })
    .await
    .unwrap();
    // The second of its two sealers is lost before it has the document: the group cannot go on that way.
    scene.nodes[1].kill().await.unwrap();
    let height = scene.rpc(0).height().await.unwrap();

    // Another document from the same block, which does not say that the first one led nowhere.
    let silent = scene.recover("silent", &sealers("node-0")).await;
    scene.install(&silent, &[0]);
    scene.refused(0, 1.0).await;
    let told = scene.doctor().await;
    assert!(told.contains("follows recovery"), "{told}");
    assert_eq!(scene.rpc(0).height().await.unwrap(), height);

    let digest = scene.digest(&first).await;
    let replaces = [&sealers("node-0")[..], &["--replaces", &digest]].concat();
    let second = scene.recover("second", &replaces).await;
    scene.install(&second, &[0]);
    scene.refused(0, 0.0).await;
    scene.commits(0).await;
    assert_eq!(scene.sealers(0).await, 1);

    // Who was lost comes back with its old disk, and follows.
    let mut back = scene.start_again(1).await;
    scene.become_equal(&[0, 1]).await;
    assert_eq!(scene.sealers(1).await, 1);
    back.kill().await.unwrap();
}
