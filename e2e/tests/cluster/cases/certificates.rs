//! Certificates: issued, shown with their ends, renewed in time under the same keys, taken up by nodes that go on running.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Object, Operator, Watchdog, footprints};
use althing_operator::pki::{CertificateFacts, inspect};
use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::authority::Authority;
use super::scene::Scene;

/// How soon the operator answers what it sees.
const TOLD: Duration = Duration::from_secs(10);
/// How soon a kubelet brings a changed Secret into a pod, and the node takes it up.
const TAKEN_UP: Duration = Duration::from_secs(120);
/// Three quarters of a leaf's year: one third of its life is left when it is renewed.
const NINE_MONTHS: SignedDuration = SignedDuration::from_hours(274 * 24);
/// More than half of the five years of an agency's certificate.
const THREE_YEARS: SignedDuration = SignedDuration::from_hours(3 * 365 * 24);
/// The ports under TLS.
const RPC: u16 = 8545;
const P2P: u16 = 30300;

/// A text in a Secret.
pub(super) async fn text(case: &Case, secret: &str, file: &str) -> anyhow::Result<String> {
    let found = case.api::<Secret>().get(secret).await?;
    let bytes = found.data.and_then(|mut data| data.remove(file));
    let bytes = bytes.with_context(|| format!("{secret} has no {file}"))?;
    Ok(String::from_utf8(bytes.0)?)
}

/// The first certificate in a Secret.
async fn facts(case: &Case, secret: &str, file: &str) -> anyhow::Result<CertificateFacts> {
    Ok(inspect::first(&text(case, secret, file).await?)?)
}

/// The certificate that a port of a node shows, to whoever trusts the chain.
async fn shown(case: &Case, node: &str, port: u16) -> anyhow::Result<CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    let trust = text(case, &format!("{node}-certificate"), "ca.crt").await?;
    for certificate in CertificateDer::pem_slice_iter(trust.as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let pod = case.api::<Pod>().get(&format!("{node}-0")).await?;
    let address: IpAddr = pod
        .status
        .and_then(|status| status.pod_ip)
        .context("an address")?
        .parse()?;
    let stream = TcpStream::connect(SocketAddr::new(address, port)).await?;
    let name = ServerName::try_from(format!("{node}.{}.svc", case.namespace()))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates();
    let leaf = shown
        .and_then(|shown| shown.first())
        .context("no certificate is shown")?;
    Ok(leaf.clone().into_owned())
}

/// Waits until both ports of a node show what its Secret holds.
async fn takes_up(case: &Case, node: &str) -> anyhow::Result<()> {
    for port in [RPC, P2P] {
        let what = format!("port {port} of {node} to show its newest certificate");
        case.eventually(&what, TAKEN_UP, || async {
            let held = text(case, &format!("{node}-certificate"), "node.crt").await?;
            let mut held = CertificateDer::pem_slice_iter(held.as_bytes());
            let held = held.next().context("a certificate")??;
            ensure!(shown(case, node, port).await? == held, "it shows another one");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The object's status says when its certificate ends.
async fn says_the_end(object: &Object<'_>, facts: &CertificateFacts) -> anyhow::Result<()> {
    let ready = object.is_ready(TOLD).await?;
    let told = ready["status"]["certificateNotAfter"].as_str().context("an end")?;
    let told: Timestamp = told.parse()?;
    ensure!(told == facts.not_after, "it says {told}, and it is {}", facts.not_after);
    let valid = json!({"type": "CertificatesValid", "status": "True"});
    let conditions = ready["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    ensure!(
        conditions.any(|one| one["type"] == valid["type"] && one["status"] == valid["status"]),
        "status {}",
        ready["status"]
    );
    Ok(())
}

pub(crate) async fn a_lost_certificate_is_issued_again_under_the_same_key(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 2).await?;
    let watchdog = Watchdog::start(&scene.ledger).await?;
    let before = footprints(&case).await?;
    let node = Object::node(&case, "node-0");
    let first = facts(&case, "node-0-certificate", "node.crt").await?;
    says_the_end(&node, &first).await?;
    let agency = facts(&case, "agency-a-ca", "tls.crt").await?;
    says_the_end(&Object::agency(&case, "agency-a"), &agency).await?;
    let chain = facts(&case, "trade-chain", "tls.crt").await?;
    says_the_end(&Object::of(&case, "consortiums", "trade"), &chain).await?;
    takes_up(&case, "node-0").await?;

    let secrets = case.api::<Secret>();
    secrets.delete("node-0-certificate", &DeleteParams::default()).await?;
    let second = case
        .eventually("the certificate to be issued again", TOLD, || async {
            facts(&case, "node-0-certificate", "node.crt").await
        })
        .await?;
    ensure!(second.serial != first.serial, "it has the serial of the lost one");
    ensure!(second.public_key == first.public_key, "it is over another key");
    says_the_end(&node, &second).await?;
    takes_up(&case, "node-0").await?;
    ensure!(footprints(&case).await? == before, "a pod or a StatefulSet was touched");
    watchdog.finish(TOLD).await?;
    scene.ends_well().await
}

/// The Secrets with certificates of the agency, and the file in each.
fn leaves(nodes: &[String]) -> BTreeMap<String, &'static str> {
    let nodes = nodes.iter().map(|node| (format!("{node}-certificate"), "node.crt"));
    let others = ["agency-a-sdk", "agency-a-admin"].map(|name| (name.to_owned(), "tls.crt"));
    nodes.chain(others).collect()
}

/// Puts every certificate of the agency into the past, as if nobody had looked after them for a long time: the same keys,
/// names and issuers, other dates. No clock is moved, so that nodes and clients judge by the real one.
async fn age(case: &Case, nodes: &[String]) -> anyhow::Result<BTreeMap<String, CertificateFacts>> {
    let chain = Authority::of(
        &text(case, "trade-chain-key", "key.pem").await?,
        &text(case, "trade-chain", "tls.crt").await?,
    )?;
    let agency = text(case, "agency-a-ca", "tls.crt").await?;
    let agency = Authority::of(
        &text(case, "agency-a-ca-key", "key.pem").await?,
        &chain.aged(&agency, THREE_YEARS)?,
    )?;
    let mut aged = BTreeMap::new();
    let written = agency.certificate.clone() + &chain.certificate;
    put(case, "agency-a-ca", "tls.crt", &written).await?;
    aged.insert("agency-a-ca".to_owned(), inspect::first(&written)?);
    for (secret, file) in leaves(nodes) {
        let leaf = agency.aged(&text(case, &secret, file).await?, NINE_MONTHS)?;
        put(case, &secret, file, &(leaf.clone() + &agency.certificate)).await?;
        aged.insert(secret, inspect::first(&leaf)?);
    }
    Ok(aged)
}

async fn put(case: &Case, secret: &str, file: &str, text: &str) -> anyhow::Result<()> {
    let patch = Patch::Merge(json!({"stringData": {file: text}}));
    let secrets = case.api::<Secret>();
    secrets.patch(secret, &PatchParams::default(), &patch).await.map(drop)?;
    Ok(())
}

pub(crate) async fn certificates_are_renewed_in_time_while_blocks_go_on(case: Case) -> anyhow::Result<()> {
    let scene = Scene::of(&case, 4).await?;
    let nodes = scene.nodes.clone();
    let watchdog = Watchdog::start(&scene.ledger).await?;
    let before = footprints(&case).await?;
    scene.operator.stop().await?;
    let aged = age(&case, &nodes).await?;
    for node in &nodes {
        takes_up(&case, node).await?;
    }

    let scene = Scene {
        operator: Operator::start(&case).await?,
        ..scene
    };
    let year = SignedDuration::from_hours(364 * 24);
    for (secret, old) in &aged {
        let file = leaves(&nodes).get(secret).copied().unwrap_or("tls.crt");
        let what = format!("{secret} to be renewed");
        let new = case.eventually(&what, TOLD * 3, || async {
            let new = facts(&case, secret, file).await?;
            ensure!(new.serial != old.serial, "it is the old one");
            Ok(new)
        });
        let new = new.await?;
        ensure!(new.public_key == old.public_key, "{secret} is over another key");
        ensure!(
            new.dns_names == old.dns_names && new.role == old.role && new.organization == old.organization,
            "{secret} says something else: {new:?}, {old:?}"
        );
        ensure!(
            new.not_after > Timestamp::now().checked_add(year)?,
            "{secret} ends at {}",
            new.not_after
        );
    }
    for node in &nodes {
        takes_up(&case, node).await?;
        let renewed = facts(&case, &format!("{node}-certificate"), "node.crt").await?;
        says_the_end(&Object::node(&case, node), &renewed).await?;
    }
    ensure!(footprints(&case).await? == before, "a pod or a StatefulSet was touched");
    watchdog.finish(TOLD).await?;
    scene.ends_well().await
}
