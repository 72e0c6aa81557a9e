//! Transactions that go on while nodes die, and a memory of what was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use alloy_primitives::B256;
use althing_e2e::{Account, Receipt, Rpc};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// How long one transaction is tried before the next account takes over.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was acknowledged: a receipt was returned.
pub(crate) type Acknowledged = BTreeMap<B256, Receipt>;

/// A running load.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    count: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// One worker for each account; each sends a transaction to one node and asks the next for the receipt.
    pub(crate) fn start(accounts: Vec<Account>, nodes: &[Rpc]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
        let count = Arc::new(AtomicU64::new(0));
        let worker = |(index, account)| {
            let (stop, acknowledged, count) = (Arc::clone(&stop), Arc::clone(&acknowledged), Arc::clone(&count));
            let nodes = nodes.to_vec();
            tokio::spawn(async move {
                for nonce in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let Some(receipt) = include(&account, nonce, &nodes, index, &stop).await else {
                        return;
                    };
                    acknowledged.lock().await.insert(receipt.transaction_hash, receipt);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let workers = accounts.into_iter().enumerate().map(worker).collect();
        Self {
            stop,
            acknowledged,
            count,
            workers,
        }
    }

    /// Transactions acknowledged so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Stops, and gives everything that was acknowledged.
    pub(crate) async fn stop(self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.expect("a worker of the load panicked");
        }
        self.acknowledged.lock().await.clone()
    }
}

/// Sends one transaction to node after node until somebody returns its receipt. A returned hash promises nothing, so the
/// same bytes are sent again until then.
async fn include(account: &Account, nonce: u64, nodes: &[Rpc], first: usize, stop: &AtomicBool) -> Option<Receipt> {
    let (raw, hash) = account.nothing(nonce);
    let started = std::time::Instant::now();
    let mut turn = first + usize::try_from(nonce).unwrap_or(0);
    while started.elapsed() < PATIENCE {
        let (to, from) = (&nodes[turn % nodes.len()], &nodes[(turn + 1) % nodes.len()]);
        turn += 1;
        // Whatever it says: dead, known already, mined already. The receipt decides.
        let _ = to.send_raw(&raw).await;
        let look = || async { from.receipt(hash).await.ok().flatten() };
        if let Ok(receipt) = althing_e2e::until_some("a receipt", Duration::from_secs(1), look).await {
            return Some(receipt);
        }
        if stop.load(Ordering::Relaxed) {
            return None;
        }
    }
    panic!(
        "transaction {hash} of {} was not included within {PATIENCE:?} by anybody",
        account.address()
    );
}

/// Checks on one node that everything acknowledged is where it was said to be.
pub(crate) async fn is_all_there(acknowledged: &Acknowledged, node: &Rpc) {
    for (hash, expected) in acknowledged {
        let found = node.receipt(*hash).await.unwrap();
        assert_eq!(
            found.as_ref(),
            Some(expected),
            "{hash} was acknowledged; {} says otherwise",
            node.url()
        );
    }
}
