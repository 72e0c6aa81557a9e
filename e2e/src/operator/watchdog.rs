//! Blocks must go on: a client that never stops asking, and remembers every answer.

use std::time::Duration;

use alloy_primitives::B256;
use anyhow::{Context, ensure};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Ledger;

/// How long one transaction is tried before the group is said to stand still, whatever a case allows.
const LONGEST: Duration = Duration::from_secs(120);

/// Watches one group.
#[derive(Debug)]
pub struct Watchdog {
    ledger: Ledger,
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<Watched>>,
}

/// What it saw.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Every transaction whose receipt a client was given.
    pub acknowledged: Vec<B256>,
    /// The longest time between two of them.
    pub longest_pause: Duration,
}

impl Watchdog {
    /// Begins to watch; the group must be able to commit now.
    pub async fn start(ledger: &Ledger) -> anyhow::Result<Self> {
        let account = ledger.account(&format!("watchdog of {:?}", ledger.members())).await?;
        ledger
            .commit(&account, Duration::from_secs(60))
            .await
            .context("before anything happens")?;
        let (stop, told) = watch::channel(false);
        let watched = ledger.clone();
        let task = tokio::spawn(async move {
            let mut seen = Watched::default();
            let mut last = Instant::now();
            while !*told.borrow() {
                let hash = watched.commit(&account, LONGEST).await?;
                seen.acknowledged.push(hash);
                seen.longest_pause = seen.longest_pause.max(last.elapsed());
                last = Instant::now();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            Ok(seen)
        });
        Ok(Self {
            ledger: ledger.clone(),
            stop,
            task,
        })
    }

    /// Ends the watch: blocks went on with no pause longer than `pause`, and every member has everything acknowledged.
    pub async fn finish(self, pause: Duration) -> anyhow::Result<Watched> {
        self.stop.send_replace(true);
        let watched = self.task.await.context("the watchdog")??;
        ensure!(
            watched.longest_pause <= pause,
            "the group stood still for {:?}, {pause:?} are allowed",
            watched.longest_pause
        );
        self.ledger
            .holds(&watched.acknowledged, Duration::from_secs(60))
            .await?;
        Ok(watched)
    }
}
