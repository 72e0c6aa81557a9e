//! What is wrong or not there yet is said within ten seconds, with the next step, and heals by itself when it is corrected.

use std::time::Duration;

use althing_e2e::Manifests;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Ledger, Object, Operator, definitions};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::authority::Authority;

/// How long what is right may take to come up.
const CONVERGED: Duration = Duration::from_secs(120);
/// How soon it is said what stands in the way.
const TOLD: Duration = Duration::from_secs(10);
/// How long nothing is written, when all is done.
const QUIET: Duration = Duration::from_secs(10);
const MISSING: &str = "localhost/althing/node:does-not-exist";

/// A document of the kind: its spec as YAML in flow style, or JSON.
fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: althing.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn consortium() -> String {
    document("Consortium", "trade", "{chainId: 20260, registrar: {managed: {}}}")
}

fn agency(name: &str) -> String {
    document("Agency", name, "{consortium: trade}")
}

fn group(sealers: &str, more: &str) -> String {
    let genesis = format!("{{timestamp: \"2026-01-01T00:00:00Z\", sealers: [{sealers}]{more}}}");
    document(
        "Group",
        "group-1",
        &format!("{{consortium: trade, groupId: 1, genesis: {genesis}}}"),
    )
}

/// The message holds all these words.
fn speaks_of(message: &str, words: &[&str]) -> anyhow::Result<()> {
    let lacking = words.iter().find(|word| !message.contains(**word));
    ensure!(lacking.is_none(), "nothing of {lacking:?} in: {message}");
    Ok(())
}

/// The operator is at rest, and did everything by the rules.
async fn ends_well(case: &Case, operator: Operator, audit: Option<Audit>) -> anyhow::Result<()> {
    if let Some(audit) = audit {
        audit.settled(case, operator.user(), QUIET, CONVERGED).await?;
        audit.check(operator.user(), &[case.namespace()])?;
    }
    operator.stop().await
}

pub(crate) async fn what_is_not_there_yet_is_waited_for(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let node = document("Node", "node-0", "{agency: agency-z}");
    case.apply(&(agency("agency-y") + &node + &group("node-0, node-9", "")))
        .await?;
    let (node, group) = (Object::node(&case, "node-0"), Object::group(&case, "group-1"));
    let message = node.says("Reconciling", "ReferenceMissing", TOLD).await?;
    speaks_of(&message, &["spec.agency", "agency-z"])?;
    let message = group.says("Reconciling", "ReferenceMissing", TOLD).await?;
    speaks_of(&message, &["spec.consortium", "trade"])?;
    let message = Object::agency(&case, "agency-y")
        .says("Reconciling", "ReferenceMissing", TOLD)
        .await?;
    speaks_of(&message, &["spec.consortium", "trade"])?;

    case.apply(&consortium()).await?;
    Object::agency(&case, "agency-y").is_ready(CONVERGED).await?;
    let message = group.says("Reconciling", "ReferenceMissing", TOLD).await?;
    speaks_of(&message, &["node-9"])?;

    case.apply(&(agency("agency-z") + &document("Node", "node-9", "{agency: agency-z}")))
        .await?;
    node.is_ready(CONVERGED).await?;
    group.is_ready(CONVERGED).await?;
    Ledger::new(&case, 1, &["node-0", "node-9"]).goes_on(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn an_image_that_cannot_be_pulled_is_named_and_replaced(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let node = document("Node", "node-0", &format!("{{agency: agency-a, image: \"{MISSING}\"}}"));
    case.apply(&(consortium() + &agency("agency-a") + &node + &group("node-0", "")))
        .await?;
    let node = Object::node(&case, "node-0");
    let message = node.says("Reconciling", "ImageCannotBePulled", TOLD).await?;
    speaks_of(&message, &[MISSING, "spec.image"])?;
    node.change(&json!({"spec": {"image": "Not An Image"}})).await?;
    case.eventually("the name that is none to be told", TOLD, || async {
        let message = node.says("Reconciling", "ImageCannotBePulled", TOLD).await?;
        speaks_of(&message, &["Not An Image", "spec.image"])
    })
    .await?;
    node.change(&json!({"spec": {"image": null}})).await?;
    node.is_ready(CONVERGED).await?;
    Ledger::new(&case, 1, &["node-0"]).goes_on(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn a_volume_that_cannot_bind_is_named_and_made_again(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let node = |storage: &str| {
        let spec = format!("{{agency: agency-a, deletionPolicy: Delete, storage: {{size: 1Gi{storage}}}}}");
        document("Node", "node-0", &spec)
    };
    let (wrong, right) = (node(", storageClassName: no-such-class"), node(""));
    case.apply(&(consortium() + &agency("agency-a") + &wrong)).await?;
    let object = Object::node(&case, "node-0");
    let message = object.says("Reconciling", "VolumeCannotBind", TOLD).await?;
    speaks_of(&message, &["spec.storage"])?;
    // A class is written once, so that the correction is another node of the same name.
    let refusal = case.refused(&right).await?;
    speaks_of(&refusal, &["spec.storage.storageClassName is immutable"])?;
    object.delete().await?;
    case.eventually("the claim to go with its node", CONVERGED, || async {
        let claims = case
            .kubectl(&["get", "persistentvolumeclaims", "--output=name"])
            .await?;
        ensure!(claims.trim().is_empty(), "{claims}");
        Ok(())
    })
    .await?;
    case.apply(&right).await?;
    object.is_ready(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn a_node_that_finds_no_room_says_so_though_its_claim_waits(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let resources = "resources: {requests: {memory: 100Ti}, limits: {memory: 100Ti}}";
    let node = document("Node", "node-0", &format!("{{agency: agency-a, {resources}}}"));
    case.apply(&(consortium() + &agency("agency-a") + &node + &group("node-0", "")))
        .await?;
    let object = Object::node(&case, "node-0");
    let message = object.says("Reconciling", "Unschedulable", TOLD).await?;
    speaks_of(&message, &["Insufficient memory", "spec.resources"])?;
    // The claim is bound when the pod has a machine: that it waits is no trouble of its own.
    let path = "--output=jsonpath={.status.phase}";
    let phase = case
        .kubectl(&["get", "persistentvolumeclaim", "node-0-data", path])
        .await?;
    ensure!(phase == "Pending", "the claim is {phase}");
    object.change(&json!({"spec": {"resources": null}})).await?;
    object.is_ready(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}

/// A quota on pods that the API server holds to already.
async fn quota(case: &Case, pods: u8) -> anyhow::Result<()> {
    let spec = json!({"hard": {"pods": pods.to_string()}});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": spec});
    case.apply(&quota.to_string()).await?;
    let counted = format!("--for=jsonpath={{.status.hard.pods}}={pods}");
    case.kubectl(&["wait", "resourcequota/pods", &counted, "--timeout=30s"])
        .await
        .map(drop)
}

pub(crate) async fn a_pod_that_a_quota_refuses_says_so_and_starts_when_the_quota_allows(
    case: Case,
) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    quota(&case, 0).await?;
    let node = document("Node", "node-0", "{agency: agency-a}");
    case.apply(&(consortium() + &agency("agency-a") + &node + &group("node-0", "")))
        .await?;
    let object = Object::node(&case, "node-0");
    let message = object.says("Reconciling", "PodRefused", TOLD).await?;
    speaks_of(&message, &["node-0-0", "exceeded quota: pods", "the namespace's quota"])?;
    quota(&case, 1).await?;
    object.is_ready(CONVERGED).await?;
    Ledger::new(&case, 1, &["node-0"]).goes_on(CONVERGED).await?;
    // The refusals are still told in events; the next operator reads them again, and makes nothing of them.
    if let Some(audit) = &audit {
        audit.settled(&case, operator.user(), QUIET, CONVERGED).await?;
    }
    let restarted = Audit::begin(&case)?;
    let mut operator = operator;
    operator.halt().await?;
    operator.restart()?;
    operator.ready().await?;
    if let Some(restarted) = restarted {
        restarted.is_quiet(operator.user(), QUIET).await?;
    }
    object.is_ready(TOLD).await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn a_certificate_that_does_not_chain_is_refused_until_it_does(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let (chain, stranger) = (Authority::chain()?, Authority::chain()?);
    let (agency_b, impostor) = (chain.agency("agency-b")?, stranger.agency("agency-b")?);
    let trust = json!({"chainId": 20260, "trust": {"certificates": [chain.certificate]}});
    let external = json!({"consortium": "trade", "external": impostor.as_external("agency-b")?});
    let ((good, id), (bad, _)) = (agency_b.node("node-b")?, impostor.node("node-b")?);
    let facts = |certificate: &str| json!({"address": "node-b.example:30300", "certificate": certificate});
    let bad = impostor.node_as_external("node-b", "agency-b", &facts(&bad))?;
    let good = agency_b.node_as_external("node-b", "agency-b", &facts(&good))?;
    let node = json!({"agency": "agency-b", "external": bad});
    // Ours, whose answer from the registrar is another agency's certificate.
    let own = json!({"consortium": "trade", "certificate": agency_b.certificate});
    case.apply(
        &(document("Consortium", "trade", &trust.to_string())
            + &document("Agency", "agency-b", &external.to_string())
            + &document("Agency", "agency-c", &own.to_string())
            + &document("Node", "node-b", &node.to_string())),
    )
    .await?;
    let (agency, node) = (Object::agency(&case, "agency-b"), Object::node(&case, "node-b"));
    let message = agency.says("Stalled", "CertificateInvalid", TOLD).await?;
    speaks_of(&message, &["spec.external.certificate", "trade"])?;
    let message = node.says("Reconciling", "DependencyNotReady", TOLD).await?;
    speaks_of(&message, &["agency-b"])?;
    let message = Object::agency(&case, "agency-c")
        .says("Stalled", "InvalidSpec", TOLD)
        .await?;
    speaks_of(&message, &["spec.certificate", "status.certificateSigningRequest"])?;

    let certificate = json!({"spec": {"external": agency_b.as_external("agency-b")?}});
    agency.change(&certificate).await?;
    agency.is_ready(TOLD).await?;
    let message = node.says("Stalled", "CertificateInvalid", TOLD).await?;
    speaks_of(&message, &["spec.external.certificate", "agency-b"])?;
    node.change(&json!({"spec": {"external": good}})).await?;
    let ready = node.is_ready(TOLD).await?;
    ensure!(ready["status"]["nodeId"] == id, "status {}", ready["status"]);
    Object::agency(&case, "agency-c")
        .change(&json!({"spec": {"certificate": null}}))
        .await?;
    Object::agency(&case, "agency-c")
        .says("Reconciling", "AwaitingCertificate", TOLD)
        .await?;
    ends_well(&case, operator, audit).await
}

pub(crate) async fn a_genesis_that_differs_from_its_pin_starts_nothing(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    let pinned = group("node-0", &format!(", hash: \"0x{}\"", "ab".repeat(32)));
    let node = document("Node", "node-0", "{agency: agency-a}");
    case.apply(&(consortium() + &agency("agency-a") + &node + &pinned))
        .await?;
    let object = Object::group(&case, "group-1");
    let message = object.says("Stalled", "GenesisHashDiffers", TOLD).await?;
    speaks_of(&message, &["spec.genesis.hash", "0xabab", "the genesis has 0x"])?;
    let refusal = case.refused(&group("node-0", "")).await?;
    speaks_of(&refusal, &["spec.genesis is immutable"])?;
    let records = case.kubectl(&["get", "configmaps", "--output=name"]).await?;
    ensure!(!records.contains("group-1-genesis"), "it was recorded: {records}");
    object.delete().await?;
    // The hash that the message names is the right one.
    let (_, hash) = message.split_once("the genesis has ").context("a hash")?;
    let hash = hash.get(..66).context("64 hex digits")?;
    case.apply(&group("node-0", &format!(", hash: \"{hash}\""))).await?;
    let ready = object.is_ready(CONVERGED).await?;
    ensure!(ready["status"]["genesisHash"] == hash, "status {}", ready["status"]);
    Ledger::new(&case, 1, &["node-0"]).goes_on(CONVERGED).await?;
    ends_well(&case, operator, audit).await
}

/// What the API server refuses: the document, and the words of its sentence.
fn refused() -> Vec<(String, &'static str)> {
    let external = |more: &str| format!("{{agency: agency-b, external: {{address: \"b.example:30300\"}}{more}}}");
    let registrar = "{chainId: 7, registrar: {managed: {}, secretName: bought}}";
    let aura = ", consensus: {type: Aura}";
    vec![
        (
            document("Node", &"n".repeat(41), "{agency: agency-a}"),
            "metadata.name: 1 to 40 of a-z, 0-9 and '-'",
        ),
        (
            document("Consortium", "other", "{chainId: 7}"),
            "spec.registrar (the chain key is kept here) or spec.trust",
        ),
        (
            document("Consortium", "other", registrar),
            "exactly one of managed and secretName",
        ),
        (
            document("Consortium", "trade", "{chainId: 20261, registrar: {managed: {}}}"),
            "spec.chainId is immutable: it is part of every genesis",
        ),
        (
            document("Agency", "agency-b", "{consortium: trade, external: {}}"),
            "certificate or certificateSigningRequest must be given",
        ),
        (
            document("Node", "node-b", &external(", image: mine")),
            "spec.external excludes image",
        ),
        (
            document("Node", "node-0", &external("")),
            "an own node cannot become somebody else's",
        ),
        (
            document("Node", "node-0", "{agency: agency-b}"),
            "spec.agency is immutable: the node's certificate is the agency's",
        ),
        (
            document("Node", "node-1", "{agency: agency-a, storage: {size: lots}}"),
            "spec.storage.size",
        ),
        (
            document("Node", "node-1", "{agency: agency-a, p2p: {advertise: nowhere}}"),
            "spec.p2p.advertise",
        ),
        (group("node-0", aura), "Aura needs heartbeat"),
        (
            group("node-0, node-1", ""),
            "spec.genesis is immutable as a whole: block 0 holds it for ever",
        ),
        (
            group("node-0", "").replace("groupId: 1", "groupId: 2"),
            "spec.groupId is immutable",
        ),
        (
            document("Group", "group-9", "{consortium: trade, groupId: 0, genesis: {}}"),
            "spec.groupId",
        ),
    ]
}

pub(crate) async fn what_is_wrong_in_itself_is_refused_with_what_is_accepted(case: Case) -> anyhow::Result<()> {
    definitions(&case).await?;
    let node = document("Node", "node-0", "{agency: agency-a}");
    case.apply(&(consortium() + &agency("agency-a") + &node + &group("node-0", "")))
        .await?;
    for (document, words) in refused() {
        let refusal = case.refused(&document).await?;
        speaks_of(&refusal, &[words])?;
    }
    Ok(())
}

pub(crate) async fn kubectl_wait_waits_for_what_is_ready(case: Case) -> anyhow::Result<()> {
    let operator = Operator::start(&case).await?;
    let audit = Audit::begin(&case)?;
    case.apply(&Manifests::uniform(2, 1).render()).await?;
    for objects in [
        ["consortium/trade", "agency/agency-a"],
        ["ledgernode/node-0", "ledgernode/node-1"],
        ["ledgergroup/group-1", "lnode/node-0"],
    ] {
        let mut wait = vec!["wait", "--for=condition=Ready", "--timeout=55s"];
        wait.extend(objects);
        case.kubectl(&wait).await?;
    }
    for object in [
        Object::of(&case, "consortiums", "trade"),
        Object::agency(&case, "agency-a"),
        Object::node(&case, "node-1"),
        Object::group(&case, "group-1"),
    ] {
        object.is_ready(CONVERGED).await?;
    }
    Ledger::new(&case, 1, &["node-0", "node-1"]).goes_on(CONVERGED).await?;
    // A new generation is never said to be ready before it was looked at.
    let node = Object::node(&case, "node-0");
    node.change(&json!({"spec": {"resources": {"limits": {"memory": "1100Mi"}}}}))
        .await?;
    node.says("Reconciling", "DisruptionBlocked", TOLD).await?;
    let generation = node.get().await?["metadata"]["generation"].clone();
    ensure!(generation == json!(2), "generation {generation}");
    node.change(&json!({"spec": {"resources": Value::Null}})).await?;
    node.is_ready(TOLD).await?;
    ends_well(&case, operator, audit).await
}
