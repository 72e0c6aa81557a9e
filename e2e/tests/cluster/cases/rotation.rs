//! The chain key of a running consortium is replaced while clients go on (issue 5).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use althing_e2e::cluster::Case;
use althing_e2e::operator::{Watchdog, footprints};
use althing_e2e::{Pace, Session};
use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Pod;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificates::text;
use super::consortium::{CONVERGENCE, Running, get, patch};

/// The longest pause of the group, on a machine that is busy.
const PAUSE: Duration = Duration::from_secs(10);
/// The usual pace of blocks is watched for so long.
const USUAL: Duration = Duration::from_secs(5);
const RPC: u16 = 8545;

/// A session of an agency's applications with a node of this or another namespace, under the certificates that there are now.
pub(super) async fn session((client, agency): (&Case, &str), (server, node): (&Case, &str)) -> anyhow::Result<Session> {
    let mut roots = RootCertStore::empty();
    let trust = text(client, &format!("{agency}-sdk"), "ca.crt").await?;
    for certificate in CertificateDer::pem_slice_iter(trust.as_bytes()) {
        roots.add(certificate?)?;
    }
    let chain = text(client, &format!("{agency}-sdk"), "tls.crt").await?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?;
    let key = text(client, &format!("{agency}-sdk-key"), "key.pem").await?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    let pod = server.api::<Pod>().get(&format!("{node}-0")).await?;
    let address = pod.status.and_then(|status| status.pod_ip).context("an address")?;
    let address: IpAddr = address.parse()?;
    let stream = TcpStream::connect(SocketAddr::new(address, RPC)).await?;
    let host = format!("{node}.{}.svc", server.namespace());
    let name = ServerName::try_from(host.clone())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Session::begin(stream, &host, 1).await
}

struct Scene {
    running: Running,
    case: Case,
}

impl Scene {
    async fn keys(&self, keys: &[u32]) -> anyhow::Result<()> {
        let spec = json!({"spec": {"registrar": {"managed": {"keys": keys}}}});
        patch(&self.case, "consortium/trade", &spec).await
    }

    async fn status(&self) -> anyhow::Result<Value> {
        let consortium = get(&self.case, "consortium/trade").await?.context("the consortium")?;
        Ok(consortium["status"].clone())
    }

    /// Waits until the status names another certificate than `before` as the one that signs, and so many that are trusted.
    async fn signs(&self, before: &str, trusted: usize) -> anyhow::Result<String> {
        self.case
            .eventually("the chain certificate to roll over", CONVERGENCE * 2, || async {
                let status = self.status().await?;
                let found = status["trusted"].as_array().map_or(0, Vec::len);
                let signs = status["fingerprint"].as_str().context("a fingerprint")?;
                ensure!(signs != before && found == trusted, "{}", status["conditions"]);
                let waits = status["conditions"].to_string().contains("RolloverWaits");
                ensure!(!waits, "{}", status["conditions"]);
                Ok(signs.to_owned())
            })
            .await
    }

    /// Whether every node is given so many chain certificates.
    async fn nodes_trust(&self, certificates: usize) -> anyhow::Result<()> {
        for node in ["node-0", "node-1", "node-2", "node-3"] {
            let held = text(&self.case, &format!("{node}-certificate"), "ca.crt").await?;
            let found = held.matches("BEGIN CERTIFICATE").count();
            ensure!(found == certificates, "{node} is given {found} chain certificates");
        }
        Ok(())
    }
}

pub(crate) async fn a_chain_key_rolls_over_without_a_lost_session_or_transaction(case: Case) -> anyhow::Result<()> {
    let running = Running::start(&case, 4).await?;
    let scene = Scene {
        running,
        case: case.clone(),
    };
    let before = footprints(&case).await?;
    let mut sessions = vec![];
    for node in ["node-0", "node-1", "node-2", "node-3"] {
        sessions.push(session((&case, "agency-a"), (&case, node)).await?);
    }
    let watchdog = Watchdog::start(&scene.running.ledger).await?;
    let rpc = scene.running.ledger.rpc("node-1").await?;
    let pace = Pace::of(&rpc);
    tokio::time::sleep(USUAL).await;
    let usual = pace.stop().await?;

    let status = scene.status().await?;
    let first = status["fingerprint"].as_str().context("a fingerprint")?.to_owned();
    let pace = Pace::of(&rpc);
    scene.keys(&[1, 2]).await?;
    let second = scene.signs(&first, 2).await?;
    scene.keys(&[2]).await?;
    ensure!(scene.signs(&first, 1).await? == second, "a third certificate signs");
    case.eventually("every node to be given one chain certificate", CONVERGENCE, || {
        scene.nodes_trust(1)
    })
    .await?;
    for session in &mut sessions {
        session.asks().await?;
    }
    // Whoever comes later is let in with what there is now.
    session((&case, "agency-a"), (&case, "node-0")).await?.asks().await?;
    scene.running.is_whole().await?;
    eprintln!("    usual: {usual}; during the rollover: {}", pace.stop().await?);
    ensure!(footprints(&case).await? == before, "a pod or a StatefulSet was touched");
    watchdog.finish(PAUSE).await?;
    scene.running.ends_well().await
}
