//! Where received frames go: one bounded channel per module of a group. A channel that is full loses its own frames and
//! nobody else's.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use althing_types::{GroupId, NodeId};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::api::{Charge, Inbound, Lane};
use crate::frame::Frame;

#[derive(Debug, Clone)]
struct Route {
    sender: mpsc::Sender<Inbound>,
    held: Arc<AtomicUsize>,
}

/// What became of a received frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Delivered,
    /// Its module reads too slowly.
    Full,
    /// Nobody registered for it, or does so no longer.
    Unclaimed,
}

/// The table of channels, read without a lock by every reader.
#[derive(Debug)]
pub(crate) struct Routes {
    table: ArcSwap<HashMap<(u32, u16), Route>>,
    writing: Mutex<()>,
    max_frames: usize,
    max_bytes: usize,
}

impl Routes {
    pub(crate) fn new(max_frames: usize, max_bytes: usize) -> Self {
        let table = ArcSwap::from_pointee(HashMap::new());
        Self {
            table,
            writing: Mutex::new(()),
            max_frames: max_frames.max(1),
            max_bytes,
        }
    }

    /// Opens the channel of a module of a group; an earlier one of the same name ends. Dropping the receiver closes it.
    pub(crate) fn register(&self, group: GroupId, module: u16) -> mpsc::Receiver<Inbound> {
        let (sender, receiver) = mpsc::channel(self.max_frames);
        let writing = self.writing.lock();
        let mut table: HashMap<_, Route> = self.table.load().as_ref().clone();
        table.retain(|_, route| !route.sender.is_closed());
        table.insert(
            (group.get(), module),
            Route {
                sender,
                held: Arc::default(),
            },
        );
        self.table.store(Arc::new(table));
        drop(writing);
        receiver
    }

    pub(crate) fn deliver(&self, peer: NodeId, lane: Lane, frame: Frame) -> Delivery {
        let table = self.table.load();
        let Some(route) = table.get(&(frame.group, frame.module)) else {
            return Delivery::Unclaimed;
        };
        let bytes = frame.wire_bytes();
        let before = route.held.fetch_add(bytes, Ordering::Relaxed);
        let charge = Charge {
            held: Arc::clone(&route.held),
            bytes,
        };
        if before != 0 && before + bytes > self.max_bytes {
            return Delivery::Full;
        }
        let inbound = Inbound {
            peer,
            lane,
            sequence: frame.sequence,
            payload: frame.payload,
            _charge: charge,
        };
        match route.sender.try_send(inbound) {
            Ok(()) => Delivery::Delivered,
            Err(mpsc::error::TrySendError::Full(_)) => Delivery::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Delivery::Unclaimed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: u32) -> GroupId {
        GroupId::try_from(id).unwrap()
    }

    fn deliver(routes: &Routes, group: u32, module: u16, payload: usize) -> Delivery {
        let frame = Frame {
            group,
            module,
            sequence: 1,
            payload: vec![1; payload].into(),
        };
        routes.deliver(NodeId::new([1; 64]), Lane::Bulk, frame)
    }

    #[test]
    fn a_full_channel_loses_its_own_frames_and_nobody_elses() {
        let routes = Routes::new(1, 1_000);
        let mut slow = routes.register(group(1), 1);
        let _other = routes.register(group(2), 1);
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Delivered);
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Full);
        assert_eq!(deliver(&routes, 2, 1, 1), Delivery::Delivered);
        assert!(slow.try_recv().is_ok());
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Delivered);
    }

    #[test]
    fn a_channel_is_bounded_by_bytes_too_and_one_long_frame_always_fits() {
        let routes = Routes::new(100, 1_000);
        let mut receiver = routes.register(group(1), 1);
        assert_eq!(deliver(&routes, 1, 1, 5_000), Delivery::Delivered);
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Full);
        drop(receiver.try_recv().unwrap());
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Delivered);
    }

    #[test]
    fn a_frame_nobody_reads_is_unclaimed() {
        let routes = Routes::new(10, 1_000);
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Unclaimed);
        drop(routes.register(group(1), 1));
        assert_eq!(deliver(&routes, 1, 1, 1), Delivery::Unclaimed);
    }
}
