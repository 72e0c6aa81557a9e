//! Starting a cluster, from nothing to a node that is Ready.

use std::fs::{self, File};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

use super::layout::{self, CONTAINERD, Layout};
use super::network::Network;
use super::program::Program;
use super::running::Cluster;
use super::{
    cgroups, configuration, containerd, control_plane, dns, down, images, kubelet, namespaces, objects, process, proxy,
    storage,
};

/// Is told what happens, a line at a time.
pub type Say<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// How long each stage may take on a machine that is busy building.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the node may take before its kubelet is started again: one that starts on a busy machine can miss a step.
const KUBELET_PATIENCE: Duration = Duration::from_secs(45);
/// How long to wait before looking again.
const GLANCE: Duration = Duration::from_millis(100);
/// What the machine's packages bring.
const INSTALLED: [&str; 8] = [
    "containerd",
    "ctr",
    "ip",
    "iptables",
    "nft",
    "nsenter",
    "runc",
    "unshare",
];

/// Every program of a cluster, in the order in which they start.
pub(super) fn programs(layout: &Layout, network: Network) -> Vec<Program> {
    vec![
        control_plane::etcd(),
        control_plane::api_server(network),
        containerd::containerd(),
        control_plane::controller_manager(network),
        control_plane::scheduler(),
        proxy::kube_proxy(),
        storage::volumes(layout),
        kubelet::kubelet(layout, network),
    ]
}

/// How many of them serve the others, and so start first.
const FIRST: usize = 3;

/// Starts the cluster, unless it is up and healthy already. When it does not come up, its logs are kept and all else of it
/// is removed; the error tells which program's log to read.
pub async fn up(layout: &Layout, number: Option<u8>, say: Say<'_>) -> anyhow::Result<Cluster> {
    check(layout)?;
    let _lock = lock().await?;
    if let Some(cluster) = Cluster::find(layout)? {
        match cluster.trouble().await {
            None => {
                say(&format!("{} is up already", layout.name()));
                return Ok(cluster);
            }
            Some(trouble) => say(&format!("{} is there but {trouble}: starting anew", layout.name())),
        }
    }
    ensure!(
        layout.record().exists() || is_empty(layout.state()),
        "the folder {} holds something that is no cluster's; name another with --state",
        layout.state().display()
    );
    down::remove(layout).await?;
    let started = make(layout, number, say).await;
    if started.is_err() {
        keep_logs(layout);
        down::remove(layout).await.context("clean up what came up")?;
    }
    started.with_context(|| {
        format!(
            "the cluster did not come up; its logs are in {}",
            layout.failed_logs().display()
        )
    })
}

/// What cannot be repaired here is told before anything is made.
fn check(layout: &Layout) -> anyhow::Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "a cluster needs root, for namespaces and mounts; without it, name a cluster of yours in {}",
        super::VARIABLE
    );
    let missing: Vec<&str> = INSTALLED.into_iter().filter(|program| !is_installed(program)).collect();
    ensure!(
        missing.is_empty(),
        "{} not installed: run scripts/setup.sh cluster",
        missing.join(", ")
    );
    let network = Network::new(0)?;
    let inside = Path::new(layout::BIN);
    for program in programs(layout, network) {
        if Path::new(&program.path).starts_with(inside) {
            layout.program(program.name)?;
        }
    }
    for image in ["pause", "coredns", "lookup"] {
        layout.program(image)?;
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// One cluster is made or removed at a time: their numbers are taken one after the other.
pub(super) async fn lock() -> anyhow::Result<File> {
    let folder = crate::cache()?.join("cluster");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let file = File::open(&folder).with_context(|| format!("open {}", folder.display()))?;
    let taken = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    taken
        .context("wait for the lock")?
        .with_context(|| format!("lock {}", folder.display()))
}

async fn make(layout: &Layout, number: Option<u8>, say: Say<'_>) -> anyhow::Result<Cluster> {
    let network = match number {
        Some(number) => Network::new(number)?,
        None => Network::free().await?,
    };
    for folder in layout.folders() {
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let cluster = Cluster::new(layout.clone(), network)?;
    say(&format!("keys and configuration in {}", layout.state().display()));
    configuration::write(layout, network)?;
    say(&format!(
        "network namespace {}: node {}, pods {}, services {}",
        layout.name(),
        network.node(),
        network.pods(),
        network.services()
    ));
    network.make(layout.name()).await?;
    cgroups::make(layout.name())?;
    namespaces::make(layout).await?;
    start(&cluster, say).await?;
    Ok(cluster)
}

async fn start(cluster: &Cluster, say: Say<'_>) -> anyhow::Result<()> {
    let all = programs(cluster.layout(), cluster.network());
    let (first, others) = all.split_at(FIRST);
    say("etcd, kube-apiserver, containerd");
    for program in first {
        cluster.run(program).await?;
    }
    let socket = cluster.layout().outside(CONTAINERD);
    wait(cluster, "containerd", "containerd to listen", PATIENCE, || async {
        tokio::net::UnixStream::connect(&socket).await.is_ok()
    })
    .await?;
    images::load_own(cluster.layout()).await?;
    wait(
        cluster,
        "kube-apiserver",
        "the API server to be ready",
        PATIENCE,
        || cluster.serves(),
    )
    .await?;
    say("controllers, scheduler, proxy, volumes, kubelet");
    for program in others {
        cluster.run(program).await?;
    }
    let client = cluster.client().await?;
    objects::apply(&client, dns::NAMESPACE, &storage::manifests()).await?;
    objects::apply(&client, dns::NAMESPACE, &dns::manifests(cluster.network())).await?;
    wait_for_node(cluster, say).await?;
    say("node Ready; waiting for the name server");
    let deployments: Api<Deployment> = Api::namespaced(client, dns::NAMESPACE);
    wait(cluster, "kubelet", "the name server to be ready", PATIENCE, || async {
        let found = deployments.get(dns::DEPLOYMENT).await.ok();
        found
            .and_then(|found| found.status?.ready_replicas)
            .is_some_and(|ready| ready > 0)
    })
    .await
}

async fn wait_for_node(cluster: &Cluster, say: Say<'_>) -> anyhow::Result<()> {
    let ready = || cluster.node_is_ready();
    if wait(cluster, "kubelet", "the node to be Ready", KUBELET_PATIENCE, ready)
        .await
        .is_ok()
    {
        return Ok(());
    }
    if let Some(ended) = cluster.ended() {
        bail!("{ended}");
    }
    say("the node is not Ready: starting its kubelet again");
    cluster.stop("kubelet").await?;
    cluster.start("kubelet").await?;
    wait(cluster, "kubelet", "the node to be Ready", PATIENCE, ready).await
}

/// Looks until it is so, as long as every program runs. The error has the end of the log of the one it depends on.
async fn wait<F: Future<Output = bool>>(
    cluster: &Cluster,
    program: &str,
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> F,
) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if look().await {
            return Ok(());
        }
        if let Some(ended) = cluster.ended() {
            bail!("{what}: {ended}");
        }
        if tokio::time::Instant::now() > deadline {
            let log = process::last_lines(&cluster.layout().log(program));
            bail!("{what}: not within {patience:?}; {log}");
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Keeps the logs of a cluster that is about to be removed; failing here must not hide why it is.
fn keep_logs(layout: &Layout) {
    let kept = layout.failed_logs();
    let _ = fs::remove_dir_all(&kept);
    let _ = fs::create_dir_all(&kept);
    let logs: Vec<PathBuf> = fs::read_dir(layout.state().join("log"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    for log in logs {
        if let Some(name) = log.file_name() {
            let _ = fs::copy(&log, kept.join(name));
        }
    }
}
