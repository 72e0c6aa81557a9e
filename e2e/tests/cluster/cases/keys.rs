//! Keys are made once, and a node that lost its data is no danger (DESIGN.md 5.1, 5.5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Audit, Operator, Options, Watchdog, four_agencies};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use serde_json::Value;

use super::consortium::{self, CONVERGENCE, PROMISED, Running, bare, get, gone, node_id, told, uid};

/// The longest pause of a group of four that loses one: some rounds of view change.
const PAUSE: Duration = Duration::from_secs(40);

pub(crate) async fn a_missing_key_stalls_its_node_alone_and_is_never_made_again(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let pods = consortium::pods(&case).await?;
    let (key, id) = ("secret/node-0-key", node_id(&case, "node-0").await?);
    let first = get(&case, key).await?.context("the key")?;
    for is_labelled in [true, false] {
        case.kubectl(&["delete", key]).await?;
        let took = told(&case, "Node/node-0", "Stalled", "KeyMissing").await?;
        ensure!(took <= PROMISED, "it was said after {took:?}");
        let said = consortium::message(&case, "Node/node-0", "Stalled").await?;
        ensure!(said.contains("put it back from a backup"), "{said}");
        // The others go on, and their changes are still carried out.
        let pdb = "poddisruptionbudget/node-1";
        case.kubectl(&["delete", pdb]).await?;
        case.eventually("what the others need to be kept", PROMISED, || async {
            uid(&case, pdb).await?.context("it is gone")
        })
        .await?;
        ensure!(uid(&case, key).await?.is_none(), "the key was made again");
        ensure!(node_id(&case, "node-0").await? == id, "the status forgot the nodeID");
        let mut restored = bare(first.clone());
        if !is_labelled && let Some(metadata) = restored["metadata"].as_object_mut() {
            metadata.remove("labels");
        }
        case.apply(&restored.to_string()).await?;
        case.condition("althing.dev/v1alpha1/Node", "node-0", "Ready", PROMISED * 2)
            .await?;
        let kept = get(&case, key).await?.context("the key that was restored")?;
        ensure!(kept["data"] == first["data"], "the key is another one");
        let label = &kept["metadata"]["labels"]["app.kubernetes.io/managed-by"];
        ensure!(
            label == "althing",
            "the restored key has no labels: {}",
            kept["metadata"]
        );
    }
    ensure!(node_id(&case, "node-0").await? == id, "the nodeID is another one");
    ensure!(consortium::pods(&case).await? == pods, "a pod was restarted");
    watchdog.finish(PAUSE).await?;
    running.ends_well().await
}
