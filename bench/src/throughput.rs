//! Transfers included a second, under a load beyond what the group takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use althing_e2e::{Edition, Member, own_cpu};
use anyhow::{Context, ensure};

use crate::chain::Chain;
use crate::load::{self, Counter, Senders, WARM_UP, bodies};
use crate::report::{self, Figures};
use crate::{Options, token};

/// What the node is asked to reach.
const TARGET: &str = "at least 3000";

/// What one run measured.
#[derive(Clone, Debug)]
struct Run {
    per_second: f64,
    per_block: f64,
    client_cores: f64,
    node_micros: f64,
    threads: BTreeMap<String, f64>,
    stages: BTreeMap<String, f64>,
    refused: u64,
}

/// Runs the part; gives the medians.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Figures> {
    let mut runs = Vec::new();
    for number in 1..=options.runs {
        let one = measure(options)
            .await
            .with_context(|| format!("throughput, run {number}"))?;
        report::line(&format!("throughput  run {number}: {:.0} transfers/s", one.per_second))?;
        runs.push(one);
    }
    show(options, &runs)
}

/// What part an SM group's throughput is of a standard one's beside it on the same machine.
const PART_OF_STANDARD: &str = "at least 60 %";

/// Runs the part in both editions.
pub(crate) async fn editions(options: &Options) -> anyhow::Result<()> {
    let of = |edition| Options {
        edition,
        ..options.clone()
    };
    let standard = run(&of(Edition::Standard)).await?;
    let sm = run(&of(Edition::Sm)).await?;
    let ratio = |ours: f64, theirs: f64| format!("{:.0} %", 100.0 * ours / theirs.max(f64::EPSILON));
    let throughput = ratio(sm.per_second, standard.per_second);
    report::figure(
        "editions",
        "SM by standard: transfers a second",
        &throughput,
        PART_OF_STANDARD,
    )?;
    let cost = ratio(sm.node_micros, standard.node_micros);
    report::figure("editions", "SM by standard: CPU for a transfer", &cost, "")
}

async fn measure(options: &Options) -> anyhow::Result<Run> {
    let chain = Chain::start(options.edition, options.accounts).await?;
    let signed = token::sign_all(&chain.accounts, 0, options.signed_by_each(), chain.token);
    let queues = bodies(&signed, options.accounts, chain.clients.len(), options.batch);
    drop(signed);
    let reader = chain.clients.first().context("a node")?.clone();
    let counter = Counter::start(reader).await?;
    let senders = Senders::start(queues, &chain.clients, &counter)?;
    load::until(Instant::now() + WARM_UP).await;

    let before = Snapshot::take(&chain.members, &counter).await?;
    load::until(before.at + options.duration()).await;
    let after = Snapshot::take(&chain.members, &counter).await?;
    ensure!(
        !senders.is_done(),
        "everything was sent before the time was over: raise --offered"
    );
    let refused = senders.stop().await?;
    counter.stop().await?;
    Ok(difference(&before, &after, refused))
}

/// Clocks and counters at one moment.
struct Snapshot {
    at: Instant,
    included: u64,
    blocks: u64,
    client: Duration,
    nodes: Duration,
    threads: BTreeMap<String, f64>,
    stages: BTreeMap<String, f64>,
}

impl Snapshot {
    async fn take(members: &[Member], counter: &Counter) -> anyhow::Result<Self> {
        let mut nodes = Duration::ZERO;
        let (mut threads, mut stages) = (BTreeMap::new(), BTreeMap::new());
        for member in members {
            nodes += member.cpu()?;
            for (thread, used) in member.cpu_by_thread()? {
                *threads.entry(thread).or_default() += used.as_secs_f64();
            }
            let page = member
                .page("/metrics")
                .await
                .with_context(|| format!("metrics of {}", member.name))?;
            for (stage, seconds) in stage_seconds(&page) {
                *stages.entry(stage).or_default() += seconds;
            }
        }
        let (at, included, blocks) = (Instant::now(), counter.included(), counter.blocks());
        Ok(Self {
            at,
            included,
            blocks,
            client: own_cpu()?,
            nodes,
            threads,
            stages,
        })
    }
}

/// The lines of `althing_stage_cpu_seconds_total`, all groups added up.
fn stage_seconds(page: &str) -> Vec<(String, f64)> {
    let one = |line: &str| {
        let (labels, value) = line
            .strip_prefix("althing_stage_cpu_seconds_total{")?
            .split_once("} ")?;
        let stage = labels
            .split(',')
            .find_map(|label| label.strip_prefix("stage=\"")?.strip_suffix('"'))?;
        Some((stage.to_owned(), value.trim().parse().ok()?))
    };
    page.lines().filter_map(one).collect()
}

fn difference(before: &Snapshot, after: &Snapshot, refused: u64) -> Run {
    let seconds = (after.at - before.at).as_secs_f64();
    let included = (after.included - before.included) as f64;
    let micros = |seconds: f64| seconds * 1e6 / included.max(1.0);
    let each = |before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>| {
        let one = |(name, seconds): (&String, &f64)| {
            let spent = seconds - before.get(name).copied().unwrap_or(0.0);
            (name.clone(), micros(spent))
        };
        after.iter().map(one).collect()
    };
    Run {
        per_second: included / seconds,
        per_block: included / ((after.blocks - before.blocks) as f64).max(1.0),
        client_cores: (after.client - before.client).as_secs_f64() / seconds,
        node_micros: micros((after.nodes - before.nodes).as_secs_f64()),
        threads: each(&before.threads, &after.threads),
        stages: each(&before.stages, &after.stages),
        refused,
    }
}

fn show(options: &Options, runs: &[Run]) -> anyhow::Result<Figures> {
    let of = |pick: fn(&Run) -> f64| report::median(&runs.iter().map(pick).collect::<Vec<_>>()).unwrap_or(0.0);
    let part = match options.edition {
        Edition::Standard => "throughput",
        Edition::Sm => "throughput SM",
    };
    let (per_second, node_micros) = (of(|run| run.per_second), of(|run| run.node_micros));
    report::figure(part, "transfers included a second", &format!("{per_second:.0}"), TARGET)?;
    report::figure(
        part,
        "transfers in a block",
        &format!("{:.0}", of(|run| run.per_block)),
        "",
    )?;
    report::figure(
        part,
        "client: cores, batch size",
        &format!("{:.2}, {}", of(|run| run.client_cores), options.batch),
        "",
    )?;
    report::figure(
        part,
        "nodes: CPU of all four for a transfer",
        &format!("{node_micros:.0} us"),
        "",
    )?;
    if let Some(last) = runs.last() {
        let micros = |kind: &str, (name, micros): (&String, &f64)| match micros {
            ..0.05 => Ok(()),
            _ => report::figure(part, &format!("  {kind} {name}"), &format!("{micros:.1} us"), ""),
        };
        for thread in &last.threads {
            micros("threads", thread)?;
        }
        for stage in &last.stages {
            micros("stage", stage)?;
        }
        report::figure(part, "refused by a pool, last run", &last.refused.to_string(), "")?;
    }
    report::command("throughput", &options.of_a_load())?;
    Ok(Figures {
        per_second,
        node_micros,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_whatever_the_order_of_labels() {
        let page = "althing_stage_cpu_seconds_total{group=\"1\",stage=\"execute\"} 1.5\nalthing_stage_cpu_seconds_total{stage=\"commit\",group=\"1\"} 2\nother 3\n";
        assert_eq!(
            stage_seconds(page),
            [("execute".to_owned(), 1.5), ("commit".to_owned(), 2.0)]
        );
    }
}
