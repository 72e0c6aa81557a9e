//! Faults of a single node on a cluster of this machine: killed, or cut off from the other nodes.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use super::{pods, uid};
use crate::cluster::Case;

/// The port of the nodes among themselves.
const P2P: u16 = 30300;
/// How long a pod may take to come back.
const PATIENCE: Duration = Duration::from_secs(120);
/// The table that cuts a pod off.
const TABLE: &str = "althing_cut";

/// The process of a node, as this machine sees it.
#[derive(Clone, Copy, Debug)]
pub struct NodeProcess(u32);

impl NodeProcess {
    /// Waits for the process of a node's pod; one that restarts has none for a while.
    pub async fn of(case: &Case, node: &str) -> anyhow::Result<Self> {
        let what = format!("a process of {node}");
        case.eventually(&what, PATIENCE, || Self::find(case, node)).await
    }

    /// Finds it by its control group.
    async fn find(case: &Case, node: &str) -> anyhow::Result<Self> {
        let pods = pods(case).await?;
        let pod = uid(pods.get(node).with_context(|| format!("{node} has no pod"))?);
        let slice = pod.replace('-', "_");
        let found = fs::read_dir("/proc")?.flatten().find_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let is_node = fs::read_to_string(entry.path().join("comm")).ok()?.trim() == "althing-node";
            let group = fs::read_to_string(entry.path().join("cgroup")).ok()?;
            (is_node && (group.contains(&pod) || group.contains(&slice))).then_some(id)
        });
        found
            .map(Self)
            .with_context(|| format!("no process of {node} on this machine"))
    }

    /// Ends it at once; its kubelet starts it again.
    pub fn kill(self) -> anyhow::Result<()> {
        let id = i32::try_from(self.0)
            .ok()
            .and_then(Pid::from_raw)
            .context("a process id")?;
        kill_process(id, Signal::KILL).context("kill a node")
    }

    /// Drops everything between it and other nodes, in the network of its pod; clients reach it still.
    pub async fn cut_off(self) -> anyhow::Result<()> {
        let chain = |hook: &str| {
            let rule = format!("tcp dport {P2P} drop; tcp sport {P2P} drop");
            format!("chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}")
        };
        let rules = format!("table inet {TABLE} {{\n{}\n{}\n}}", chain("input"), chain("output"));
        self.nft(&[&rules]).await
    }

    /// Lets it talk to them again, whether its pod is still the one that was cut off or not.
    pub async fn join_again(self) -> anyhow::Result<()> {
        self.nft(&[&format!("add table inet {TABLE}; delete table inet {TABLE}")])
            .await
    }

    async fn nft(self, arguments: &[&str]) -> anyhow::Result<()> {
        let network = format!("--net=/proc/{}/ns/net", self.0);
        ensure!(
            Path::new("/proc").join(self.0.to_string()).is_dir(),
            "process {} of the node is gone",
            self.0
        );
        let told = Command::new("nsenter")
            .arg(network)
            .arg("nft")
            .args(arguments)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .await?;
        ensure!(told.status.success(), "nft: {}", String::from_utf8_lossy(&told.stderr));
        Ok(())
    }
}
