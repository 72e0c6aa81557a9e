//! The two programs, and how they are asked. Each answers with what it said when it refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::made::now;

/// An implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    OpenSsl4,
    Gmsm,
}

pub(crate) const PEERS: [Peer; 2] = [Peer::OpenSsl4, Peer::Gmsm];

impl Peer {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::OpenSsl4 => "openssl4",
            Self::Gmsm => "gmsm",
        };
        let cache = std::env::var_os("ALTHING_CACHE").map(PathBuf::from);
        let home = || std::env::home_dir().unwrap().join(".cache/althing");
        let program = cache.unwrap_or_else(home).join("sm-peers").join(name);
        assert!(
            program.is_file(),
            "{} is not there, and certificates are held against it; build it with `scripts/setup.sh sm-peers`",
            program.display()
        );
        program
    }

    /// What the program says; an error when it ends with one.
    fn ask(self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.program());
        let done = command.args(words).env("OPENSSL_CONF", "/dev/null").output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match done.status.success() {
            true => Ok(said(&done.stdout)),
            false => Err(said(&done.stderr)),
        }
    }

    /// Whether a certificate leads to a root by an authority between.
    pub(crate) fn chain(self, root: &Path, between: &Path, leaf: &Path) -> Result<(), String> {
        let (at, [root, between, leaf]) = (seconds(), [root, between, leaf].map(text));
        let said = match self {
            Self::OpenSsl4 => self.ask(&[
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-attime",
                &at,
                "-CAfile",
                root,
                "-untrusted",
                between,
                leaf,
            ]),
            Self::Gmsm => self.ask(&["chain", &at, root, between, leaf]),
        };
        said.map(drop)
    }

    /// Whether a request is signed with its own key.
    pub(crate) fn request(self, file: &Path) -> Result<(), String> {
        let said = match self {
            Self::OpenSsl4 => self.ask(&["req", "-verify", "-noout", "-in", text(file)]),
            Self::Gmsm => self.ask(&["request", text(file)]),
        };
        said.map(drop)
    }

    /// The serials on a list, in hex, when it is signed by the agency.
    pub(crate) fn list(self, agency: &Path, file: &Path) -> Result<Vec<String>, String> {
        let said = match self {
            Self::OpenSsl4 => {
                let (agency, file) = (text(agency), text(file));
                self.ask(&["crl", "-noout", "-verify", "-CAfile", agency, "-in", file])?;
                let shown = self.ask(&["crl", "-noout", "-text", "-in", file])?;
                let serials = shown
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix("Serial Number: "));
                serials.map(|digits| format!("{}\n", digits.to_lowercase())).collect()
            }
            Self::Gmsm => self.ask(&["list", text(agency), text(file)])?,
        };
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// Whether OpenSSL lets a certificate through beside a list. Go's libraries leave lists to who uses them.
    pub(crate) fn revoked(root: &Path, between: &Path, list: &Path, leaf: &Path) -> Result<(), String> {
        let (at, [root, between, list, leaf]) = (seconds(), [root, between, list, leaf].map(text));
        let listed = [
            "verify",
            "-attime",
            &at,
            "-crl_check",
            "-CRLfile",
            list,
            "-CAfile",
            root,
        ];
        Self::OpenSsl4
            .ask(&[&listed[..], &["-untrusted", between, leaf]].concat())
            .map(drop)
    }
}

fn seconds() -> String {
    now().as_second().to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
