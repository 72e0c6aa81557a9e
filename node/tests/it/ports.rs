//! Ports for the nodes of tests that run side by side.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that a system gives to whoever connects (Linux: from 32,768), which could take one before its node does.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

/// How many this process has looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// Ports of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) p2p: u16,
    pub(crate) rpc: u16,
    pub(crate) metrics: u16,
}

impl Ports {
    /// Three that are free and that no other test of this process gets.
    pub(crate) fn free() -> Self {
        Self {
            p2p: free(),
            rpc: free(),
            metrics: free(),
        }
    }
}

fn free() -> u16 {
    // Another run of the tests beside this one starts elsewhere.
    let offset = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    for _ in 0..COUNT {
        let next = LOOKED_AT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % COUNT;
        if TcpListener::bind(("127.0.0.1", FIRST + next)).is_ok() {
            return FIRST + next;
        }
    }
    panic!("none of the {COUNT} ports from {FIRST} on is free");
}
