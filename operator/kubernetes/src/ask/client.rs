//! Asking one node: one connection under TLS, which trusts what the agency's clients trust and shows its admin certificate.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use althing_operator::governance::{Answer, ChainView, rpc};
use althing_operator::name::AgencyName;
use althing_operator::pki::PrivateKey;
use althing_operator::plan::Identity;
use althing_operator::plan::report::NodeReport;
use althing_operator::transaction::Signed;
use althing_types::GroupId;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::apply::{WriteError, Writer};
use crate::names;
use crate::secrets::PublicFiles;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer: a hundred groups of a hundred sealers.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

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
    /// No connection, no TLS, no HTTP.
    #[error("{0}")]
    Transport(#[from] std::io::Error),
    /// The connection broke.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// Nothing within the patience.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The node refused, or answered something else.
    #[error("the node answered: {0}")]
    Answer(String),
    /// It answered something else about a chain.
    #[error(transparent)]
    Chain(#[from] Answer),
}

/// The credentials of all agencies of all namespaces.
#[derive(Debug, Default)]
pub struct Clients {
    known: Mutex<HashMap<(String, AgencyName), Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    /// The texts it was made from.
    made_from: (Arc<PublicFiles>, String),
    tls: Arc<ClientConfig>,
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
struct Reported {
    result: Option<NodeReport>,
    error: Option<Value>,
}

/// Asks one node where it stands.
pub async fn ask(tls: Arc<ClientConfig>, door: &Door) -> Result<NodeReport, AskError> {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "althing_status", "params": [] });
    let told: Reported = post(tls, door, "/", &question).await?;
    match (told.result, told.error) {
        (Some(report), _) => Ok(report),
        (None, Some(error)) => Err(AskError::Answer(error.to_string())),
        (None, None) => Err(AskError::Answer("neither result nor error".to_owned())),
    }
}

/// Asks one node what holds on a chain.
pub async fn ask_chain(tls: Arc<ClientConfig>, door: &Door, group: GroupId) -> Result<ChainView, AskError> {
    Ok(rpc::told_state(
        &post_group(tls, door, group, &rpc::ask_state()).await?,
    )?)
}

/// Brings transactions to one node.
pub async fn send(
    tls: Arc<ClientConfig>,
    door: &Door,
    group: GroupId,
    transactions: &[Signed],
) -> Result<(), AskError> {
    let answer = post_group(tls, door, group, &rpc::send(transactions)).await?;
    Ok(rpc::told_sent(&answer, transactions.len())?)
}

async fn post_group(tls: Arc<ClientConfig>, door: &Door, group: GroupId, question: &Value) -> Result<Value, AskError> {
    post(tls, door, &format!("/group/{group}"), question).await
}

async fn post<T: DeserializeOwned>(
    tls: Arc<ClientConfig>,
    door: &Door,
    path: &str,
    question: &Value,
) -> Result<T, AskError> {
    tokio::time::timeout(PATIENCE, exchange(tls, door, path, question))
        .await
        .map_err(|_| AskError::TimedOut)?
}

async fn exchange<T: DeserializeOwned>(
    tls: Arc<ClientConfig>,
    door: &Door,
    path: &str,
    question: &Value,
) -> Result<T, AskError> {
    let tcp = TcpStream::connect(SocketAddr::new(door.address, door.port)).await?;
    converse(tcp, tls, &door.host, path, question).await
}

/// The credentials of an agency's administrators.
#[derive(Debug)]
pub struct Admin {
    /// Their certificate and what is above it, in PEM.
    pub chain: String,
    /// Its key.
    pub key: PrivateKey,
}

/// Asks a node over a connection that somebody else made, such as a port-forward: without `admin` only what whoever reaches the port
/// may ask. `trust` is what the agency's clients trust in PEM, `host` a name in the listener's certificate. It takes as long as it takes.
pub async fn ask_through<S>(
    stream: S,
    trust: &str,
    admin: Option<&Admin>,
    host: &str,
    path: &str,
    question: &Value,
) -> Result<Value, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let tls = match admin {
        None => trusting(trust).map(|builder| builder.with_no_client_auth()),
        Some(admin) => tls(&admin.chain, &admin.key.to_pem(), trust),
    };
    converse(stream, Arc::new(tls.map_err(AskError::Answer)?), host, path, question).await
}

async fn converse<S, T>(
    stream: S,
    tls: Arc<ClientConfig>,
    host: &str,
    path: &str,
    question: &Value,
) -> Result<T, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: DeserializeOwned,
{
    let answer = |error: &dyn std::fmt::Display| AskError::Answer(error.to_string());
    let name = ServerName::try_from(host.to_owned()).map_err(|error| answer(&error))?;
    let stream = TlsConnector::from(tls).connect(name, stream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(question.to_string())))
        .map_err(|error| answer(&error))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok::<_, AskError>(body.map_err(|error| answer(&error))?.to_bytes())
    };
    // The connection moves the bytes; it ends with the answer, or tells why there is none.
    tokio::pin!(connection);
    tokio::pin!(exchange);
    let bytes = tokio::select! {
        bytes = &mut exchange => bytes?,
        // A node that closes at once leaves the end of the connection to nobody, and that is no matter once the answer is here.
        ended = &mut connection => match exchange.await {
            Ok(bytes) => bytes,
            Err(error) => return Err(ended.err().map_or(error, AskError::from)),
        },
    };
    serde_json::from_slice(&bytes).map_err(|error| answer(&error))
}

impl Clients {
    /// The credentials of an agency: as long as its certificate and the trust stay, the same ones.
    pub async fn of(
        &self,
        writer: &Writer,
        namespace: &str,
        agency: &AgencyName,
        admin: &Arc<PublicFiles>,
        trust: &str,
    ) -> Result<Arc<ClientConfig>, AskError> {
        let key = (namespace.to_owned(), agency.clone());
        let made_from = (Arc::clone(admin), trust.to_owned());
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known.filter(|known| known.made_from == made_from) {
            return Ok(known.tls);
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
        let tls = Arc::new(tls(chain, &private.to_pem(), trust).map_err(no_certificate)?);
        let made = Known {
            made_from,
            tls: Arc::clone(&tls),
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, made);
        Ok(tls)
    }

    /// Forgets the credentials of a namespace.
    pub fn forget(&self, namespace: &str) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(of, _), _| of != namespace);
    }
}

fn tls(chain: &str, key: &str, trust: &str) -> Result<ClientConfig, String> {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| "its key is no key".to_owned())?;
    trusting(trust)?
        .with_client_auth_cert(certificates(chain)?, key)
        .map_err(|error| error.to_string())
}

/// Whoever shows a certificate under one of these is a node that may be asked.
fn trusting(trust: &str) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let mut roots = RootCertStore::empty();
    for root in certificates(trust)? {
        roots
            .add(root)
            .map_err(|error| format!("what its clients trust: {error}"))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    read.map_err(|error| error.to_string())
}
