//! Certificates, lists and peers change while the network runs.

use std::time::{Duration, Instant};

use althing_network::{Lane, NetworkEvent, PemText, RefusalReason, SendOutcome, SettingsError};
use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::pki::{self, chain, days};
use super::raw::Dial;
use super::running::{config, event, group, settings, start, start_with, until, within};

#[tokio::test]
async fn a_node_id_added_to_the_blacklist_loses_its_live_connections() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let (own, other) = (agency.node("node-0"), agency.node("node-1"));
    let node = start(&own, &root, &[]).await;
    let peer = start(&other, &root, &[&node]).await;
    node.is_connected_to(&other.node_id).await;
    let mut events = node.events();
    let mut wanted = settings(&own, &root, &[]);
    wanted.lists.blacklist.node_ids.insert(other.node_id);
    let began = Instant::now();
    assert_eq!(node.reload(wanted).unwrap().closed, [other.node_id]);
    event(
        &mut events,
        |event| matches!(event, NetworkEvent::PeerDown { node_id } if *node_id == other.node_id),
    )
    .await;
    until("both ends lost both lanes", || {
        node.peers().is_empty() && peer.peers().is_empty()
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let sent = node.send(&other.node_id, Lane::Consensus, group(1), 1, Bytes::new());
    assert_eq!(sent, SendOutcome::NotConnected);
    node.refuses(RefusalReason::Blacklisted).await;
    // Taken off the list again, it is back by its own dialling.
    node.reload(settings(&own, &root, &[])).unwrap();
    node.is_connected_to(&other.node_id).await;
}

#[tokio::test]
async fn certificates_reload_with_the_same_key_while_live_connections_go_on() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let key = pki::key();
    let old = agency.issue("node-0", &key, |params| params.serial_number = pki::serial(&[1]));
    let new = agency.issue("node-0", &key, |params| {
        params.serial_number = pki::serial(&[2]);
        params.not_after = days(60);
    });
    let other = agency.node("node-1");
    let node = start(&old, &root, &[]).await;
    let peer = start(&other, &root, &[&node]).await;
    peer.is_connected_to(&old.node_id).await;
    let (mut here, mut there) = (node.events(), peer.events());
    let reloaded = node.reload(settings(&new, &root, &[])).unwrap();
    assert_eq!(
        (reloaded.identity.serial.to_string().as_str(), reloaded.closed.len()),
        ("02", 0)
    );
    // The live connections carry on; a new handshake is shown the new certificate.
    let mut received = node.register(group(1), 7);
    assert!(
        peer.send(&old.node_id, Lane::Consensus, group(1), 7, Bytes::from_static(b"vote"))
            .is_queued()
    );
    assert_eq!(
        within("frame", received.recv()).await.unwrap().payload.as_ref(),
        b"vote"
    );
    assert!(
        here.try_recv().is_err() && there.try_recv().is_err(),
        "nothing went down or up"
    );
    let stream = Dial::new(&agency.node("node-2"))
        .tls(node.local_address())
        .await
        .unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(
        shown,
        CertificateDer::from_pem_slice(new.certificate.as_bytes()).unwrap()
    );
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let (own, other) = (agency.node("node-0"), agency.node("node-1"));
    let node = start(&own, &root, &[]).await;
    let peer = start(&other, &root, &[&node]).await;
    node.is_connected_to(&other.node_id).await;
    peer.is_connected_to(&own.node_id).await;
    let mut another = settings(&agency.node("node-9"), &root, &[]);
    another.node_id = None;
    let error = node.reload(another).unwrap_err();
    assert!(
        matches!(&error, SettingsError::NodeId { expected, .. } if *expected == own.node_id),
        "{error}"
    );
    let mut broken = settings(&own, &root, &[]);
    broken.roots = vec![PemText::new("ca.crt", "not a certificate")];
    broken.lists.blacklist.node_ids.insert(other.node_id);
    assert!(matches!(node.reload(broken).unwrap_err(), SettingsError::Pem { file, .. } if file == "ca.crt"));
    assert_eq!((node.lanes_to(&other.node_id), peer.lanes_to(&own.node_id)), (2, 2));
}

#[tokio::test]
async fn a_chain_certificate_rolls_over_without_a_gap_and_the_old_one_goes() {
    let (old, new) = (chain("trade"), chain("trade 2"));
    let key = pki::key();
    let own = old.agency("agency-a").issue("node-0", &key, |_| {});
    let renewed = new.agency("agency-a").issue("node-0", &key, |_| {});
    let other = old.agency("agency-b").node("node-1");
    let both = |files| {
        let mut wanted = settings(files, &old, &[]);
        wanted.roots.push(new.root());
        wanted
    };
    let node = start_with(config(), both(&own)).await;
    let mut theirs = both(&other);
    theirs.peers = vec![super::running::at(node.local_address())];
    let peer = start_with(config(), theirs).await;
    node.is_connected_to(&other.node_id).await;
    assert_eq!(node.reload(both(&renewed)).unwrap().closed, []);
    // Without the old chain certificate, who still lives under it is a stranger.
    assert_eq!(
        node.reload(settings(&renewed, &new, &[])).unwrap().closed,
        [other.node_id]
    );
    until("it is gone", || node.peers().is_empty()).await;
    node.refuses(RefusalReason::ForeignChain).await;
    drop(peer);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_live_peers_and_stands_when_the_old_chain_certificate_goes() {
    let (old, new) = (chain("trade"), chain("trade 2"));
    let keys = [pki::key(), pki::key()];
    let under = |root: &pki::Authority| {
        let agency = root.agency("agency-a");
        [0, 1].map(|at| agency.issue(&format!("node-{at}"), &keys[at], |_| {}))
    };
    let (first, renewed) = (under(&old), under(&new));
    let roots = |files: &pki::NodeFiles, roots: &[&pki::Authority]| {
        let mut wanted = settings(files, &old, &[]);
        wanted.roots = roots.iter().map(|root| root.root()).collect();
        wanted
    };
    let node = start_with(config(), roots(&first[0], &[&old])).await;
    let address = super::running::at(node.local_address());
    let theirs = |files: &pki::NodeFiles, trusted: &[&pki::Authority]| {
        let mut wanted = roots(files, trusted);
        wanted.peers = vec![address.clone()];
        wanted
    };
    let peer = start_with(config(), theirs(&first[1], &[&old])).await;
    let their_id = first[1].node_id;
    node.is_connected_to(&their_id).await;
    let mut events = node.events();
    let before = node.peers()[0].clone();
    let step = |files: &pki::NodeFiles, trusted: &[&pki::Authority]| {
        assert_eq!(peer.reload(theirs(files, trusted)).unwrap().closed, []);
    };
    // Both trust both; each hears of the other's trust over the live connection.
    step(&first[1], &[&old, &new]);
    assert_eq!(node.reload(roots(&first[0], &[&old, &new])).unwrap().closed, []);
    until("the peer's trust is heard of", || {
        node.peers()[0].trust_hash == node.trust_hash()
    })
    .await;
    assert_ne!(node.peers()[0].trust_hash, before.trust_hash);
    // Both are issued anew, under the new one.
    step(&renewed[1], &[&old, &new]);
    assert_eq!(node.reload(roots(&renewed[0], &[&old, &new])).unwrap().closed, []);
    let shown = |here: &super::running::Running| here.peers().first().and_then(|peer| peer.issuer);
    until("each has seen the other's new certificate", || {
        shown(&node) == peer.identity().issuer && shown(&peer) == node.identity().issuer
    })
    .await;
    assert_ne!(shown(&node), before.issuer);
    // The old one goes: nobody is a stranger, and no connection was lost on the way.
    step(&renewed[1], &[&new]);
    assert_eq!(node.reload(roots(&renewed[0], &[&new])).unwrap().closed, []);
    assert_eq!((node.lanes_to(&their_id), peer.lanes_to(&first[0].node_id)), (2, 2));
    assert!(events.try_recv().is_err(), "nothing went down or up");
}

#[tokio::test]
async fn certificates_under_a_chain_that_is_not_trusted_yet_change_nothing_until_it_is() {
    let (old, new) = (chain("trade"), chain("trade 2"));
    let key = pki::key();
    let first = old.agency("agency-a").issue("node-0", &key, |_| {});
    let hasty = new.agency("agency-a").issue("node-0", &key, |_| {});
    let other = old.agency("agency-b").node("node-1");
    let node = start(&first, &old, &[]).await;
    let peer = start(&other, &old, &[&node]).await;
    node.is_connected_to(&other.node_id).await;
    let issuer = node.identity().issuer;
    let both = |files: &pki::NodeFiles| {
        let mut wanted = settings(files, &old, &[]);
        wanted.roots.push(new.root());
        wanted
    };
    assert_eq!(node.reload(both(&hasty)).unwrap().closed, []);
    peer.refuses(RefusalReason::ForeignChain).await;
    assert_eq!((peer.lanes_to(&first.node_id), peer.peers()[0].issuer), (2, issuer));
    // Once it trusts the new chain certificate, it is shown them again.
    let mut wanted = both(&other);
    wanted.peers = vec![super::running::at(node.local_address())];
    assert_eq!(peer.reload(wanted).unwrap().closed, []);
    until("the peer has seen the new certificate", || {
        peer.peers().first().and_then(|seen| seen.issuer) == node.identity().issuer
    })
    .await;
    assert_eq!(peer.lanes_to(&first.node_id), 2);
}

#[tokio::test]
async fn a_live_peer_whose_certificate_ran_out_stays_through_a_reload() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let own = agency.node("node-0");
    let short = agency.node_with("node-1", |params| {
        params.not_after = time::OffsetDateTime::now_utc() + time::Duration::seconds(4);
    });
    let node = start(&own, &root, &[]).await;
    let peer = start(&short, &root, &[&node]).await;
    node.is_connected_to(&short.node_id).await;
    let not_after = node.peers()[0].not_after;
    let now = || time::OffsetDateTime::now_utc().unix_timestamp() as u64;
    until("its certificate ran out", || now() > not_after).await;
    assert_eq!(node.reload(settings(&own, &root, &[])).unwrap().closed, []);
    assert_eq!(node.lanes_to(&short.node_id), 2);
    // Nor does it go when the chain certificate was renewed since: that one did not hold when the peer was let in.
    let renewed = root.renewed("trade", |params| params.not_before = time::OffsetDateTime::now_utc());
    let mut wanted = settings(&own, &root, &[]);
    wanted.roots = vec![renewed];
    assert_eq!(node.reload(wanted).unwrap().closed, []);
    // Only a new handshake looks at the date again; and the lists hold for it all the same.
    assert!(within("refusal", Dial::new(&short).is_turned_away(node.local_address())).await);
    node.refuses(RefusalReason::Expired).await;
    let mut wanted = settings(&own, &root, &[]);
    wanted.lists.blacklist.agencies.insert("agency-a".to_owned());
    assert_eq!(node.reload(wanted).unwrap().closed, [short.node_id]);
    drop(peer);
}

#[tokio::test]
async fn peers_added_by_a_reload_are_dialled() {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    let own = agency.node("node-0");
    let node = start(&own, &root, &[]).await;
    let peer = start(&agency.node("node-1"), &root, &[]).await;
    node.reload(settings(&own, &root, &[&peer])).unwrap();
    node.is_connected_to(&peer.node_id()).await;
    // Not listed any more it is not cut off, only not dialled again.
    node.reload(settings(&own, &root, &[])).unwrap();
    assert_eq!(node.lanes_to(&peer.node_id()), 2);
}
