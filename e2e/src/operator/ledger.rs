//! A group as its clients see it: JSON-RPC on the pods of its members, over TLS by what clients trust.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use anyhow::{Context, bail, ensure};
use k8s_openapi::api::core::v1::{Pod, Secret};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::cluster::Case;
use crate::{Account, Edition, Rpc};

/// The RPC port of a node in a pod.
const PORT: u16 = 8545;

/// One group.
#[derive(Clone, Debug)]
pub struct Ledger {
    case: Case,
    namespace: String,
    group: u32,
    members: Vec<String>,
}

impl Ledger {
    /// Group `group` of the case's namespace, on these nodes.
    pub fn new(case: &Case, group: u32, members: &[&str]) -> Self {
        Self {
            case: case.clone(),
            namespace: case.namespace().to_owned(),
            group,
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        }
    }

    /// The same in another namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// The nodes.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// A client of the group on one node, as its pod is now.
    pub async fn rpc(&self, node: &str) -> anyhow::Result<Rpc> {
        let pods: kube::Api<Pod> = kube::Api::namespaced(self.case.client(), &self.namespace);
        let pod = pods.get(&format!("{node}-0")).await?;
        let address = pod
            .status
            .and_then(|status| status.pod_ip)
            .with_context(|| format!("{node} has no address yet"))?;
        let address: IpAddr = address.parse()?;
        let host = format!("{node}.{}.svc", self.namespace);
        let tunnel = tunnel(self.trust(node).await?, host, SocketAddr::new(address, PORT)).await?;
        Rpc::new(format!("http://{tunnel}/group/{}", self.group))
    }

    /// The Secret of a node's listener, in the edition in which that has a certificate of its own.
    async fn listener(&self, node: &str) -> anyhow::Result<Option<Secret>> {
        let secrets: kube::Api<Secret> = kube::Api::namespaced(self.case.client(), &self.namespace);
        Ok(secrets.get_opt(&format!("{node}-tls")).await?)
    }

    async fn trust(&self, node: &str) -> anyhow::Result<ClientConfig> {
        let secrets: kube::Api<Secret> = kube::Api::namespaced(self.case.client(), &self.namespace);
        // What its clients trust lies beside its listener's certificate, which is the node's own where it has no other.
        let secret = match self.listener(node).await? {
            Some(listener) => listener,
            None => secrets.get(&format!("{node}-certificate")).await?,
        };
        let pem = secret
            .data
            .and_then(|mut data| data.remove("ca.crt"))
            .context("it has no ca.crt")?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem.0) {
            roots.add(certificate?)?;
        }
        Ok(
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    /// The account that `seed` names, for this group's chain and edition.
    pub async fn account(&self, seed: &str) -> anyhow::Result<Account> {
        let mut last = anyhow::anyhow!("the group has no member");
        for member in &self.members {
            match self.account_at(member, seed).await {
                Ok(account) => return Ok(account),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn account_at(&self, member: &str, seed: &str) -> anyhow::Result<Account> {
        let rpc = self.rpc(member).await?;
        let chain = rpc.quantity("eth_chainId", json!([])).await?;
        let edition = match self.listener(member).await? {
            None => Edition::Standard,
            Some(_) => Edition::Sm,
        };
        edition.account(seed, chain, rpc.height().await?)
    }

    /// Commits one transaction through whichever member answers; its hash.
    pub async fn commit(&self, account: &Account, patience: Duration) -> anyhow::Result<B256> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut last = anyhow::anyhow!("the group has no member");
        loop {
            for member in &self.members {
                match self.commit_on(member, account).await {
                    Ok(hash) => return Ok(hash),
                    Err(error) => last = error.context(member.clone()),
                }
                if tokio::time::Instant::now() > deadline {
                    return Err(last.context(format!("nothing was committed within {patience:?}")));
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn commit_on(&self, member: &str, account: &Account) -> anyhow::Result<B256> {
        let rpc = self.rpc(member).await?;
        let (raw, hash) = match account.has_nonces() {
            true => {
                let params = json!([account.address(), "latest"]);
                account.nothing(rpc.quantity("eth_getTransactionCount", params).await?)
            }
            // Any number that the account has not used lately.
            false => account
                .at(rpc.height().await?)
                .nothing(RandomState::new().hash_one(member)),
        };
        match rpc.send_raw(&raw).await {
            Ok(_) => {}
            // An earlier try through another member got there first.
            Err(crate::RpcError::Refused { message, .. }) if message.contains("known") => {}
            Err(error) => return Err(error.into()),
        }
        let receipt = rpc.mined(hash, Duration::from_secs(8)).await?;
        ensure!(receipt.status == "0x1", "{hash} failed");
        Ok(hash)
    }

    /// The heights of all members; an error names the first that does not answer.
    pub async fn heights(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut heights = BTreeMap::new();
        for member in &self.members {
            let height = async { Ok::<_, anyhow::Error>(self.rpc(member).await?.height().await?) };
            heights.insert(member.clone(), height.await.with_context(|| member.clone())?);
        }
        Ok(heights)
    }

    /// Commits a transaction and waits until every member has its block.
    pub async fn goes_on(&self, patience: Duration) -> anyhow::Result<u64> {
        let what = format!("a member of group {} to answer", self.group);
        let account = self.case.eventually(&what, patience, || self.account("goes on"));
        let hash = self.commit(&account.await?, patience).await?;
        self.holds(&[hash], patience).await?;
        let heights = self.heights().await?;
        Ok(heights.values().copied().min().unwrap_or_default())
    }

    /// Waits until every member has these transactions.
    pub async fn holds(&self, transactions: &[B256], patience: Duration) -> anyhow::Result<()> {
        let what = format!("every member of group {} to hold what was acknowledged", self.group);
        self.case
            .eventually(&what, patience, || async {
                for member in &self.members {
                    let rpc = self.rpc(member).await?;
                    for hash in transactions {
                        if rpc.receipt(*hash).await?.is_none() {
                            bail!("{member} has no receipt of {hash}");
                        }
                    }
                }
                Ok(())
            })
            .await
    }
}

/// A port of this machine behind which the node is reached under TLS, for clients that need not speak it. It lives as long as
/// the runtime; a case is short.
async fn tunnel(tls: ClientConfig, host: String, node: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let local = listener.local_addr()?;
    let connector = TlsConnector::from(Arc::new(tls));
    let name = ServerName::try_from(host)?;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (connector, name) = (connector.clone(), name.clone());
            tokio::spawn(async move {
                let connected = async { connector.connect(name, TcpStream::connect(node).await?).await };
                // A node that is away is a connection that ends, as without the tunnel.
                if let Ok(mut node) = connected.await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                }
            });
        }
    });
    Ok(local)
}
