//! A process of a peer: started, asked for its processor time, killed with the value that stands for it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use althing_e2e::{Rpc, until_some};
use anyhow::{Context, ensure};
use tokio::process::{Child, Command};

/// The kernel's USER_HZ, which is 100 on every architecture we build for (proc(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;
/// Longest time until a process answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// Characters of a log's end that an error carries.
const SAID_MAX: usize = 600;

/// A child of this program.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    id: u32,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says goes to the file `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("create {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .with_context(|| format!("start {}", command.as_std().get_program().display()))?;
        let id = child.id().context("the id of a process that was just started")?;
        let log = log.to_owned();
        Ok(Self { child, id, log })
    }

    /// Waits until it answers JSON-RPC; an error with its last words when it ends instead.
    pub(super) async fn answers(&mut self, rpc: &Rpc) -> anyhow::Result<()> {
        let what = format!("an answer at {}", rpc.url());
        let mut ended = None;
        let look = || {
            ended = self.child.try_wait().ok().flatten();
            async move { (ended.is_some() || rpc.height().await.is_ok()).then_some(ended) }
        };
        let ended = until_some(&what, PATIENCE, look).await?;
        ensure!(ended.is_none(), "it ended instead of answering: {}", self.said());
        Ok(())
    }

    /// The end of its log, in one line.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let skipped = text.chars().count().saturating_sub(SAID_MAX);
        text.chars()
            .skip(skipped)
            .collect::<String>()
            .trim()
            .replace('\n', " | ")
    }

    /// Processor time used so far, user and system.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let path = format!("/proc/{}/stat", self.id);
        let stat = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        processor_time(&stat).with_context(|| format!("{path}: no processor time in {stat:?}"))
    }

    /// Kills it, and waits until it is gone.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// User and system time of a `stat` file. proc(5): fields 14 and 15, counted from the state, which is field 3.
fn processor_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs_f64((user + system) as f64 / TICKS_PER_SECOND))
}

/// Ports of loopback that are free now and differ.
pub(super) fn free_ports<const COUNT: usize>() -> anyhow::Result<[u16; COUNT]> {
    // All are held until the last is found, or the system might give one twice.
    let mut held = Vec::with_capacity(COUNT);
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_whatever_the_name_of_the_program() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 1 0 5";
        assert_eq!(processor_time(stat), Some(Duration::from_secs(2)));
        assert_eq!(processor_time("7 (a) S 1"), None);
    }

    #[test]
    fn ports_differ() {
        let mut ports = free_ports::<12>().unwrap();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]), "{ports:?}");
    }

    #[tokio::test]
    async fn a_process_that_ends_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such flag >&2; exit 1"]);
        let mut process = Process::start(&mut command, &folder.path().join("log")).unwrap();
        let error = process
            .answers(&Rpc::new("http://127.0.0.1:1").unwrap())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no such flag"), "{error}");
    }
}
