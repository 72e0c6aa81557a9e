//! Nodes that answer: what a real one says to `althing_status`, over TLS with its own certificate, at the address of its pod.
//!
//! The operator asks every node every few seconds. Without answers it would have less to do than in life.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Api, Client};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::shape::{Shape, resource};

/// The RPC port of every node in a cluster.
const PORT: u16 = 8545;
/// Bytes of a question.
const QUESTION_BYTES_MAX: usize = 64 * 1024;

/// What one node needs to answer.
#[derive(Debug, Default)]
struct Node {
    files: BTreeMap<String, Vec<u8>>,
    address: Option<IpAddr>,
    groups: serde_json::Map<String, Value>,
}

/// Lets every node of these namespaces answer, until the value is dropped.
pub(super) async fn answer(client: &Client, shape: &Shape) -> anyhow::Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    for namespace in shape.namespaces() {
        let found = nodes(client, &namespace)
            .await
            .with_context(|| format!("the nodes of {namespace}"))?;
        for (name, node) in found {
            let what = || format!("Node {namespace}/{name}");
            let address = node.address.with_context(|| format!("{}: no address", what()))?;
            let acceptor = TlsAcceptor::from(Arc::new(tls(&node.files).with_context(what)?));
            let said = json!({"jsonrpc": "2.0", "id": 1, "result": {"version": "0.1.0", "groups": node.groups}});
            let listener = TcpListener::bind(SocketAddr::new(address, PORT))
                .await
                .with_context(what)?;
            tasks.spawn(listen(listener, acceptor, said.to_string().into()));
        }
    }
    Ok(tasks)
}

/// The nodes of a namespace by name, from what the operator made for them.
async fn nodes(client: &Client, namespace: &str) -> anyhow::Result<BTreeMap<String, Node>> {
    let own = ListParams::default().labels("althing.dev/kind=Node").match_any();
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    for secret in secrets.list(&own).await? {
        let files = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(file, bytes)| (file, bytes.0));
        nodes
            .entry(owner(secret.metadata.labels)?)
            .or_default()
            .files
            .extend(files);
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in pods.list(&own).await? {
        let address = pod.status.and_then(|status| status.pod_ip);
        nodes.entry(owner(pod.metadata.labels)?).or_default().address = address.and_then(|text| text.parse().ok());
    }
    let chains = chains(client, namespace).await?;
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for config in configs.list(&own).await? {
        let node = nodes.entry(owner(config.metadata.labels)?).or_default();
        for (file, text) in config.data.iter().flatten() {
            let number = file.strip_prefix("group.").and_then(|rest| rest.strip_suffix(".ini"));
            if let Some((number, chain)) = number.and_then(|number| Some((number, chains.get(number)?))) {
                let mut said = chain.clone();
                said["settingsDigest"] = json!(alloy_primitives::keccak256(text));
                node.groups.insert(number.to_owned(), said);
            }
        }
    }
    Ok(nodes)
}

fn owner(labels: Option<BTreeMap<String, String>>) -> anyhow::Result<String> {
    labels
        .and_then(|mut labels| labels.remove("althing.dev/owner"))
        .context("a child without an owner's label")
}

/// What a sealer says of each group whose sealers all live, by number.
async fn chains(client: &Client, namespace: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let groups: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &resource("Group", "ledgergroups"));
    let said = |group: DynamicObject| {
        let status = &group.data["status"];
        let chain = json!({
            "genesisHash": status["genesisHash"], "height": 7, "view": 1, "leader": status["sealers"][0],
            "sealers": status["sealers"], "live": status["sealers"], "role": "sealer", "inSync": true,
        });
        (group.data["spec"]["groupId"].to_string(), chain)
    };
    Ok(groups
        .list(&ListParams::default())
        .await?
        .into_iter()
        .map(said)
        .collect())
}

/// Like the RPC port of a node: its own certificate, and clients' certificates verified when they show one.
fn tls(files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<ServerConfig> {
    let file = |name: &str| files.get(name).with_context(|| format!("no file {name}"));
    let certificates = |pem: &[u8]| {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        read.map_err(|error| anyhow!("{error}"))
    };
    let mut roots = RootCertStore::empty();
    for root in certificates(file("ca.crt")?)? {
        roots.add(root)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = PrivateKeyDer::from_pem_slice(file("key.pem")?).map_err(|error| anyhow!("{error}"))?;
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients.allow_unauthenticated().build()?)
        .with_single_cert(certificates(file("node.crt")?)?, key)?)
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, said: Arc<str>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Whoever breaks off is not answered.
        let _ = exchange(stream, &acceptor, &said).await;
    }
}

/// One question, whatever it is, and one answer.
async fn exchange(stream: TcpStream, acceptor: &TlsAcceptor, said: &str) -> anyhow::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut question = vec![];
    while !is_whole(&question) && question.len() < QUESTION_BYTES_MAX {
        if stream.read_buf(&mut question).await? == 0 {
            return Ok(());
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
    let answer = format!("{head} {}\r\n\r\n{said}", said.len());
    stream.write_all(answer.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// Whether the body is as long as the head says.
fn is_whole(question: &[u8]) -> bool {
    let text = String::from_utf8_lossy(question);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_whole_when_its_body_is() {
        assert!(!is_whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n"));
        assert!(!is_whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{"));
        assert!(is_whole(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"));
    }
}
