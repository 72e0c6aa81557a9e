//! Data and keys outlive manifests, and nothing that is deleted hangs (DESIGN.md 5.2).

use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Operator, Options, Watchdog, in_namespace};
use anyhow::{Context, ensure};
use kube::Api;
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, Running, allow_delete, get, gone, manifests, node, node_id, uid, whole};

/// How long Kubernetes may take to collect what has lost its owner.
const COLLECTED: Duration = Duration::from_secs(90);

pub(crate) async fn a_node_deleted_and_applied_again_keeps_its_identity_and_its_ledger(
    case: Case,
) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let (id, key) = (node_id(&case, "node-0").await?, uid(&case, "secret/node-0-key").await?);
    let claim = uid(&case, "persistentvolumeclaim/node-0-data").await?;
    let refusal = refused_delete(&case, "ledgernode/node-0").await?;
    for part in [
        "node-0 takes part in group-1",
        "the group may stop",
        "althing.dev/allow-delete=true",
    ] {
        ensure!(refusal.contains(part), "{part:?} is not said: {refusal}");
    }
    let refusal = refused_delete(&case, "customresourcedefinition/ledgernodes.althing.dev").await?;
    ensure!(
        refusal.contains("every Node of this cluster goes"),
        "the definition: {refusal}"
    );
    allow_delete(&case, "ledgernode/node-0").await?;
    case.kubectl(&["delete", "ledgernode/node-0"]).await?;
    for child in [
        "statefulset/node-0",
        "pod/node-0-0",
        "service/node-0",
        "configmap/node-0-config",
    ] {
        gone(&case, child, COLLECTED).await?;
    }
    ensure!(uid(&case, "secret/node-0-key").await? == key, "the key went");
    ensure!(
        uid(&case, "persistentvolumeclaim/node-0-data").await? == claim,
        "the volume went"
    );
    case.apply(&manifests(4)).await?;
    running.is_whole().await?;
    ensure!(node_id(&case, "node-0").await? == id, "the nodeID is another one");
    ensure!(uid(&case, "secret/node-0-key").await? == key, "the key is another one");
    ensure!(
        uid(&case, "persistentvolumeclaim/node-0-data").await? == claim,
        "the volume is another one"
    );
    watchdog.finish(Duration::from_secs(40)).await?;
    running.ends_well().await
}

/// Tries to delete, without doing it if it could; what the API server said.
async fn refused_delete(case: &Case, object: &str) -> anyhow::Result<String> {
    match case.kubectl(&["delete", object, "--dry-run=server"]).await {
        Ok(said) => anyhow::bail!("{object} is live and was deleted: {said}"),
        Err(refusal) => Ok(format!("{refusal:#}")),
    }
}

pub(crate) async fn the_deletion_policy_decides_about_key_and_volume(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 1).await?;
    // The first two are to be deleted with everything; the second changes its mind.
    case.apply(&node("goes", "deletionPolicy: Delete")).await?;
    case.apply(&node("changes", "deletionPolicy: Delete")).await?;
    case.apply(&node("stays", "deletionPolicy: Retain")).await?;
    whole(&case, CONVERGENCE).await?;
    case.apply(&node("changes", "deletionPolicy: Retain")).await?;
    case.eventually("what is to stay to have no owner", CONVERGENCE, || async {
        for kept in ["secret/changes-key", "persistentvolumeclaim/changes-data"] {
            let object = get(&case, kept).await?.context("it is gone")?;
            let owners = &object["metadata"]["ownerReferences"];
            ensure!(owners.is_null(), "{kept} is owned: {owners}");
        }
        Ok(())
    })
    .await?;
    for name in ["goes", "changes", "stays"] {
        case.kubectl(&["delete", &format!("ledgernode/{name}")]).await?;
    }
    for child in ["secret/goes-key", "persistentvolumeclaim/goes-data", "statefulset/goes"] {
        gone(&case, child, COLLECTED).await?;
    }
    for name in ["changes", "stays"] {
        gone(&case, &format!("statefulset/{name}"), COLLECTED).await?;
        for kept in [
            format!("secret/{name}-key"),
            format!("persistentvolumeclaim/{name}-data"),
        ] {
            uid(&case, &kept).await?.with_context(|| format!("{kept} went"))?;
        }
    }
    running.is_whole().await?;
    running.ends_well().await
}

pub(crate) async fn a_group_and_a_consortium_deleted_leave_their_records_and_keys(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 1).await?;
    let kept = [
        "configmap/group-1-genesis",
        "secret/trade-chain-key",
        "secret/agency-a-ca-key",
        "secret/agency-a-governance",
        "secret/agency-a-admin-key",
        "secret/agency-a-sdk-key",
        "secret/node-0-key",
        "persistentvolumeclaim/node-0-data",
    ];
    let mut before = vec![];
    for object in kept {
        before.push(uid(&case, object).await?.with_context(|| object.to_owned())?);
    }
    let genesis = get(&case, "ledgergroup/group-1").await?.context("the group")?["status"]["genesisHash"].clone();
    let height = running.ledger.goes_on(CONVERGENCE).await?;
    let refusal = refused_delete(&case, "ledgergroup/group-1").await?;
    ensure!(refusal.contains("group-1 is live with genesis 0x"), "{refusal}");
    allow_delete(&case, "ledgergroup/group-1").await?;
    case.kubectl(&["delete", "ledgergroup/group-1", "agency/agency-a", "consortium/trade"])
        .await?;
    for gone_ in ["ledgergroup/group-1", "agency/agency-a", "consortium/trade"] {
        gone(&case, gone_, COLLECTED).await?;
    }
    case.condition("althing.dev/v1alpha1/Node", "node-0", "Reconciling", CONVERGENCE)
        .await?;
    case.apply(&manifests(1)).await?;
    running.is_whole().await?;
    for (object, before) in kept.iter().zip(&before) {
        let now = uid(&case, object).await?;
        ensure!(now.as_ref() == Some(before), "{object}: was {before}, is {now:?}");
    }
    let again = &get(&case, "ledgergroup/group-1").await?.context("the group")?["status"]["genesisHash"];
    ensure!(*again == genesis, "genesis {again}, was {genesis}");
    let now = running.ledger.goes_on(CONVERGENCE).await?;
    ensure!(now > height, "height {now}, was {height}");
    running.ends_well().await
}

pub(crate) async fn a_namespace_ends_with_everything_in_it_with_the_operator_and_without(
    case: Case,
) -> anyhow::Result<()> {
    let namespaces = [
        case.another_namespace("one").await?,
        case.another_namespace("two").await?,
    ];
    let options = Options {
        namespaces: namespaces.to_vec(),
        ..Options::default()
    };
    let operator = Operator::start_with(&case, options).await?;
    for namespace in &namespaces {
        case.apply(&in_namespace(&manifests(1), namespace)?).await?;
    }
    for namespace in &namespaces {
        whole(&case.within(namespace), CONVERGENCE).await?;
        nothing_is_held(&case, namespace).await?;
    }
    let [first, second] = &namespaces;
    ends(&case, first).await?;
    operator.kill().await?;
    ends(&case, second).await
}

async fn ends(case: &Case, namespace: &str) -> anyhow::Result<()> {
    case.kubectl(&["delete", "namespace", namespace, "--wait=false"])
        .await?;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(case.client());
    case.eventually(&format!("namespace {namespace} to be gone"), CONVERGENCE, || async {
        match namespaces.get_opt(namespace).await? {
            None => Ok(()),
            Some(found) => anyhow::bail!("it is there: {}", json!(found.status)),
        }
    })
    .await
}

/// Nothing in the namespace has a finalizer, but what Kubernetes protects itself.
async fn nothing_is_held(case: &Case, namespace: &str) -> anyhow::Result<()> {
    let kinds = "consortiums,agencies,ledgergroups,ledgernodes,secrets,configmaps,services,serviceaccounts,\
                 persistentvolumeclaims,statefulsets,pods,poddisruptionbudgets,networkpolicies";
    let within = case.within(namespace);
    let text = within.kubectl(&["get", kinds, "--output=json"]).await?;
    let list: Value = serde_json::from_str(&text)?;
    let objects = list["items"].as_array().context("a list")?;
    ensure!(objects.len() > 20, "only {} objects are there", objects.len());
    for object in objects {
        let finalizers = object["metadata"]["finalizers"].as_array();
        for finalizer in finalizers.into_iter().flatten() {
            let name = &object["metadata"]["name"];
            ensure!(
                finalizer == "kubernetes.io/pvc-protection",
                "{name} is held by {finalizer}"
            );
        }
    }
    Ok(())
}
