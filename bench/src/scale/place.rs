//! Where the scale is measured: a cluster of its own whose pods are played.
//!
//! etcd, API server, controller manager and scheduler are real. The kubelet, the proxy and the storage of the cluster's one
//! machine are stopped; kwok plays ten machines and the pods on them, a task of this program provides volumes. Addresses of
//! played pods lead to this machine's loopback, where [`super::nodes`] answers for them.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use althing_e2e::cluster::{Cluster, Layout, down, up};
use althing_e2e::{repository, run};
use anyhow::Context;
use k8s_openapi::api::core::v1::Node as Machine;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::volumes;
use crate::report;

/// The cluster's name.
const NAME: &str = "bench";
/// Machines that are played.
const MACHINES: usize = 10;
/// Who applies what this program applies.
pub(crate) const MANAGER: &str = "althing-bench";
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The cluster, and what plays its machines. It goes when [`Place::leave`] is called.
pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    pub(crate) client: Client,
    _kwok: Child,
    volumes: JoinHandle<()>,
}

impl Place {
    /// Starts all of it; what an earlier run left is removed first.
    pub(crate) async fn make() -> anyhow::Result<Self> {
        let layout = layout()?;
        leave().await?;
        let cluster = up(&layout, None, &|line| {
            let _ = report::line(&format!("    {line}"));
        })
        .await?;
        let client = cluster.client().await?;
        cordon(&client, cluster.name()).await?;
        for program in ["kubelet", "kube-proxy", "volumes"] {
            cluster.stop(program).await?;
        }
        volumes::class(&client).await?;
        let volumes = tokio::spawn(volumes::provide(client.clone()));
        route("add", cluster.network().number()).await?;
        let kwok = play(&layout, &cluster)?;
        machines(&client).await?;
        install(&client).await?;
        Ok(Self {
            cluster,
            client,
            _kwok: kwok,
            volumes,
        })
    }

    /// Removes all of it.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.volumes.abort();
        drop(self);
        leave().await
    }
}

/// Removes the cluster and the route of its pods, if they are there.
pub(crate) async fn leave() -> anyhow::Result<()> {
    let layout = layout()?;
    if let Some(cluster) = Cluster::find(&layout)? {
        // It may not have been made yet.
        let _ = route("delete", cluster.network().number()).await;
    }
    down(&layout).await.map(drop)
}

fn layout() -> anyhow::Result<Layout> {
    Layout::new(NAME, None)
}

/// The pods' range: beside the services' of clusters on this machine, and as wide.
fn pods(number: u8) -> String {
    format!("{}/20", Ipv4Addr::new(10, 97, number << 4, 0))
}

/// Makes the addresses of the played pods this machine's own, on loopback, or no longer.
async fn route(verb: &str, number: u8) -> anyhow::Result<()> {
    let mut command = Command::new("ip");
    command.args(["route", verb, "local", &pods(number), "dev", "lo"]);
    run(&mut command, PATIENCE).await.map(drop)
}

async fn cordon(client: &Client, machine: &str) -> anyhow::Result<()> {
    let machines: Api<Machine> = Api::all(client.clone());
    let patch = json!({ "spec": { "unschedulable": true } });
    let cordoned = machines
        .patch(machine, &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    cordoned.map(drop).context("cordon the cluster's own machine")
}

fn play(layout: &Layout, cluster: &Cluster) -> anyhow::Result<Child> {
    let program = layout.program("kwok").context("run scripts/setup.sh scale")?;
    let log = std::fs::File::create(layout.log("kwok"))?;
    let stages = repository().join("bench/src/scale/stages.yaml");
    Command::new(program)
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .arg(format!("--cidr={}", pods(cluster.network().number())))
        .args([
            "--manage-nodes-with-label-selector=althing.dev/bench=played",
            "--node-lease-duration-seconds=40",
        ])
        .arg(format!("--config={}", stages.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("start kwok")
}

async fn machines(client: &Client) -> anyhow::Result<()> {
    let machines: Api<Machine> = Api::all(client.clone());
    for number in 0..MACHINES {
        let name = format!("machine-{number}");
        let machine = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {
                "althing.dev/bench": "played",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
            }},
        });
        let made = machines
            .patch(&name, &PatchParams::apply(MANAGER), &Patch::Apply(&machine))
            .await;
        made.with_context(|| format!("make the machine {name}"))?;
    }
    Ok(())
}

/// The definitions of the four kinds, and the operator's account with the rights of the hosted form.
async fn install(client: &Client) -> anyhow::Result<()> {
    let root = repository();
    for entry in std::fs::read_dir(root.join("crds/manifests"))? {
        apply(client, &entry?.path()).await?;
    }
    for file in [
        "overlays/hosted/namespace.yaml",
        "base/serviceaccount.yaml",
        "base/lease-role.yaml",
        "overlays/hosted/cluster-role.yaml",
    ] {
        apply(client, &root.join("deploy/kustomize").join(file)).await?;
    }
    Ok(())
}

async fn apply(client: &Client, file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let applied = althing_e2e::cluster::apply(client, super::operator::NAMESPACE, &text).await;
    applied.map(drop).with_context(|| format!("apply {}", file.display()))
}
