//! A running node takes over an edited list (issue: Done when 5).

use std::time::{Duration, Instant};

use althing_e2e::{Consortium, Manifests, until};

use crate::room;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_added_to_the_blacklist_of_a_running_node_loses_its_live_connection_within_five_seconds() {
    let _room = room::enter().await;
    let consortium = Consortium::start(&Manifests::uniform(4, 1)).await.unwrap();
    let nodes = consortium.members().unwrap();
    let (strict, unwanted) = (&nodes[0], &nodes[3]);
    assert_eq!(strict.metric("althing_network_peers").await, Some(3.0));

    let file = strict.folder.join("config.ini");
    let text = std::fs::read_to_string(&file).unwrap();
    let id = std::fs::read_to_string(unwanted.folder.join("conf").join("node.nodeid")).unwrap();
    let listed = text.replace(
        "[certificate_blacklist]\n",
        &format!("[certificate_blacklist]\ncrl.0={}\n", id.trim()),
    );
    assert_ne!(listed, text, "{} has the section", file.display());
    let since = Instant::now();
    std::fs::write(&file, listed).unwrap();
    let gone = || async { strict.metric("althing_network_peers").await == Some(2.0) };
    until("the end of the connection", Duration::from_secs(5), gone)
        .await
        .unwrap();
    println!(
        "{} ms from the edit to the closed connection",
        since.elapsed().as_millis()
    );

    let refused = || async {
        let metric = "althing_network_refused_total{reason=\"blacklisted\"}";
        strict.metric(metric).await.is_some_and(|count| count > 0.0)
    };
    until("a counted refusal", Duration::from_secs(30), refused)
        .await
        .unwrap();
    let others = &nodes[1..3];
    for node in others {
        assert_eq!(node.metric("althing_network_peers").await, Some(3.0), "{}", node.name);
    }
    // Four sealers with one link cut still make blocks, whoever leads.
    let rpc = others[0].rpc(1).unwrap();
    let account = consortium.account("lists", &rpc).await.unwrap();
    for nonce in 0..4 {
        let (raw, hash) = account.nothing(nonce);
        rpc.send_raw(&raw).await.unwrap();
        rpc.mined(hash, Duration::from_secs(20)).await.unwrap();
    }
}
