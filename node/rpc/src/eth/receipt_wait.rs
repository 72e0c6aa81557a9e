//! The receipt of a pending transaction is answered when there is one.
//!
//! Blocks come on demand. A client that hears "no receipt yet" and then begins to watch for *another* block than the
//! newest waits for ever when its transaction was committed in between and nobody sends a second one. So the question
//! itself waits: until the transaction is committed or has left the pool, a bounded time (`docs/adr/0005`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use althing_types::{B256, GroupId};
use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backend::{Cancel, GroupBackend, GroupEvent};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::session::{Call, Session};

/// The method that waits.
pub(crate) const RECEIPT: &str = "eth_getTransactionReceipt";

/// The waits of one listener.
pub(crate) struct ReceiptWaits {
    /// For each group what tells its waits of committed blocks: one reader of the group's events for all of them, so
    /// that a transaction that enters the pool wakes one task and not a thousand.
    commits: Mutex<HashMap<GroupId, watch::Receiver<()>>>,
    places: Arc<Semaphore>,
    longest: Duration,
    metrics: Metrics,
    shutdown: CancellationToken,
}

impl ReceiptWaits {
    /// No waits yet; all of them end when the listener does.
    pub(crate) fn new(limits: &Limits, metrics: Metrics, shutdown: CancellationToken) -> Self {
        Self {
            commits: Mutex::default(),
            places: Arc::new(Semaphore::new(limits.receipt_waits.min(Semaphore::MAX_PERMITS))),
            longest: limits.receipt_wait,
            metrics,
            shutdown,
        }
    }

    /// Returns once none of these transactions is pending any more, at the latest after the bound; at once without a
    /// place for each pending one. Whether there was anything to wait for.
    async fn settle(&self, group: &dyn GroupBackend, mut hashes: Vec<B256>, deadline: Instant) -> bool {
        // What is not in the pool is answered at once: committed, or unknown to this node.
        hashes.retain(|hash| group.pending_transaction(hash).is_some());
        if hashes.is_empty() {
            return false;
        }
        let Some(_places) = self.places(hashes.len()) else {
            self.metrics.receipts_not_waited.inc_by(hashes.len() as u64);
            return false;
        };
        let deadline = deadline.min(Instant::now() + self.longest);
        // Listens before it looks: a block that the look misses is told.
        let mut commits = self.commits(group);
        let mut waited = false;
        loop {
            hashes.retain(|hash| is_pending(group, hash));
            if hashes.is_empty() {
                return waited;
            }
            waited = true;
            tokio::select! {
                () = self.shutdown.cancelled() => return waited,
                () = tokio::time::sleep_until(deadline) => return waited,
                told = commits.changed() => if told.is_err() {
                    return waited;
                },
            }
        }
    }

    fn places(&self, count: usize) -> Option<Places> {
        let permits = u32::try_from(count).ok()?;
        let permit = Arc::clone(&self.places).try_acquire_many_owned(permits).ok()?;
        let (count, gauge) = (i64::from(permits), self.metrics.receipts_waiting.clone());
        gauge.inc_by(count);
        Some(Places {
            _permit: permit,
            count,
            gauge,
        })
    }

    /// Tells of every block that is committed from now on.
    fn commits(&self, group: &dyn GroupBackend) -> watch::Receiver<()> {
        let mut commits = self.commits.lock();
        let known = commits.get(&group.info().group);
        // A group that was stopped and started again has new events.
        if let Some(known) = known.filter(|known| known.has_changed().is_ok()) {
            let mut receiver = known.clone();
            receiver.mark_unchanged();
            return receiver;
        }
        let (sender, receiver) = watch::channel(());
        tokio::spawn(tell_commits(group.events(), sender));
        commits.insert(group.info().group, receiver.clone());
        receiver
    }
}

/// The places that one request takes, counted as long as it does.
struct Places {
    _permit: OwnedSemaphorePermit,
    count: i64,
    gauge: Gauge<i64, AtomicI64>,
}

impl Drop for Places {
    fn drop(&mut self) {
        self.gauge.dec_by(self.count);
    }
}

fn is_pending(group: &dyn GroupBackend, hash: &B256) -> bool {
    matches!(group.receipt(hash), Ok(None)) && group.pending_transaction(hash).is_some()
}

/// Until the group stops, or nobody can listen any more.
async fn tell_commits(mut events: Receiver<GroupEvent>, sender: watch::Sender<()>) {
    loop {
        let event = tokio::select! {
            () = sender.closed() => return,
            event = events.recv() => event,
        };
        match event {
            // Among lost events may be a block.
            Ok(GroupEvent::Committed { .. }) | Err(RecvError::Lagged(_)) => sender.send_modify(|()| {}),
            Ok(GroupEvent::Pending(_)) => {}
            Ok(GroupEvent::Stopped) | Err(RecvError::Closed) => return,
        }
    }
}

/// Waits for the pending transactions whose receipts these parameters ask for, all within one bound. What cannot be read
/// is left to the handler, which says so.
pub(crate) async fn wait<'a>(
    session: &Session,
    parameters: impl Iterator<Item = Option<&'a RawValue>>,
    deadline: Instant,
) {
    let hash = |raw: Option<&RawValue>| {
        let call = Call::new(session, raw.map(RawValue::get), Cancel::default()).ok()?;
        call.arguments.required(0, "transaction hash").ok()
    };
    let hashes: Vec<B256> = parameters.filter_map(hash).collect();
    if hashes.is_empty() {
        return;
    }
    let Ok(group) = session.group() else { return };
    let next = group.head().height + 1;
    let asked = hashes.clone();
    let settled = session.shared.receipt_waits.settle(&*group, hashes, deadline).await;
    let held = hold(session, &*group, &asked, deadline).await;
    if (settled || held) && session.websocket {
        for hash in &asked {
            // What is still pending may be in any block since.
            let found = group.receipt(hash).ok().flatten();
            let first = found.map_or(next, |found| found.mined.location.height);
            session.missed_heads.note(first, Instant::now());
        }
    }
}

/// Returns once no sender of these transactions can still remember the nonce it was told. Whether any could.
async fn hold(session: &Session, group: &dyn GroupBackend, hashes: &[B256], deadline: Instant) -> bool {
    let (told, now, id) = (&session.shared.told_nonces, Instant::now(), group.info().group);
    if told.is_idle(now) {
        return false;
    }
    let until = hashes
        .iter()
        .filter_map(|hash| group.transaction(hash).ok().flatten())
        .filter_map(|mined| told.held_until(id, mined.recovered.sender, now))
        .max();
    let Some(until) = until else { return false };
    tokio::select! {
        () = session.shared.receipt_waits.shutdown.cancelled() => {}
        () = tokio::time::sleep_until(until.min(deadline)) => {}
    }
    true
}

/// A subscription to heads that begins this long after a wait is taken to be begun because of it.
const REMEMBERED: Duration = Duration::from_secs(2);

/// Blocks that such a subscription is told at most of those that came before it.
const TOLD_AT_MOST: u64 = 16;

/// The blocks that came while a connection waited for a receipt. A client that would have heard "not yet" at once would
/// have subscribed to new heads before them; they are told to it as if it had.
#[derive(Debug, Default)]
pub(crate) struct MissedHeads(Mutex<Option<(u64, Instant)>>);

impl MissedHeads {
    /// A wait ended now that began when `next` was the next block.
    fn note(&self, next: u64, now: Instant) {
        let mut noted = self.0.lock();
        let earlier = noted.filter(|(_, at)| now.duration_since(*at) < REMEMBERED);
        *noted = Some((earlier.map_or(next, |(earlier, _)| earlier.min(next)), now));
    }

    /// The height with which a subscription begins now that would otherwise begin with `next`.
    pub(crate) fn first(&self, next: u64, now: Instant) -> u64 {
        match self.0.lock().take() {
            Some((noted, at)) if now.duration_since(at) < REMEMBERED => {
                noted.clamp(next.saturating_sub(TOLD_AT_MOST), next)
            }
            _ => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_heads_are_told_once_not_too_many_and_not_for_long() {
        let (missed, now) = (MissedHeads::default(), Instant::now());
        assert_eq!(missed.first(7, now), 7);
        missed.note(5, now);
        missed.note(6, now);
        assert_eq!(missed.first(7, now), 5);
        assert_eq!(missed.first(7, now), 7, "told already");
        missed.note(5, now);
        assert_eq!(missed.first(100, now), 84);
        missed.note(5, now);
        assert_eq!(missed.first(7, now + REMEMBERED), 7);
    }
}
