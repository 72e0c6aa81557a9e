//! Port ranges nobody else has, so that several consortia and a person's own run side by side.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first ports of the first node (DESIGN.md 6): p2p, channel, RPC, metrics.
const FIRST: [u16; 4] = [30_300, 20_200, 8_545, 9_545];
/// Above the metrics ports of a consortium that was started by hand, below where the system takes ports for connections.
const OFFSET_MIN: u16 = 1_100;
const OFFSET_MAX: u16 = 1_900;
/// Nodes a consortium may have.
const WIDTH: u16 = 20;

/// An offset whose ports are all free. Every call in this process gives another one.
pub(crate) fn free_offset() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let slots = (OFFSET_MAX - OFFSET_MIN) / WIDTH;
    let spread = u16::try_from(std::process::id() % u32::from(slots)).unwrap_or(0);
    for _ in 0..slots {
        let slot = (spread + NEXT.fetch_add(1, Ordering::Relaxed)) % slots;
        let offset = OFFSET_MIN + slot * WIDTH;
        let ports = FIRST
            .iter()
            .flat_map(|first| (0..WIDTH).map(move |step| first + offset + step));
        if ports
            .into_iter()
            .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        {
            return Ok(offset);
        }
    }
    anyhow::bail!("no free range of ports between offsets {OFFSET_MIN} and {OFFSET_MAX}")
}
