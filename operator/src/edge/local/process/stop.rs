//! Stopping a node by its own id: asked first, forced after a while.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::pid::ProcessId;

/// How often a stopping process is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How long the kernel may take to end a killed process.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Ends a process: SIGTERM, and SIGKILL when it has not ended within `patience`. False when it would not even then.
pub(in crate::edge::local) fn stop(id: &ProcessId, patience: Duration) -> bool {
    signal(id, Signal::TERM);
    if ends_within(id, patience) {
        return true;
    }
    signal(id, Signal::KILL);
    ends_within(id, KILL_PATIENCE)
}

/// Signals this very process: the file descriptor is taken first and the identity compared after, so that no recycled pid is
/// ever signalled.
fn signal(id: &ProcessId, signal: Signal) {
    let pid = i32::try_from(id.pid).ok().and_then(Pid::from_raw);
    let Some(Ok(handle)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        return;
    };
    if id.is_alive() {
        // It may have ended in between, which is what is wanted.
        let _ = pidfd_send_signal(&handle, signal);
    }
}

fn ends_within(id: &ProcessId, patience: Duration) -> bool {
    let started = Instant::now();
    while id.is_alive() {
        if started.elapsed() >= patience {
            return false;
        }
        thread::sleep(GLANCE);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_ignores_sigterm_is_killed_after_a_while() {
        let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(stop(&id, Duration::from_millis(100)));
        assert!(!id.is_alive());
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()),
            Some(9)
        );
    }

    #[test]
    fn a_process_of_the_same_pid_is_not_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(
            stop(
                &ProcessId {
                    start_ticks: id.start_ticks + 1,
                    ..id.clone()
                },
                Duration::ZERO
            ),
            "that one is gone"
        );
        assert!(id.is_alive());
        assert!(stop(&id, Duration::from_secs(5)));
        child.wait().unwrap();
    }
}
