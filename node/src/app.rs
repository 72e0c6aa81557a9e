//! The node as a whole: config → built (files read, ledgers open, ports bound; may fail) → running, until SIGTERM.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use althing_crypto::{NodeKey, StandardSuite, Suite};
use althing_ledger::SharedMemory;
use althing_network::{Network, NetworkHandle, StartError};
use althing_rpc::{Limits as RpcLimits, Origins, ServeConfig};
use althing_types::config::{NodeConfig, RpcConfig};
use althing_types::genesis::Cryptography;
use althing_types::{GroupId, NodeId};
use anyhow::{Context, bail};
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::admin::Admin;
use crate::backend::NodeRpc;
use crate::clock::Clock;
use crate::files::{GroupFiles, NodeFiles};
use crate::group::{Group, GroupSpec, OpenGroup};
use crate::groups::Groups;
use crate::metrics::NodeMetrics;
use crate::reload;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long connections may take to end once the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// An error and its causes in one line. A cause that its effect repeats already is left out, and so are line breaks.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

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
    rpc: althing_rpc::ServerHandle,
    admin: SocketAddr,
    stop: CancellationToken,
}

impl Node {
    /// Reads every file, opens every ledger, binds every port, and starts.
    pub async fn build(files: NodeFiles, config: NodeConfig) -> anyhow::Result<Self> {
        let suite = suite(&config)?;
        let key = files.key(&config, suite.as_ref())?;
        let own = NodeId::new(key.public_key());
        let settings = files.network_settings(&config)?;
        let mut registry = Registry::default();
        let metrics = NodeMetrics::register(&mut registry);

        let stop = CancellationToken::new();
        // First of all: with a certificate that is not the key's, or while another process is this node, no ledger is touched.
        let network = start_network(&config, settings, &mut registry).await?;
        let (opened, mut failed) = open_groups(&files, &config, own, &suite, &metrics)?;
        let running = start_groups(opened, &key, &network, &mut failed);
        let groups = Arc::new(Groups::new(running, failed));
        network.set_groups(groups.served());
        groups.follow_peers(network.clone(), stop.clone());
        reload::watch(files.clone(), network.clone(), stop.clone());

        let backend = NodeRpc::new(
            Arc::clone(&groups),
            config.rpc.default_group,
            config.chain.id,
            network.clone(),
        );
        let serve = serve_config(&config.rpc, files.base())?;
        let rpc = althing_rpc::serve(serve, Arc::new(backend), &mut registry, stop.clone())
            .await
            .context("config.ini [rpc]")?;
        let address = SocketAddr::new(config.metrics.listen_ip, config.metrics.listen_port);
        let admin = Admin {
            registry: Arc::new(registry),
            groups: Arc::clone(&groups),
        };
        let admin = admin.serve(address, stop.clone()).await?;
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
    pub const fn rpc_address(&self) -> SocketAddr {
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

fn suite(config: &NodeConfig) -> anyhow::Result<Arc<dyn Suite>> {
    match config.chain.cryptography {
        Cryptography::Standard => Ok(Arc::new(StandardSuite)),
        Cryptography::Sm => bail!("config.ini [chain] sm_crypto=true: this program speaks the standard edition only"),
    }
}

async fn start_network(
    config: &NodeConfig,
    settings: althing_network::Settings,
    registry: &mut Registry,
) -> anyhow::Result<NetworkHandle> {
    let listen = SocketAddr::new(config.p2p.listen_ip, config.p2p.listen_port);
    let mut network = althing_network::Config::new(listen, format!("althing-node/{VERSION}"));
    network.limits.peers = config.p2p.max_nodes as usize;
    let started = Network::start(network, settings, registry).await;
    started.map_err(|error| match error {
        StartError::Listen { .. } => anyhow::Error::new(error).context("config.ini [p2p] listen_ip, listen_port"),
        other => other.into(),
    })
}

type Opened = Vec<OpenGroup>;
type Failed = BTreeMap<GroupId, String>;

/// Opens every group; what fails is an alarm of that group, and the others go on (LEDGER.md 6).
fn open_groups(
    files: &NodeFiles,
    config: &NodeConfig,
    own: NodeId,
    suite: &Arc<dyn Suite>,
    metrics: &NodeMetrics,
) -> anyhow::Result<(Opened, Failed)> {
    let shared = SharedMemory::default();
    let (mut opened, mut failed) = (Vec::new(), BTreeMap::new());
    for (id, group) in files.groups(config)? {
        let open = |group: GroupFiles| -> anyhow::Result<OpenGroup> {
            let (genesis, settings) = group?;
            let folder: PathBuf = files.group_data(config, id);
            let spec = GroupSpec {
                genesis,
                config: settings,
                folder,
                chain_id: config.chain.id,
                own,
            };
            Ok(OpenGroup::open(spec, Arc::clone(suite), &shared, metrics.group(id))?)
        };
        match open(group) {
            Ok(group) => opened.push(group),
            Err(why) => fail(&mut failed, metrics, id, one_line(&why)),
        }
    }
    Ok((opened, failed))
}

fn fail(failed: &mut Failed, metrics: &NodeMetrics, id: GroupId, why: String) {
    metrics.group(id).halted(true);
    error!(alarm = "group_halted", group = %id, "group {id} does not start: {why}");
    failed.insert(id, why);
}

fn start_groups(
    opened: Opened,
    key: &Arc<dyn NodeKey>,
    network: &NetworkHandle,
    failed: &mut Failed,
) -> BTreeMap<GroupId, Arc<Group>> {
    let clock = Clock::start();
    let mut running = BTreeMap::new();
    for group in opened {
        let id = group.id();
        match Group::start(group, Arc::clone(key), network, clock) {
            Ok(group) => {
                running.insert(id, group);
            }
            Err(why) => {
                error!(alarm = "group_halted", group = %id, "group {id} does not start: {why}");
                failed.insert(id, format!("group {id}: its threads cannot be started: {why}"));
            }
        }
    }
    running
}

fn serve_config(rpc: &RpcConfig, base: &Path) -> anyhow::Result<ServeConfig> {
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
    let tls = rpc
        .tls
        .as_ref()
        .map(|tls| crate::rpc_tls::server_config(tls, base))
        .transpose()?;
    let listen = SocketAddr::new(rpc.listen_ip, rpc.listen_port);
    Ok(ServeConfig {
        listen,
        tls,
        origins,
        limits,
    })
}
