//! Both charts by both Helms: what they do to the operator never reaches a ledger (issue 4, done when 2).

use std::time::Duration;

use althing_e2e::operator::Watchdog;
use anyhow::ensure;

use crate::site::{Form, Helm, SAMPLE, Site};
use crate::snapshot;

/// How long a group of four may stand still while operators come and go: it should not notice.
const PAUSE: Duration = Duration::from_secs(20);
/// The charts.
const DEFINITIONS: &str = "charts/althing-crds";
const OPERATOR: &str = "charts/althing";
/// What an upgrade changes.
const CHANGE: [&str; 2] = ["--set", "log.level=debug"];

pub(crate) async fn helm_4_installs_upgrades_rolls_back_and_uninstalls_without_touching_a_ledger(
    site: &Site,
) -> anyhow::Result<()> {
    life(site, Helm::Four).await
}

pub(crate) async fn helm_3_does_the_same_with_an_operator_of_one_namespace(site: &Site) -> anyhow::Result<()> {
    life(site, Helm::Three).await
}

async fn life(site: &Site, helm: Helm) -> anyhow::Result<()> {
    site.has_reference().await?;
    install(site, helm).await?;
    site.apply_sample().await?;
    site.is_whole().await?;
    snapshot::of(site).await?.agrees_with_kubectl()?;
    let (watchdog, traces) = (Watchdog::start(&site.ledger(1)).await?, site.traces().await?);
    let system = site.form().system();
    let log_level = "{.spec.template.spec.containers[0].env[?(@.name=='ALTHING_LOG')].value}";

    let upgrade = [
        "upgrade",
        "althing",
        OPERATOR,
        "--namespace",
        system,
        "--wait",
        "--reset-then-reuse-values",
    ];
    site.helm(helm, &["upgrade", "althing-crds", DEFINITIONS, "--wait"])
        .await?;
    site.helm(helm, &[&upgrade[..], &CHANGE].concat()).await?;
    ensure!(
        site.operator(log_level).await? == "debug",
        "the upgrade changed nothing"
    );
    site.is_whole().await?;
    site.is_untouched(&traces, "the upgrade").await?;

    site.helm(helm, &["rollback", "althing", "1", "--namespace", system, "--wait"])
        .await?;
    site.helm(helm, &["rollback", "althing-crds", "1", "--wait"]).await?;
    ensure!(
        site.operator(log_level).await? == "info",
        "the rollback changed nothing"
    );
    site.is_whole().await?;
    site.is_untouched(&traces, "the rollback").await?;

    site.helm(helm, &["uninstall", "althing", "--namespace", system, "--wait"])
        .await?;
    site.helm(helm, &["uninstall", "althing-crds", "--wait"]).await?;
    site.is_past_block_1().await?;
    site.is_untouched(&traces, "the uninstallation").await?;

    install(site, helm).await?;
    site.is_whole().await?;
    site.is_untouched(&traces, "the new installation").await?;
    snapshot::of(site).await?.agrees_with_kubectl()?;
    watchdog.finish(PAUSE).await.map(drop)
}

/// As docs/operations/install.md has it.
async fn install(site: &Site, helm: Helm) -> anyhow::Result<()> {
    site.helm(helm, &["install", "althing-crds", DEFINITIONS, "--wait"])
        .await?;
    let arguments = [
        "install",
        "althing",
        OPERATOR,
        "--namespace",
        site.form().system(),
        "--create-namespace",
        "--wait",
    ];
    let watched = format!("watch.namespaces={{{SAMPLE}}}");
    let scope: &[&str] = match site.form() {
        Form::Hosted => &[],
        Form::Namespaced => &["--set", &watched],
    };
    site.helm(helm, &[&arguments[..], scope].concat()).await.map(drop)
}
