//! The same client, the same transfers and the same measuring on public peers that the registries carry.
//!
//! ```text
//! geth    four Clique signers, four processes on loopback: the peer whose ratio to ours is printed
//! anvil   one process that keeps everything in memory, without signatures of others, gossip or durability: what
//!         JSON-RPC, recovery of senders and the EVM alone allow on this machine
//! ```
//!
//! A peer that cannot be had or does not start is reported as not run; the other parts go on.

mod anvil;
mod geth;
mod measure;
mod process;

use althing_e2e::Rpc;
use anyhow::Context;
use tempfile::TempDir;

use crate::report::{self, Figures};
use crate::{Options, peers::process::Process};

/// The name of this part in what is printed.
const PART: &str = "peers";

/// A peer that runs. Dropping it kills its processes and removes its files, in this order.
#[derive(Debug)]
struct Peer {
    processes: Vec<Process>,
    clients: Vec<Rpc>,
    _folder: TempDir,
}

impl Peer {
    /// Kills its processes and waits for their ends, so that the next peer has the machine to itself.
    async fn stop(mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.stop().await?;
        }
        Ok(())
    }
}

/// Runs the part; `ours` are the medians of the throughput part in the same program run.
pub(crate) async fn run(options: &Options, ours: Figures) -> anyhow::Result<()> {
    match repeat(options, "geth", || geth::start(options.gas_limit)).await {
        Ok(theirs) => {
            report::line(&format!("{PART:<11} {}", geth::WHAT))?;
            show("geth", theirs, "of all four")?;
            ratios("geth", ours, theirs)?;
        }
        Err(why) => not_run("geth", &why)?,
    }
    match repeat(&anvil::shorter(options), "anvil", anvil::start).await {
        Ok(theirs) => {
            report::line(&format!("{PART:<11} {}", anvil::WHAT))?;
            show("anvil", theirs, "of its process")?;
        }
        Err(why) => not_run("anvil", &why)?,
    }
    let gas_limit = options.gas_limit;
    report::command(PART, &format!("{} --gas-limit {gas_limit}", options.of_a_load()))
}

/// Starts, measures and stops a peer as often as asked; gives the medians.
async fn repeat(
    options: &Options,
    name: &str,
    start: impl AsyncFn() -> anyhow::Result<Peer>,
) -> anyhow::Result<Figures> {
    let mut runs = Vec::new();
    for number in 1..=options.runs {
        let peer = start().await?;
        let title = format!("{name}, run {number}");
        let one = measure::run(options, &peer, &title)
            .await
            .with_context(|| title.clone())?;
        peer.stop().await?;
        runs.push(one);
    }
    Figures::medians(&runs).context("at least one run")
}

fn show(name: &str, theirs: Figures, processes: &str) -> anyhow::Result<()> {
    let Figures {
        per_second,
        node_micros,
    } = theirs;
    report::figure(
        PART,
        &format!("{name}: transfers included a second"),
        &format!("{per_second:.0}"),
        "",
    )?;
    let what = format!("{name}: CPU {processes} for a transfer");
    report::figure(PART, &what, &format!("{node_micros:.0} us"), "")
}

fn ratios(name: &str, ours: Figures, theirs: Figures) -> anyhow::Result<()> {
    let ratio = |ours: f64, theirs: f64| format!("{:.2}", ours / theirs);
    let speed = ratio(ours.per_second, theirs.per_second);
    report::figure(PART, &format!("ours/{name}: transfers a second"), &speed, "")?;
    let cost = ratio(ours.node_micros, theirs.node_micros);
    report::figure(PART, &format!("ours/{name}: CPU for a transfer"), &cost, "")
}

fn not_run(name: &str, why: &anyhow::Error) -> anyhow::Result<()> {
    report::line(&format!("{PART:<11} {name}: not run: {why:#}"))
}
