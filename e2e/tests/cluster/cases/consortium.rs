//! A consortium that runs, for cases that disturb it: one agency, a group of as many sealers as asked for, its operator.

use std::time::Duration;

use althing_e2e::Manifests;
use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Ledger, Operator};
use anyhow::{Context, bail, ensure};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

/// From a manifest to a ledger, or back to one, on a busy machine.
pub(crate) const CONVERGENCE: Duration = Duration::from_secs(120);
/// How soon what only the operator can see must be said, and what drifted be repaired (issue 4).
pub(crate) const PROMISED: Duration = Duration::from_secs(10);
/// How long nothing may be written once all is as it should be.
const QUIET: Duration = Duration::from_secs(10);
/// What the nodes of a case ask for: a machine takes many of them.
pub(crate) const RESOURCES: &str = "{requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 1Gi}}";

/// The kinds of manifest, with their plurals.
const KINDS: [(&str, &str); 4] = [
    ("Consortium", "consortiums"),
    ("Agency", "agencies"),
    ("Group", "ledgergroups"),
    ("Node", "ledgernodes"),
];

/// A running consortium.
pub(crate) struct Running {
    pub(crate) case: Case,
    pub(crate) operator: Operator,
    /// Its group 1.
    pub(crate) ledger: Ledger,
    audit: Option<Audit>,
}

impl Running {
    /// One whose group has as many sealers, `node-0` and on; every object Ready and a first transaction on every node.
    pub(crate) async fn start(case: &Case, sealers: usize) -> anyhow::Result<Self> {
        let audit = Audit::begin(case)?;
        let operator = Operator::start(case).await?;
        case.apply(&manifests(sealers)).await?;
        let running = Self {
            ledger: ledger(case, sealers),
            case: case.clone(),
            operator,
            audit,
        };
        running.is_whole().await?;
        Ok(running)
    }

    /// Waits until every object is Ready for its present generation, every node in sync, and a transaction on every node.
    pub(crate) async fn is_whole(&self) -> anyhow::Result<()> {
        whole(&self.case, CONVERGENCE).await?;
        self.ledger.goes_on(CONVERGENCE).await.map(drop)
    }

    /// The rules that hold whatever happened; and after all of it the operator comes to rest.
    pub(crate) async fn ends_well(&self) -> anyhow::Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        audit
            .settled(&self.case, self.operator.user(), QUIET, CONVERGENCE)
            .await?;
        audit.check(self.operator.user(), &[self.case.namespace()]).map(drop)
    }
}

/// The manifests of a consortium whose group has as many sealers.
pub(crate) fn manifests(sealers: usize) -> String {
    let plain = Manifests::uniform(sealers, 1).render();
    plain.replace(
        "spec: {agency: agency-a}",
        &format!("spec: {{agency: agency-a, resources: {RESOURCES}, storage: {{size: 1Gi}}}}"),
    )
}

/// The manifest of one node, with more fields of its spec.
pub(crate) fn node(name: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!(
        "{{apiVersion: althing.dev/v1alpha1, kind: Node, metadata: {{name: {name}}}, \
         spec: {{agency: agency-a, resources: {RESOURCES}{comma}{more}}}}}\n"
    )
}

/// The first line of a manifest.
pub(crate) const API: &str = "apiVersion: althing.dev/v1alpha1";

/// The manifest of one more group; `more` is the rest of its genesis.
pub(crate) fn group(name: &str, id: u32, more: &str) -> String {
    format!(
        "{API}\nkind: Group\nmetadata: {{name: {name}}}\nspec:\n  consortium: trade\n  groupId: {id}\n  genesis:\n    \
         timestamp: \"2026-01-01T00:00:00Z\"\n    {more}\n"
    )
}

/// Group 1 on `node-0` and on.
pub(crate) fn ledger(case: &Case, sealers: usize) -> Ledger {
    let names: Vec<String> = (0..sealers).map(|node| format!("node-{node}")).collect();
    Ledger::new(case, 1, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The objects of one of our kinds.
pub(crate) fn objects(case: &Case, kind: &str) -> anyhow::Result<Api<DynamicObject>> {
    let (_, plural) = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .context("one of our kinds")?;
    let kind = GroupVersionKind::gvk("althing.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Ok(Api::namespaced_with(case.client(), case.namespace(), &resource))
}

/// Waits until every object of the namespace is Ready for its present generation, and every node in sync.
pub(crate) async fn whole(case: &Case, patience: Duration) -> anyhow::Result<()> {
    case.eventually("every object to be Ready and every node in sync", patience, || async {
        for (kind, _) in KINDS {
            for object in objects(case, kind)?.list(&ListParams::default()).await? {
                let name = object.metadata.name.clone().unwrap_or_default();
                ensure!(
                    says(&object, "Ready").is_some(),
                    "{kind} {name}: {}",
                    object.data["status"]
                );
                let in_sync = kind != "Node" || says(&object, "InSync").is_some();
                ensure!(in_sync, "{kind} {name}: {}", object.data["status"]);
            }
        }
        Ok(())
    })
    .await
}

/// The condition of this type, when it is `True` for the object's present generation.
fn says<'a>(object: &'a DynamicObject, condition: &str) -> Option<&'a Value> {
    let generation = object.metadata.generation.unwrap_or_default();
    let mut conditions = object.data["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|found| {
        found["type"] == condition
            && found["status"] == "True"
            && found["observedGeneration"]
                .as_i64()
                .is_none_or(|seen| seen >= generation)
    })
}

/// The nodeID a Node's status shows.
pub(crate) async fn node_id(case: &Case, name: &str) -> anyhow::Result<String> {
    let node = objects(case, "Node")?.get(name).await?;
    let id = node.data.pointer("/status/nodeId").and_then(Value::as_str);
    Ok(id.with_context(|| format!("{name} has no nodeID yet"))?.to_owned())
}

/// The uid of any object, as `kubectl get` names it; none when it is not there.
pub(crate) async fn uid(case: &Case, object: &str) -> anyhow::Result<Option<String>> {
    let found = get(case, object).await?;
    Ok(found.and_then(|found| found.pointer("/metadata/uid")?.as_str().map(str::to_owned)))
}

/// Any object, as `kubectl get` names it (`secret/node-0-key`); none when it is not there.
pub(crate) async fn get(case: &Case, object: &str) -> anyhow::Result<Option<Value>> {
    let text = case
        .kubectl(&["get", object, "--ignore-not-found", "--output=json"])
        .await?;
    match text.trim() {
        "" => Ok(None),
        text => Ok(Some(serde_json::from_str(text)?)),
    }
}

/// An object so that it can be applied again, without what the API server made of it.
pub(crate) fn bare(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| ["name", "namespace", "labels", "annotations"].contains(&key.as_str()));
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    object
}

/// A merge patch of an object as `kubectl get` names it.
pub(crate) async fn patch(case: &Case, object: &str, patch: &Value) -> anyhow::Result<()> {
    let patch = format!("--patch={patch}");
    case.kubectl(&["patch", object, "--type=merge", &patch]).await.map(drop)
}

/// Every pod of the namespace with its uid and how often its container was started again.
pub(crate) async fn pods(case: &Case) -> anyhow::Result<std::collections::BTreeMap<String, (String, i32)>> {
    let pods = case.api::<k8s_openapi::api::core::v1::Pod>();
    let facts = pods.list(&ListParams::default()).await?.into_iter().map(|pod| {
        let statuses = pod
            .status
            .and_then(|status| status.container_statuses)
            .unwrap_or_default();
        let restarts = statuses.first().map_or(0, |status| status.restart_count);
        let metadata = pod.metadata;
        (
            metadata.name.unwrap_or_default(),
            (metadata.uid.unwrap_or_default(), restarts),
        )
    });
    Ok(facts.collect())
}

/// Waits until an object is gone.
pub(crate) async fn gone(case: &Case, object: &str, patience: Duration) -> anyhow::Result<()> {
    case.eventually(&format!("{object} to be gone"), patience, || async {
        match uid(case, object).await? {
            None => Ok(()),
            Some(uid) => bail!("it is there with uid {uid}"),
        }
    })
    .await
}

/// The annotation that lets a live object be deleted.
pub(crate) async fn allow_delete(case: &Case, object: &str) -> anyhow::Result<()> {
    let allow = json!({"metadata": {"annotations": {"althing.dev/allow-delete": "true"}}});
    patch(case, object, &allow).await
}
