//! Revocation: whoever is on the registrar's list loses every connection, but no sealer before a vote has taken it out (issue 5).

use std::time::{Duration, Instant};

use althing_e2e::cluster::Case;
use althing_e2e::operator::Watchdog;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::consortium::{CONVERGENCE, Running, get, ledger, node_id, patch};

/// How long a revocation may take from its apply to the last closed connection.
const PROMISED: Duration = Duration::from_secs(90);
/// The longest pause of a group that a change passes through.
const PAUSE: Duration = Duration::from_secs(20);

pub(crate) async fn who_is_revoked_loses_every_connection_and_a_sealer_is_voted_out_first(
    case: Case,
) -> anyhow::Result<()> {
    let running = Running::start(&case, 5).await?;
    // Those that stay: who leaves the group hears nothing of it any more.
    let watchdog = Watchdog::start(&ledger(&case, 3)).await?;
    let scene = Scene { case, running };
    let (three, four) = (
        node_id(&scene.case, "node-3").await?,
        node_id(&scene.case, "node-4").await?,
    );

    scene.set_free(&["node-4"]).await?;
    scene.sees(&["node-0", "node-1", "node-2", "node-3"], &four).await?;
    let since = Instant::now();
    scene.revoke(1, &[&four]).await?;
    scene
        .is_cut_off(&["node-0", "node-1", "node-2", "node-3"], &four, since)
        .await?;

    // Revoking before removing: five sealers less one, less another, would still be a quorum; nobody counts on it.
    scene.revoke(2, &[&four, &three]).await?;
    scene.waits_for_a_vote("Node node-3").await?;
    scene.lists("node-0", &four, &three).await?;
    scene.sees(&["node-0", "node-1", "node-2"], &three).await?;
    let since = Instant::now();
    scene.set_free(&["node-3", "node-4"]).await?;
    scene.is_cut_off(&["node-0", "node-1", "node-2"], &three, since).await?;

    // The rest undisturbed.
    for node in ["node-0", "node-1", "node-2"] {
        let others = scene.peers(node).await?.as_array().map(Vec::len);
        ensure!(others == Some(2), "{node} is connected to {others:?}");
    }
    watchdog.finish(PAUSE).await?;
    scene.running.ends_well().await
}

struct Scene {
    case: Case,
    running: Running,
}

impl Scene {
    async fn revoke(&self, sequence: u32, ids: &[&str]) -> anyhow::Result<()> {
        let list = json!({"sequence": sequence, "nodeIds": ids});
        patch(&self.case, "consortium/trade", &json!({"spec": {"revocations": list}})).await
    }

    /// Has these nodes voted out of the group, and waits until they are.
    async fn set_free(&self, nodes: &[&str]) -> anyhow::Result<()> {
        let members: Vec<_> = nodes
            .iter()
            .map(|node| json!({"node": node, "role": "Free", "change": 1}))
            .collect();
        let agreed = json!({"spec": {"agreed": {"members": members}}});
        patch(&self.case, "ledgergroup/group-1", &agreed).await?;
        self.case
            .eventually("the vote to be carried out", CONVERGENCE, || async {
                let group = get(&self.case, "ledgergroup/group-1").await?.context("the group")?;
                let sealers = group["status"]["sealers"].as_array().map(Vec::len);
                ensure!(sealers == Some(5 - nodes.len()), "{}", group["status"]);
                Ok(())
            })
            .await
    }

    async fn waits_for_a_vote(&self, who: &str) -> anyhow::Result<()> {
        self.case
            .eventually("the revocation to wait for a vote", CONVERGENCE, || async {
                let consortium = get(&self.case, "consortium/trade").await?.context("the consortium")?;
                let conditions = consortium["status"]["conditions"].as_array().context("conditions")?;
                let told = conditions.iter().any(|found| {
                    let message = found["message"].as_str().unwrap_or_default();
                    found["reason"] == "RevocationWaits" && message.contains(who)
                });
                ensure!(told, "{}", consortium["status"]);
                // The list as other namespaces take it.
                let signed = &consortium["status"]["revocations"];
                let signature = signed["signature"].as_str().map(str::len);
                ensure!(signed["sequence"] == 2 && signature == Some(128), "{signed}");
                Ok(())
            })
            .await
    }

    /// What a node reads keeps one out and not the other.
    async fn lists(&self, node: &str, out: &str, not: &str) -> anyhow::Result<()> {
        let files = get(&self.case, &format!("configmap/{node}-config")).await?;
        let files = files.context("the files of a node")?["data"]["config.ini"].to_string();
        ensure!(files.contains(out) && !files.contains(not), "{files}");
        Ok(())
    }

    /// Whom a node is connected to.
    async fn peers(&self, node: &str) -> anyhow::Result<Value> {
        let rpc = self.running.ledger.rpc(node).await?;
        Ok(rpc.call("getPeers", json!([1])).await?)
    }

    async fn is_connected(&self, node: &str, id: &str) -> anyhow::Result<bool> {
        Ok(self.peers(node).await?.to_string().contains(id))
    }

    async fn sees(&self, nodes: &[&str], id: &str) -> anyhow::Result<()> {
        for node in nodes {
            ensure!(self.is_connected(node, id).await?, "{node} is not connected to {id}");
        }
        Ok(())
    }

    async fn is_cut_off(&self, nodes: &[&str], id: &str, since: Instant) -> anyhow::Result<()> {
        for node in nodes {
            let what = format!("{node} to cut {} off", &id[..8]);
            let left = PROMISED.saturating_sub(since.elapsed());
            self.case
                .eventually(&what, left, || async {
                    ensure!(!self.is_connected(node, id).await?, "it is connected");
                    Ok(())
                })
                .await?;
        }
        eprintln!(
            "    {} s from the apply to the last closed connection",
            since.elapsed().as_secs()
        );
        Ok(())
    }
}
