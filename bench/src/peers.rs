//! The same client and the same transfers on public peers that the registries carry.
//!
//! anvil is one process that keeps everything in memory, without signatures of others, TLS or durability: what it does is
//! what JSON-RPC, recovery and the EVM alone allow on this machine.

use std::process::Stdio;
use std::time::{Duration, Instant};

use althing_e2e::{Rpc, repository, until};
use anyhow::Context;
use tokio::process::{Child, Command};

use crate::load::{self, Counter, Senders, bodies};
use crate::{Options, chain, report, token};

const ANVIL: &str = "e2e/clients/js/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
const PORT: u16 = 8499;
const WARM_UP: Duration = Duration::from_secs(5);
/// anvil keeps all it ever mined in memory: a shorter load says the same.
const SECONDS_MAX: u64 = 20;

/// Runs the part.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let seconds = options.seconds.min(SECONDS_MAX);
    let _anvil = start().await?;
    let rpc = Rpc::new(format!("http://127.0.0.1:{PORT}"))?;
    let up = || async { rpc.height().await.is_ok() };
    until("anvil answers", Duration::from_secs(20), up).await?;
    let (token, accounts) = chain::prepare(&rpc, options.accounts).await?;
    let each = (options.offered * (seconds + WARM_UP.as_secs())).div_ceil(options.accounts as u64);
    let queues = bodies(
        &token::sign_all(&accounts, 0, each, token),
        options.accounts,
        1,
        options.batch,
    );
    let counter = Counter::start(rpc.clone()).await?;
    let senders = Senders::start(queues, std::slice::from_ref(&rpc), &counter)?;
    load::until(Instant::now() + WARM_UP).await;
    let (begin, before) = (Instant::now(), counter.included());
    load::until(begin + Duration::from_secs(seconds)).await;
    let per_second = (counter.included() - before) as f64 / begin.elapsed().as_secs_f64();
    senders.stop().await?;
    counter.stop().await?;
    report::figure(
        "peers",
        "anvil: transfers a second (1 process, in memory)",
        &format!("{per_second:.0}"),
        "",
    )?;
    report::command("peers", &format!("--seconds {seconds} --batch {}", options.batch))
}

async fn start() -> anyhow::Result<Child> {
    let path = repository().join(ANVIL);
    let mut command = Command::new(&path);
    command.args([
        "--port",
        &PORT.to_string(),
        "--base-fee",
        "0",
        "--gas-price",
        "0",
        "--balance",
        "0",
        "--accounts",
        "1",
    ]);
    command.args([
        "--block-time",
        "1",
        "--gas-limit",
        "300000000",
        "--silent",
        "--prune-history",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
        .spawn()
        .with_context(|| format!("start {}; scripts/setup.sh clients fetches it", path.display()))
}
