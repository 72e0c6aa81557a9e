//! Time to receipt of a single transaction on a group that does nothing else.

use std::time::{Duration, Instant};

use althing_e2e::token;
use anyhow::Context;

use crate::chain::Chain;
use crate::report::{self, milliseconds};
use crate::{Options, load};

/// Transactions of one run.
const SAMPLES: u64 = 60;
/// The group is left alone for this long between two of them.
const IDLE: Duration = Duration::from_millis(300);

/// Runs the part.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut medians = Vec::new();
    for number in 1..=options.runs {
        medians.push(measure(options).await.with_context(|| format!("idle, run {number}"))?);
    }
    let median = report::median(&medians).map(milliseconds).unwrap_or_default();
    report::figure("idle", "p50 to receipt of one transaction", &median, "under 30 ms")?;
    report::command("idle", &format!("--runs {}", options.runs))
}

async fn measure(options: &Options) -> anyhow::Result<Duration> {
    let chain = Chain::start(options.edition, 2).await?;
    let (from, to) = (&chain.accounts[0], chain.accounts[1].address());
    let mut times = Vec::new();
    for nonce in 0..SAMPLES {
        // Another node each time, so that leaders and others are asked alike.
        let node = &chain.clients[usize::try_from(nonce)? % chain.clients.len()];
        let (raw, hash) = token::transfer(from, nonce, chain.token, to, 1);
        load::until(Instant::now() + IDLE).await;
        let begin = Instant::now();
        node.send_raw(&raw).await?;
        while node.receipt(hash).await?.is_none() {
            anyhow::ensure!(begin.elapsed() < Duration::from_secs(30), "no receipt of {hash}");
            tokio::task::yield_now().await;
        }
        times.push(begin.elapsed());
    }
    report::median(&times).context("at least one sample")
}
