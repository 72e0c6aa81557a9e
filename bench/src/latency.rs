//! Time from sending a transfer to its receipt, under half the load the group takes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use althing_e2e::Rpc;
use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chain::Chain;
use crate::report::{self, milliseconds, quantile};
use crate::token::{self, Signed};
use crate::{Options, load};

/// Assumed throughput when it was not measured before.
const THROUGHPUT: f64 = 3000.0;
/// How often the load is topped up.
const TICK: Duration = Duration::from_millis(10);
/// How often blocks are looked for; the figures are this much too high at most.
const GLANCE: Duration = Duration::from_millis(3);

/// Runs the part.
pub(crate) async fn run(options: &Options, throughput: Option<f64>) -> anyhow::Result<()> {
    let half = throughput.unwrap_or(THROUGHPUT) / 2.0;
    let rate = options.rate.unwrap_or(half as u64);
    let (mut medians, mut tails) = (Vec::new(), Vec::new());
    for number in 1..=options.runs {
        let times = measure(options, rate)
            .await
            .with_context(|| format!("latency, run {number}"))?;
        medians.extend(quantile(&times, 0.5));
        tails.extend(quantile(&times, 0.99));
    }
    let part = "latency";
    let of = |values: &[Duration]| report::median(values).map(milliseconds).unwrap_or_default();
    report::figure(
        part,
        &format!("p50 to receipt at {rate}/s"),
        &of(&medians),
        "under 400 ms",
    )?;
    report::figure(part, &format!("p99 to receipt at {rate}/s"), &of(&tails), "")?;
    report::command(
        part,
        &format!("--rate {rate} --seconds {} --runs {}", options.seconds, options.runs),
    )
}

async fn measure(options: &Options, rate: u64) -> anyhow::Result<Vec<Duration>> {
    let chain = Chain::start(options.edition, options.accounts).await?;
    let each = (rate * options.seconds).div_ceil(options.accounts as u64);
    let signed = token::sign_all(&chain.accounts, 0, each, chain.token);
    let per_tick = (rate as f64 * TICK.as_secs_f64()).round().max(1.0) as usize;
    let count = signed.len();
    let reader = chain.clients.first().context("a node")?.clone();
    let first = reader.height().await? + 1;
    let seen = tokio::spawn(watch(reader, first, count));

    let mut sent = HashMap::with_capacity(count);
    let mut posts = JoinSet::new();
    let begin = Instant::now();
    for (tick, chunk) in signed.chunks(per_tick).enumerate() {
        load::until(begin + TICK * u32::try_from(tick)?).await;
        let now = Instant::now();
        sent.extend(chunk.iter().map(|one| (one.hash, now)));
        // An account's transfers may reach the group in another order than they were sent in; pools hold them until then.
        let node = chain.clients[tick % chain.clients.len()].clone();
        posts.spawn(post(node, batch(chunk)));
        while posts.try_join_next().is_some() {}
    }
    posts.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    let seen = seen.await.context("the watcher of blocks")??;
    let since = |(hash, at): (&B256, &Instant)| Some(at.saturating_duration_since(*sent.get(hash)?));
    Ok(seen.iter().filter_map(since).collect())
}

fn batch(chunk: &[Signed]) -> Value {
    let call =
        |one: &Signed| json!({"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [one.raw]});
    Value::Array(chunk.iter().map(call).collect())
}

async fn post(node: Rpc, batch: Value) -> anyhow::Result<()> {
    node.post(&batch).await
}

/// When each transaction was first seen in a block.
async fn watch(reader: Rpc, first: u64, count: usize) -> anyhow::Result<HashMap<B256, Instant>> {
    let mut seen = HashMap::with_capacity(count);
    let mut height = first;
    let mut last_news = Instant::now();
    while seen.len() < count && last_news.elapsed() < Duration::from_secs(20) {
        let block: Value = reader
            .call("eth_getBlockByNumber", json!([format!("{height:#x}"), false]))
            .await?;
        let Some(hashes) = block["transactions"].as_array() else {
            tokio::time::sleep(GLANCE).await;
            continue;
        };
        let now = Instant::now();
        for hash in hashes {
            seen.insert(serde_json::from_value(hash.clone())?, now);
        }
        (height, last_news) = (height + 1, now);
    }
    Ok(seen)
}
