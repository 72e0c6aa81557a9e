//! The operator at scale: a thousand Nodes on a real API server, their pods played.
//!
//! ```text
//! place ─▶ operator ─▶ shape applied ─▶ converged ─▶ nodes answer ─▶ changes ─▶ at rest ─▶ killed and started ─▶ certificates
//! ```

mod changes;
mod figures;
mod nodes;
mod operator;
mod place;
mod shape;
mod volumes;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use althing_e2e::operator::Audit;
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::ListParams;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::report;
use figures::Figures;
use operator::Operator;
use place::Place;
use shape::Shape;

/// How long between two looks at what is ready.
const GLANCE: Duration = Duration::from_secs(1);
/// How long the converging, and the issuing of certificates, may take until the run is given up.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How long nothing must be written before the system counts as at rest.
const STILL: Duration = Duration::from_secs(15);

/// How the results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Lines.
    Table,
    /// One JSON document, after the progress.
    Json,
}

/// What the part takes beside the common options.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// Namespaces, each with a Consortium
    #[arg(long, default_value_t = 25)]
    namespaces: usize,
    /// Agencies in each namespace
    #[arg(long, default_value_t = 2)]
    agencies: usize,
    /// Nodes in each namespace
    #[arg(long, default_value_t = 40)]
    nodes: usize,
    /// Groups in each namespace
    #[arg(long, default_value_t = 4)]
    groups: usize,
    /// Nodes whose certificates are timed, over ten agencies in five namespaces
    #[arg(long, default_value_t = 500)]
    certificates: usize,
    /// Changes that are timed
    #[arg(long, default_value_t = 200)]
    samples: usize,
    /// Changes that are under way at the same time
    #[arg(long, default_value_t = 4)]
    side_by_side: usize,
    /// Seconds after convergence in which writes are counted
    #[arg(long, default_value_t = 600)]
    quiet: u64,
    /// How often all of it is done; the figures are medians
    #[arg(long, default_value_t = 1)]
    times: usize,
    /// How the results are printed
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the part. However it ends, the cluster goes.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let mut runs = vec![];
    for number in 1..=settings.times {
        report::line(&format!(
            "scale       run {number} of {}; load average {}",
            settings.times,
            load()
        ))?;
        let ended = tokio::select! {
            ended = one(settings) => ended,
            stopped = stopped() => Err(stopped),
        };
        place::leave().await.context("remove the cluster")?;
        runs.push(ended.with_context(|| format!("scale, run {number}"))?);
    }
    Figures::medians(&runs).print(settings.output)?;
    report::command(
        "scale",
        &format!("--quiet {} --times {}", settings.quiet, settings.times),
    )
}

async fn stopped() -> anyhow::Error {
    let wait = async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        anyhow::Ok(())
    };
    match wait.await {
        Ok(()) => anyhow::anyhow!("interrupted"),
        Err(error) => error,
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}

async fn one(settings: &Settings) -> anyhow::Result<Figures> {
    let place = Place::make().await?;
    let operator = Operator::start(&place).await?;
    let shape = Shape {
        name: "scale",
        namespaces: settings.namespaces,
        agencies: settings.agencies,
        nodes: settings.nodes,
        groups: settings.groups,
    };
    let mut run = Run {
        place,
        operator,
        shape,
        figures: Figures::default(),
        nodes: JoinSet::new(),
    };
    run.sizes()?;
    run.converge().await?;
    run.nodes = nodes::answer(&run.place.client, &run.shape).await?;
    run.changes(settings).await?;
    run.rest(Duration::from_secs(settings.quiet)).await?;
    run.restart().await?;
    if settings.certificates > 0 {
        run.certificates(settings.certificates).await?;
    }
    run.nodes.abort_all();
    run.place.leave().await?;
    Ok(run.figures)
}

struct Run {
    place: Place,
    operator: Operator,
    shape: Shape,
    figures: Figures,
    /// The nodes that answer.
    nodes: JoinSet<()>,
}

impl Run {
    /// The images, as scripts/images.sh made them: each is one program and little else.
    fn sizes(&mut self) -> anyhow::Result<()> {
        let images: [(_, _, &str); 2] = [
            ("operator image", "operator.tar", "under 30 MB"),
            ("node image", "node.tar", "under 60 MB"),
        ];
        for (what, file, target) in images {
            let path = self.place.cluster.layout().images().join(file);
            match std::fs::metadata(&path) {
                Ok(found) => self
                    .figures
                    .add(what, (found.len() as f64 / 1e5).round() / 10.0, "MB", target)?,
                Err(_) => report::line(&format!("    {what}: not built; scripts/images.sh builds it"))?,
            }
        }
        Ok(())
    }

    /// From the first manifest until every one is Ready.
    async fn converge(&mut self) -> anyhow::Result<()> {
        let shape = self.shape.clone();
        report::line(&format!("    {}", shape.text()))?;
        shape.make_namespaces(&self.place.client).await?;
        let begin = Instant::now();
        shape
            .apply(&self.place.client, &["Consortium", "Agency", "Group", "Node"])
            .await?;
        self.figures
            .add("applying the manifests", begin.elapsed().as_secs_f64(), "s", "")?;
        self.all_ready(&shape, begin).await?;
        let took = begin.elapsed().as_secs_f64();
        self.figures
            .add("from the first manifest until all are Ready", took, "s", "under 300 s")?;
        let usage = self.operator.usage()?;
        self.figures
            .add("operator: processor time until then", usage.seconds, "s", "")?;
        let writes = self.operator.metric("althing_writes_total").await?;
        self.figures.add("operator: writes until then", writes, "", "")
    }

    async fn all_ready(&self, shape: &Shape, begin: Instant) -> anyhow::Result<()> {
        let mut said = begin;
        loop {
            let ready = shape
                .ready(&self.place.client, &["Consortium", "Agency", "Group", "Node"])
                .await?;
            if ready == shape.objects() {
                return Ok(());
            }
            let elapsed = begin.elapsed();
            ensure!(
                elapsed < PATIENCE,
                "{ready} of {} Ready after {elapsed:?}",
                shape.objects()
            );
            if said.elapsed() > Duration::from_secs(10) {
                said = Instant::now();
                report::line(&format!(
                    "    {ready} of {} Ready after {} s",
                    shape.objects(),
                    elapsed.as_secs()
                ))?;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// From the change of a Node to that of its ConfigMap.
    async fn changes(&mut self, settings: &Settings) -> anyhow::Result<()> {
        self.settle().await?;
        let times = changes::times(&self.place.client, &self.shape, settings.samples, settings.side_by_side).await?;
        let mut show = |what, part, target| {
            let time = report::quantile(&times, part).context("at least one sample")?;
            self.figures.add(what, time.as_secs_f64() * 1000.0, "ms", target)
        };
        show("p50 from a change to its child", 0.5, "")?;
        show("p99 from a change to its child", 0.99, "under 2000 ms")?;
        show("longest from a change to its child", 1.0, "")
    }

    /// The operator's writes since a place in the audit log, without the renewals of its Lease.
    fn writes(&self, since: &Audit) -> anyhow::Result<Vec<String>> {
        let mut writes = since.writes_of(operator::USER)?;
        writes.retain(|write| write.resource() != "leases");
        Ok(writes.iter().map(ToString::to_string).collect())
    }

    /// Waits until nothing has been written for a while.
    async fn settle(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let since = Audit::of(self.place.cluster.audit_log())?;
            tokio::time::sleep(STILL).await;
            let writes = self.writes(&since)?;
            if writes.is_empty() {
                return Ok(());
            }
            let last = writes.last().map(String::as_str).unwrap_or_default();
            ensure!(
                begin.elapsed() < PATIENCE,
                "the operator does not come to rest; its last write: {last}"
            );
        }
    }

    /// What it does when there is nothing to do.
    async fn rest(&mut self, length: Duration) -> anyhow::Result<()> {
        self.settle().await?;
        report::line(&format!(
            "    at rest for {} s; load average {}",
            length.as_secs(),
            load()
        ))?;
        let since = Audit::of(self.place.cluster.audit_log())?;
        let before = self.operator.usage()?;
        tokio::time::sleep(length).await;
        let after = self.operator.usage()?;
        let writes = self.writes(&since)?;
        for write in writes.iter().take(10) {
            report::line(&format!("    written at rest: {write}"))?;
        }
        self.figures.add("writes at rest", writes.len() as f64, "", "none")?;
        let share = (after.seconds - before.seconds) / length.as_secs_f64() * 100.0;
        self.figures
            .add("operator: processor at rest", share, "% of a core", "")?;
        self.memory(after.peak, after.resident)
    }

    fn memory(&mut self, peak: u64, resident: u64) -> anyhow::Result<()> {
        let mebibytes = |bytes: u64| (bytes as f64 / 1_048_576.0).round();
        self.figures
            .add("operator: resident memory at rest", mebibytes(resident), "MiB", "")?;
        self.figures.add(
            "operator: peak of resident memory",
            mebibytes(peak),
            "MiB",
            "under 256 MiB",
        )
    }

    /// Killed and started: until it leads, has listed everything and looked at every namespace once.
    async fn restart(&mut self) -> anyhow::Result<()> {
        let pods = self.pods().await?;
        let since = Audit::of(self.place.cluster.audit_log())?;
        let begin = Instant::now();
        self.operator.restart().await?;
        self.operator.ready().await?;
        let ready = begin.elapsed().as_secs_f64();
        let namespaces = self.shape.namespaces as f64;
        while self.operator.metric("althing_reconcile_seconds_count").await? < namespaces {
            ensure!(begin.elapsed() < PATIENCE, "not every namespace was looked at");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.figures.add("restart: until ready", ready, "s", "")?;
        self.figures.add(
            "restart: until all is looked at",
            begin.elapsed().as_secs_f64(),
            "s",
            "under 60 s",
        )?;
        tokio::time::sleep(STILL).await;
        let writes = self.writes(&since)?;
        for write in writes.iter().take(10) {
            report::line(&format!("    written after the restart: {write}"))?;
        }
        self.figures.add("restart: writes", writes.len() as f64, "", "none")?;
        let after = self.pods().await?;
        let replaced = pods.iter().filter(|(name, uid)| after.get(*name) != Some(*uid)).count();
        self.figures
            .add("restart: pods that were replaced", replaced as f64, "", "none")?;
        let usage = self.operator.usage()?;
        self.figures.add(
            "restart: peak of resident memory",
            (usage.peak as f64 / 1_048_576.0).round(),
            "MiB",
            "under 256 MiB",
        )
    }

    /// The uid of every pod of a node.
    async fn pods(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let pods: Api<Pod> = Api::all(self.place.client.clone());
        let list = pods
            .list_metadata(&ListParams::default().labels("app.kubernetes.io/managed-by=althing"))
            .await?;
        let named = |pod: kube::core::PartialObjectMeta<Pod>| {
            let metadata = pod.metadata;
            let name = format!(
                "{}/{}",
                metadata.namespace.unwrap_or_default(),
                metadata.name.unwrap_or_default()
            );
            (name, metadata.uid.unwrap_or_default())
        };
        Ok(list.into_iter().map(named).collect())
    }

    /// Ten agencies that are Ready, then Nodes at once: until the last of their certificates is there. All else runs on.
    async fn certificates(&mut self, nodes: usize) -> anyhow::Result<()> {
        let shape = Shape {
            name: "certificates",
            namespaces: 5,
            agencies: 2,
            nodes: nodes.div_ceil(5),
            groups: 0,
        };
        let client = self.place.client.clone();
        shape.make_namespaces(&client).await?;
        let issuers = ["Consortium", "Agency"];
        shape.apply(&client, &issuers).await?;
        while shape.ready(&client, &issuers).await? < 5 * 3 {
            tokio::time::sleep(GLANCE).await;
        }
        self.settle().await?;
        let begin = Instant::now();
        shape.apply(&client, &["Node"]).await?;
        self.figures.add(
            "certificates: applying the Nodes",
            begin.elapsed().as_secs_f64(),
            "s",
            "",
        )?;
        while issued(&self.place, &shape).await? < shape.nodes().len() {
            ensure!(begin.elapsed() < PATIENCE, "not every certificate was issued");
            tokio::time::sleep(GLANCE).await;
        }
        let took = begin.elapsed().as_secs_f64();
        self.figures
            .add("certificates: until the last is issued", took, "s", "under 40 s")?;
        self.all_ready(&shape, begin).await?;
        self.figures.add(
            "certificates: until all Nodes are Ready",
            begin.elapsed().as_secs_f64(),
            "s",
            "",
        )
    }
}

/// The certificates of nodes that are there.
async fn issued(place: &Place, shape: &Shape) -> anyhow::Result<usize> {
    let mut found = 0;
    for namespace in shape.namespaces() {
        let secrets: Api<Secret> = Api::namespaced(place.client.clone(), &namespace);
        let of_nodes = ListParams::default().labels("althing.dev/kind=Node").match_any();
        let list = secrets.list_metadata(&of_nodes).await?;
        let is_certificate = |name: &&String| name.ends_with("-certificate");
        found += list
            .iter()
            .filter_map(|secret| secret.metadata.name.as_ref())
            .filter(is_certificate)
            .count();
    }
    Ok(found)
}
