//! The peers: which programs they are, how they are started, heard and ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::path;

/// How long a peer may take for anything. A handshake takes milliseconds; the rest is for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An implementation, in one of its modes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Implementation {
    OpenSsl4,
    Tongsuo,
    /// Which insists on RFC 8998: an end that offers the suite without the group and the scheme is refused.
    TongsuoStrict,
}

pub(crate) const IMPLEMENTATIONS: [Implementation; 3] = [
    Implementation::OpenSsl4,
    Implementation::Tongsuo,
    Implementation::TongsuoStrict,
];

impl Implementation {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::OpenSsl4 => "openssl4",
            Self::Tongsuo | Self::TongsuoStrict => "tongsuo",
        };
        let cache = std::env::var_os("ALTHING_CACHE").map(PathBuf::from);
        let home = || std::env::home_dir().unwrap().join(".cache/althing");
        let program = cache.unwrap_or_else(home).join("sm-peers").join(name);
        assert!(
            program.is_file(),
            "{} is not there, and the tests of interoperability are against it; build it with `scripts/setup.sh sm-peers`",
            program.display()
        );
        program
    }

    /// Starts a client that dials us and offers those groups.
    pub(crate) fn client(self, address: SocketAddr, groups: &str, arguments: &[&str]) -> Peer {
        let address = address.to_string();
        let dials = [
            "s_client",
            "-connect",
            &address,
            "-verify_hostname",
            "node",
            "-groups",
            groups,
        ];
        self.start(&[&dials, arguments].concat())
    }

    /// Starts a server and says where it listens. It wants a certificate.
    pub(crate) fn server(self, arguments: &[&str]) -> (Peer, SocketAddr) {
        let listens = [
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-groups",
            "curveSM2",
            "-Verify",
            "3",
        ];
        let mut peer = self.start(&[&listens, arguments, &borrowed(&shows("server"))].concat());
        let line = peer.expect("ACCEPT ");
        let address = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        (peer, address)
    }

    /// With nothing but the SM suite to offer, and our root to trust.
    fn start(self, arguments: &[&str]) -> Peer {
        let mut command = Command::new(self.program());
        command.args(arguments).env("OPENSSL_CONF", "/dev/null");
        command.args(["-tls1_3", "-ciphersuites", "TLS_SM4_GCM_SM3"]);
        command.args(["-verify_return_error", "-CAfile", &path("ca.crt")]);
        if matches!(self, Self::TongsuoStrict) {
            command.arg("-enable_sm_tls13_strict");
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        forward(child.stdout.take().unwrap(), sender.clone());
        forward(child.stderr.take().unwrap(), sender);
        let stdin = child.stdin.take().unwrap();
        let name = format!("{self:?} {}", arguments.join(" "));
        Peer {
            child,
            stdin,
            lines,
            said: String::new(),
            name,
        }
    }
}

/// Arguments with which a peer shows the certificate of that end and its agency's.
pub(crate) fn shows(end: &str) -> Vec<String> {
    let file = |extension: &str| path(&format!("{end}.{extension}"));
    let flag = String::from;
    vec![
        flag("-cert"),
        file("crt"),
        flag("-key"),
        file("key"),
        flag("-cert_chain"),
        path("agency.crt"),
    ]
}

pub(crate) fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Lines of a stream, as they come; the last may have no end.
fn forward(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// A peer that runs; it is ended when the test is over.
pub(crate) struct Peer {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    said: String,
    name: String,
}

impl Peer {
    /// Waits for a line with `text` in it. What was waited for before is not looked at again.
    pub(crate) fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.said.push_str(&line);
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("{} did not say {text:?} in time:\n{}", self.name, self.said),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{} ended without saying {text:?}:\n{}", self.name, self.said)
                }
            }
        }
    }

    /// What it has said until now, as far as it was listened to.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// Types a line: data, or a command. In one piece, because a command is what one reading begins with.
    pub(crate) fn enter(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
