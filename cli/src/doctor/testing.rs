//! A node to examine, in tests.

use std::fs;
use std::path::Path;

use althing_operator::edge::local::{Layout, LocalNode};
use althing_operator::plan::ProcessState;

use super::Patient;
use crate::facts::NodeFacts;
use crate::rpc::Sample;

/// A node whose log and metrics are these.
pub(super) struct Case {
    folder: tempfile::TempDir,
    node: LocalNode,
    facts: NodeFacts,
    layout: Layout,
    metrics: Vec<Sample>,
}

impl Case {
    pub(super) fn new(log: &str, metrics: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        fs::write(folder.path().join("log/althing-node.log"), log).unwrap();
        Self {
            node: node(folder.path()),
            facts: facts(),
            layout: Layout::new(folder.path()),
            metrics: metrics.iter().filter_map(|line| crate::rpc::sample(line)).collect(),
            folder,
        }
    }

    pub(super) fn patient(&self) -> Patient<'_> {
        assert!(self.folder.path().exists());
        Patient {
            node: &self.node,
            facts: &self.facts,
            layout: &self.layout,
            metrics: self.metrics.clone(),
        }
    }
}

fn node(folder: &Path) -> LocalNode {
    let process = serde_json::json!({
        "namespace": "trade", "node": "node-0", "agency": "agency-a", "node_id": "07".repeat(64),
        "ports": {"p2p": 1, "channel": 2, "rpc": 3, "metrics": 4},
        "groups": [], "restart_digest": format!("0x{}", "00".repeat(32)),
    });
    LocalNode {
        process: serde_json::from_value(process).unwrap(),
        pid: Some(4711),
        state: ProcessState::Running,
        folder: folder.to_owned(),
        output: folder.join("log/output.log"),
    }
}

fn facts() -> NodeFacts {
    NodeFacts {
        namespace: "trade".into(),
        name: "node-0".into(),
        agency: "agency-a".into(),
        node_id: "07".repeat(64),
        state: ProcessState::Running,
        not_ready: None,
        pid: Some(4711),
        peers: Some(1),
        certificate_not_after: None,
        p2p: String::new(),
        rpc: String::new(),
        metrics: String::new(),
        groups: Vec::new(),
    }
}
