//! One HTTPS client per agency: trusts the chain, shows the admin certificate.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use althing_operator::name::AgencyName;
use althing_operator::plan::Identity;
use althing_operator::plan::report::NodeReport;
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::json;

use crate::apply::{WriteError, Writer};
use crate::names;
use crate::secrets::PublicFiles;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer: a hundred groups of a hundred sealers.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a node was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The agency has no usable admin certificate yet.
    #[error("agency {agency} has no usable admin certificate: {why}")]
    NoCertificate {
        /// The agency.
        agency: AgencyName,
        /// Why.
        why: String,
    },
    /// The Secret with its key cannot be read.
    #[error(transparent)]
    Key(#[from] WriteError),
    /// No connection, no TLS, no answer in time.
    #[error("{0}")]
    Transport(#[from] reqwest::Error),
    /// The node refused, or answered something else.
    #[error("the node answered: {0}")]
    Answer(String),
}

/// The clients of all agencies of all namespaces.
#[derive(Debug, Default)]
pub struct Clients {
    known: Mutex<HashMap<(String, AgencyName), Known>>,
    addresses: Arc<Addresses>,
}

#[derive(Clone, Debug)]
struct Known {
    /// The texts it was made from.
    made_from: (Arc<PublicFiles>, String),
    client: Client,
}

/// Where to find a node.
#[derive(Clone, Debug)]
pub struct Door {
    /// A name in its certificate.
    pub host: String,
    /// The address of its pod.
    pub address: IpAddr,
    /// Its RPC port.
    pub port: u16,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<NodeReport>,
    error: Option<serde_json::Value>,
}

impl Clients {
    /// Asks one node.
    pub async fn ask(&self, client: &Client, door: &Door) -> Result<NodeReport, AskError> {
        self.addresses.set(&door.host, door.address);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "althing_status", "params": [] });
        let request = client.post(format!("https://{}:{}/", door.host, door.port)).json(&body);
        let mut response = request.send().await?;
        let mut bytes = vec![];
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > ANSWER_BYTES_MAX {
                return Err(AskError::Answer(format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
        }
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|error| AskError::Answer(error.to_string()))?;
        match (answer.result, answer.error) {
            (Some(report), _) => Ok(report),
            (None, Some(error)) => Err(AskError::Answer(error.to_string())),
            (None, None) => Err(AskError::Answer("neither result nor error".to_owned())),
        }
    }

    /// The client of an agency: as long as its certificate and the trust stay, the same one.
    pub async fn of(
        &self,
        writer: &Writer,
        namespace: &str,
        agency: &AgencyName,
        admin: &Arc<PublicFiles>,
        trust: &str,
    ) -> Result<Client, AskError> {
        let key = (namespace.to_owned(), agency.clone());
        let made_from = (Arc::clone(admin), trust.to_owned());
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known.filter(|known| known.made_from == made_from) {
            return Ok(known.client);
        }
        let no_certificate = |why: String| AskError::NoCertificate {
            agency: agency.clone(),
            why,
        };
        let identity = Identity::Admin(agency.clone());
        let chain = admin.get(names::certificate_file(&identity));
        let chain = chain.ok_or_else(|| no_certificate("it is not issued yet".to_owned()))?;
        let secret = writer.secret(namespace, &names::key_secret(&identity)).await?;
        let secret = secret.ok_or_else(|| no_certificate("its key is missing".to_owned()))?;
        let private = crate::secrets::private_key(&identity, &secret).map_err(no_certificate)?;
        let tls = tls(chain, &private.to_pem(), trust).map_err(no_certificate)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::clone(&self.addresses))
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(60))
            .build()?;
        let made = Known {
            made_from,
            client: client.clone(),
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, made);
        Ok(client)
    }

    /// Forgets the clients of a namespace.
    pub fn forget(&self, namespace: &str) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(of, _), _| of != namespace);
    }
}

fn tls(chain: &str, key: &str, trust: &str) -> Result<ClientConfig, String> {
    let certificates = |pem: &str| {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        read.map_err(|error| error.to_string())
    };
    let mut roots = RootCertStore::empty();
    for root in certificates(trust)? {
        roots
            .add(root)
            .map_err(|error| format!("the chain certificate: {error}"))?;
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| "its key is no key".to_owned())?;
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(chain)?, key)
        .map_err(|error| error.to_string())
}

/// The addresses of pods under the names of their nodes.
#[derive(Debug, Default)]
struct Addresses(Mutex<HashMap<String, IpAddr>>);

impl Addresses {
    fn set(&self, host: &str, address: IpAddr) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host.to_owned(), address);
    }
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name.as_str())
            .copied();
        Box::pin(async move {
            let address = found.ok_or_else(|| format!("{} has no pod", name.as_str()))?;
            let addresses: Addrs = Box::new(std::iter::once(SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
