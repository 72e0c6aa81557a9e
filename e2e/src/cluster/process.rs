//! The processes of a cluster: started, looked at, signalled.
//!
//! A process is known by its id and its start time, and is signalled through a handle of the kernel's, so that no other
//! process that got the same id later is ever hit.

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::{until, until_some};

/// How long a process may take to appear or to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many lines of a log tell why a program ended.
const LAST_LINES: usize = 15;

/// One process, told apart from any other that has, had or will have its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id on the machine.
    pub pid: i32,
    /// When it started, in the kernel's ticks since boot.
    pub started: u64,
}

impl Process {
    /// The process that has this id now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = state_and_start(&stat)?;
        // One that is dead and not yet buried by its parent does nothing any more.
        (state != 'Z' && state != 'X').then_some(Self { pid, started })
    }

    /// Whether it runs.
    pub fn runs(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends it a signal, if it still runs.
    pub fn signal(self, signal: Signal) -> anyhow::Result<()> {
        let Some(handle) = self.handle() else {
            return Ok(());
        };
        match pidfd_send_signal(&handle, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("signal process {}", self.pid)),
        }
    }

    /// Kills it and waits until it is gone.
    pub async fn kill(self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        until(&format!("process {} to end", self.pid), PATIENCE, || async {
            !self.runs()
        })
        .await
    }

    /// Looked at again after the handle was taken: from then on the id cannot become another's.
    fn handle(self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        self.runs().then_some(handle)
    }
}

/// The state's letter and the start time of a line of `/proc/PID/stat`. The name before them may hold blanks and brackets.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Starts a command that starts one process and waits for it, as `unshare --fork` and `nsenter --pid` do; gives that process, once it
/// runs a program of its own. Before that its surroundings are half made: `unshare` cuts its mounts off from the machine's only after the
/// fork, and whoever enters them earlier unmounts the machine's own. What it says goes to this file.
pub(super) async fn start(command: &mut Command, log: &Path) -> anyhow::Result<Process> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let file = open_log(log)?;
    let second = file.try_clone().with_context(|| format!("write {}", log.display()))?;
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/tmp")
        .current_dir("/")
        // Not the terminal's: its Ctrl-C is for who started the cluster.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(second);
    let mut parent = command.spawn().with_context(|| format!("start {name}"))?;
    let id = parent.id().with_context(|| format!("{name} ended at once"))?;
    let what = format!("{name} to start");
    let appears = until_some(&what, PATIENCE, || {
        let ended = matches!(parent.try_wait(), Ok(Some(_)));
        async move {
            match child_of(id).filter(|child| is_another_program(id, *child)) {
                Some(process) => Some(Ok(process)),
                None if ended => Some(Err(())),
                None => None,
            }
        }
    });
    match appears.await? {
        Ok(process) => {
            // Buried when it ends, for as long as this program runs.
            tokio::spawn(async move { parent.wait().await });
            Ok(process)
        }
        Err(()) => anyhow::bail!("{name} ended at once; {}", last_lines(log)),
    }
}

fn open_log(log: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.with_context(|| format!("open {}", log.display()))
}

/// The only child of a process, once it has one.
fn child_of(parent: u32) -> Option<Process> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    Process::of(children.split_whitespace().next()?.parse().ok()?)
}

/// Whether a child has become what its parent was to start.
fn is_another_program(parent: u32, child: Process) -> bool {
    let child = fs::read_link(format!("/proc/{}/exe", child.pid)).ok();
    child.is_some() && child != fs::read_link(format!("/proc/{parent}/exe")).ok()
}

/// The end of a program's log, for an error.
pub(super) fn last_lines(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let name = log.file_name().unwrap_or_default().display();
    format!("the end of {name}:\n{}", last.join("\n"))
}

/// Kills every process whose network namespace is this one, and waits until none is left. Nobody but the cluster's programs
/// is in it, whether or not it was noted down that they were started.
pub(super) async fn empty(namespace: &Path) -> anyhow::Result<()> {
    let Ok(wanted) = fs::metadata(namespace) else {
        return Ok(());
    };
    let what = format!("the processes in {} to end", namespace.display());
    until(&what, PATIENCE, || async {
        let found = inside(wanted.dev(), wanted.ino());
        found.is_empty()
            || found
                .into_iter()
                .all(|process| process.signal(Signal::KILL).is_ok() && !process.runs())
    })
    .await
}

/// The processes in this network namespace, dead ones left out.
fn inside(device: u64, inode: u64) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(Process::of)
        .filter(|process| {
            fs::metadata(format!("/proc/{}/ns/net", process.pid))
                .is_ok_and(|found| found.dev() == device && found.ino() == inode)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_no_field() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 777 1 2";
        assert_eq!(state_and_start(stat), Some(('S', 777)));
    }

    #[tokio::test]
    async fn what_has_ended_is_not_signalled_again() {
        let mut child = Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap();
        let process = Process::of(child.id().unwrap().try_into().unwrap()).unwrap();
        assert!(process.runs());
        process.kill().await.unwrap();
        assert!(!process.runs());
        process.signal(Signal::KILL).unwrap();
        child.wait().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_has_started_when_it_runs_its_own_program_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let [here, go] = ["here", "go"].map(|name| folder.path().join(name));
        let mut command = Command::new("sh");
        let script = format!(
            "(touch '{}'; for turn in $(seq 200); do [ -e '{}' ] && break; sleep 0.1; done; exec sleep 60) & wait",
            here.display(),
            go.display()
        );
        command.args(["-c", &script]);
        let log = folder.path().join("log");
        let forked = until("the child to be there", PATIENCE, || async { here.exists() });
        let lets_go = async {
            forked.await.unwrap();
            fs::write(&go, "").unwrap();
        };
        let (process, ()) = tokio::join!(start(&mut command, &log), lets_go);
        let process = process.unwrap();
        let program = fs::read_link(format!("/proc/{}/exe", process.pid)).unwrap();
        process.kill().await.unwrap();
        assert!(program.ends_with("sleep"), "{}", program.display());
    }

    #[tokio::test]
    async fn another_process_with_the_same_id_is_left_alone() {
        let mut child = Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap();
        let own = Process::of(child.id().unwrap().try_into().unwrap()).unwrap();
        let earlier = Process {
            started: own.started - 1,
            ..own
        };
        earlier.signal(Signal::KILL).unwrap();
        assert!(own.runs());
        child.kill().await.unwrap();
    }

    #[tokio::test]
    async fn a_command_that_starts_nothing_is_an_error_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let error = start(Command::new("sh").args(["-c", "echo no such thing"]), &log)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no such thing"), "{error}");
    }
}
