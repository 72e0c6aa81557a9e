//! Resident memory of a node that takes part in two groups and has nothing to do.

use std::time::{Duration, Instant};

use althing_e2e::{Consortium, Manifests, Member};
use anyhow::Context;

use crate::{Options, load, report};

/// How long the groups have been idle when memory is read.
const IDLE: Duration = Duration::from_secs(15);

/// Runs the part.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut largest = Vec::new();
    for number in 1..=options.runs {
        largest.push(measure().await.with_context(|| format!("memory, run {number}"))?);
    }
    let bytes = report::median(&largest).context("at least one run")?;
    let megabytes = bytes as f64 / 1e6;
    report::figure(
        "memory",
        "a node with two idle groups, largest of four",
        &format!("{megabytes:.0} MB"),
        "under 120 MB",
    )?;
    report::command("memory", &format!("--runs {}", options.runs))
}

/// Bytes of the node that has most.
async fn measure() -> anyhow::Result<u64> {
    let consortium = Consortium::start(&Manifests::uniform(4, 2)).await?;
    load::until(Instant::now() + IDLE).await;
    let bytes = consortium
        .members()?
        .iter()
        .map(Member::resident_bytes)
        .collect::<anyhow::Result<Vec<_>>>()?;
    bytes.into_iter().max().context("at least one node")
}
