//! Resident memory of a node that takes part in two groups and has nothing to do.

use std::time::{Duration, Instant};

use althing_e2e::{Consortium, Manifests};
use anyhow::Context;

use crate::{Options, load, report};

/// How long the groups have been idle when memory is read.
const IDLE: Duration = Duration::from_secs(15);

/// Runs the part.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let consortium = Consortium::start(&Manifests::uniform(4, 2)).await?;
    load::until(Instant::now() + IDLE).await;
    let read = |member: &althing_e2e::Member| member.resident_bytes();
    let bytes = consortium
        .members()?
        .iter()
        .map(read)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let most = bytes.iter().max().context("at least one node")?;
    let mebibytes = *most as f64 / f64::from(1 << 20);
    report::figure(
        "memory",
        "a node with two idle groups, the largest of four",
        &format!("{mebibytes:.0} MiB"),
        "under 120 MB",
    )?;
    let _ = options;
    report::command("memory", "")
}
