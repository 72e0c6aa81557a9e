//! How fast blocks follow each other, as a client sees it.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Rpc;

/// How often the height is asked for.
const GLANCE: Duration = Duration::from_millis(5);

/// Watches the height at one node.
#[derive(Debug)]
pub struct Pace {
    stop: watch::Sender<bool>,
    task: JoinHandle<Vec<Duration>>,
}

/// The intervals between blocks, ascending.
#[derive(Clone, Debug)]
pub struct Intervals(Vec<Duration>);

impl Pace {
    /// Begins to watch.
    pub fn of(rpc: &Rpc) -> Self {
        let (stop, told) = watch::channel(false);
        let rpc = rpc.clone();
        let task = tokio::spawn(async move {
            let mut intervals = vec![];
            let mut last: Option<(u64, Instant)> = None;
            while !*told.borrow() {
                let height = rpc.height().await.ok();
                if let Some(height) = height.filter(|height| last.is_none_or(|(seen, _)| *height > seen)) {
                    intervals.extend(last.map(|(_, at)| at.elapsed()));
                    last = Some((height, Instant::now()));
                }
                tokio::time::sleep(GLANCE).await;
            }
            intervals
        });
        Self { stop, task }
    }

    /// Ends the watch.
    pub async fn stop(self) -> anyhow::Result<Intervals> {
        self.stop.send_replace(true);
        let mut intervals = self.task.await?;
        intervals.sort_unstable();
        Ok(Intervals(intervals))
    }
}

impl Intervals {
    /// The interval that so many of a hundred do not exceed; none of nothing.
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let at = (self.0.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Intervals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |interval: Duration| interval.as_millis();
        write!(
            f,
            "{} blocks, p50 {} ms, p99 {} ms, longest {} ms",
            self.0.len(),
            ms(self.percentile(50)),
            ms(self.percentile(99)),
            ms(self.longest())
        )
    }
}
