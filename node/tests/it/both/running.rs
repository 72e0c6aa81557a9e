//! The program while it runs: what it logs, what it answers, its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use crate::ports::Ports;

/// How long what must happen may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A node's process; ends with the test.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Everything it said so far.
    said: Vec<String>,
    /// How many of them a test has waited for or passed over.
    heard: usize,
    ports: Ports,
}

impl Running {
    /// Starts the program with this configuration, and returns once it has started.
    pub(crate) fn start(config: &Path, ports: Ports) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_althing-node"))
            .arg("-c")
            .arg(config)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut running = Self {
            child,
            lines,
            said: Vec::new(),
            heard: 0,
            ports,
        };
        running.until_said("node started");
        // Others know the node before it says that it has started: a test may wait for what it said of them.
        running.heard = 0;
        running
    }

    /// Waits for a line with these words after the last that was waited for, and returns it.
    pub(crate) fn until_said(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(line) = self.said.get(self.heard) {
                self.heard += 1;
                if line.contains(words) {
                    return line.clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("it never said {words:?}: {:#?}", self.said),
            }
        }
    }

    /// How often it has said these words so far.
    pub(crate) fn times_said(&mut self, words: &str) -> usize {
        self.said.extend(self.lines.try_iter());
        self.said.iter().filter(|line| line.contains(words)).count()
    }

    /// What the plain RPC port answers.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        Client::plain(self.ports.rpc).ask(method, params).unwrap()
    }

    /// What the plain RPC port answers to all of these at once.
    pub(crate) fn ask_together(&self, batch: &Value) -> Value {
        Client::plain(self.ports.rpc).post(batch).unwrap()
    }

    /// The body of a page of the metrics port.
    pub(crate) fn page(&self, path: &str) -> String {
        Client::plain(self.ports.metrics).get(path).unwrap()
    }

    /// Waits until `done`.
    pub(crate) fn until(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names in a folder, ascending.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
