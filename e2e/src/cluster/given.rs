//! Which cluster cases run on.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::down::down;
use super::layout::Layout;
use super::running::Cluster;
use super::up::{Say, up};

/// The variable that names the kubeconfig of a cluster to use instead of starting one.
pub const VARIABLE: &str = "ALTHING_E2E_KUBECONFIG";
/// The name of the second cluster that a case may start beside the one it runs on.
pub(super) const SECOND: &str = "second";

/// The cluster that cases run on: one they are given, or one they started and stop.
#[derive(Debug)]
pub struct Target {
    kubeconfig: PathBuf,
    cluster: Option<Cluster>,
    own: bool,
}

impl Target {
    /// The cluster that [`VARIABLE`] names; else a new one of this name, with the images of the project that have been built.
    pub async fn choose(name: &str, say: Say<'_>) -> anyhow::Result<Self> {
        if let Some(named) = std::env::var_os(VARIABLE) {
            return Self::given(Path::new(&named));
        }
        Self::start(name, say).await
    }

    /// A new cluster of this name, with the images of the project that have been built.
    pub(super) async fn start(name: &str, say: Say<'_>) -> anyhow::Result<Self> {
        let layout = Layout::new(name, None)?;
        // What an earlier run left behind, killed before it could stop it, is no place for these cases.
        down(&layout).await?;
        let cluster = up(&layout, None, say).await?;
        for image in cluster.load_built().await? {
            say(&format!("loaded {}", image.display()));
        }
        Ok(Self {
            kubeconfig: cluster.kubeconfig(),
            cluster: Some(cluster),
            own: true,
        })
    }

    /// A cluster that is there already. One that `althing-cluster up` started is known as such by what lies beside its
    /// kubeconfig.
    fn given(kubeconfig: &Path) -> anyhow::Result<Self> {
        ensure!(
            kubeconfig.is_file(),
            "{VARIABLE} names {}, which is no file; name a kubeconfig, or unset it to have a cluster started",
            kubeconfig.display()
        );
        let kubeconfig = std::path::absolute(kubeconfig).context(VARIABLE)?;
        let folder = kubeconfig.parent();
        let layout = folder.and_then(|folder| Layout::new("given", Some(folder)).ok());
        let cluster = layout.map(|layout| Cluster::find(&layout)).transpose()?.flatten();
        Ok(Self {
            kubeconfig,
            cluster,
            own: false,
        })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// What makes a kubectl or a Helm speak to this cluster. What they keep of a cluster they keep by its address, which is
    /// the same for every cluster of this machine: so it goes into a folder that goes with the cluster.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let mut environment = vec![("KUBECONFIG", self.kubeconfig.clone())];
        if self.cluster.is_some() {
            environment.push(("KUBECACHEDIR", self.kubeconfig.with_file_name("kubectl-cache")));
        }
        environment
    }

    /// The cluster itself, when it is one of this machine: its audit log can be read, its programs stopped.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Stops the cluster of this name that cases started for themselves, also when it is just being started. One they were
    /// given stays. The second one of a case that was given up goes too.
    pub async fn release(name: &str) -> anyhow::Result<()> {
        down(&Layout::new(SECOND, None)?).await?;
        if std::env::var_os(VARIABLE).is_none() {
            down(&Layout::new(name, None)?).await?;
        }
        Ok(())
    }

    /// Whether it goes when the cases are done.
    pub fn is_own(&self) -> bool {
        self.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Network;

    #[test]
    fn a_kubeconfig_that_is_not_there_is_refused_with_the_other_way() {
        let error = Target::given(Path::new("/nowhere/kubeconfig")).unwrap_err().to_string();
        assert!(error.contains(VARIABLE) && error.contains("unset"), "{error}");
    }

    #[test]
    fn a_cluster_of_this_machine_is_known_by_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, "").unwrap();
        assert!(Target::given(&kubeconfig).unwrap().cluster().is_none());
        let layout = Layout::new("blue", Some(folder.path())).unwrap();
        Cluster::new(layout, Network::new(4).unwrap()).unwrap();
        let found = Target::given(&kubeconfig).unwrap();
        let found = found.cluster().unwrap();
        assert_eq!((found.name(), found.network().number()), ("blue", 4));
    }
}
