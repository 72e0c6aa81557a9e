//! Groups over nodes that run already, other parties' nodes, and volumes: nothing of it restarts a pod.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::keccak256;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Footprint, Ledger, Object, Operator, Watchdog, footprints};
use althing_e2e::{GroupPlan, Manifests, StateKind};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use serde_json::json;

use super::authority::Authority;

/// How long a consortium may take to come up.
const CONVERGED: Duration = Duration::from_secs(180);
/// How soon a new group over running nodes has blocks on every member.
const JOINED: Duration = Duration::from_secs(30);
/// How soon it is said what stands in the way.
const TOLD: Duration = Duration::from_secs(10);
/// How long nothing is written, when all is done.
const QUIET: Duration = Duration::from_secs(10);

/// Waits until every node, and every pod of theirs, is ready; what a restart would change.
async fn converged(case: &Case, nodes: usize) -> anyhow::Result<BTreeMap<String, Footprint>> {
    for node in 0..nodes {
        let name = format!("node-{node}");
        Object::node(case, &name).is_ready(CONVERGED).await?;
        let pod = format!("{name}-0");
        case.condition("v1/Pod", &pod, "Ready", CONVERGED).await?;
    }
    footprints(case).await
}

/// The operator is at rest, and did everything by the rules.
async fn ends_well(case: &Case, operator: Operator, audit: Option<Audit>) -> anyhow::Result<()> {
    if let Some(audit) = audit {
        audit
            .settled(case, operator.user(), QUIET, Duration::from_secs(60))
            .await?;
        audit.check(operator.user(), &[case.namespace()])?;
    }
    operator.stop().await
}

/// Nothing was touched: the same pods, never restarted, under StatefulSets nobody wrote.
async fn untouched(case: &Case, before: &BTreeMap<String, Footprint>) -> anyhow::Result<()> {
    let after = footprints(case).await?;
    ensure!(after == *before, "before: {before:#?}\nafter: {after:#?}");
    Ok(())
}

pub(crate) async fn a_new_group_over_running_nodes_restarts_nobody(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let mut manifests = Manifests::uniform(4, 1);
    case.apply(&manifests.render()).await?;
    let first = Ledger::new(&case, 1, &["node-0", "node-1", "node-2", "node-3"]);
    converged(&case, 4).await?;
    let watchdog = Watchdog::start(&first).await?;
    let before = footprints(&case).await?;

    manifests.groups.push(GroupPlan {
        id: 2,
        sealers: vec![0, 1, 2],
        state: StateKind::Mpt,
    });
    let second = Ledger::new(&case, 2, &["node-0", "node-1", "node-2"]);
    case.apply(&manifests.render()).await?;
    second.goes_on(JOINED).await?;
    Object::group(&case, "group-2").is_ready(TOLD).await?;
    untouched(&case, &before).await?;
    let node = Object::node(&case, "node-0").is_ready(TOLD).await?;
    ensure!(
        node["status"]["groups"] == json!(["group-1", "group-2"]),
        "status {}",
        node["status"]
    );
    // A node that is in none of its sealers' places has nothing of it.
    let config = config(&case, "node-3").await?;
    ensure!(!config.contains_key("group.2.genesis"), "node-3 holds group 2's files");
    let refused = Ledger::new(&case, 2, &["node-3"]).heights().await;
    ensure!(refused.is_err(), "node-3 answers for group 2: {refused:?}");

    let watched = watchdog.finish(TOLD).await?;
    ensure!(!watched.acknowledged.is_empty(), "group 1 stood still");
    ends_well(&case, operator, audit).await?;
    untouched(&case, &before).await
}

/// The files of a node's ConfigMap.
async fn config(case: &Case, node: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let config = case.api::<ConfigMap>().get(&format!("{node}-config")).await?;
    config.data.context("a ConfigMap without data")
}

pub(crate) async fn the_hash_of_a_genesis_is_told_and_may_be_pinned_once(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    case.apply(&Manifests::uniform(2, 1).render()).await?;
    let before = converged(&case, 2).await?;
    let group = Object::group(&case, "group-1");
    let ready = group.is_ready(TOLD).await?;
    let hash = ready["status"]["genesisHash"].as_str().context("a hash")?.to_owned();
    // It is that of the recorded document, which nobody may change.
    let record = case.api::<ConfigMap>().get("group-1-genesis").await?;
    ensure!(record.immutable == Some(true), "the record can be changed");
    let document = record.data.and_then(|mut data| data.remove("genesis.json"));
    let digest = keccak256(document.context("a document")?).to_string();
    ensure!(digest == hash, "the record has {digest}, the status says {hash}");
    let ledger = Ledger::new(&case, 1, &["node-0", "node-1"]);
    group.change(&json!({"spec": {"genesis": {"hash": hash}}})).await?;
    let pinned = group.is_ready(TOLD).await?;
    ensure!(pinned["status"]["genesisHash"] == hash, "status {}", pinned["status"]);
    for other in [json!(null), json!(format!("0x{}", "ab".repeat(32)))] {
        let moved = group.change(&json!({"spec": {"genesis": {"hash": other}}})).await;
        let refusal = moved.err().context("a pinned hash was moved")?.to_string();
        ensure!(refusal.contains("spec.genesis is immutable"), "{refusal}");
    }
    ledger.goes_on(CONVERGED).await?;
    untouched(&case, &before).await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn somebody_else_s_node_is_dialled_and_never_run(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    // Four sealers of which one is another agency's: ours are a quorum without it.
    let manifests = Manifests {
        groups: vec![],
        ..Manifests::uniform(3, 1)
    };
    case.apply(&manifests.render()).await?;
    let before = converged(&case, 3).await?;
    let agency = chain(&case).await?.agency("agency-b")?;
    let (certificate, id) = agency.node("node-b")?;
    let address = "node-b.agency-b.example:30300";
    let facts = json!({"nodeId": id, "address": address, "certificate": certificate});
    let external = agency.as_external("agency-b")?;
    let external_node = agency.node_as_external("node-b", "agency-b", &facts)?;
    let documents = json!([
        {"kind": "Agency", "name": "agency-b", "spec": {
            "consortium": "trade", "external": external,
        }},
        {"kind": "Node", "name": "node-b", "spec": {
            "agency": "agency-b", "external": external_node,
        }},
        {"kind": "Group", "name": "group-1", "spec": {
            "consortium": "trade", "groupId": 1, "genesis": {
                "timestamp": "2026-01-01T00:00:00Z", "sealers": ["node-0", "node-1", "node-2", "node-b"],
            },
        }},
    ]);
    for document in documents.as_array().into_iter().flatten() {
        let object = json!({
            "apiVersion": "althing.dev/v1alpha1", "kind": document["kind"],
            "metadata": {"name": document["name"]}, "spec": document["spec"],
        });
        case.apply(&object.to_string()).await?;
    }
    Object::agency(&case, "agency-b").is_ready(TOLD).await?;
    let external = Object::node(&case, "node-b").is_ready(TOLD).await?;
    ensure!(external["status"]["nodeId"] == id, "status {}", external["status"]);

    // Nobody starts it before everybody says that they mean the same document.
    let group = Object::group(&case, "group-1");
    let message = group.says("Reconciling", "GenesisUnconfirmed", TOLD).await?;
    ensure!(message.contains("spec.genesis.hash"), "it says: {message}");
    let hash = message.split("has hash ").nth(1).and_then(|rest| rest.get(..66));
    let hash = hash.context("a hash in the message")?;
    ensure!(
        !config(&case, "node-0").await?.contains_key("group.1.genesis"),
        "it was started unconfirmed"
    );
    group.change(&json!({"spec": {"genesis": {"hash": hash}}})).await?;
    group.is_ready(TOLD).await?;
    Ledger::new(&case, 1, &["node-0", "node-1", "node-2"])
        .goes_on(CONVERGED)
        .await?;
    for node in ["node-0", "node-1", "node-2"] {
        let files = config(&case, node).await?;
        let peers = files.get("nodes.json").context("nodes.json")?;
        ensure!(peers.contains(address), "{node} dials {peers}");
        let genesis = files.get("group.1.genesis").context("group.1.genesis")?;
        ensure!(genesis.contains(&id), "{node} has another genesis: {genesis}");
    }
    let made =
        "statefulsets,pods,services,secrets,configmaps,persistentvolumeclaims,poddisruptionbudgets,networkpolicies";
    let made = case
        .kubectl(&[
            "get",
            made,
            "--selector=althing.dev/owner in (node-b, agency-b)",
            "--output=name",
        ])
        .await?;
    ensure!(made.trim().is_empty(), "of other parties' objects was made: {made}");
    untouched(&case, &before).await?;
    ends_well(&case, operator, audit).await
}

/// The chain of the case's consortium, from the Secrets its operator keeps.
async fn chain(case: &Case) -> anyhow::Result<Authority> {
    let key = super::certificates::text(case, "trade-chain-key", "key.pem").await?;
    let certificate = super::certificates::text(case, "trade-chain", "tls.crt").await?;
    Authority::of(&key, &certificate)
}

pub(crate) async fn a_volume_grows_under_a_running_node(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    case.apply(&Manifests::uniform(1, 1).render()).await?;
    let node = Object::node(&case, "node-0");
    let before = converged(&case, 1).await?;
    let has = |size: &'static str| {
        let claims = case.api::<PersistentVolumeClaim>();
        let case = case.clone();
        async move {
            case.eventually(&format!("the volume to have {size}"), CONVERGED, || async {
                let claim = serde_json::to_value(claims.get("node-0-data").await?)?;
                let asked = &claim["spec"]["resources"]["requests"]["storage"];
                let given = &claim["status"]["capacity"]["storage"];
                ensure!(asked == size && given == size, "asked for {asked}, given {given}");
                Ok(())
            })
            .await
        }
    };
    has("10Gi").await?;
    node.change(&json!({"spec": {"storage": {"size": "12Gi"}}})).await?;
    has("12Gi").await?;
    node.is_ready(TOLD).await?;
    // A volume never shrinks: what is smaller is no wish that can be met.
    node.change(&json!({"spec": {"storage": {"size": "11Gi"}}})).await?;
    node.is_ready(TOLD).await?;
    has("12Gi").await?;
    untouched(&case, &before).await?;
    Ledger::new(&case, 1, &["node-0"]).goes_on(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}
