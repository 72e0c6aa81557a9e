//! The edge on a real file system, with real processes: a small script stands in for the node.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use althing_types::{B256, NodeId};
use jiff::Timestamp;

use super::*;
use crate::name::{AgencyName, GroupName};
use crate::plan::{
    File, FileContent, FileRef, GenesisRecord, Identity, KeyKind, KeyOrder, KeyState, ObservedFile, Process,
    ProcessState, PublicKey,
};

/// Listens on the metrics port of its `config.ini`; answers 200 there, or leaves at once when the file says so.
const NODE: &str = r#"#!/usr/bin/env python3
import configparser, http.server, sys
config = configparser.ConfigParser()
config.read(sys.argv[2])
if config.get("metrics", "listen_port") == "none":
    print("[metrics] listen_port: found none, accepted is 1 to 65535", flush=True)
    sys.exit(1)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", config.getint("metrics", "listen_port")), Handler).serve_forever()
"#;

struct House {
    folder: tempfile::TempDir,
    namespace: Namespace,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join(NODE_BINARY);
        fs::write(&binary, NODE).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            namespace: Namespace::new("trade").unwrap(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn settings(&self) -> LocalSettings {
        LocalSettings {
            // What an earlier edge of a test started is a child of the test, which never takes note of its end.
            reap_patience: Duration::ZERO,
            ..LocalSettings::new(self.state(), self.folder.path().join(NODE_BINARY))
        }
    }

    fn edge(&self) -> LocalEdge {
        LocalEdge::open(self.settings()).unwrap()
    }

    fn apply(&self, edge: &mut LocalEdge, step: &Step) -> Result<(), LocalError> {
        edge.apply(&self.namespace, step, Timestamp::UNIX_EPOCH)
    }

    fn process(&self) -> Process {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = [free(), free(), free(), free()];
        let [p2p, channel, rpc, metrics] = listeners.map(|listener| listener.local_addr().unwrap().port());
        Process {
            namespace: self.namespace.clone(),
            node: node(),
            agency: AgencyName::new("agency-a").unwrap(),
            node_id: NodeId::new([7; 64]),
            ports: Ports {
                p2p,
                channel,
                rpc,
                metrics,
            },
            groups: Vec::new(),
            container: None,
            restart_digest: B256::ZERO,
        }
    }

    /// Writes the node's configuration and starts it.
    fn start(&self, edge: &mut LocalEdge, process: &Process) -> Result<(), LocalError> {
        let text = format!("[metrics]\nlisten_port={}\n", process.ports.metrics);
        self.apply(edge, &Step::WriteFile(file("config.ini", FileContent::Text(text))))?;
        self.apply(edge, &Step::StartProcess(process.clone()))
    }

    fn pid(&self) -> Option<u32> {
        LocalView::new(&self.state())
            .nodes()
            .unwrap()
            .first()
            .and_then(|node| node.pid)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Ok(mut edge) = LocalEdge::open(self.settings()) {
            let _ = edge.stop_all();
        }
    }
}

fn node() -> NodeName {
    NodeName::new("node-0").unwrap()
}

fn file(path: &str, content: FileContent) -> File {
    File {
        at: FileRef {
            node: node(),
            path: path.to_owned(),
        },
        content,
    }
}

fn key_step() -> Step {
    Step::MakeKey(KeyOrder {
        identity: Identity::Node(node()),
        kind: KeyKind::P256,
    })
}

fn state_of(edge: &mut LocalEdge, namespace: &Namespace) -> Option<ProcessState> {
    edge.observe(namespace)
        .unwrap()
        .processes
        .get(&node())
        .map(|found| found.state)
}

/// Waits for something another process does.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn rule_1_keys_are_made_once_and_known_by_their_public_half_only() {
    let house = House::new();
    let mut edge = house.edge();
    house.apply(&mut edge, &key_step()).unwrap();
    let identity = Identity::Node(node());
    let path = edge.layout().key(&house.namespace, &identity);
    let pem = fs::read_to_string(&path).unwrap();
    house.apply(&mut edge, &key_step()).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        pem,
        "the second step leaves the first key"
    );
    assert_eq!(mode(&path), 0o600);
    let observed = edge.observe(&house.namespace).unwrap();
    let key = &observed.identities.get(&identity).unwrap().key;
    assert!(matches!(key, KeyState::Present(PublicKey::Identity(..))));
    assert!(
        !format!("{observed:?}").contains(pem.lines().nth(1).unwrap()),
        "rule 3: no private key is observed"
    );
}

#[test]
fn a_broken_key_is_seen_and_never_replaced() {
    let house = House::new();
    let mut edge = house.edge();
    house.apply(&mut edge, &key_step()).unwrap();
    let path = edge.layout().key(&house.namespace, &Identity::Node(node()));
    fs::write(&path, "damaged").unwrap();
    house.apply(&mut edge, &key_step()).unwrap();
    let observed = edge.observe(&house.namespace).unwrap();
    assert!(matches!(
        observed.identities.get(&Identity::Node(node())).unwrap().key,
        KeyState::Unreadable(_)
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "damaged");
}

#[test]
fn files_are_observed_as_they_were_written() {
    let house = House::new();
    let mut edge = house.edge();
    house.apply(&mut edge, &key_step()).unwrap();
    let text = file("conf/group.1.genesis", FileContent::Text("[group]\nid=1\n".to_owned()));
    let key = file("conf/node.key", FileContent::PrivateKey(Identity::Node(node())));
    for wanted in [&text, &key] {
        house.apply(&mut edge, &Step::WriteFile((*wanted).clone())).unwrap();
    }
    let observed = edge.observe(&house.namespace).unwrap();
    assert!(text.is_at_rest(observed.files.get(&text.at)) && key.is_at_rest(observed.files.get(&key.at)));
    let folder = edge.layout().node(&house.namespace, &node());
    assert_eq!(mode(&folder.join("conf/node.key")), 0o600);

    // A key that others may read is written again, and so is an edited text.
    fs::set_permissions(folder.join("conf/node.key"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(folder.join("conf/group.1.genesis"), "[group]\nid=2\n").unwrap();
    let observed = edge.observe(&house.namespace).unwrap();
    assert_eq!(observed.files.get(&key.at), Some(&ObservedFile::Other));
    assert!(!text.is_at_rest(observed.files.get(&text.at)));
}

#[test]
fn a_recorded_genesis_never_changes() {
    let house = House::new();
    let mut edge = house.edge();
    let record = |document: &str| {
        let (group, document) = (GroupName::new("group-1").unwrap(), document.to_owned());
        Step::RecordGenesis(GenesisRecord {
            group,
            id: 1.try_into().unwrap(),
            hash: B256::ZERO,
            document,
        })
    };
    house.apply(&mut edge, &record("{}")).unwrap();
    house.apply(&mut edge, &record("{}")).unwrap();
    let refused = house.apply(&mut edge, &record("{1}")).unwrap_err();
    assert!(matches!(refused, LocalError::GenesisRecorded { .. }), "{refused}");
    assert_eq!(
        edge.observe(&house.namespace)
            .unwrap()
            .genesis
            .into_values()
            .collect::<Vec<_>>(),
        ["{}"]
    );
}

#[test]
fn a_node_runs_detached_is_found_again_and_stops() {
    let house = House::new();
    let process = house.process();
    let mut edge = house.edge();
    house.start(&mut edge, &process).unwrap();
    until("ready", || {
        state_of(&mut edge, &house.namespace) == Some(ProcessState::Ready)
    });
    let pid = house.pid().unwrap();
    drop(edge);

    // Another run finds it, and starting it again changes nothing.
    let mut edge = house.edge();
    house.apply(&mut edge, &Step::StartProcess(process.clone())).unwrap();
    assert_eq!(house.pid(), Some(pid));
    house.apply(&mut edge, &Step::RestartProcess(process)).unwrap();
    assert!(house.pid().is_some_and(|now| now != pid), "restarted");
    house.apply(&mut edge, &Step::StopProcess(node())).unwrap();
    assert_eq!((house.pid(), state_of(&mut edge, &house.namespace)), (None, None));
    let observed = edge.observe(&house.namespace).unwrap();
    assert!(
        observed.data.contains(&node()),
        "rule 2: data outlives the process and its manifest"
    );
}

#[test]
fn a_killed_node_is_seen_as_stopped_and_started_again() {
    let house = House::new();
    let process = house.process();
    let mut edge = house.edge();
    house.start(&mut edge, &process).unwrap();
    let pid = house.pid().unwrap();
    let id = ProcessId::of(pid).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    until("dead", || !id.is_alive());
    assert_eq!(state_of(&mut edge, &house.namespace), Some(ProcessState::Stopped));
    house.apply(&mut edge, &Step::StartProcess(process)).unwrap();
    assert!(house.pid().is_some_and(|now| now != pid));
}

#[test]
fn a_process_nobody_recorded_is_found_by_its_folder() {
    let house = House::new();
    let process = house.process();
    let mut edge = house.edge();
    house.start(&mut edge, &process).unwrap();
    let pid = house.pid().unwrap();
    // A run that died between the start and its record leaves a record without an id.
    let half = record::ProcessRecord {
        process: process.clone(),
        id: None,
    };
    record::write(edge.layout(), &half).unwrap();
    assert_eq!(house.pid(), Some(pid));
    house.apply(&mut edge, &Step::StartProcess(process)).unwrap();
    assert_eq!(house.pid(), Some(pid), "no second one is started");
}

#[test]
fn a_taken_port_is_found_before_the_start() {
    let house = House::new();
    let mut process = house.process();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    process.ports.rpc = listener.local_addr().unwrap().port();
    let error = house.start(&mut house.edge(), &process).unwrap_err().to_string();
    let expected = format!(
        "node-0: the rpc port {} is taken by process {} (",
        process.ports.rpc,
        std::process::id()
    );
    assert!(
        error.starts_with(&expected) && error.contains("spec.rpc.port"),
        "{error}"
    );
    assert_eq!(house.pid(), None);
}

#[test]
fn a_node_that_ends_at_once_is_reported_with_its_last_words() {
    let house = House::new();
    let mut edge = house.edge();
    let text = FileContent::Text("[metrics]\nlisten_port=none\n".to_owned());
    house
        .apply(&mut edge, &Step::WriteFile(file("config.ini", text)))
        .unwrap();
    let error = house
        .apply(&mut edge, &Step::StartProcess(house.process()))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("ended right after its start (exit status: 1)"),
        "{error}"
    );
    assert!(error.contains("accepted is 1 to 65535"), "{error}");
}

#[test]
fn a_missing_binary_says_how_to_name_it() {
    let house = House::new();
    fs::remove_file(house.folder.path().join(NODE_BINARY)).unwrap();
    let error = house
        .start(&mut house.edge(), &house.process())
        .unwrap_err()
        .to_string();
    assert!(error.contains("--node-binary"), "{error}");
}

#[test]
fn stop_all_leaves_no_process_and_every_file() {
    let house = House::new();
    let mut edge = house.edge();
    house.start(&mut edge, &house.process()).unwrap();
    let id = ProcessId::of(house.pid().unwrap()).unwrap();
    assert_eq!(edge.stop_all().unwrap().nodes, [(house.namespace.clone(), node())]);
    assert!(!id.is_alive());
    assert!(
        edge.layout()
            .node(&house.namespace, &node())
            .join("config.ini")
            .is_file()
    );
    assert_eq!(edge.stop_all().unwrap(), Stopped::default());
}

#[test]
fn stop_all_returns_when_the_parent_has_taken_note_of_the_dead_or_names_them() {
    let house = House::new();
    let start = || {
        // Dropping the edge that started a node leaves the node a child of this test, which plays process 1.
        house.start(&mut house.edge(), &house.process()).unwrap();
        ProcessId::of(house.pid().unwrap()).unwrap()
    };
    let unnoticed = start();
    assert_eq!(house.edge().stop_all().unwrap().unreaped, [unnoticed.pid]);

    let id = start();
    let pid = rustix::process::Pid::from_raw(i32::try_from(id.pid).unwrap());
    let parent = std::thread::spawn(move || rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()));
    let settings = LocalSettings {
        reap_patience: Duration::from_secs(20),
        ..house.settings()
    };
    let stopped = LocalEdge::open(settings).unwrap().stop_all().unwrap();
    assert!(stopped.unreaped.is_empty() && !id.is_listed());
    parent.join().unwrap().unwrap();
}

#[test]
fn leftovers_of_an_interrupted_run_are_cleared_and_not_observed() {
    let house = House::new();
    let edge = house.edge();
    let folder = edge.layout().node(&house.namespace, &node()).join("conf");
    drop(edge);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".new-1-0"), "half").unwrap();
    let mut edge = house.edge();
    assert!(!folder.join(".new-1-0").exists());
    assert!(edge.observe(&house.namespace).unwrap().files.is_empty());
}

#[test]
fn a_folder_that_cannot_be_written_says_so_and_nothing_is_half_done() {
    let house = House::new();
    let mut edge = house.edge();
    // A file stands where a folder should be: as good as a read-only folder, also for a superuser.
    fs::create_dir_all(edge.layout().namespace(&house.namespace)).unwrap();
    fs::write(edge.layout().nodes(&house.namespace), "").unwrap();
    let text = FileContent::Text(String::new());
    let error = house
        .apply(&mut edge, &Step::WriteFile(file("config.ini", text)))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("choose another --state") || error.contains("run it again"),
        "{error}"
    );
}

#[test]
fn statuses_are_written_only_when_they_differ() {
    let house = House::new();
    let mut edge = house.edge();
    edge.write_statuses(&house.namespace, &[]).unwrap();
    assert!(
        !edge.layout().statuses(&house.namespace).exists(),
        "nothing was said, nothing is written"
    );
}
