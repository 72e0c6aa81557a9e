//! How long a node with many transactions takes from its start until it says that it is ready.

use std::time::{Duration, Instant};

use althing_e2e::until;
use anyhow::Context;

use crate::chain::Chain;
use crate::load::{Counter, Senders, bodies};
use crate::{Options, report, token};

/// Longest time to make the history, and to start.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the part.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let chain = Chain::start(options.edition, options.accounts).await?;
    let each = options.transactions.div_ceil(options.accounts as u64);
    let signed = token::sign_all(&chain.accounts, 0, each, chain.token);
    let (wanted, queues) = (
        signed.len() as u64,
        bodies(&signed, options.accounts, chain.clients.len(), options.batch),
    );
    let counter = Counter::start(chain.clients.first().context("a node")?.clone()).await?;
    let senders = Senders::start(queues, &chain.clients, &counter)?;
    until("all transactions are included", PATIENCE, || async {
        counter.included() >= wanted
    })
    .await?;
    senders.stop().await?;
    counter.stop().await?;

    let member = chain.members.last().context("a node")?;
    let client = chain.clients.last().context("a node")?;
    let height = client.height().await?;
    let mut times = Vec::new();
    let mut process = None;
    for _ in 0..options.runs {
        match process.take() {
            None => member.stop().await?,
            Some(child) => stop(child).await?,
        }
        let begin = Instant::now();
        process = Some(member.start_as_it_is()?);
        let ready =
            || async { member.page("/readyz").await.is_some() && client.height().await.is_ok_and(|at| at >= height) };
        until("the node is ready again", PATIENCE, ready).await?;
        times.push(begin.elapsed());
    }
    let median = report::median(&times).map_or_else(String::new, |time| format!("{:.2} s", time.as_secs_f64()));
    report::figure(
        "restart",
        &format!("until ready, with {wanted} transactions"),
        &median,
        "under 3 s",
    )?;
    report::command(
        "restart",
        &format!("--transactions {} --runs {}", options.transactions, options.runs),
    )
}

async fn stop(mut child: tokio::process::Child) -> anyhow::Result<()> {
    child.kill().await?;
    Ok(())
}
