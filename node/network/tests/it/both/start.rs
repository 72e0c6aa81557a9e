//! What keeps a network from starting, in words that name the file, what was found and what to do.

use althing_network::{Network, PeerAddress, PemText, Settings, StartError};
use prometheus_client::registry::Registry;

use super::edition;
use super::pki::{self, Authority, chain, days};
use super::running::{config, settings, start};

fn parties() -> (Authority, Authority) {
    let root = chain("trade");
    let agency = root.agency("agency-a");
    (root, agency)
}

async fn fails(settings: Settings) -> String {
    let error = Network::start(config(), settings, &mut Registry::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Settings(_)));
    error.to_string()
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let (root, agency) = parties();
    let first = start(&agency.node("node-0"), &root, &[]).await;
    let mut taken = config();
    taken.listen = first.local_address();
    let wanted = settings(&agency.node("node-1"), &root, &[]);
    let error = Network::start(taken, wanted, &mut Registry::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&first.local_address().to_string()) && error.contains("choose another port"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_is_free_again_after_shutdown() {
    let (root, agency) = parties();
    let files = agency.node("node-0");
    let first = start(&files, &root, &[]).await;
    let mut same = config();
    same.listen = first.local_address();
    first.shutdown().await;
    assert!(
        Network::start(same, settings(&files, &root, &[]), &mut Registry::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_names_both_files() {
    let (root, agency) = parties();
    let mut wanted = settings(&agency.node("node-0"), &root, &[]);
    wanted.key = PemText::new("conf/node.key", agency.node("node-1").key);
    let error = fails(wanted).await;
    assert!(error.contains("conf/node.key") && error.contains("node.crt"), "{error}");
}

#[tokio::test]
async fn an_unreadable_key_is_named_and_never_shown() {
    let (root, agency) = parties();
    for text in [
        "",
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let mut wanted = settings(&agency.node("node-0"), &root, &[]);
        wanted.key = PemText::new("conf/node.key", text);
        let error = fails(wanted).await;
        assert!(
            error.contains("conf/node.key") && error.contains(edition().curve().as_str()),
            "{error}"
        );
        assert!(!error.contains("AAAA") && !error.contains("nonsense"), "{error}");
    }
}

#[tokio::test]
async fn our_own_certificate_is_checked_as_peers_will_check_it() {
    let (root, agency) = parties();
    let expired = agency.node_with("node-0", |params| {
        params.not_before = days(-3);
        params.not_after = days(-1);
    });
    let error = fails(settings(&expired, &root, &[])).await;
    assert!(error.contains("node.crt") && error.contains("expired"), "{error}");
    let now = time::OffsetDateTime::now_utc().year().to_string();
    assert!(
        error.contains(&format!("now is {now}-")),
        "dates are written for people: {error}"
    );
    let error = fails(settings(&agency.node("node-0"), &chain("elsewhere"), &[])).await;
    assert!(error.contains("node.crt") && error.contains("foreign_chain"), "{error}");
}

#[tokio::test]
async fn a_node_id_file_of_another_node_is_an_error() {
    let (root, agency) = parties();
    let mut wanted = settings(&agency.node("node-0"), &root, &[]);
    let other = agency.node("node-1").node_id;
    wanted.node_id = Some(other);
    let error = fails(wanted).await;
    assert!(
        error.contains("node.crt") && error.contains(&other.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_chain_certificate_has_to_be_one() {
    let (root, agency) = parties();
    let files = agency.node("node-0");
    let mut wanted = settings(&files, &root, &[]);
    wanted.roots = Vec::new();
    assert!(fails(wanted.clone()).await.contains("ca.crt"));
    wanted.roots = vec![PemText::new("ca.crt", files.certificate)];
    let error = fails(wanted.clone()).await;
    assert!(error.contains("ca.crt") && error.contains("CA:TRUE"), "{error}");
    wanted.roots = vec![pki::chain_of(edition().other(), "trade").root()];
    let error = fails(wanted.clone()).await;
    assert!(error.contains("ca.crt") && error.contains("another edition"), "{error}");
    wanted.roots = vec![PemText::new("ca.crt", "")];
    assert!(fails(wanted).await.contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn a_peer_nobody_can_resolve_does_not_keep_a_node_from_starting() {
    let (root, agency) = parties();
    let other = start(&agency.node("node-1"), &root, &[]).await;
    let mut wanted = settings(&agency.node("node-0"), &root, &[&other]);
    wanted
        .peers
        .push("no-such-host.invalid:30300".parse::<PeerAddress>().unwrap());
    let node = super::running::start_with(config(), wanted).await;
    node.is_connected_to(&other.node_id()).await;
}
