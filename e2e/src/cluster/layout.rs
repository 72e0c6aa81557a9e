//! Where a cluster's files are, on the machine and as its own programs see them.
//!
//! The cluster's programs live in a mount namespace in which `/run`, `/var` and `/tmp` are folders of the cluster's own. So
//! they keep the places that every Kubernetes node has, nothing of them is mounted or written outside the state folder, and
//! two clusters do not meet.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The folder with the cluster's configuration and keys, as its programs see it.
pub(super) const ETC: &str = "/run/althing/etc";
/// The folder with the cluster's programs, as they see it.
pub(super) const BIN: &str = "/run/althing/bin";
/// The file of the audit log, as the API server sees it.
pub(super) const AUDIT_LOG: &str = "/var/log/althing/audit.log";
/// containerd's socket, as the kubelet sees it.
pub(super) const CONTAINERD: &str = "/run/containerd/containerd.sock";
/// The folder of the volumes, as the kubelet sees it.
pub(super) const VOLUMES: &str = "/var/lib/volumes";

/// The longest name: an interface of the host is named after the cluster, and the kernel allows 15 bytes.
const LONGEST_NAME: usize = 12;
/// The longest state folder: a socket's path is at most 107 bytes.
const LONGEST_STATE: usize = 107 - CONTAINERD.len();

/// The places of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    name: String,
    state: PathBuf,
    cache: PathBuf,
}

impl Layout {
    /// Of the cluster with this name; its state is in `state`, else in the cache.
    pub fn new(name: &str, state: Option<&Path>) -> anyhow::Result<Self> {
        Self::below(&crate::cache()?, name, state)
    }

    /// As `new`, with the cache in this folder.
    fn below(cache: &Path, name: &str, state: Option<&Path>) -> anyhow::Result<Self> {
        let letters = name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        ensure!(
            letters && name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.ends_with('-'),
            "cluster name {name:?}: accepted are lower-case letters, digits and dashes, a letter first"
        );
        ensure!(
            name.len() <= LONGEST_NAME,
            "cluster name {name:?} has {} bytes; at most {LONGEST_NAME} are accepted, as an interface is named after it",
            name.len()
        );
        let state = match state {
            Some(folder) => std::path::absolute(folder).context("find the state folder")?,
            None => cache.join("cluster/state").join(name),
        };
        ensure!(
            state.as_os_str().len() <= LONGEST_STATE,
            "state folder {}: longer than {LONGEST_STATE} bytes, too long for a socket in it; choose another with --state",
            state.display()
        );
        Ok(Self {
            name: name.to_owned(),
            state,
            cache: cache.to_owned(),
        })
    }

    /// The cluster's name: that of its network namespace, its cgroups and its one machine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder with all that the cluster keeps.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The programs, as `scripts/setup.sh cluster` built them.
    pub fn programs(&self) -> PathBuf {
        self.cache.join("cluster/bin")
    }

    /// One of the programs.
    pub fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.programs().join(name);
        ensure!(
            path.is_file(),
            "{} is not built: run scripts/setup.sh cluster",
            path.display()
        );
        Ok(path)
    }

    /// Where the images of the project are, when they have been built: each a docker-archive.
    pub fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// Where the logs of a cluster that did not come up are kept.
    pub fn failed_logs(&self) -> PathBuf {
        self.cache.join("cluster/failed").join(&self.name)
    }

    /// What a person's kubectl is given.
    pub fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// What the cluster is: its name and number, written first.
    pub fn record(&self) -> PathBuf {
        self.state.join("cluster.json")
    }

    /// Configuration and keys.
    pub fn etc(&self) -> PathBuf {
        self.state.join("etc")
    }

    /// The log of each program.
    pub fn log(&self, program: &str) -> PathBuf {
        self.state.join("log").join(format!("{program}.log"))
    }

    /// Which process each program is.
    pub fn process(&self, program: &str) -> PathBuf {
        self.state.join("processes").join(format!("{program}.json"))
    }

    /// Images made here: the pods' sandbox, CoreDNS, the cases' own.
    pub fn own_images(&self) -> PathBuf {
        self.state.join("images")
    }

    /// Where the machine finds what the cluster's programs know by this path below `/run`, `/var` or `/tmp`.
    pub fn outside(&self, inside: &str) -> PathBuf {
        self.state.join(inside.trim_start_matches('/'))
    }

    /// Every folder that is there before the first program starts.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = [
            "etc/pki",
            "etc/cni",
            "etc/sysctl",
            "images",
            "log",
            "processes",
            "run/althing/etc",
            "run/althing/bin",
            "run/lock",
            "tmp",
            "var/lib/etcd",
            "var/lib/volumes",
            "var/log/althing",
            "var/log/pods",
            "var/tmp",
        ]
        .iter()
        .map(|folder| self.state.join(folder))
        .collect();
        folders.insert(0, self.state.clone());
        folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(name: &str) -> anyhow::Result<Layout> {
        Layout::below(Path::new("/cache"), name, None)
    }

    #[test]
    fn all_state_is_below_one_folder() {
        let layout = layout("blue").unwrap();
        let state = Path::new("/cache/cluster/state/blue");
        assert_eq!(layout.state(), state);
        for folder in layout.folders() {
            assert!(folder.starts_with(state), "{}", folder.display());
        }
        for file in [
            layout.kubeconfig(),
            layout.outside(AUDIT_LOG),
            layout.outside(CONTAINERD),
            layout.log("etcd"),
        ] {
            assert!(file.starts_with(state), "{}", file.display());
        }
    }

    #[test]
    fn a_name_that_no_interface_can_have_is_refused() {
        for name in ["", "Blue", "1st", "blue-", "a_b", "../x", "thirteen-long"] {
            let error = layout(name).unwrap_err().to_string();
            assert!(error.contains("accepted"), "{name}: {error}");
        }
    }

    #[test]
    fn a_state_folder_too_long_for_a_socket_is_refused() {
        let deep = PathBuf::from("/").join("x".repeat(LONGEST_STATE));
        let error = Layout::below(Path::new("/cache"), "blue", Some(&deep)).unwrap_err();
        assert!(error.to_string().contains("--state"), "{error}");
    }
}
