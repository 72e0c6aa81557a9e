//! One node of a running consortium.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::{Rpc, Session, binary, until};

/// The kernel's USER_HZ, which is 100 on every architecture we build for (proc(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// The record that `althing up` keeps of a process, as far as it is read here.
#[derive(Debug, Deserialize)]
struct Record {
    process: RecordedProcess,
    id: Option<RecordedId>,
}

#[derive(Debug, Deserialize)]
struct RecordedProcess {
    node: String,
    ports: RecordedPorts,
}

#[derive(Debug, Deserialize)]
struct RecordedPorts {
    rpc: u16,
    metrics: u16,
}

#[derive(Debug, Deserialize)]
struct RecordedId {
    pid: u32,
}

/// A node: where it is and which process it is.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its process, when it was looked up.
    pub pid: u32,
    /// The folder it runs in.
    pub folder: PathBuf,
    rpc_port: u16,
    metrics_port: u16,
}

impl Member {
    /// Reads the record of a process.
    pub(crate) fn read(namespace: &Path, record: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(record).with_context(|| format!("read {}", record.display()))?;
        let Record { process, id } =
            serde_json::from_slice(&text).with_context(|| format!("parse {}", record.display()))?;
        let pid = id
            .map(|id| id.pid)
            .with_context(|| format!("{}: it was never started", process.node))?;
        let folder = namespace.join("nodes").join(&process.node);
        let RecordedPorts { rpc, metrics } = process.ports;
        Ok(Self {
            name: process.node,
            pid,
            folder,
            rpc_port: rpc,
            metrics_port: metrics,
        })
    }

    /// Its client for a group.
    pub fn rpc(&self, group: u32) -> anyhow::Result<Rpc> {
        Rpc::new(format!("http://127.0.0.1:{}/group/{group}", self.rpc_port))
    }

    /// A session with it.
    pub async fn session(&self, group: u32) -> anyhow::Result<Session> {
        let stream = TcpStream::connect(("127.0.0.1", self.rpc_port)).await?;
        Session::begin(stream, "127.0.0.1", group).await
    }

    /// Its WebSocket endpoint for a group.
    pub fn web_socket(&self, group: u32) -> String {
        format!("ws://127.0.0.1:{}/group/{group}", self.rpc_port)
    }

    /// Whether its process is alive.
    pub fn is_alive(&self) -> bool {
        self.raw_pid()
            .is_some_and(|pid| test_kill_process(pid).is_ok() && !self.is_zombie())
    }

    /// A killed child that nobody has waited for yet is dead as well.
    fn is_zombie(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    }

    fn raw_pid(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }

    /// kill -9, and waits until it is gone.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.end(Signal::KILL).await
    }

    /// SIGTERM, and waits until it is gone.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.end(Signal::TERM).await
    }

    async fn end(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.raw_pid().context("a process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {}", self.name))?;
        until(
            &format!("the end of {}", self.name),
            Duration::from_secs(30),
            || async { !self.is_alive() },
        )
        .await
    }

    /// Starts the node's program in its folder without any operator, its files as they are.
    pub fn start_as_it_is(&self) -> anyhow::Result<Child> {
        let mut command = Command::new(binary("althing-node")?);
        command
            .args(["-c", "config.ini"])
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        let log = std::fs::File::create(self.folder.join("log").join("alone.log"))?;
        command.stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        command.spawn().with_context(|| format!("start {}", self.name))
    }

    /// The page of its own port, such as `/metrics`; none while it does not answer with success.
    pub async fn page(&self, path: &str) -> Option<String> {
        let url = format!("http://127.0.0.1:{}{path}", self.metrics_port);
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .ok()?;
        let answer = client.get(url).send().await.ok()?.error_for_status().ok()?;
        answer.text().await.ok()
    }

    /// The value of a metric with exactly these labels, such as `althing_group_halted{group="1"}`.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        value_of(&self.page("/metrics").await?, series)
    }

    /// Resident memory, bytes.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("VmRSS in status")?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(&self.pid.to_string())
    }

    /// Processor time used so far by threads that still run, by their name without a number at its end.
    pub fn cpu_by_thread(&self) -> anyhow::Result<BTreeMap<String, Duration>> {
        let mut threads = BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let thread = entry?.file_name().to_string_lossy().into_owned();
            let folder = format!("{}/task/{thread}", self.pid);
            // A thread may end meanwhile.
            let Ok(name) = std::fs::read_to_string(format!("/proc/{folder}/comm")) else {
                continue;
            };
            let Ok(cpu) = cpu_of(&folder) else { continue };
            let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            *threads.entry(name.to_owned()).or_default() += cpu;
        }
        Ok(threads)
    }
}

/// Processor time this very program used so far.
pub fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of("self")
}

/// Processor time of a process, by the name of its folder in /proc.
fn cpu_of(process: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat
        .rsplit_once(')')
        .context("the name in stat")?
        .1
        .split_ascii_whitespace();
    // proc(5): fields 14 and 15, counted from the state, which is field 3.
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

fn value_of(page: &str, series: &str) -> Option<f64> {
    page.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_name_and_labels() {
        let page = "# TYPE a gauge\na{group=\"1\"} 0\na{group=\"2\"} 3.5\nab 7\n";
        assert_eq!(value_of(page, "a{group=\"2\"}"), Some(3.5));
        assert_eq!((value_of(page, "a"), value_of(page, "ab")), (None, Some(7.0)));
    }

    #[test]
    fn processor_time_of_this_very_process_is_read() {
        assert!(own_cpu().is_ok());
    }
}
