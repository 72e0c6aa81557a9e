//! The listener: connections, TLS, paths, transports.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, HttpBody, HttpRequest, HttpResponse, Methods, PingConfig, RegisterMethodError, ServerBuilder,
    ServerConfig, StopHandle, stop_channel,
};
use prometheus_client::registry::Registry;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::backend::NodeBackend;
use crate::client::{Access, ListenerTls, LiveClients, Presence};
use crate::dispatch::Dispatch;
use crate::error::{RpcError, UNAVAILABLE};
use crate::eth::{FilterStore, HexIds, ReceiptWaits, ToldNonces, subscriptions};
use crate::gate::{Gate, Gated};
use crate::limits::Limits;
use crate::metrics::{Metrics, Refusal};
use crate::request::{error_json, prepare, refusal, unreadable};
use crate::session::Shared;

/// One listener.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS 1.2 and 1.3; none is plain HTTP.
    pub tls: Option<Arc<dyn ListenerTls>>,
    /// Which web pages may ask.
    pub origins: Origins,
    /// What is accepted at most.
    pub limits: Limits,
}

/// Which web pages a browser lets ask this listener (CORS).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// All of them, as wallets need it.
    #[default]
    Any,
    /// These, such as `https://wallet.example`.
    Only(Vec<String>),
}

impl Origins {
    /// Whether pages of this origin are let in.
    pub(crate) fn accept(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => list.iter().any(|accepted| accepted.as_bytes() == origin.as_bytes()),
        }
    }
}

/// Why a listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else listens there.
    #[error(
        "RPC cannot listen on {address}: the address is in use; stop what uses it or set another jsonrpc_listen_port"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("RPC cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An allowed origin that no header can hold.
    #[error("RPC allowed origin {0:?} is no origin; an origin looks like https://wallet.example")]
    Origin(String),
    /// The method table contradicts itself.
    #[error("RPC methods: {0}")]
    Methods(#[from] RegisterMethodError),
}

/// A running listener.
#[derive(Debug)]
pub struct ServerHandle {
    /// Where it listens, the port it was given included.
    pub local_addr: SocketAddr,
    tasks: TaskTracker,
    connections: Arc<Semaphore>,
    limit: u32,
    tls: Option<Arc<dyn ListenerTls>>,
    clients: Arc<LiveClients>,
}

impl ServerHandle {
    /// Looks again at the certificates of all connected clients, and ends the connections of those that are refused now.
    /// Returns who they are, in words.
    pub fn recheck_clients(&self) -> Vec<String> {
        match &self.tls {
            Some(tls) => self.clients.recheck(&**tls),
            None => Vec::new(),
        }
    }

    /// Waits until the listener and its connections, WebSocket sessions included, have ended after the shutdown token
    /// was cancelled.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
        // Every permit back: nobody is connected any more.
        let _ = self.connections.acquire_many(self.limit).await;
    }
}

/// Starts a listener. It stops, and its connections end, when the token is cancelled; an open WebSocket is told so.
pub async fn serve(
    config: ServeConfig,
    node: Arc<dyn NodeBackend>,
    registry: &mut Registry,
    shutdown: CancellationToken,
) -> Result<ServerHandle, ServeError> {
    let cors = cors(&config.origins)?;
    let listener = listen(config.listen).await?;
    let local_addr = listener.local_addr().map_err(|source| ServeError::Listen {
        address: config.listen,
        source,
    })?;
    let limits = config.limits.clone();
    let metrics = Metrics::register(registry);
    let shared = Arc::new(Shared {
        node,
        filters: FilterStore::new(&limits),
        told_nonces: ToldNonces::new(limits.nonce_memory),
        receipt_waits: ReceiptWaits::new(&limits, metrics.clone(), shutdown.clone()),
        computations: Arc::new(Semaphore::new(limits.computations.max(1))),
        reads: Arc::new(Semaphore::new(limits.reads.max(1))),
        metrics,
        origins: config.origins,
        limits,
    });
    let limit = u32::try_from(shared.limits.connections.max(1)).unwrap_or(u32::MAX >> 4);
    let connections = Arc::new(Semaphore::new(limit as usize));
    let tasks = TaskTracker::new();
    let clients = Arc::new(LiveClients::default());
    let acceptor = Acceptor {
        methods: subscriptions()?.into(),
        connections: Arc::clone(&connections),
        turned_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
        tls: config.tls.clone(),
        plain: Access::of_plain(local_addr),
        clients: Arc::clone(&clients),
        next_connection: AtomicU64::new(1),
        tasks: tasks.clone(),
        shared,
        cors,
        shutdown,
    };
    tasks.spawn(acceptor.run(listener));
    tasks.close();
    Ok(ServerHandle {
        local_addr,
        tasks,
        connections,
        limit,
        tls: config.tls,
        clients,
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::AddressInUse { address },
        _ => ServeError::Listen { address, source },
    })
}

fn cors(origins: &Origins) -> Result<CorsLayer, ServeError> {
    let origins = match origins {
        Origins::Any => AllowOrigin::from(Any),
        Origins::Only(list) => {
            let header =
                |origin: &String| HeaderValue::from_str(origin).map_err(|_| ServeError::Origin(origin.clone()));
            AllowOrigin::list(list.iter().map(header).collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST, Method::GET])
        .allow_headers(Any)
        .max_age(Duration::from_secs(3600)))
}

/// Pause after a failed accept: the process is out of file descriptors, and trying at once would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

struct Acceptor {
    shared: Arc<Shared>,
    methods: Methods,
    connections: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    tls: Option<Arc<dyn ListenerTls>>,
    /// What a connection may do where there is no TLS.
    plain: Access,
    clients: Arc<LiveClients>,
    next_connection: AtomicU64,
    tasks: TaskTracker,
    cors: CorsLayer,
    shutdown: CancellationToken,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let (stop_handle, server_handle) = stop_channel();
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, &stop_handle),
                Err(error) => {
                    tracing::warn!(%error, "RPC could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        // Ends WebSocket sessions; plain connections see the token.
        let _ = server_handle.stop();
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, stop: &StopHandle) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            self.shared.metrics.refuse(Refusal::Full);
            if self.tls.is_none()
                && let Ok(permit) = Arc::clone(&self.turned_away).try_acquire_owned()
            {
                self.tasks
                    .spawn(turn_away(stream, self.shared.limits.connections, permit));
            }
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "set TCP_NODELAY");
        }
        let number = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            service: self.service(stop, number),
            shared: Arc::clone(&self.shared),
            shutdown: self.shutdown.clone(),
            number,
            access: self.plain.clone(),
            gate: Arc::new(Gate::new(
                self.shared.limits.requests_in_flight,
                self.shared.limits.body_bytes as usize,
            )),
            permit: Arc::new(ConnectionPermit::new(permit, &self.shared.metrics)),
        };
        let (tls, cors, clients) = (self.tls.clone(), self.cors.clone(), Arc::clone(&self.clients));
        self.tasks.spawn(async move {
            match tls {
                None => connection.serve(stream, cors).await,
                Some(tls) => connection.handshake(tls, &clients, stream, cors, peer).await,
            }
        });
    }

    /// The transport of one connection; subscriptions are told apart by its number.
    fn service(&self, stop: &StopHandle, number: u64) -> TransportService {
        let limits = &self.shared.limits;
        let config = ServerConfig::builder()
            .max_request_body_size(limits.body_bytes)
            .max_response_body_size(limits.response_bytes)
            .max_connections(u32::MAX >> 4)
            .max_subscriptions_per_connection(limits.subscriptions_per_connection)
            .set_message_buffer_capacity(limits.notifications_waiting.max(1))
            .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_length))
            .enable_ws_ping(PingConfig::new())
            .set_id_provider(HexIds)
            .build();
        let builder = ServerBuilder::with_config(config)
            .to_service_builder()
            .connection_id(number as u32);
        let (methods, stop) = (self.methods.clone(), stop.clone());
        let rpc = RpcServiceBuilder::new().layer_fn(Dispatch::new);
        let service = builder.set_rpc_middleware(rpc).build(methods, stop);
        tower::util::BoxCloneSyncService::new(service)
    }
}

type TransportService =
    tower::util::BoxCloneSyncService<HttpRequest<HttpBody>, HttpResponse, jsonrpsee::core::BoxError>;

/// Counts a connection from its acceptance until its last part, a WebSocket session included, is gone.
struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    metrics: Metrics,
    /// Its place among the clients with certificates.
    presence: OnceLock<Presence>,
}

impl ConnectionPermit {
    fn new(permit: OwnedSemaphorePermit, metrics: &Metrics) -> Self {
        metrics.connections.inc();
        Self {
            _permit: permit,
            metrics: metrics.clone(),
            presence: OnceLock::new(),
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

/// How many clients at once are told that they are not served; the others only see the connection close.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// Tells a plain client why it is not served.
async fn turn_away(mut stream: TcpStream, limit: usize, _permit: OwnedSemaphorePermit) {
    let body = error_json(&RpcError::new(
        UNAVAILABLE,
        format!("too many connections, at most {limit} are served"),
    ));
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut unread = [0; 4096];
    let exchange = async {
        // Clients take an answer only to a question, and lose it when what they sent was not read.
        let question = stream.read(&mut unread).await?;
        if question == 0 {
            return Ok(());
        }
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever is not done in a second does not learn it.
    let _ = tokio::time::timeout(Duration::from_secs(1), exchange).await;
}

/// One connection: serves its requests.
#[derive(Clone)]
pub(crate) struct Connection {
    service: TransportService,
    /// What all connections share.
    pub(crate) shared: Arc<Shared>,
    shutdown: CancellationToken,
    /// Its number.
    pub(crate) number: u64,
    /// What it may do.
    pub(crate) access: Access,
    /// What of it is on its way.
    pub(crate) gate: Arc<Gate>,
    permit: Arc<ConnectionPermit>,
}

impl Connection {
    async fn handshake(
        mut self,
        tls: Arc<dyn ListenerTls>,
        clients: &Arc<LiveClients>,
        stream: TcpStream,
        cors: CorsLayer,
        peer: SocketAddr,
    ) {
        let metrics = self.shared.metrics.clone();
        let accepting = TlsAcceptor::from(tls.server_config()).accept(stream);
        match tokio::time::timeout(self.shared.limits.arrival_timeout, accepting).await {
            Ok(Ok(stream)) => match self.recognise(&*tls, clients, stream.get_ref().1.peer_certificates()) {
                Ok(()) => self.serve(stream, cors).await,
                Err(why) => {
                    metrics.refuse(Refusal::Handshake);
                    tracing::debug!(%peer, "RPC client refused: {why}");
                }
            },
            Ok(Err(error)) => {
                metrics.refuse(Refusal::Handshake);
                tracing::debug!(%peer, %error, "RPC TLS handshake failed");
            }
            Err(_) => {
                metrics.refuse(Refusal::Handshake);
                tracing::debug!(%peer, "RPC TLS handshake took too long");
            }
        }
    }

    /// Notes who the client is.
    fn recognise(
        &mut self,
        tls: &dyn ListenerTls,
        clients: &Arc<LiveClients>,
        shown: Option<&[CertificateDer<'static>]>,
    ) -> Result<(), String> {
        let chain = shown.unwrap_or_default();
        if chain.is_empty() {
            self.access = Access::Anonymous;
            return Ok(());
        }
        // Its place first, then the look: whoever is refused in between is found by one of the two.
        let presence = clients.enter(self.number, chain.to_vec(), Arc::clone(&self.gate));
        self.access = Access::Known(Arc::new(tls.client(chain)?));
        // A connection is recognised once.
        let _ = self.permit.presence.set(presence);
        Ok(())
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, cors: CorsLayer) {
        let (shutdown, idle) = (self.shutdown.clone(), self.shared.limits.idle_timeout);
        let stream = Gated::new(stream, Arc::clone(&self.gate));
        let service = tower::ServiceBuilder::new().layer(cors).service(self);
        let service = service.map_request(|request: http::Request<hyper::body::Incoming>| request.map(HttpBody::new));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "an RPC connection ended");
        }
    }

    async fn answer(mut self, request: HttpRequest<HttpBody>) -> HttpResponse {
        let limits = self.shared.limits.clone();
        let mut request = match prepare(&self, request) {
            Ok(request) => request,
            Err(refusal) => return *refusal,
        };
        // Held until the session of an upgraded connection ends.
        request.extensions_mut().insert(Arc::clone(&self.permit));
        let measured = request.headers().contains_key(header::CONTENT_LENGTH);
        let whole = limits.arrival_timeout + limits.request_timeout + limits.arrival_timeout;
        match tokio::time::timeout(whole, self.service.call(request)).await {
            Ok(Ok(response)) if response.status() == StatusCode::INTERNAL_SERVER_ERROR && !measured => {
                unreadable(limits.body_bytes)
            }
            Ok(Ok(response)) => response,
            Ok(Err(error)) => refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                &RpcError::new(UNAVAILABLE, error.to_string()),
            ),
            Err(_) => refusal(
                StatusCode::REQUEST_TIMEOUT,
                &RpcError::new(UNAVAILABLE, "the request took too long to arrive"),
            ),
        }
    }
}

impl Service<HttpRequest<HttpBody>> for Connection {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<HttpBody>) -> Self::Future {
        let connection = self.clone();
        Box::pin(async move { Ok(connection.answer(request).await) })
    }
}
