//! Keeps both lanes to one configured address up: resolves its name on every dial, tries every address, backs off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use althing_types::NodeId;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::api::Lane;
use crate::handshake::{Dialled, dial};
use crate::refusal::{Direction, Refusal, RefusalReason};
use crate::settings::PeerAddress;
use crate::shared::Shared;
use crate::tls::HandshakeFailure;

/// Addresses tried of one name, at most.
const MAX_ADDRESSES: usize = 16;

/// A connection that lived this long ends the back-off; one that is lost sooner goes on with it.
const STABLE: Duration = Duration::from_secs(5);

/// How long an address that is our own is left alone: names may move.
const OURSELVES_PAUSE: Duration = Duration::from_secs(300);

/// The pauses between dials: doubling from `min` to `max`, each at random between half and all of it, so that nodes
/// that lost each other at once do not meet again at once.
#[derive(Debug)]
struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.max);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    const fn reset(&mut self) {
        self.next = self.min;
    }
}

/// What a round of dials came to.
enum Round {
    Known(NodeId),
    Ourselves,
    Failed,
}

/// Dials until `stop`.
pub(crate) async fn run(shared: Arc<Shared>, peer: PeerAddress, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_connected(&shared, &peer) => {}
    }
}

async fn keep_connected(shared: &Arc<Shared>, peer: &PeerAddress) {
    let timing = &shared.config.timing;
    let mut backoff = Backoff::new(timing.redial_min, timing.redial_max);
    let mut known = peer.node_id;
    let mut up_since: Option<Instant> = None;
    // Dials since the last pause: one for each lane, so that a peer that hangs up at once is not dialled in a circle.
    let mut dials = 0;
    let mut changes = shared.table.changes();
    loop {
        changes.mark_unchanged();
        let Some(lane) = missing_lane(shared, known) else {
            up_since.get_or_insert_with(Instant::now);
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let lost = up_since.take();
        if lost.is_some() || dials == Lane::ALL.len() {
            if lost.is_some_and(|since| since.elapsed() >= STABLE) {
                backoff.reset();
            }
            dials = 0;
            // Both ends lose a connection at the same moment; apart in time they seldom dial at the same moment.
            tokio::time::sleep(backoff.pause()).await;
            continue;
        }
        dials += 1;
        match dial_name(shared, peer, lane).await {
            Round::Known(node_id) => known = Some(node_id),
            Round::Ourselves => tokio::time::sleep(OURSELVES_PAUSE).await,
            Round::Failed => {
                // Whoever moved in at this address may be another peer now.
                known = peer.node_id;
                dials = 0;
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    }
}

/// The first lane to this peer that is down; to an unknown one the first of all.
fn missing_lane(shared: &Shared, known: Option<NodeId>) -> Option<Lane> {
    let Some(node_id) = known else {
        return Some(Lane::Consensus);
    };
    Lane::ALL
        .into_iter()
        .find(|lane| shared.table.connection(&node_id, *lane).is_none())
}

async fn dial_name(shared: &Arc<Shared>, peer: &PeerAddress, lane: Lane) -> Round {
    let addresses = match resolve(shared, &peer.address).await {
        Ok(addresses) => addresses,
        Err(error) => {
            tracing::debug!(peer = peer.address, %error, "cannot resolve");
            shared.metrics.dials_failed.inc();
            return Round::Failed;
        }
    };
    for address in addresses {
        match dial(shared, address, peer.node_id, lane).await {
            Ok(Dialled::Connected(node_id)) => {
                shared.metrics.dials_ok.inc();
                return Round::Known(node_id);
            }
            Ok(Dialled::Already(node_id)) => return Round::Known(node_id),
            Err(HandshakeFailure::Refused(refusal)) if is_ourselves(shared, &refusal) => {
                tracing::debug!(peer = peer.address, "this address is our own");
                shared.metrics.dials_self.inc();
                return Round::Ourselves;
            }
            Err(failure) => report(shared, peer, address, failure),
        }
    }
    Round::Failed
}

async fn resolve(shared: &Shared, name: &str) -> std::io::Result<Vec<SocketAddr>> {
    let resolved = tokio::time::timeout(shared.config.timing.handshake, tokio::net::lookup_host(name)).await??;
    Ok(resolved.take(MAX_ADDRESSES).collect())
}

fn is_ourselves(shared: &Shared, refusal: &Refusal) -> bool {
    refusal.reason == RefusalReason::IdentityMismatch && refusal.node_id == Some(shared.own)
}

fn report(shared: &Shared, peer: &PeerAddress, address: SocketAddr, failure: HandshakeFailure) {
    match failure {
        HandshakeFailure::Refused(refusal) => {
            shared.metrics.dials_refused.inc();
            shared.refuse(&refusal, address.ip(), Direction::Outbound);
        }
        HandshakeFailure::RefusedByPeer(refusal) => {
            shared.metrics.dials_refused.inc();
            shared.refused_by_peer(&refusal, address.ip());
        }
        HandshakeFailure::Lost(error) => {
            shared.metrics.dials_failed.inc();
            tracing::debug!(peer = peer.address, %address, error, "dial failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_up_to_a_bound_and_start_again() {
        let [min, max] = [Duration::from_millis(100), Duration::from_millis(500)];
        let mut backoff = Backoff::new(min, max);
        for whole in [100, 200, 400, 500, 500] {
            let whole = Duration::from_millis(whole);
            let pause = backoff.pause();
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= min);
    }
}
