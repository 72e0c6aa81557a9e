//! anvil, the development chain of Foundry: a block a second, no fees.

use althing_e2e::{Rpc, repository};
use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::Options;
use crate::peers::Peer;
use crate::peers::process::{Process, free_ports};

/// What is measured, in a line.
pub(super) const WHAT: &str = "anvil 1.7.1: 1 process in memory, no gossip, no other signers, nothing on disk";

const PROGRAM: &str = "e2e/clients/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
/// anvil keeps all it ever mined in memory: a shorter load says the same.
const SECONDS_MAX: u64 = 20;

/// The load as anvil gets it.
pub(super) fn shorter(options: &Options) -> Options {
    Options {
        seconds: options.seconds.min(SECONDS_MAX),
        ..options.clone()
    }
}

/// Starts it.
pub(super) async fn start() -> anyhow::Result<Peer> {
    let program = repository().join(PROGRAM);
    ensure!(
        program.is_file(),
        "no program at {}; scripts/setup.sh clients fetches it",
        program.display()
    );
    let [port] = free_ports()?;
    let folder = tempfile::Builder::new().prefix("althing-anvil-").tempdir()?;
    let mut command = Command::new(&program);
    command.args(["--port", &port.to_string(), "--accounts", "1", "--balance", "0"]);
    command.args(["--block-time", "1", "--gas-limit", "300000000"]);
    command.args(["--base-fee", "0", "--gas-price", "0", "--prune-history", "--silent"]);
    let mut process = Process::start(&mut command, &folder.path().join("log"))?;
    let client = Rpc::new(format!("http://127.0.0.1:{port}"))?;
    process.answers(&client).await.context("anvil")?;
    Ok(Peer {
        processes: vec![process],
        clients: vec![client],
        _folder: folder,
    })
}
