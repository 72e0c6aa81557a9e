//! Two connections per pair of nodes, whoever dials, restarts or pretends.

use std::time::Duration;

use althing_network::{Inbound, Lane, NetworkEvent, PeerAddress, RefusalReason, SendOutcome};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::pki::{Authority, NodeFiles, chain};
use super::raw::Dial;
use super::running::{Running, at, config, event, group, served, settings, start, start_with, until, within};

fn parties() -> (Authority, NodeFiles, NodeFiles) {
    let root = chain("trade");
    let (a, b) = (
        root.agency("agency-a").node("node-0"),
        root.agency("agency-b").node("node-1"),
    );
    (root, a, b)
}

async fn receive(channel: &mut mpsc::Receiver<Inbound>) -> Inbound {
    within("frame", channel.recv()).await.unwrap()
}

#[tokio::test]
async fn two_nodes_connect_both_lanes_and_exchange() {
    let (root, a, b) = parties();
    let first = start(&a, &root, &[]).await;
    first.set_groups(vec![served(1, 1)]);
    let mut events = first.events();
    let second = start(&b, &root, &[&first]).await;
    second.set_groups(vec![served(1, 1)]);
    event(
        &mut events,
        |event| matches!(event, NetworkEvent::PeerUp { node_id, .. } if *node_id == b.node_id),
    )
    .await;
    second.is_connected_to(&a.node_id).await;
    let mut at_first = first.register(group(1), 7);
    for (lane, length) in [(Lane::Consensus, 10), (Lane::Bulk, 3_000_000), (Lane::Bulk, 0)] {
        let payload = Bytes::from(vec![length as u8; length]);
        assert_eq!(
            second.send(&a.node_id, lane, group(1), 7, payload.clone()),
            SendOutcome::Queued
        );
        let inbound = receive(&mut at_first).await;
        assert_eq!(
            (inbound.peer, inbound.lane, inbound.payload),
            (b.node_id, lane, payload)
        );
    }
    let info = first.peers().remove(0);
    assert_eq!((info.agency.as_str(), info.name.as_str()), ("agency-b", "node-1"));
    assert_eq!(
        (info.lanes, info.software.as_str()),
        (Lane::ALL.to_vec(), "althing 0.1.0")
    );
    assert_eq!(
        second.metric("althing_network_frames_total{direction=\"sent\",lane=\"bulk\"}"),
        2
    );
    assert!(first.metric("althing_network_bytes_total{direction=\"received\",lane=\"bulk\"}") > 3_000_000);
}

#[tokio::test]
async fn frames_of_a_lane_arrive_in_order() {
    let (root, a, b) = parties();
    let first = start(&a, &root, &[]).await;
    let second = start(&b, &root, &[&first]).await;
    second.is_connected_to(&a.node_id).await;
    let mut at_first = first.register(group(1), 7);
    for number in 0..5_000_u32 {
        let payload = Bytes::from(number.to_be_bytes().to_vec());
        assert!(second.send(&a.node_id, Lane::Bulk, group(1), 7, payload).is_queued());
    }
    for number in 0..5_000_u32 {
        let inbound = receive(&mut at_first).await;
        assert_eq!(
            (inbound.sequence, inbound.payload.as_ref()),
            (number + 1, &number.to_be_bytes()[..])
        );
    }
}

#[tokio::test]
async fn a_broadcast_goes_to_the_members_of_the_group_alone() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let files: Vec<NodeFiles> = (0..4).map(|number| agency.node(&format!("node-{number}"))).collect();
    let hub = start(&files[0], &root, &[]).await;
    hub.set_groups(vec![served(1, 1), served(2, 2)]);
    let mut peers = Vec::new();
    // One member, one of another group, one of another ledger under the same number.
    for (files, groups) in files[1..]
        .iter()
        .zip([vec![served(1, 1)], vec![served(2, 2)], vec![served(1, 9)]])
    {
        let peer = start(files, &root, &[&hub]).await;
        peer.set_groups(groups);
        peers.push((peer.register(group(1), 5), peer));
    }
    until("membership is known", || {
        hub.peers().len() == 3 && hub.peers().iter().all(|info| !info.groups.is_empty())
    })
    .await;
    until("the member is up", || hub.peers_of(group(1)) == [files[1].node_id]).await;
    assert_eq!(
        hub.broadcast(group(1), Lane::Bulk, 5, &Bytes::from_static(b"block"), |_| true)
            .queued,
        1
    );
    assert_eq!(receive(&mut peers[0].0).await.payload.as_ref(), b"block");
    assert!(hub.metric("althing_network_genesis_differs_total") > 0);
    assert_eq!(
        hub.broadcast(group(3), Lane::Bulk, 5, &Bytes::new(), |_| true).queued,
        0,
        "a group we do not serve"
    );
    // A change is announced to everybody connected.
    let mut events = hub.events();
    peers[1].1.set_groups(vec![served(1, 1), served(2, 2)]);
    event(
        &mut events,
        |event| matches!(event, NetworkEvent::GroupsChanged { groups, .. } if groups.len() == 2),
    )
    .await;
    assert_eq!(hub.peers_of(group(1)).len(), 2);
    for (channel, _) in &mut peers[1..] {
        assert!(channel.try_recv().is_err());
    }
}

#[tokio::test]
async fn simultaneous_dials_end_in_one_pair_of_connections() {
    let (root, a, b) = parties();
    for _ in 0..10 {
        let first = start(&a, &root, &[]).await;
        let second = start(&b, &root, &[]).await;
        // Both learn each other's address at the same moment.
        first.reload(settings(&a, &root, &[&second])).unwrap();
        second.reload(settings(&b, &root, &[&first])).unwrap();
        let mut at_first = first.register(group(1), 7);
        let one_pair = || first.connections() == [1, 1] && second.connections() == [1, 1];
        until("one connection per lane", one_pair).await;
        // What is sent on the remaining pair arrives, once the loser of a tie is gone on both ends.
        let mut number = 0_u32;
        until("a frame arrives on each lane", || {
            number += 1;
            let payload = Bytes::from(number.to_be_bytes().to_vec());
            let sent = Lane::ALL.map(|lane| second.send(&a.node_id, lane, group(1), 7, payload.clone()).is_queued());
            sent == [true, true] && at_first.try_recv().is_ok()
        })
        .await;
        until("still one connection per lane", one_pair).await;
        for node in [&first, &second] {
            assert_eq!(node.refused(RefusalReason::Duplicate), 0, "a tie is nobody's fault");
            assert_eq!(node.metric("althing_network_peers"), 1);
        }
        tokio::join!(first.shutdown(), second.shutdown());
    }
}

#[tokio::test]
async fn a_second_process_under_a_live_identity_is_refused_and_reported() {
    let (root, a, b) = parties();
    let serving = start(&a, &root, &[]).await;
    let original = start(&b, &root, &[&serving]).await;
    serving.is_connected_to(&b.node_id).await;
    let copy = start(&b, &root, &[&serving]).await;
    serving.refuses(RefusalReason::Duplicate).await;
    until("the copy learns why", || !copy.refusals().is_empty()).await;
    let record = &copy.refusals()[0];
    assert_eq!(
        (record.refusal.reason, record.by_peer),
        (RefusalReason::Duplicate, true)
    );
    assert_eq!(
        (original.lanes_to(&a.node_id), copy.lanes_to(&a.node_id)),
        (2, 0),
        "the live one stays"
    );
}

#[tokio::test]
async fn a_peer_that_restarts_on_the_same_identity_reconnects() {
    let (root, a, b) = parties();
    let serving = start(&a, &root, &[]).await;
    for _ in 0..3 {
        let mut events = serving.events();
        let restarted = start(&b, &root, &[&serving]).await;
        event(&mut events, |event| matches!(event, NetworkEvent::PeerUp { .. })).await;
        restarted.shutdown().await;
        event(&mut events, |event| matches!(event, NetworkEvent::PeerDown { .. })).await;
    }
    assert_eq!(serving.refused(RefusalReason::Duplicate), 0);
}

#[tokio::test]
async fn a_node_finds_a_peer_again_that_restarts_behind_the_same_address() {
    let (root, a, b) = parties();
    let mut fixed = config();
    let peer = start_with(fixed.clone(), settings(&b, &root, &[])).await;
    fixed.listen = peer.local_address();
    let dialling = start(&a, &root, &[&peer]).await;
    dialling.is_connected_to(&b.node_id).await;
    peer.shutdown().await;
    until("the loss is seen", || dialling.peers().is_empty()).await;
    let peer = start_with(fixed, settings(&b, &root, &[])).await;
    peer.is_connected_to(&a.node_id).await;
}

#[tokio::test]
async fn a_dead_connection_does_not_lock_a_restarted_peer_out() {
    let (root, a, b) = parties();
    let mut patient = config();
    patient.timing.idle = Duration::from_secs(600);
    patient.timing.probe = Duration::from_millis(200);
    let serving = start_with(patient, settings(&a, &root, &[])).await;
    let dial = Dial::new(&b);
    // The machine of the peer is gone without a word: its connections are open and nobody reads them.
    let dead = [
        dial.greeted(serving.local_address(), b.node_id, Lane::Consensus).await,
        dial.greeted(serving.local_address(), b.node_id, Lane::Bulk).await,
    ];
    serving.is_connected_to(&b.node_id).await;
    let restarted = start(&b, &root, &[&serving]).await;
    restarted.is_connected_to(&a.node_id).await;
    assert_eq!(serving.refused(RefusalReason::Duplicate), 0);
    assert_eq!(serving.connections(), [1, 1]);
    drop(dead);
}

#[tokio::test]
async fn a_silent_peer_is_given_up_after_the_idle_time() {
    let (root, a, b) = parties();
    let mut hasty = config();
    hasty.timing.heartbeat = Duration::from_millis(50);
    hasty.timing.idle = Duration::from_millis(300);
    let serving = start_with(hasty.clone(), settings(&a, &root, &[])).await;
    let silent = Dial::new(&b)
        .greeted(serving.local_address(), b.node_id, Lane::Bulk)
        .await;
    until("it is connected", || serving.connections() == [0, 1]).await;
    until("it is given up", || serving.connections() == [0, 0]).await;
    drop(silent);
    // Two nodes with nothing to say keep each other alive far beyond that time.
    let peer = start_with(hasty, settings(&b, &root, &[&serving])).await;
    peer.is_connected_to(&a.node_id).await;
    let mut events = serving.events();
    let quiet = tokio::time::timeout(Duration::from_secs(1), events.recv()).await;
    assert!(quiet.is_err(), "nothing happens within three idle times: {quiet:?}");
}

#[tokio::test]
async fn a_peer_may_be_a_name_that_answers_only_later() {
    let (root, a, b) = parties();
    let reserved = start(&a, &root, &[]).await;
    let mut fixed = config();
    fixed.listen = reserved.local_address();
    reserved.shutdown().await;
    let name = PeerAddress {
        address: format!("localhost:{}", fixed.listen.port()),
        node_id: Some(a.node_id),
    };
    let mut wanted = settings(&b, &root, &[]);
    wanted.peers = vec![name];
    let dialling = start_with(config(), wanted).await;
    until("a dial failed", || {
        dialling.metric("althing_network_dials_total{result=\"failed\"}") > 0
    })
    .await;
    let _late = start_with(fixed, settings(&a, &root, &[])).await;
    dialling.is_connected_to(&a.node_id).await;
}

#[tokio::test]
async fn a_listed_address_that_is_our_own_is_remembered_quietly() {
    let (root, a, b) = parties();
    let node = start(&a, &root, &[]).await;
    let other = start(&b, &root, &[]).await;
    let mut wanted = settings(&a, &root, &[&other]);
    wanted.peers.push(at(node.local_address()));
    node.reload(wanted).unwrap();
    until("it dialled itself", || {
        node.metric("althing_network_dials_total{result=\"self\"}") == 1
    })
    .await;
    node.is_connected_to(&b.node_id).await;
    for reason in RefusalReason::ALL {
        assert_eq!(node.refused(reason), 0, "{:?}", node.refusals());
    }
    assert!(node.refusals().is_empty());
    assert_eq!(node.peers().len(), 1);
}

#[tokio::test]
async fn the_same_peer_listed_twice_is_connected_once() {
    let (root, a, b) = parties();
    let peer: Running = start(&a, &root, &[]).await;
    let mut wanted = settings(&b, &root, &[&peer]);
    wanted.peers.push(PeerAddress {
        address: format!("localhost:{}", peer.local_address().port()),
        node_id: None,
    });
    let node = start_with(config(), wanted).await;
    until("one connection per lane", || {
        node.connections() == [1, 1] && peer.connections() == [1, 1]
    })
    .await;
    assert_eq!(peer.refused(RefusalReason::Duplicate), 0);
}
