//! The load on a peer, and what it comes to.
//!
//! Peers seal at fixed times and may drop blocks for a heavier chain. So the clock runs from the arrival of one block to
//! that of another, and transfers are counted afterwards, in the blocks between these two that all nodes ended up with.

use std::time::{Duration, Instant};

use althing_e2e::{Rpc, until_some};
use anyhow::{Context, ensure};
use serde_json::json;

use crate::load::{self, Counter, Senders, WARM_UP, bodies};
use crate::peers::Peer;
use crate::report::{self, Figures};
use crate::{Options, chain, token};

/// Longest wait for a block, and for all nodes to have the same one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads the peer, which has just been started, and measures; prints what this one run gave under its title.
pub(super) async fn run(options: &Options, peer: &Peer, title: &str) -> anyhow::Result<Figures> {
    let clients = &peer.clients;
    let reader = clients.first().context("a node")?;
    let (token, accounts) = chain::prepare(reader, althing_e2e::Edition::Standard, options.accounts).await?;
    let signed = token::sign_all(&accounts, 0, options.signed_by_each(), token);
    let queues = bodies(&signed, options.accounts, clients.len(), options.batch);
    drop(signed);
    let counter = Counter::start(reader.clone()).await?;
    let senders = Senders::start(queues, clients, &counter)?;
    load::until(Instant::now() + WARM_UP).await;

    let begin = Moment::of_the_next_block(peer, reader).await?;
    load::until(begin.at + options.duration()).await;
    let end = Moment::of_the_next_block(peer, reader).await?;
    ensure!(
        !senders.is_done(),
        "everything was sent before the time was over: raise --offered"
    );
    let refused = senders.stop().await?;
    counter.stop().await?;
    all_have_the_same(clients, end.height).await?;
    let figures = difference(&begin, &end, included(reader, &begin, &end).await?)?;
    let (blocks, seconds) = (
        end.height.saturating_sub(begin.height),
        (end.at - begin.at).as_secs_f64(),
    );
    report::line(&format!(
        "{:<11} {title}: {:.0} transfers/s, {blocks} blocks in {seconds:.1} s, {refused} refused by pools",
        super::PART,
        figures.per_second
    ))?;
    Ok(figures)
}

/// Clock, height and processor time when a block arrived.
struct Moment {
    at: Instant,
    height: u64,
    cpu: Duration,
}

impl Moment {
    async fn of_the_next_block(peer: &Peer, reader: &Rpc) -> anyhow::Result<Self> {
        let old = reader.height().await?;
        let what = format!("a block above {old} at {}", reader.url());
        let higher = || async { reader.height().await.ok().filter(|height| *height > old) };
        let height = until_some(&what, PATIENCE, higher).await?;
        let mut cpu = Duration::ZERO;
        for process in &peer.processes {
            cpu += process.cpu()?;
        }
        let at = Instant::now();
        Ok(Self { at, height, cpu })
    }
}

/// Waits until all nodes have the block of the first one at this height.
async fn all_have_the_same(clients: &[Rpc], height: u64) -> anyhow::Result<()> {
    let what = format!("the same block {height} at all nodes");
    let same = || async {
        let mut hashes = Vec::new();
        for client in clients {
            hashes.push(client.block_hash(height).await.ok().flatten()?);
        }
        hashes.windows(2).all(|pair| pair[0] == pair[1]).then_some(())
    };
    until_some(&what, PATIENCE, same).await
}

/// Transactions in the blocks after `begin` up to `end`, as the chain is now.
async fn included(reader: &Rpc, begin: &Moment, end: &Moment) -> anyhow::Result<u64> {
    let mut sum = 0;
    for height in begin.height + 1..=end.height {
        let params = json!([format!("{height:#x}")]);
        sum += reader.quantity("eth_getBlockTransactionCountByNumber", params).await?;
    }
    Ok(sum)
}

fn difference(begin: &Moment, end: &Moment, included: u64) -> anyhow::Result<Figures> {
    ensure!(
        included > 0,
        "no transfer was included from block {} to {}",
        begin.height,
        end.height
    );
    let included = included as f64;
    Ok(Figures {
        per_second: included / (end.at - begin.at).as_secs_f64(),
        node_micros: (end.cpu - begin.cpu).as_secs_f64() * 1e6 / included,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_divided_among_what_was_included() {
        let begin = Moment {
            at: Instant::now(),
            height: 10,
            cpu: Duration::from_secs(3),
        };
        let end = Moment {
            at: begin.at + Duration::from_secs(4),
            height: 14,
            cpu: Duration::from_secs(5),
        };
        let figures = difference(&begin, &end, 1000).unwrap();
        assert_eq!((figures.per_second, figures.node_micros), (250.0, 2000.0));
        assert!(difference(&begin, &end, 0).is_err());
    }
}
