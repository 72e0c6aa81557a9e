//! Which process it is: a pid is recycled, a pid with its start time and the boot it belongs to is not.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A process of this machine, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessId {
    /// The pid.
    pub pid: u32,
    /// When it started, in clock ticks since the boot (proc(5), field 22 of `stat`).
    pub start_ticks: u64,
    /// The boot.
    pub boot: String,
}

impl ProcessId {
    /// The process that has this pid now; none when there is none, or it is a zombie.
    pub fn of(pid: u32) -> Option<Self> {
        let start_ticks = live_since(pid)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            .to_owned();
        Some(Self { pid, start_ticks, boot })
    }

    /// Whether this very process is alive.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Whether the system still lists it: an ended process is a zombie until its parent has taken note of it.
    pub fn is_listed(&self) -> bool {
        stat(self.pid).is_some_and(|(_, start_ticks)| start_ticks == self.start_ticks)
    }
}

/// The start time of a live process.
fn live_since(pid: u32) -> Option<u64> {
    let (state, start_ticks) = stat(pid)?;
    (!matches!(state, 'Z' | 'X' | 'x')).then_some(start_ticks)
}

/// State and start time. The name in `stat` may hold anything, so fields are counted from its last `)`.
fn stat(pid: u32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // Field 3 is the state, field 22 the start time: 18 lie between.
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// The pids of all processes.
pub(super) fn all() -> Vec<u32> {
    let Ok(listed) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    listed
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// A running node of this folder that no record names: a run that died between the start and its record left it.
pub(in crate::edge::local) fn find_in(folder: &Path, binary: &Path) -> Option<ProcessId> {
    let folder = fs::canonicalize(folder).ok()?;
    let name = binary.file_name()?.to_str()?;
    let runs_here = |pid: &u32| {
        let in_folder = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
        in_folder && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| is_command_line_of(&line, name))
    };
    all().into_iter().filter(runs_here).find_map(ProcessId::of)
}

fn is_command_line_of(line: &[u8], name: &str) -> bool {
    let mut arguments = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let is_binary = |text: &str| Path::new(text).file_name().and_then(|file| file.to_str()) == Some(name);
    // A script's first argument is its interpreter.
    arguments.by_ref().take(2).any(|argument| is_binary(&argument))
        && arguments.any(|argument| argument == "-c" || argument == "config.ini")
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_recycled_pid_is_never_mistaken() {
        let own = ProcessId::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(
            !ProcessId {
                start_ticks: own.start_ticks + 1,
                ..own.clone()
            }
            .is_alive()
        );
        assert!(
            !ProcessId {
                boot: "another".into(),
                ..own
            }
            .is_alive()
        );
    }

    #[test]
    fn a_zombie_is_not_alive_but_listed_until_its_parent_takes_note() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let id = ProcessId::of(pid).unwrap();
        drop(child.stdin.take());
        let stat = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !stat().contains(") Z ") {
            std::thread::yield_now();
        }
        assert_eq!(ProcessId::of(pid), None);
        assert!(id.is_listed());
        child.wait().unwrap();
        assert!(!id.is_listed());
    }
}
