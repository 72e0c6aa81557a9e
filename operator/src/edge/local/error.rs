//! What can go wrong on this machine, in sentences: what was done, where, what was met, what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::name::{Namespace, NodeName};
use crate::plan::Identity;

/// Why the local edge could not do something. Nothing was left half done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The file system refused.
    #[error("{verb} {}: {source}; {advice}", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// A file of ours holds something we did not write.
    #[error("read {}: {why}; restore it from a copy, or move it away if it is not needed", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was met; never content of a key.
        why: String,
    },
    /// Another run works on the same state.
    #[error("{} is in use by another run of althing (process {holder}); wait for it to end", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The pid found in it.
        holder: String,
    },
    /// The state directory is of another format version.
    #[error("{} has state format {found}; this version reads {accepted}. Use the version of althing that wrote it", path.display())]
    Format {
        /// The state directory.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What is accepted.
        accepted: u32,
    },
    /// A key that a step needs is not there. It is never made anew (DESIGN.md 5.1).
    #[error("the key of {identity} in {namespace} is missing at {}; restore it from a copy", path.display())]
    KeyMissing {
        /// Whose key.
        identity: Identity,
        /// Its namespace.
        namespace: Namespace,
        /// Where it should be.
        path: PathBuf,
    },
    /// A genesis is recorded already, with other bytes.
    #[error("{} records another genesis; a recorded genesis never changes. Name the group differently or restore the manifest", path.display())]
    GenesisRecorded {
        /// The record.
        path: PathBuf,
    },
    /// A certificate or request could not be made.
    #[error("{what}: {why}")]
    Certificate {
        /// What was being made.
        what: String,
        /// Why not.
        why: String,
    },
    /// A port is taken.
    #[error(
        "{node}: the {purpose} port {port} is taken by {holder}; stop that process, or give the node another port (spec.{purpose}.port of its manifest, or --port-offset for a new state directory)"
    )]
    PortTaken {
        /// The node that wants it.
        node: NodeName,
        /// What for: `p2p`, `rpc` or `metrics`.
        purpose: &'static str,
        /// The port.
        port: u16,
        /// Who has it.
        holder: String,
    },
    /// No ports are left.
    #[error(
        "{namespace}/{node}: no ports are left: a node takes one above each of {first}; remove nodes or choose a lower --port-offset"
    )]
    NoPortsLeft {
        /// The namespace.
        namespace: Namespace,
        /// The node.
        node: NodeName,
        /// The first ports of this machine.
        first: String,
    },
    /// No port is that high.
    #[error("--port-offset {found} moves ports beyond 65535; accepted is 0 to 35235")]
    PortOffset {
        /// The offset asked for.
        found: u16,
    },
    /// Two nodes want the same port.
    #[error("{first} and {second} both ask for port {port}; give one of them another in its manifest")]
    PortTwice {
        /// A node.
        first: String,
        /// Another node.
        second: String,
        /// The port.
        port: u16,
    },
    /// The node's binary cannot be started.
    #[error("start {}: {source}; build it or name it with --node-binary", path.display())]
    Binary {
        /// The binary.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The process ended right after its start.
    #[error("{node} ended right after its start ({status}); the end of {}:\n{last_lines}", log.display())]
    EndedAtOnce {
        /// The node.
        node: NodeName,
        /// Its exit status.
        status: String,
        /// Where its output is.
        log: PathBuf,
        /// The last lines of it.
        last_lines: String,
    },
    /// A process does not end.
    #[error("{node} (process {pid}) does not end, not even by SIGKILL; look for a hanging disk")]
    WillNotEnd {
        /// The node.
        node: NodeName,
        /// Its pid.
        pid: u32,
    },
}

impl LocalError {
    pub(super) fn file(verb: &'static str, path: &Path, source: io::Error) -> Self {
        let advice = advice(&source);
        Self::File {
            verb,
            path: path.to_owned(),
            source,
            advice,
        }
    }
}

/// What to do about an answer of the file system.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full: free space and run it again",
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only: mount it writable or choose another --state"
        }
        io::ErrorKind::PermissionDenied => "this user may not: fix owner and mode, or choose another --state",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "something on the way is a file: move it away, or choose another --state"
        }
        _ => "check the disk and run it again",
    }
}
