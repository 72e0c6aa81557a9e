//! The load client: bodies that are ready before the clock starts, one connection to each node that stays open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use althing_e2e::Rpc;
use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::token::Signed;

/// Transactions that may be sent and not included yet; a pool holds far more.
const UNDER_WAY_MAX: u64 = 12_000;
/// Load before a clock starts.
pub(crate) const WARM_UP: Duration = Duration::from_secs(5);
/// How often blocks are looked for.
const GLANCE: Duration = Duration::from_millis(20);
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A batch as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    transactions: u64,
}

/// Cuts transactions, in sending order, into a queue of batches for each node. An account's transactions all go to one
/// node, so that they arrive in the order of their nonces.
pub(crate) fn bodies(signed: &[Signed], accounts: usize, nodes: usize, batch: usize) -> Vec<Vec<Body>> {
    let of_node = |node: usize| -> Vec<&Signed> {
        signed
            .iter()
            .enumerate()
            .filter(|(index, _)| (index % accounts) % nodes == node)
            .map(|(_, one)| one)
            .collect()
    };
    (0..nodes)
        .map(|node| of_node(node).chunks(batch).map(body).collect())
        .collect()
}

fn body(batch: &[&Signed]) -> Body {
    let calls = batch.iter().enumerate().map(
        |(id, signed)| json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [signed.raw]}),
    );
    let bytes = Value::Array(calls.collect()).to_string().into_bytes();
    Body {
        bytes,
        transactions: batch.len() as u64,
    }
}

/// Counts the transactions in a chain's blocks as they come.
#[derive(Debug)]
pub(crate) struct Counter {
    included: Arc<AtomicU64>,
    blocks: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Counter {
    /// Starts after the newest block.
    pub(crate) async fn start(rpc: Rpc) -> anyhow::Result<Self> {
        let mut counted = rpc.height().await?;
        let (included, blocks, stop) = (
            Arc::<AtomicU64>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (sum, count, end) = (Arc::clone(&included), Arc::clone(&blocks), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !end.load(Ordering::Relaxed) {
                for height in counted + 1..=rpc.height().await? {
                    let params = json!([format!("{height:#x}")]);
                    sum.fetch_add(
                        rpc.quantity("eth_getBlockTransactionCountByNumber", params).await?,
                        Ordering::Relaxed,
                    );
                    count.fetch_add(1, Ordering::Relaxed);
                    counted = height;
                }
                tokio::time::sleep(GLANCE).await;
            }
            Ok(())
        });
        Ok(Self {
            included,
            blocks,
            stop,
            task,
        })
    }

    /// Transactions included so far.
    pub(crate) fn included(&self) -> u64 {
        self.included.load(Ordering::Relaxed)
    }

    /// Blocks so far.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Ends it; an error when blocks could not be read.
    pub(crate) async fn stop(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let included = Arc::clone(&self.included);
        self.task.await.context("the counter")??;
        Ok(included.load(Ordering::Relaxed))
    }
}

/// Senders at work, one for each node.
#[derive(Debug)]
pub(crate) struct Senders {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Senders {
    /// Sends each queue to its node, as fast as blocks take them.
    pub(crate) fn start(queues: Vec<Vec<Body>>, nodes: &[Rpc], counter: &Counter) -> anyhow::Result<Self> {
        let (stop, refused, sent) = (
            Arc::<AtomicBool>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<AtomicU64>::default(),
        );
        let mut tasks = Vec::new();
        for (queue, node) in queues.into_iter().zip(nodes) {
            let sender = Sender {
                url: node.url().to_owned(),
                http: reqwest::Client::builder()
                    .no_proxy()
                    .timeout(PATIENCE)
                    .pool_max_idle_per_host(1)
                    .build()?,
                stop: Arc::clone(&stop),
                refused: Arc::clone(&refused),
                sent: Arc::clone(&sent),
                included: Arc::clone(&counter.included),
            };
            tasks.push(tokio::spawn(sender.run(queue)));
        }
        Ok(Self { stop, refused, tasks })
    }

    /// Whether everything has been sent.
    pub(crate) fn is_done(&self) -> bool {
        self.tasks.iter().all(JoinHandle::is_finished)
    }

    /// Ends them; gives how many transactions were refused.
    pub(crate) async fn stop(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.context("a sender")??;
        }
        Ok(self.refused.load(Ordering::Relaxed))
    }
}

struct Sender {
    url: String,
    http: reqwest::Client,
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    included: Arc<AtomicU64>,
}

impl Sender {
    async fn run(self, queue: Vec<Body>) -> anyhow::Result<()> {
        for body in queue {
            while self.under_way() > UNDER_WAY_MAX {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                tokio::time::sleep(GLANCE / 4).await;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.sent.fetch_add(body.transactions, Ordering::Relaxed);
            let answer = self.post(body.bytes).await?;
            // Reading the answer fully would cost the client as much as the node: an error is told by its word.
            let errors = answer.windows(ERROR.len()).filter(|window| *window == ERROR).count() as u64;
            if errors > 0 && self.refused.fetch_add(errors, Ordering::Relaxed) == 0 {
                let text = String::from_utf8_lossy(&answer);
                crate::report::line(&format!(
                    "first refusal: {}",
                    text.chars().take(300).collect::<String>()
                ))?;
            }
        }
        Ok(())
    }

    fn under_way(&self) -> u64 {
        self.sent
            .load(Ordering::Relaxed)
            .saturating_sub(self.included.load(Ordering::Relaxed))
    }

    async fn post(&self, bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(bytes);
        let answer = request
            .send()
            .await
            .with_context(|| format!("a batch to {}", self.url))?;
        Ok(answer.bytes().await?.to_vec())
    }
}

const ERROR: &[u8] = b"\"error\"";

/// Waits until a moment.
pub(crate) async fn until(moment: Instant) {
    tokio::time::sleep_until(moment.into()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(count: u64) -> Vec<Signed> {
        (0..count)
            .map(|n| Signed {
                raw: format!("{n}"),
                hash: Default::default(),
            })
            .collect()
    }

    #[test]
    fn an_account_goes_to_one_node_in_the_order_of_its_nonces() {
        // Three accounts, two nodes: accounts 0 and 2 go to node 0, account 1 to node 1.
        let queues = bodies(&signed(6), 3, 2, 2);
        let raws = |queue: &[Body]| -> Vec<String> {
            let of = |body: &Body| -> Vec<String> {
                let calls: Vec<Value> = serde_json::from_slice(&body.bytes).unwrap();
                calls
                    .iter()
                    .map(|call| call["params"][0].as_str().unwrap().to_owned())
                    .collect()
            };
            queue.iter().flat_map(of).collect()
        };
        assert_eq!(raws(&queues[0]), ["0", "2", "3", "5"]);
        assert_eq!(raws(&queues[1]), ["1", "4"]);
    }
}
