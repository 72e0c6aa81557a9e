//! The node as a whole: config → built (files read, ledgers open, ports bound; may fail) → running, until SIGTERM.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_ledger::SharedMemory;
use althing_network::{Network, NetworkHandle, StartError, TlsEdition};
use althing_rpc::{Limits as RpcLimits, ListenerTls, Origins, ServeConfig};
use althing_types::NodeId;
use althing_types::config::{NodeConfig, RpcConfig};
use althing_types::genesis::Cryptography;
use anyhow::Context;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::admin::Admin;
use crate::backend::{NodeFacts, NodeRpc};
use crate::clock::Clock;
use crate::files::NodeFiles;
use crate::groups::Groups;
use crate::lifecycle::GroupLifecycles;
use crate::metrics::NodeMetrics;
use crate::reload::{Reloaded, Watcher};
use crate::rpc_tls::RpcListenerTls;
use crate::sampler::Sampler;
use crate::starter::Starter;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long connections may take to end once the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a node until SIGTERM or SIGINT.
pub async fn run(files: NodeFiles, config: NodeConfig) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let node = Node::build(files, config).await?;
    tokio::select! {
        _ = terminate.recv() => info!("SIGTERM: stopping"),
        _ = interrupt.recv() => info!("SIGINT: stopping"),
    }
    node.stop().await;
    Ok(())
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    groups: Arc<Groups>,
    network: NetworkHandle,
    rpc: Arc<althing_rpc::ServerHandle>,
    admin: SocketAddr,
    stop: CancellationToken,
}

impl Node {
    /// Reads every file, opens every ledger, binds every port, and starts.
    pub async fn build(files: NodeFiles, config: NodeConfig) -> anyhow::Result<Self> {
        // Before anything is read: what changes from here on is seen as a change.
        let watcher = Watcher::new(&files, &config);
        let Edition { suite, tls } = Edition::of(config.chain.cryptography);
        let key = files.key(&config, suite.as_ref())?;
        let own = NodeId::new(key.public_key());
        let settings = files.network_settings(&config)?;
        let mut registry = Registry::default();
        let metrics = NodeMetrics::register(&mut registry);
        let clock = Clock::start();

        let stop = CancellationToken::new();
        // First of all: with a certificate that is not the key's, or while another process is this node, no ledger is touched.
        let network = start_network(&config, tls, settings, &mut registry).await?;
        let groups = Arc::new(Groups::default());
        let starter = Starter {
            files: files.clone(),
            config: config.clone(),
            own,
            suite,
            key,
            network: network.clone(),
            clock,
            shared: SharedMemory::default(),
            metrics: metrics.clone(),
            groups: Arc::clone(&groups),
            turn: Mutex::default(),
        };
        let starter = Arc::new(starter);
        starter.start(files.group_ids(&config)?);
        groups.follow_peers(network.clone(), stop.clone());

        let backend = NodeRpc::new(NodeFacts {
            groups: Arc::clone(&groups),
            default_group: config.rpc.default_group,
            chain_id: config.chain.id,
            network: network.clone(),
            started_at: clock.unix_ms() / 1_000,
            lifecycle: (!config.rpc.disable_dynamic_group).then(|| GroupLifecycles::new(Arc::clone(&starter))),
        });
        let tls = rpc_tls(&files, &config)?;
        let serve = serve_config(&config.rpc, tls.clone());
        let rpc = althing_rpc::serve(serve, Arc::new(backend), &mut registry, stop.clone()).await;
        let rpc = Arc::new(rpc.context("config.ini [rpc]")?);
        let sampler = Sampler {
            metrics,
            groups: Arc::clone(&groups),
            network: network.clone(),
            rpc_tls: tls.clone(),
            data: files.data_folder(&config),
        };
        let address = SocketAddr::new(config.metrics.listen_ip, config.metrics.listen_port);
        let admin = Admin::new(registry, sampler).serve(address, stop.clone()).await?;
        let reloaded = Reloaded {
            starter,
            network: network.clone(),
            rpc: Arc::clone(&rpc),
            rpc_tls: tls,
        };
        watcher.watch(reloaded, stop.clone());
        info!(
            node = %own, p2p = %network.local_address(), rpc = %rpc.local_addr, metrics = %admin, version = VERSION,
            "node started"
        );
        Ok(Self {
            groups,
            network,
            rpc,
            admin,
            stop,
        })
    }

    /// Where the node serves JSON-RPC.
    pub fn rpc_address(&self) -> SocketAddr {
        self.rpc.local_addr
    }

    /// Where the node serves `/metrics`, `/livez` and `/readyz`.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The groups.
    pub const fn groups(&self) -> &Arc<Groups> {
        &self.groups
    }

    /// Stops: no new requests, groups end after the block under way, peers are told goodbye.
    pub async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(GRACE, self.rpc.stopped()).await;
        if ended.is_err() {
            info!("some RPC connections did not end in time");
        }
        let groups = Arc::clone(&self.groups);
        if tokio::task::spawn_blocking(move || groups.stop()).await.is_err() {
            error!("a group did not stop in order");
        }
        self.network.shutdown().await;
        info!("node stopped");
    }
}

/// What differs between the editions. Nothing else in the node asks which one it runs.
struct Edition {
    /// Hashes and signatures of the ledger.
    suite: Arc<dyn Suite>,
    /// TLS between peers.
    tls: TlsEdition,
}

impl Edition {
    fn of(cryptography: Cryptography) -> Self {
        match cryptography {
            Cryptography::Standard => Self {
                suite: Arc::new(StandardSuite),
                tls: TlsEdition::standard(),
            },
            Cryptography::Sm => Self {
                suite: Arc::new(SmSuite),
                tls: TlsEdition::sm(),
            },
        }
    }
}

async fn start_network(
    config: &NodeConfig,
    tls: TlsEdition,
    settings: althing_network::Settings,
    registry: &mut Registry,
) -> anyhow::Result<NetworkHandle> {
    let listen = SocketAddr::new(config.p2p.listen_ip, config.p2p.listen_port);
    let mut network = althing_network::Config::new(tls, listen, format!("althing-node/{VERSION}"));
    network.limits.peers = config.p2p.max_nodes as usize;
    let started = Network::start(network, settings, registry).await;
    started.map_err(|error| match error {
        StartError::Listen { .. } => anyhow::Error::new(error).context("config.ini [p2p] listen_ip, listen_port"),
        other => other.into(),
    })
}

fn rpc_tls(files: &NodeFiles, config: &NodeConfig) -> anyhow::Result<Option<Arc<RpcListenerTls>>> {
    let load = |tls| RpcListenerTls::load(files, config, tls).map(Arc::new);
    Ok(config.rpc.tls.as_ref().map(load).transpose()?)
}

fn serve_config(rpc: &RpcConfig, tls: Option<Arc<RpcListenerTls>>) -> ServeConfig {
    let origins = match rpc.cors_origins.as_slice() {
        [] => Origins::default(),
        [any] if any == "*" => Origins::Any,
        list => Origins::Only(list.to_vec()),
    };
    let limits = RpcLimits {
        body_bytes: rpc.max_request_bytes,
        batch_length: rpc.max_batch_requests,
        response_bytes: rpc.max_response_bytes,
        log_range: rpc.max_log_blocks,
        connections: rpc.max_connections as usize,
        subscriptions_per_connection: rpc.max_subscriptions,
        ..RpcLimits::default()
    };
    let listen = SocketAddr::new(rpc.listen_ip, rpc.listen_port);
    ServeConfig {
        listen,
        tls: tls.map(|tls| tls as Arc<dyn ListenerTls>),
        origins,
        limits,
    }
}
