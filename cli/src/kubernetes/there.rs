//! A namespace of a cluster whose nodes and keys are at hand: nodes by port-forward, keys by their Secrets, read when they are needed.

use std::collections::BTreeMap;
use std::time::Duration;

use althing_kubernetes::ask::{Admin, ask_through};
use althing_kubernetes::{names, placement, secrets};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, NodeName};
use althing_operator::pki::PrivateKey;
use althing_operator::plan::Identity;
use althing_types::GroupId;
use anyhow::{Context, anyhow, bail};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde_json::Value;

use super::heard::tunnel;
use super::known::known;
use super::seen::{self, Seen, sentence};
use super::target::{Scope, Target};
use crate::vote::Known;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it may take to change one of its groups: it waits for the requests under way.
const ADMINISTERED: Duration = Duration::from_secs(30);

/// A namespace of a cluster.
pub(super) struct There {
    client: Client,
    seen: Seen,
    /// The nodes that run.
    doors: BTreeMap<NodeName, Door>,
}

/// Where a node is asked.
#[derive(Debug)]
pub(super) struct Door {
    /// Its RPC port.
    pub port: u16,
    /// What its clients know it by.
    trust: String,
}

impl There {
    /// The namespace that the flags name, and what it is known by.
    pub(super) async fn find(target: &Target) -> anyhow::Result<(Self, Known)> {
        let (client, scope) = target.connect().await?;
        if scope == Scope::All {
            bail!("an agency acts in its namespace; name it with -n");
        }
        let Some(seen) = seen::look(&client, &scope).await?.into_iter().next() else {
            bail!("no consortium, agency, group or node in {scope}");
        };
        let known = known(&seen.manifests);
        let mut there = Self {
            client,
            seen,
            doors: BTreeMap::new(),
        };
        there.doors = there.find_doors().await?;
        Ok((there, known))
    }

    /// Its manifests.
    pub(super) const fn manifests(&self) -> &NamespaceManifests {
        &self.seen.manifests
    }

    /// The nodes that run.
    pub(super) const fn doors(&self) -> &BTreeMap<NodeName, Door> {
        &self.doors
    }

    /// Its name.
    pub(super) fn namespace(&self) -> &str {
        self.seen.manifests.namespace.as_str()
    }

    /// Its objects of a kind.
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), self.namespace())
    }

    async fn secret(&self, name: &str) -> anyhow::Result<Secret> {
        let found = self.api::<Secret>().get(name).await;
        found.map_err(|error| anyhow!("read Secret {name} in {}: {}", self.namespace(), sentence(&error)))
    }

    /// The governance key of an agency.
    pub(super) async fn governance_key(&self, agency: &AgencyName) -> anyhow::Result<PrivateKey> {
        self.key(&Identity::Governance(agency.clone())).await
    }

    async fn key(&self, identity: &Identity) -> anyhow::Result<PrivateKey> {
        let secret = self.secret(&names::key_secret(identity)).await?;
        secrets::private_key(identity, &secret).map_err(|error| anyhow!(error))
    }

    async fn find_doors(&self) -> anyhow::Result<BTreeMap<NodeName, Door>> {
        // Neither setting reaches the ports.
        let settings = placement::Settings {
            node_image: String::new(),
            cluster_domain: String::new(),
        };
        let mut doors = BTreeMap::new();
        for (node, endpoint) in placement::placement(&self.seen.manifests, &settings) {
            if !self.seen.pods.get(&node).is_some_and(|pod| pod.is_running) {
                continue;
            }
            let identity = self.seen.manifests.shown_to_clients(&node);
            let trust = self.certificate_file(&identity, names::TRUST_FILE).await?;
            let port = endpoint.ports.rpc;
            doors.insert(node, Door { port, trust });
        }
        Ok(doors)
    }

    /// A text of the Secret with the certificate of an identity.
    async fn certificate_file(&self, identity: &Identity, file: &str) -> anyhow::Result<String> {
        let name = names::certificate_secret(identity).with_context(|| format!("{identity} has no certificate"))?;
        let files = secrets::texts(&self.secret(&name).await?);
        files
            .get(file)
            .cloned()
            .with_context(|| format!("Secret {name} has no {file}"))
    }

    /// Asks a node about a group.
    pub(super) async fn post_group(&self, node: &NodeName, group: GroupId, question: &Value) -> anyhow::Result<Value> {
        self.post(node, &format!("/group/{group}"), question).await
    }

    /// Asks a node at a path, as whoever reaches it may.
    pub(super) async fn post(&self, node: &NodeName, path: &str, question: &Value) -> anyhow::Result<Value> {
        self.exchange(node, path, question, None, PATIENCE).await
    }

    /// Asks a node as an administrator of its agency.
    pub(super) async fn administer(
        &self,
        node: &NodeName,
        agency: &AgencyName,
        path: &str,
        question: &Value,
    ) -> anyhow::Result<Value> {
        let identity = Identity::Admin(agency.clone());
        let admin = Admin {
            chain: self
                .certificate_file(&identity, names::certificate_file(&identity))
                .await?,
            key: self.key(&identity).await?,
        };
        self.exchange(node, path, question, Some(&admin), ADMINISTERED).await
    }

    async fn exchange(
        &self,
        node: &NodeName,
        path: &str,
        question: &Value,
        admin: Option<&Admin>,
        patience: Duration,
    ) -> anyhow::Result<Value> {
        let door = self.doors.get(node).context("it does not run")?;
        let host = format!("{}.{}.svc", names::node(node), self.namespace());
        let (forwarder, stream) = tunnel(&self.api::<Pod>(), &names::pod(node), door.port).await?;
        let asked = ask_through(stream, &door.trust, admin, &host, path, question);
        let answer = tokio::time::timeout(patience, asked).await;
        forwarder.abort();
        let answer = answer.map_err(|_| anyhow!("no answer within {} s", patience.as_secs()));
        answer?.with_context(|| format!("ask Node {node}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig};
    use serde_json::json;
    use tokio::io::DuplexStream;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A name in the certificate of the node.
    const HOST: &str = "node-0.trade.svc";

    fn chain() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A certificate for a name, with its key in PEM.
    fn issue(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
    }

    /// Answers one connection as a node does whose clients may show a certificate: with the path, and whether they did.
    async fn serve(stream: DuplexStream, issuer: &CertifiedIssuer<'static, KeyPair>) {
        let (certificate, key) = issue(issuer, HOST);
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(der(&issuer.pem())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            .with_single_cert(
                vec![der(&certificate)],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        // A client that does not trust the node ends here.
        let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else {
            return;
        };
        let shown = stream.get_ref().1.peer_certificates().is_some();
        let answer = service_fn(move |request: Request<Incoming>| async move {
            let text = json!({"path": request.uri().path(), "shown": shown}).to_string();
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(text))))
        });
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    }

    async fn ask(
        trust: &str,
        issuer: &CertifiedIssuer<'static, KeyPair>,
        admin: Option<&Admin>,
    ) -> Result<Value, String> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let question = json!({});
        let asked = ask_through(ours, trust, admin, HOST, "/", &question);
        let (answer, ()) = tokio::join!(asked, serve(theirs, issuer));
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_admin_certificate_is_shown_where_a_node_is_administered_and_nowhere_else() {
        let issuer = chain();
        let (chain_text, key) = issue(&issuer, "admin");
        let identity = Identity::Admin(AgencyName::new("agency-a").unwrap());
        let admin = Admin {
            chain: chain_text,
            key: PrivateKey::from_pem(identity.purpose(), &key).unwrap(),
        };
        let trust = issuer.pem();
        assert_eq!(
            ask(&trust, &issuer, None).await,
            Ok(json!({"path": "/", "shown": false}))
        );
        assert_eq!(
            ask(&trust, &issuer, Some(&admin)).await,
            Ok(json!({"path": "/", "shown": true}))
        );
    }

    #[tokio::test]
    async fn a_node_of_another_chain_is_not_asked() {
        let told = ask(&chain().pem(), &chain(), None).await.unwrap_err();
        assert!(told.contains("certificate"), "{told}");
    }
}
