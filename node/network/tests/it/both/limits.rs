//! What is malformed, too long, too much or too slow costs its sender and nobody else.

use std::time::{Duration, Instant};

use althing_network::{Lane, RefusalReason, SendOutcome};
use bytes::Bytes;

use super::pki::{Authority, NodeFiles, chain};
use super::raw::{Dial, Raw, frame, hello};
use super::running::{Running, config, group, settings, start, start_with, until, within};

fn parties() -> (Authority, NodeFiles, NodeFiles) {
    let root = chain("trade");
    let (a, b) = (
        root.agency("agency-a").node("node-0"),
        root.agency("agency-b").node("node-1"),
    );
    (root, a, b)
}

async fn strict(a: &NodeFiles, root: &Authority) -> Running {
    let mut config = config();
    config.limits.payload_bytes = 1_000;
    config.limits.module_payload_bytes.insert(8, 100);
    config.timing.penalty = Duration::from_secs(60);
    start_with(config, settings(a, root, &[])).await
}

#[tokio::test]
async fn a_malformed_or_over_long_frame_costs_its_sender() {
    let mut over_long = frame(1, 7, &[]);
    over_long[..4].copy_from_slice(&(1_001_u32 + 11).to_be_bytes());
    let mut huge = frame(1, 7, &[]);
    huge[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut other_version = frame(1, 7, b"x");
    other_version[4] = 9;
    let cases = [
        over_long,
        huge,
        other_version,
        frame(1, 8, &[0; 101]),
        vec![0, 0, 0, 1, 1],
        frame(0, 99, b"no such control frame"),
        frame(0, 5, b"not groups"),
        frame(0, 1, b"a second hello"),
    ];
    for bytes in cases {
        let (root, a, b) = parties();
        let serving = strict(&a, &root).await;
        let dial = Dial::new(&b);
        let mut raw = dial.greeted(serving.local_address(), b.node_id, Lane::Consensus).await;
        raw.write(&bytes).await;
        within("the connection is closed", raw.is_closed()).await;
        serving.refuses(RefusalReason::Malformed).await;
        until("it is gone", || serving.peers().is_empty()).await;
        // It counts against the peer: for a while it is not let in again.
        let mut again = Raw(dial.tls(serving.local_address()).await.unwrap());
        again.write(&frame(0, 1, &hello(b.node_id, Lane::Bulk))).await;
        let (_, module, _) = within("answer", again.read_frame()).await.unwrap();
        assert_eq!(module, 2, "the answer is a refusal");
        until("it is counted", || serving.refused(RefusalReason::Limit) == 1).await;
    }
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_is_refused() {
    let (root, a, b) = parties();
    let serving = strict(&a, &root).await;
    let mut raw = Raw(Dial::new(&b).tls(serving.local_address()).await.unwrap());
    raw.write(&frame(1, 7, b"")).await;
    within("the connection is closed", raw.is_closed()).await;
    serving.refuses(RefusalReason::Malformed).await;
}

#[tokio::test]
async fn our_own_over_long_frame_is_not_sent() {
    let (root, a, b) = parties();
    let node = strict(&a, &root).await;
    let peer = start(&b, &root, &[&node]).await;
    node.is_connected_to(&b.node_id).await;
    let long = Bytes::from(vec![0; 101]);
    assert_eq!(
        node.send(&b.node_id, Lane::Bulk, group(1), 8, long.clone()),
        SendOutcome::TooLong
    );
    assert_eq!(
        node.send(&b.node_id, Lane::Bulk, group(1), 7, long),
        SendOutcome::Queued
    );
    drop(peer);
}

#[tokio::test]
async fn a_slow_reader_of_one_group_does_not_block_another() {
    let (root, a, b) = parties();
    let mut config = config();
    config.limits.inbound_frames = 10;
    let node = start_with(config, settings(&a, &root, &[])).await;
    let peer = start(&b, &root, &[&node]).await;
    peer.is_connected_to(&a.node_id).await;
    let stuck = node.register(group(1), 7);
    let mut lively = node.register(group(2), 7);
    for number in 0..200_u32 {
        let payload = Bytes::from(vec![1; 10_000]);
        assert!(peer.send(&a.node_id, Lane::Bulk, group(1), 7, payload).is_queued());
        let payload = Bytes::from(number.to_be_bytes().to_vec());
        assert!(peer.send(&a.node_id, Lane::Bulk, group(2), 7, payload).is_queued());
        let inbound = within("the other group goes on", lively.recv()).await.unwrap();
        assert_eq!(inbound.payload.as_ref(), number.to_be_bytes());
    }
    assert_eq!(stuck.len(), 10);
    assert_eq!(node.metric("althing_network_inbound_drops_total{cause=\"full\"}"), 190);
}

#[tokio::test]
async fn a_peer_that_does_not_read_costs_no_caller_any_time_and_is_given_up() {
    let (root, a, b) = parties();
    let mut config = config();
    config.limits.queue_bytes = 1 << 20;
    config.timing.idle = Duration::from_secs(2);
    let node = start_with(config, settings(&a, &root, &[])).await;
    let dial = Dial::new(&b);
    let deaf = dial.greeted(node.local_address(), b.node_id, Lane::Bulk).await;
    until("it is connected", || node.connections() == [0, 1]).await;
    let payload = Bytes::from(vec![0; 100_000]);
    let began = Instant::now();
    let mut full = 0;
    // Far more than all buffers between the two hold.
    for _ in 0..1_000 {
        full += usize::from(node.send(&b.node_id, Lane::Bulk, group(1), 7, payload.clone()) == SendOutcome::Full);
    }
    assert!(full > 0);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "a caller never waits: {:?}",
        began.elapsed()
    );
    assert_eq!(
        node.metric("althing_network_queue_drops_total{lane=\"bulk\"}"),
        full as i64
    );
    until("it is given up", || node.connections() == [0, 0]).await;
    drop(deaf);
}

#[tokio::test]
async fn a_peer_over_its_rate_is_read_more_slowly_and_loses_nothing() {
    let (root, a, b) = parties();
    let mut slow = config();
    slow.limits.frames_per_second = 1_000;
    let node = start_with(slow, settings(&a, &root, &[])).await;
    let peer = start(&b, &root, &[&node]).await;
    peer.is_connected_to(&a.node_id).await;
    let mut received = node.register(group(1), 7);
    let began = Instant::now();
    for _ in 0..3_000 {
        assert!(
            peer.send(&a.node_id, Lane::Bulk, group(1), 7, Bytes::from_static(b"x"))
                .is_queued()
        );
    }
    for _ in 0..3_000 {
        within("frame", received.recv()).await.unwrap();
    }
    // The last thousand went over the two seconds' worth that a peer may send at once.
    until("it was paused", || node.metric("althing_network_throttled_total") > 0).await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(peer.lanes_to(&a.node_id), 2);
}

#[tokio::test]
async fn no_more_peers_than_configured_are_let_in() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let mut small = config();
    small.limits.peers = 1;
    let hub = start_with(small, settings(&agency.node("node-0"), &root, &[])).await;
    let first = start(&agency.node("node-1"), &root, &[&hub]).await;
    first.is_connected_to(&hub.node_id()).await;
    let second = start(&agency.node("node-2"), &root, &[&hub]).await;
    hub.refuses(RefusalReason::Limit).await;
    assert_eq!((hub.peers().len(), second.peers().len()), (1, 0));
}

#[tokio::test]
async fn no_more_handshakes_at_once_than_configured_are_let_in() {
    let (root, a, b) = parties();
    let mut small = config();
    small.limits.handshakes_per_address = 2;
    let node = start_with(small, settings(&a, &root, &[])).await;
    let open = || tokio::net::TcpStream::connect(node.local_address());
    // Two that never say a word take both places; the third is turned away at once.
    let (first, second, third) = (open().await.unwrap(), open().await.unwrap(), open().await.unwrap());
    node.refuses(RefusalReason::Limit).await;
    drop((first, second, third));
    let peer = start(&b, &root, &[&node]).await;
    peer.is_connected_to(&a.node_id).await;
}
