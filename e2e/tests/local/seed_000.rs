//! Seed 000 on one machine: four agencies, two groups, and every change of who takes part by manifests and votes alone, while blocks
//! go on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use althing_e2e::{Consortium, Rpc, repository, run};
use serde_json::{Value, json};

use crate::room;

/// The samples, one an edition.
const STANDARD: &str = "deploy/samples/four-agencies";
const SM: &str = "deploy/samples/four-agencies-sm";
/// How long a client waits for its transaction: changes pause a group for a moment, and no longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// A client of one group that sends one transaction after the other, each acknowledged.
struct Client {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Duration>,
}

impl Client {
    async fn start(consortium: &Consortium, node: usize, group: u32) -> Self {
        let rpc = consortium.member(node).unwrap().rpc(group).unwrap();
        let account = consortium.account("seed 000", &rpc).await.unwrap();
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&count));
        let task = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let account = account.at(rpc.height().await.unwrap());
                let (raw, hash) = account.nothing(counted.load(Ordering::Relaxed));
                rpc.send_raw(&raw).await.unwrap();
                rpc.mined(hash, PATIENCE).await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                longest = longest.max(begun.elapsed());
            }
            longest
        });
        Self { stop, count, task }
    }

    /// How many transactions were acknowledged, and the longest wait for one.
    async fn finish(self) -> (u64, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let longest = self.task.await.unwrap();
        (self.count.load(Ordering::Relaxed), longest)
    }
}

/// The consortium, and the folder that is changed.
struct Scene {
    consortium: Consortium,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn start(sample: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(repository().join(sample)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let consortium = Consortium::start_folder(folder.path()).await.unwrap();
        Self { consortium, folder }
    }

    /// Changes the Group's manifest as a person's editor would, and applies the folder.
    async fn declare(&self, group: &str, agreed: Value) -> String {
        change(self.folder.path(), group, |spec| spec["agreed"] = agreed);
        self.consortium.up().await.unwrap()
    }

    async fn list(&self, node: usize, group: u32, method: &str) -> Vec<String> {
        let rpc = self.consortium.member(node).unwrap().rpc(group).unwrap();
        rpc.call(method, json!([group])).await.unwrap()
    }

    async fn roles(&self, node: usize, group: u32) -> (Vec<String>, Vec<String>) {
        let sealers = self.list(node, group, "getSealerList").await;
        let observers = self.list(node, group, "getObserverList").await;
        (sorted(sealers), sorted(observers))
    }

    fn ids(&self, nodes: &[usize]) -> Vec<String> {
        let id = |node: &usize| {
            let folder = self.consortium.member(*node).unwrap().folder.join("conf");
            let read = |file| std::fs::read_to_string(folder.join(file));
            let id = read("node.nodeid").or_else(|_| read("gmnode.nodeid")).unwrap();
            id.trim().to_owned()
        };
        sorted(nodes.iter().map(id).collect())
    }

    async fn althing(&self, arguments: &[&str]) -> String {
        run(self.consortium.althing().unwrap().args(arguments), COMMAND)
            .await
            .unwrap()
    }
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// Rewrites one Group of the folder's groups.yaml.
fn change(folder: &Path, group: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join("groups.yaml");
    let mut documents = read(&path);
    let mut found = documents
        .iter_mut()
        .filter(|document| document["metadata"]["name"] == group);
    change(&mut found.next().unwrap()["spec"]);
    write(&path, &documents);
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("\n---\n")
        .map(|document| serde_yaml::from_str(document).unwrap())
        .collect()
}

/// JSON is YAML.
fn write(path: &Path, documents: &[Value]) {
    let texts: Vec<_> = documents.iter().map(Value::to_string).collect();
    std::fs::write(path, texts.join("\n---\n")).unwrap();
}

async fn height(rpc: &Rpc) -> u64 {
    rpc.height().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_from_two_groups_to_three_by_manifests_and_votes() {
    from_two_groups_to_three(STANDARD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_sm_from_two_groups_to_three_by_manifests_and_votes() {
    from_two_groups_to_three(SM).await;
}

async fn from_two_groups_to_three(sample: &str) {
    let _room = room::enter().await;
    let begun = Instant::now();
    let scene = Scene::start(sample).await;
    let clients = [
        Client::start(&scene.consortium, 0, 1).await,
        Client::start(&scene.consortium, 3, 2).await,
    ];

    // Node 2 of agency A becomes a free node of group 1, and node 1 an observer.
    let members = json!([
        {"node": "node-2", "role": "Free", "change": 1},
        {"node": "node-1", "role": "Observer", "change": 1},
    ]);
    scene.declare("group-1", json!({"members": members})).await;
    assert_eq!(scene.roles(0, 1).await, (scene.ids(&[0, 3]), scene.ids(&[1])));
    let free = scene.consortium.member(2).unwrap().rpc(1).unwrap();
    let seen_by_the_free = height(&free).await;

    // Agency D joins group 2: its node by what the manifests declare, its seat by people.
    let agreed = json!({
        "members": [{"node": "node-5", "role": "Sealer", "change": 1}],
        "committee": [{"agency": "agency-d", "weight": 1, "change": 1}],
    });
    let said = scene.declare("group-2", agreed).await;
    assert_eq!(scene.roles(3, 2).await.0, scene.ids(&[3, 4, 5]), "{said}");
    let folder = scene.folder.path().display().to_string();
    let asked: Value = serde_json::from_str(&scene.althing(&["-o", "json", "approvals", "-f", &folder]).await).unwrap();
    assert_eq!(asked.as_array().unwrap().len(), 1, "{asked}");
    assert_eq!(asked[0]["subject"], "agency-d");
    let id = asked[0]["id"].as_str().unwrap();
    let first = scene.althing(&["vote", id, "--as", "agency-b", "-f", &folder]).await;
    assert_eq!(first.trim(), "recorded: 1 of 2 votes for it");
    let second = scene.althing(&["vote", id, "--as", "agency-c"]).await;
    assert_eq!(second.trim(), "passed: agency-d is to be 1");

    // B and D form group 3, over nodes that run.
    let path = scene.folder.path().join("groups.yaml");
    let mut documents = read(&path);
    let mut group = documents[1].clone();
    group["metadata"]["name"] = json!("group-3");
    group["spec"]["groupId"] = json!(3);
    group["spec"]["genesis"]["sealers"] = json!(["node-3", "node-5"]);
    group["spec"]["genesis"]["committee"]["seats"] = json!([{"agency": "agency-b"}, {"agency": "agency-d"}]);
    group["spec"].as_object_mut().unwrap().remove("agreed");
    documents.push(group);
    write(&path, &documents);
    scene.consortium.up().await.unwrap();
    assert_eq!(scene.roles(5, 3).await.0, scene.ids(&[3, 5]));

    for (client, group) in clients.into_iter().zip([1, 2]) {
        let (count, longest) = client.finish().await;
        assert!(count > 20, "{count} transactions of group {group} were acknowledged");
        println!(
            "group {group}: {count} transactions acknowledged, the longest after {} ms",
            longest.as_millis()
        );
    }
    // A free node gets nothing of the group; the observer follows.
    assert!(
        height(&free).await <= seen_by_the_free + 2,
        "the free node still follows"
    );
    let members = [0, 1, 3].map(|node| scene.consortium.member(node).unwrap());
    scene.consortium.ledgers_are_equal(1, &members, PATIENCE).await.unwrap();
    let members = [3, 4, 5].map(|node| scene.consortium.member(node).unwrap());
    scene.consortium.ledgers_are_equal(2, &members, PATIENCE).await.unwrap();
    println!("seed 000 in {:.1} s", begun.elapsed().as_secs_f64());
}
