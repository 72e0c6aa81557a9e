//! Accepts peers, so many at once and no more, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use crate::handshake;
use crate::refusal::{Direction, Refusal, RefusalReason};
use crate::shared::Shared;

/// The pause after the system refuses us a connection (no file handles left, for one), so that it can recover.
const PAUSE: Duration = Duration::from_millis(100);

/// Handshakes that run, by address.
#[derive(Debug, Default)]
struct Running {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One running handshake; dropping it makes room for another.
struct Slot {
    running: Arc<Running>,
    address: IpAddr,
}

impl Running {
    fn enter(self: &Arc<Self>, address: IpAddr, max: usize, max_per_address: usize) -> Option<Slot> {
        let mut by_address = self.by_address.lock();
        let all: usize = by_address.values().sum();
        let same = by_address.get(&address).copied().unwrap_or(0);
        if all >= max || same >= max_per_address {
            return None;
        }
        by_address.insert(address, same + 1);
        Some(Slot {
            running: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_address = self.running.by_address.lock();
        match by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(by_address.remove(&self.address)),
        }
    }
}

/// Accepts until the network stops.
pub(crate) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let running = Arc::new(Running::default());
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, address)) => enter(&shared, &running, tcp, address),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn enter(shared: &Arc<Shared>, running: &Arc<Running>, tcp: TcpStream, address: SocketAddr) {
    let limits = &shared.config.limits;
    let Some(slot) = running.enter(address.ip(), limits.handshakes, limits.handshakes_per_address) else {
        let detail = format!(
            "more than {} handshakes at once, or {} from here",
            limits.handshakes, limits.handshakes_per_address
        );
        shared.refuse(
            &Refusal::new(RefusalReason::Limit, detail),
            address.ip(),
            Direction::Inbound,
        );
        return;
    };
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%address, %error, "inbound connection lost");
        return;
    }
    let task = Arc::clone(shared);
    shared.spawn(async move {
        let stop = task.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = handshake::accept(task, tcp, address) => {}
        }
        drop(slot);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_bounded_in_all_and_by_address() {
        let running = Arc::new(Running::default());
        let [first, second] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let held = running.enter(first, 2, 1).unwrap();
        assert!(running.enter(first, 2, 1).is_none());
        let other = running.enter(second, 2, 1).unwrap();
        assert!(running.enter(IpAddr::from([10, 0, 0, 3]), 2, 1).is_none());
        drop(held);
        let again = running.enter(first, 2, 1);
        assert!(again.is_some());
        drop((other, again));
        assert!(running.by_address.lock().is_empty());
    }
}
