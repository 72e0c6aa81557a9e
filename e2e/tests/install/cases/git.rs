//! From a Git repository, by Flux's kustomize-controller (issue 4, done when 2).

use std::time::Duration;

use althing_e2e::operator::Watchdog;
use anyhow::{bail, ensure};

use crate::flux::Flux;
use crate::repository::Repository;
use crate::site::{CONVERGENCE, SAMPLE, Site, Traces};
use crate::snapshot;

/// How long group 1 may stand still: nothing here is about its members.
const PAUSE: Duration = Duration::from_secs(20);
/// The Kustomization of the sample, and the file in which its nodes are.
const CONSORTIUM: &str = "four-agencies";
const NODES: &str = "deploy/samples/four-agencies/nodes.yaml";
/// The overlay that is copied for an agency.
const PER_AGENCY: &str = "deploy/kustomize/overlays/per-agency/kustomization.yaml";
/// A node that takes part in group 2, and one that is in no group.
const LIVE: &str = "node-4";
const FREE: &str = "node-5";

pub(crate) async fn flux_syncs_repairs_prunes_and_reverts_from_a_git_repository(site: &Site) -> anyhow::Result<()> {
    site.has_reference().await?;
    let repository = Repository::new().await?;
    let flux = Flux::start(site).await?;
    sync(&flux, &repository).await?;
    site.is_whole().await?;
    snapshot::of(site).await?.agrees_with_kubectl()?;
    let (watchdog, traces) = (Watchdog::start(&site.ledger(1)).await?, site.traces().await?);

    drift(site, &flux).await?;
    site.is_untouched(&traces, "the drift").await?;
    prune_of_a_free_node(site, &flux, &repository, &traces).await?;
    prune_of_a_live_node(site, &flux, &repository).await?;
    flux.delete(CONSORTIUM).await?;
    site.is_whole().await?;
    snapshot::of(site).await?.agrees_with_kubectl()?;
    watchdog.finish(PAUSE).await.map(drop)
}

/// The overlay for one agency in a namespace that is there already, which the overlay then leaves out.
pub(crate) async fn flux_syncs_and_repairs_with_an_operator_of_one_namespace(site: &Site) -> anyhow::Result<()> {
    site.has_reference().await?;
    site.kubectl(&["create", "namespace", SAMPLE]).await?;
    let repository = Repository::new().await?;
    repository.edit(PER_AGENCY, |text| {
        text.replace("agency-a", SAMPLE).replace("  - namespace.yaml\n", "")
    })?;
    repository.commit("An operator for the sample's namespace").await?;
    let flux = Flux::start(site).await?;
    sync(&flux, &repository).await?;
    site.is_whole().await?;
    snapshot::of(site).await?.agrees_with_kubectl()?;
    let traces = site.traces().await?;
    drift(site, &flux).await?;
    site.is_untouched(&traces, "the drift").await
}

/// Publishes the last commit and waits until the consortium is as it says.
async fn sync(flux: &Flux<'_>, repository: &Repository) -> anyhow::Result<()> {
    let artifact = repository.publish().await?;
    flux.publish(&artifact).await?;
    flux.has_applied(CONSORTIUM, &artifact).await
}

/// What was changed or deleted by hand is as Git has it after the next look.
async fn drift(site: &Site, flux: &Flux<'_>) -> anyhow::Result<()> {
    let edit = r#"--patch={"spec":{"approval":"Manual"}}"#;
    site.kubectl(&["patch", "agency", "agency-d", "--type=merge", edit])
        .await?;
    site.kubectl(&["delete", "agency", "agency-c"]).await?;
    flux.reconcile(CONSORTIUM).await?;
    let approval = "--output=jsonpath={.spec.approval}";
    let repaired = site.kubectl(&["get", "agency", "agency-d", approval]).await?;
    ensure!(repaired == "Manifest", "agency-d's approval is {repaired}");
    site.is_whole().await
}

/// Nobody needs it, so it goes when its manifest goes; its key and its volume stay, and with its manifest it is back.
async fn prune_of_a_free_node(
    site: &Site,
    flux: &Flux<'_>,
    repository: &Repository,
    traces: &Traces,
) -> anyhow::Result<()> {
    repository.edit(NODES, |nodes| without(&nodes, FREE))?;
    repository.commit("No free node").await?;
    sync(flux, repository).await?;
    is_gone(site, FREE).await?;
    repository.revert(1).await?;
    sync(flux, repository).await?;
    site.is_whole().await?;
    site.traces().await?.are(traces, FREE)
}

/// Its group needs it: pruning is refused and Flux says so, until Git says that it may go.
async fn prune_of_a_live_node(site: &Site, flux: &Flux<'_>, repository: &Repository) -> anyhow::Result<()> {
    let before = site.traces().await?;
    repository.edit(NODES, |nodes| without(&nodes, LIVE))?;
    repository.commit("Without a node that its group needs").await?;
    let artifact = repository.publish().await?;
    flux.publish(&artifact).await?;
    let said = flux.refuses(CONSORTIUM, &artifact, "PruneFailed").await?;
    ensure!(
        said.contains("takes part in group-2") && said.contains("althing.dev/allow-delete"),
        "Flux says: {said}"
    );
    site.ledger(2).goes_on(CONVERGENCE).await?;
    site.is_untouched(&before, "a prune that was refused").await?;

    repository.revert(1).await?;
    sync(flux, repository).await?;
    let allowed = "  namespace: trade\n  annotations: {althing.dev/allow-delete: \"true\"}\n";
    repository.edit(NODES, |nodes| {
        edited(&nodes, LIVE, |node| node.replace("  namespace: trade\n", allowed))
    })?;
    repository.commit("The node may go").await?;
    sync(flux, repository).await?;
    repository.edit(NODES, |nodes| without(&nodes, LIVE))?;
    repository.commit("The node goes").await?;
    flux.publish(&repository.publish().await?).await?;
    is_gone(site, LIVE).await?;

    repository.revert(2).await?;
    sync(flux, repository).await?;
    site.is_whole().await?;
    site.traces().await?.are(&before, LIVE)
}

/// Waits until a Node and its pod are gone; its key and its volume are there.
async fn is_gone(site: &Site, node: &str) -> anyhow::Result<()> {
    let objects = [format!("ledgernode/{node}"), format!("pod/{node}-0")];
    let case = site.case();
    case.eventually(&format!("{node} to be gone"), CONVERGENCE, || async {
        for object in &objects {
            let found = site
                .kubectl(&["get", object, "--ignore-not-found", "--output=name"])
                .await?;
            if !found.is_empty() {
                bail!("{} is there", found.trim());
            }
        }
        Ok(())
    })
    .await?;
    let kept = [
        format!("secret/{node}-key"),
        format!("persistentvolumeclaim/{node}-data"),
    ];
    site.kubectl(&["get", &kept[0], &kept[1]]).await.map(drop)
}

/// The manifests without one of them.
fn without(manifests: &str, name: &str) -> String {
    let documents: Vec<&str> = manifests
        .split("---\n")
        .filter(|document| !is_of(document, name))
        .collect();
    documents.join("---\n")
}

/// The manifests with one of them changed.
fn edited(manifests: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let documents: Vec<String> = manifests
        .split("---\n")
        .map(|document| match is_of(document, name) {
            true => change(document),
            false => document.to_owned(),
        })
        .collect();
    documents.join("---\n")
}

fn is_of(document: &str, name: &str) -> bool {
    document.lines().any(|line| line == format!("  name: {name}"))
}
