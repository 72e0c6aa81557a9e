//! Which cluster and which namespaces: the flags and the files of kubectl.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

/// How long the API server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// As kubectl takes them.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The namespace [default: that of the context]
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// Every namespace
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The kubeconfig file [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig file
    #[arg(long, global = true)]
    pub context: Option<String>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One namespace.
    Namespace(String),
    /// All of them.
    All,
}

impl Scope {
    /// The objects of a kind in it.
    pub(crate) fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match self {
            Self::Namespace(name) => Api::namespaced(client.clone(), name),
            Self::All => Api::all(client.clone()),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::All => f.write_str("any namespace"),
        }
    }
}

impl Target {
    /// A client, and where it looks.
    pub(crate) async fn connect(&self) -> anyhow::Result<(Client, Scope)> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let mut config = match &self.kubeconfig {
            Some(file) => {
                let kubeconfig = Kubeconfig::read_from(file).with_context(|| format!("read {}", file.display()))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await
            }
            None => Config::from_kubeconfig(&options).await,
        }
        .context("find the cluster; name it by --kubeconfig, --context or KUBECONFIG")?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(ANSWER);
        config.default_retry = false;
        let scope = match (&self.namespace, self.all_namespaces) {
            (_, true) => Scope::All,
            (Some(name), false) => Scope::Namespace(name.clone()),
            (None, false) => Scope::Namespace(config.default_namespace.clone()),
        };
        Ok((Client::try_from(config).context("make a client")?, scope))
    }
}
