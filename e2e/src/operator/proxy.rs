//! A proxy between an operator and the API server that does to each call what a case tells it to.
//!
//! ```text
//! Operator ── HTTP on loopback ──▶ Proxy ── TLS, the operator's own token ──▶ API server
//!                                    └─ Fate of each call: pass, answer, reset, hang, late
//! ```

use std::convert::Infallible;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::cluster::Case;

/// No request of an operator is larger.
const REQUEST_BYTES_MAX: usize = 16 << 20;
/// Pieces of an answer that wait to be told late.
const LATE_PIECES_MAX: usize = 4096;

type Answer = Response<UnsyncBoxBody<Bytes, anyhow::Error>>;
type Schedule = dyn Fn(&Call) -> Fate + Send + Sync;

/// One call of an operator.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number among all calls, from 0.
    pub number: u64,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
}

impl Call {
    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        matches!(self.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE)
    }

    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.method == Method::GET && self.path.contains("watch=true")
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is forwarded, and its answer passed on as it comes.
    Pass,
    /// It is not forwarded: the proxy answers with this status.
    Answer(u16),
    /// It is not forwarded; its connection ends.
    Reset,
    /// It is forwarded and answered; its connection ends before a byte of the answer is passed on.
    ResetAfter,
    /// It is not forwarded, and never answered.
    Hang,
    /// As `Hang`, and the case is told (`Proxy::held`).
    Hold,
    /// It is forwarded and answered; the answer is never passed on, and the case is told.
    HoldAfter,
    /// It is forwarded; every piece of the answer is passed on this much later.
    Late(Duration),
}

/// A running proxy. It ends with its value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    client: Client,
    schedule: Mutex<Arc<Schedule>>,
    calls: Mutex<u64>,
    /// How many calls are held, or were.
    held: watch::Sender<u64>,
    /// Grows when all connections are to end.
    cut: watch::Sender<u64>,
}

impl Debug for Proxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Proxy")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Starts one that passes everything.
    pub async fn start(case: &Case) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            client: nobody(case).await?,
            schedule: Mutex::new(Arc::new(|_: &Call| Fate::Pass)),
            calls: Mutex::default(),
            held: watch::Sender::default(),
            cut: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// Its address, for `Options::server`.
    pub fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on this decides.
    pub fn schedule(&self, schedule: impl Fn(&Call) -> Fate + Send + Sync + 'static) {
        *self.shared.schedule.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(schedule);
    }

    /// From now on everything passes.
    pub fn pass(&self) {
        self.schedule(|_| Fate::Pass);
    }

    /// Ends every connection: those of a killed operator, and all watches.
    pub fn cut(&self) {
        self.shared.cut.send_modify(|count| *count += 1);
    }

    /// A view of how many calls are held, or were. Of a call that is forwarded, it has been answered by then.
    pub fn held(&self) -> watch::Receiver<u64> {
        self.shared.held.subscribe()
    }
}

/// A client of the API server without a user: each call brings its own token.
async fn nobody(case: &Case) -> anyhow::Result<Client> {
    let parsed = Kubeconfig::read_from(case.target().kubeconfig())?;
    let mut config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await?;
    config.auth_info = AuthInfo::default();
    config.default_retry = false;
    Client::try_from(config).context("make the proxy's client")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&shared)))),
                Err(error) => eprintln!("the proxy: {error}"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut cut = shared.cut.subscribe();
    let service = service_fn(|request| call(Arc::clone(&shared), request));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // That a connection ends is what the proxy is for.
        _ = connection => {}
        _ = cut.changed() => {}
    }
}

/// An error ends the connection without an answer.
async fn call(shared: Arc<Shared>, request: Request<Incoming>) -> anyhow::Result<Answer> {
    let call = Call {
        number: shared.number(),
        method: request.method().clone(),
        path: request.uri().to_string(),
    };
    let schedule = Arc::clone(&shared.schedule.lock().unwrap_or_else(PoisonError::into_inner));
    match schedule(&call) {
        Fate::Pass => forward(&shared.client, request).await,
        Fate::Answer(status) => refuse(status),
        Fate::Reset => anyhow::bail!("told to"),
        Fate::ResetAfter => {
            swallow(&shared.client, request).await?;
            anyhow::bail!("told to")
        }
        Fate::Hang => std::future::pending().await,
        Fate::Hold => shared.hold().await,
        Fate::HoldAfter => {
            swallow(&shared.client, request).await?;
            shared.hold().await
        }
        Fate::Late(delay) => Ok(late(forward(&shared.client, request).await?, delay).await),
    }
}

impl Shared {
    fn number(&self) -> u64 {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        *calls - 1
    }

    async fn hold(&self) -> anyhow::Result<Answer> {
        self.held.send_modify(|count| *count += 1);
        std::future::pending().await
    }
}

async fn forward(client: &Client, request: Request<Incoming>) -> anyhow::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("read a request: {error}"))?;
    let mut forwarded = Request::builder().method(parts.method).uri(parts.uri);
    let of_this_connection: [HeaderName; 3] = [header::HOST, header::CONNECTION, header::CONTENT_LENGTH];
    for (name, value) in parts
        .headers
        .iter()
        .filter(|(name, _)| !of_this_connection.contains(name))
    {
        forwarded = forwarded.header(name, value);
    }
    let answer = client.send(forwarded.body(Body::from(body.to_bytes()))?).await?;
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(header::CONNECTION);
    parts.headers.remove(header::TRANSFER_ENCODING);
    // The API server may speak another version of HTTP than the operator does here.
    parts.version = http::Version::HTTP_11;
    Ok(Response::from_parts(
        parts,
        body.map_err(anyhow::Error::from).boxed_unsync(),
    ))
}

/// Forwards a call and throws its answer away, once there is one.
async fn swallow(client: &Client, request: Request<Incoming>) -> anyhow::Result<()> {
    forward(client, request).await?.into_body().collect().await.map(drop)
}

/// As the API server says no.
fn refuse(status: u16) -> anyhow::Result<Answer> {
    let reason = match status {
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "the proxy was told to", "reason": reason, "code": status,
    });
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never: Infallible| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = StatusCode::from_u16(status)?;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    Ok(answer)
}

/// The same answer, every piece of it `delay` after it came.
async fn late(answer: Answer, delay: Duration) -> Answer {
    let (parts, mut body) = answer.into_parts();
    let (give, take) = mpsc::channel::<(Instant, anyhow::Result<Frame<Bytes>>)>(LATE_PIECES_MAX);
    tokio::spawn(async move {
        while let Some(piece) = body.frame().await {
            if give.send((Instant::now() + delay, piece)).await.is_err() {
                return;
            }
        }
    });
    let pieces = futures::stream::unfold(take, |mut take| async move {
        let (due, piece) = take.recv().await?;
        tokio::time::sleep_until(due).await;
        Some((piece, take))
    });
    Response::from_parts(parts, StreamBody::new(pieces).boxed_unsync())
}
