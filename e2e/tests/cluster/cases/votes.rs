//! Who takes part, by manifests and votes: the operator signs with its agency's governance key, and tells how each change stands
//! (issue 5).

use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::Watchdog;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, Running, get, node_id, patch};

/// The group.
const GROUP: &str = "ledgergroup/group-1";
/// The longest pause of a group that a change passes through: one round of proofs of life.
const PAUSE: Duration = Duration::from_secs(20);

pub(crate) async fn a_role_declared_in_a_manifest_is_voted_for_and_carried_out(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let watchdog = Watchdog::start(&running.ledger).await?;
    let node = node_id(&case, "node-3").await?;

    declare(&case, "Observer", 1).await?;
    let status = agreed(&case).await?;
    ensure!(status["observers"] == json!([node]), "{status}");
    ensure!(status["sealers"].as_array().map(Vec::len) == Some(3), "{status}");

    declare(&case, "Sealer", 2).await?;
    let status = agreed(&case).await?;
    ensure!(status["sealers"].as_array().map(Vec::len) == Some(4), "{status}");

    // Somebody reverts to the first commit: nothing happens but that it is said.
    declare(&case, "Observer", 1).await?;
    case.eventually("the old manifest to be told", CONVERGENCE, || async {
        let status = status(&case).await?;
        let change = &status["changes"][0];
        ensure!(change["state"] == "StaleManifest" && change["subject"] == "node-3", "{status}");
        let condition = in_sync(&status)?;
        ensure!(condition["status"] == "False" && condition["reason"] == "ChainDiffers", "{condition}");
        Ok(())
    })
    .await?;
    running.ledger.goes_on(CONVERGENCE).await?;
    let status = status(&case).await?;
    ensure!(status["sealers"].as_array().map(Vec::len) == Some(4), "{status}");

    declare(&case, "Sealer", 2).await?;
    agreed(&case).await?;
    watchdog.finish(PAUSE).await?;
    running.ends_well().await
}

async fn declare(case: &Case, role: &str, change: i64) -> anyhow::Result<()> {
    let members = json!([{"node": "node-3", "role": role, "change": change}]);
    patch(case, GROUP, &json!({"spec": {"agreed": {"members": members}}})).await
}

async fn status(case: &Case) -> anyhow::Result<Value> {
    let group = get(case, GROUP).await?.context("the group")?;
    let mut status = group["status"].clone();
    status["generation"] = group["metadata"]["generation"].clone();
    Ok(status)
}

fn in_sync(status: &Value) -> anyhow::Result<&Value> {
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.find(|found| found["type"] == "InSync").context("InSync")
}

/// Waits until the chain holds what is declared; the status then.
async fn agreed(case: &Case) -> anyhow::Result<Value> {
    case.eventually("the chain to hold what is declared", CONVERGENCE, || async {
        let status = status(case).await?;
        let condition = in_sync(&status)?;
        ensure!(
            condition["status"] == "True" && condition["observedGeneration"] == status["generation"],
            "{condition}: {}",
            status["changes"]
        );
        Ok(status)
    })
    .await
}
