//! Changes roll one node at a time and never cost a group its quorum (DESIGN.md 5.4); what waits says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Object, Operator, Options, PodWatch, Watchdog, footprints, pods};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{EvictParams, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};

use super::scene::{AT_REST, CONVERGED, QUIET, Scene};

/// How soon it is said what stands in the way.
const TOLD: Duration = Duration::from_secs(10);
/// The longest pause of a group that loses one sealer: a few rounds' timeouts of 3 s, each longer than the last.
const ONE_SEALER_AWAY: Duration = Duration::from_secs(30);
/// The image that every node runs unless told otherwise, and the same under another name.
const IMAGE: &str = "localhost/althing/node:0.1.0";
const NEXT: &str = "localhost/althing/node:next";
const MISSING: &str = "localhost/althing/node:does-not-exist";

/// A change that needs another container.
fn more_memory(mebibytes: u32) -> Value {
    let memory = format!("{mebibytes}Mi");
    json!({"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": memory}}})
}

pub(crate) async fn a_changed_image_rolls_one_node_at_a_time(case: Case) -> anyhow::Result<()> {
    let Some(cluster) = case.target().cluster() else {
        // Where images are pushed to a registry, a second name is its keeper's business.
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("node.tar");
    renamed(&cluster.layout().images().join("node.tar"), &archive)?;
    cluster.load(&archive).await?;
    let scene = Scene::of(&case, 4).await?;
    let before = scene.uids().await?;
    let watchdog = Watchdog::start(&scene.ledger).await?;
    let watch = PodWatch::start(&case).await?;
    scene.change(&json!({"image": NEXT})).await?;
    scene.replaced_all(&before).await?;
    let history = watch.finish().await?;
    history.one_at_a_time()?;
    let each_once: BTreeSet<_> = history.replaced.iter().collect();
    ensure!(
        each_once.len() == 4 && history.replaced.len() == 4,
        "replaced: {:?}",
        history.replaced
    );
    watchdog.finish(ONE_SEALER_AWAY).await?;
    for (node, pod) in pods(&case).await? {
        let image = image(&pod);
        ensure!(image == NEXT, "{node} runs {image}");
        Object::node(&case, &node).is_told("Restarting").await?;
    }
    scene.ends_well().await
}

/// The image of a pod's container.
fn image(pod: &Pod) -> &str {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
    let first = containers.and_then(|containers| containers.first());
    first
        .and_then(|container| container.image.as_deref())
        .unwrap_or_default()
}

/// The same docker-archive under another name.
fn renamed(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut archive = tar::Archive::new(File::open(from).with_context(|| format!("read {}", from.display()))?);
    let mut written = tar::Builder::new(File::create(to)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut header = entry.header().clone();
        match entry.path()?.to_string_lossy().as_ref() {
            // An older list of names.
            "repositories" => {}
            "manifest.json" => {
                let mut text = String::new();
                entry.read_to_string(&mut text)?;
                ensure!(text.contains(IMAGE), "{} is no image {IMAGE}: {text}", from.display());
                let text = text.replace(IMAGE, NEXT);
                header.set_size(text.len().try_into()?);
                header.set_cksum();
                written.append(&header, text.as_bytes())?;
            }
            _ => written.append(&header, &mut entry)?,
        }
    }
    Ok(written.finish()?)
}

pub(crate) async fn the_leader_is_restarted_last(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 4).await?;
    let before = scene.uids().await?;
    let watch = PodWatch::start(&case).await?;
    let names = names(&scene).await?;
    // Nobody sends anything, so that the same node leads until it is restarted.
    let leader = case
        .eventually("a leader", TOLD, || async { leader(&scene, &names).await })
        .await?;
    scene.change(&more_memory(1100)).await?;
    scene.replaced_all(&before).await?;
    let history = watch.finish().await?;
    history.one_at_a_time()?;
    ensure!(
        history.replaced.len() == 4 && history.replaced.last() == Some(&leader),
        "{leader} leads, and they were restarted in this order: {:?}",
        history.replaced
    );
    scene.ends_well().await
}

/// The names of the nodes by their identities.
async fn names(scene: &Scene) -> anyhow::Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for node in &scene.nodes {
        let object = Object::node(&scene.case, node).get().await?;
        let id = object["status"]["nodeId"].as_str().context("a nodeId")?;
        names.insert(id.to_owned(), node.clone());
    }
    Ok(names)
}

/// The node that leads now, as the first one that answers says.
async fn leader(scene: &Scene, names: &BTreeMap<String, String>) -> anyhow::Result<String> {
    for node in &scene.nodes {
        let asked = async {
            let rpc = scene.ledger.rpc(node).await?;
            Ok::<Value, anyhow::Error>(rpc.call("getConsensusStatus", json!([1])).await?)
        };
        if let Ok(status) = asked.await
            && let Some(leader) = status[0]["leaderId"].as_str()
        {
            return names.get(leader).cloned().context("a stranger leads");
        }
    }
    anyhow::bail!("nobody says who leads")
}

pub(crate) async fn a_group_without_a_fault_to_spare_waits_for_its_pause(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 2).await?;
    let before = scene.uids().await?;
    let group = Object::group(&case, "group-1");
    scene.change(&more_memory(1100)).await?;
    blocked(&scene, "spec.local.pauseUntil").await?;
    let watchdog = Watchdog::start(&scene.ledger).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ensure!(scene.uids().await? == before, "a pod was restarted without a pause");
    watchdog.finish(TOLD).await.context("while the change waits")?;

    pause(&group, Duration::from_secs(120)).await?;
    let watch = PodWatch::start(&case).await?;
    scene.replaced_all(&before).await?;
    // While one of two is away the other cannot be ready either: what counts is that each went once.
    let mut replaced = watch.finish().await?.replaced;
    replaced.sort();
    ensure!(replaced == scene.nodes, "replaced: {replaced:?}");
    scene.ledger.goes_on(CONVERGED).await?;

    // A pause that ends while nothing is to be done is over for whatever comes later.
    let end = pause(&group, Duration::from_secs(3)).await?;
    case.eventually("the pause to end", TOLD, || async {
        ensure!(time::OffsetDateTime::now_utc() > end, "not yet");
        Ok(())
    })
    .await?;
    let before = scene.uids().await?;
    scene.change(&more_memory(1200)).await?;
    blocked(&scene, "ended at").await?;
    ensure!(scene.uids().await? == before, "a pod was restarted after the pause");
    // Taking the change back is the other way out.
    scene.change(&more_memory(1100)).await?;
    scene.is_up().await?;
    ensure!(
        scene.uids().await? == before,
        "a change that was taken back restarted a pod"
    );
    scene.ends_well().await
}

/// Lets the group stand still for this long from now on; when that ends.
async fn pause(group: &Object<'_>, length: Duration) -> anyhow::Result<time::OffsetDateTime> {
    let until = (time::OffsetDateTime::now_utc() + length).replace_nanosecond(0)?;
    let text = until.format(&time::format_description::well_known::Rfc3339)?;
    group.change(&json!({"spec": {"local": {"pauseUntil": text}}})).await?;
    Ok(until)
}

/// Every node says that it waits, for which rule, and what would help; the metrics say the same.
async fn blocked(scene: &Scene, hint: &str) -> anyhow::Result<()> {
    for node in &scene.nodes {
        let object = Object::node(&scene.case, node);
        let message = object.says("Reconciling", "DisruptionBlocked", TOLD).await?;
        ensure!(
            message.contains("only in an announced pause") && message.contains(hint),
            "{node} says: {message}"
        );
    }
    let page = scene.operator.page("/metrics").await?;
    let lines = page
        .lines()
        .filter(|line| line.starts_with("althing_disruption_blocked{"));
    let waiting = lines.filter(|line| line.contains("only in an announced pause") && line.ends_with(" 1"));
    ensure!(waiting.count() == scene.nodes.len(), "the metrics are:\n{page}");
    Ok(())
}

pub(crate) async fn a_broken_image_stops_after_one_pod(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 4).await?;
    let before = scene.uids().await?;
    let watchdog = Watchdog::start(&scene.ledger).await?;
    let watch = PodWatch::start(&case).await?;
    scene.change(&json!({"image": MISSING})).await?;
    let stuck = case
        .eventually("a node to say that its image is not there", TOLD * 2, || async {
            for node in &scene.nodes {
                let object = Object::node(&case, node).get().await?;
                let conditions = object["status"]["conditions"].as_array();
                let mut conditions = conditions.into_iter().flatten();
                if conditions.any(|one| one["type"] == "Ready" && one["reason"] == "ImageCannotBePulled") {
                    return Ok(node.clone());
                }
            }
            anyhow::bail!("nobody yet")
        })
        .await?;
    let object = Object::node(&case, &stuck);
    let message = object.says("Reconciling", "ImageCannotBePulled", TOLD).await?;
    ensure!(
        message.contains(MISSING) && message.contains("spec.image"),
        "{stuck} says: {message}"
    );
    for node in scene.nodes.iter().filter(|node| **node != stuck) {
        let message = Object::node(&case, node)
            .says("Reconciling", "DisruptionBlocked", TOLD)
            .await?;
        ensure!(message.contains(&stuck), "{node} says: {message}");
    }
    // Long enough for a second pod to be taken, if any rule let it.
    tokio::time::sleep(Duration::from_secs(8)).await;
    scene.change(&json!({"image": null})).await?;
    scene.is_up().await?;
    let after = scene.uids().await?;
    let touched = before.iter().filter(|(node, uid)| after.get(*node) != Some(*uid));
    let touched: Vec<_> = touched.map(|(node, _)| node.clone()).collect();
    ensure!(touched == [stuck.clone()], "other pods were touched: {touched:?}");
    let history = watch.finish().await?;
    history.one_at_a_time()?;
    ensure!(
        history.replaced == [stuck.clone(), stuck],
        "replaced: {:?}",
        history.replaced
    );
    watchdog.finish(ONE_SEALER_AWAY).await?;
    scene.ends_well().await
}

pub(crate) async fn another_operator_restarts_no_pod(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 2).await?;
    if let Some(audit) = &scene.audit {
        let user = scene.operator.user();
        audit.settled(&case, user, QUIET, AT_REST).await?;
    }
    let before = footprints(&case).await?;
    let Scene { operator, ledger, .. } = scene;
    operator.stop().await?;
    let watchdog = Watchdog::start(&ledger).await?;
    let audit = Audit::begin(&case)?;
    let options = Options {
        environment: vec![("ALTHING_NODE_IMAGE".to_owned(), MISSING.to_owned())],
        ..Options::default()
    };
    let operator = Operator::start_with(&case, options).await?;
    operator.shows("althing_reconcile_seconds_count", CONVERGED).await?;
    tokio::time::sleep(QUIET).await;
    ensure!(
        footprints(&case).await? == before,
        "the new operator touched pods or StatefulSets"
    );
    if let Some(audit) = &audit {
        let writes = audit.writes_of(operator.user())?;
        let written: Vec<_> = writes
            .iter()
            .filter(|write| !["leases", "events"].contains(&write.resource()))
            .map(ToString::to_string)
            .collect();
        ensure!(written.is_empty(), "the new operator wrote:\n{}", written.join("\n"));
    }
    watchdog.finish(TOLD).await?;
    operator.stop().await
}

pub(crate) async fn a_drain_opens_one_budget_at_a_time(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 4).await?;
    let before = scene.uids().await?;
    let watchdog = Watchdog::start(&scene.ledger).await?;
    let watch = PodWatch::start(&case).await?;
    ensure!(open(&case).await?.is_empty(), "a budget is open before anybody asks");
    refused(&case, "node-0").await?;
    ask(&case, &["node-0", "node-1"], true).await?;
    let first = one_open(&case).await?;
    let second = if first == "node-0" { "node-1" } else { "node-0" };
    refused(&case, second).await?;
    refused(&case, "node-3").await?;
    evicted(&case, &first).await?;
    // While it is away nobody else may go, whoever asks.
    refused(&case, second).await?;
    ask(&case, &[&first], false).await?;
    let next = case.eventually("the second budget to be the open one", CONVERGED, || async {
        let open = open(&case).await?;
        ensure!(open == [second], "open are {open:?}");
        Ok(())
    });
    next.await?;
    evicted(&case, second).await?;
    ask(&case, &[second], false).await?;
    case.eventually("all budgets to be closed", CONVERGED, || async {
        let open = open(&case).await?;
        ensure!(open.is_empty(), "open are {open:?}");
        Ok(())
    })
    .await?;
    scene.is_up().await?;
    refused(&case, &first).await?;
    let after = scene.uids().await?;
    let moved = before.iter().filter(|(node, uid)| after.get(*node) != Some(*uid));
    let moved: Vec<&str> = moved.map(|(node, _)| node.as_str()).collect();
    ensure!(moved == ["node-0", "node-1"], "pods were moved: {moved:?}");
    watch.finish().await?.one_at_a_time()?;
    watchdog.finish(ONE_SEALER_AWAY).await?;
    scene.ends_well().await
}

/// Asks for the drain of these nodes' machines, or takes it back.
async fn ask(case: &Case, nodes: &[&str], wanted: bool) -> anyhow::Result<()> {
    let value = if wanted { json!("true") } else { Value::Null };
    for node in nodes {
        let patch = json!({"metadata": {"annotations": {"althing.dev/evict": value}}});
        Object::node(case, node).change(&patch).await?;
    }
    Ok(())
}

/// The nodes whose budgets allow an eviction.
async fn open(case: &Case) -> anyhow::Result<Vec<String>> {
    let budgets = case.api::<PodDisruptionBudget>().list(&ListParams::default()).await?;
    let is_open = |budget: &&PodDisruptionBudget| {
        let spec = budget.spec.as_ref().and_then(|spec| spec.max_unavailable.as_ref());
        serde_json::to_value(spec).is_ok_and(|allowed| allowed != json!(0))
    };
    let open: Vec<String> = budgets
        .items
        .iter()
        .filter(is_open)
        .filter_map(|budget| budget.metadata.name.clone())
        .collect();
    ensure!(open.len() <= 1, "several budgets are open: {open:?}");
    Ok(open)
}

async fn one_open(case: &Case) -> anyhow::Result<String> {
    case.eventually("a budget to open", CONVERGED, || async {
        open(case).await?.pop().context("none is open")
    })
    .await
}

/// A client that takes a refusal for one: the usual one asks again by itself.
async fn evictions(case: &Case) -> anyhow::Result<Api<Pod>> {
    let kubeconfig = Kubeconfig::read_from(case.target().kubeconfig())?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Api::namespaced(Client::try_from(config)?, case.namespace()))
}

async fn evicted(case: &Case, node: &str) -> anyhow::Result<()> {
    let (pods, pod) = (evictions(case).await?, format!("{node}-0"));
    case.eventually(&format!("{node} to be evicted"), CONVERGED, || async {
        open(case).await?;
        Ok(pods.evict(&pod, &EvictParams::default()).await?)
    })
    .await
    .map(drop)
}

async fn refused(case: &Case, node: &str) -> anyhow::Result<()> {
    let (pods, pod) = (evictions(case).await?, format!("{node}-0"));
    match pods.evict(&pod, &EvictParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 429 => Ok(()),
        Err(error) => Err(error).with_context(|| format!("evict {node}")),
        Ok(_) => anyhow::bail!("{node} was evicted while its budget is closed"),
    }
}
