//! What `config.ini` says.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::{FlowControl, PeerAddress};
use crate::genesis::Cryptography;
use crate::{GroupId, NodeId};

/// The configuration of a node. Paths are relative to the folder of `config.ini` unless they are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NodeConfig {
    /// `[rpc]`: where clients are served.
    pub rpc: RpcConfig,
    /// `[p2p]`: where peers are served and dialled.
    pub p2p: P2pConfig,
    /// `[metrics]`: where `/metrics`, `/livez` and `/readyz` are served.
    pub metrics: MetricsConfig,
    /// `[certificate_blacklist]`: who is refused, before the whitelist is asked.
    pub blacklist: Blacklist,
    /// `[certificate_whitelist]`: when not empty, only these nodes are admitted.
    pub whitelist: BTreeSet<NodeId>,
    /// `[group]`: where group files and data are.
    pub groups: GroupPaths,
    /// `[network_security]`: key and certificates.
    pub security: NetworkSecurity,
    /// `[chain]`.
    pub chain: ChainConfig,
    /// `[compatibility] supported_version`: kept as it is written; this ledger's versions are in the genesis.
    pub supported_version: Option<String>,
    /// `[log]`.
    pub log: LogConfig,
    /// `[flow_control]`: over all groups.
    pub flow_control: FlowControl,
}

/// `[rpc]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcConfig {
    /// `jsonrpc_listen_ip` (or the older `listen_ip`).
    pub listen_ip: IpAddr,
    /// `jsonrpc_listen_port`.
    pub listen_port: u16,
    /// `channel_listen_ip` (or the older `listen_ip`).
    pub channel_listen_ip: IpAddr,
    /// `channel_listen_port`.
    pub channel_listen_port: u16,
    /// `default_group`: the group served at `/`; without it, the smallest group of the node.
    pub default_group: Option<GroupId>,
    /// `tls_cert`, `tls_key`, `tls_client_ca`, `tls_client_auth`: plain HTTP without.
    pub tls: Option<RpcTls>,
    /// `cors_origin.N`: the origins browsers may call from; none by default.
    pub cors_origins: Vec<String>,
    /// `max_connections`.
    pub max_connections: u32,
    /// `max_request_bytes`: of one body, batches included.
    pub max_request_bytes: u32,
    /// `max_response_bytes`.
    pub max_response_bytes: u32,
    /// `max_batch_requests`.
    pub max_batch_requests: u32,
    /// `max_subscriptions` of one WebSocket connection.
    pub max_subscriptions: u32,
    /// `max_log_blocks`: blocks one `eth_getLogs` may search.
    pub max_log_blocks: u64,
    /// `disable_dynamic_group`.
    pub disable_dynamic_group: bool,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listen_port: 8545,
            channel_listen_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            channel_listen_port: 20_200,
            default_group: None,
            tls: None,
            cors_origins: Vec::new(),
            max_connections: 1024,
            max_request_bytes: 5 * 1024 * 1024,
            max_response_bytes: 32 * 1024 * 1024,
            max_batch_requests: 1000,
            max_subscriptions: 128,
            max_log_blocks: 10_000,
            disable_dynamic_group: false,
        }
    }
}

/// TLS of the RPC listener, apart from that between peers (LEDGER.md 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcTls {
    /// `tls_cert`: PEM, leaf first.
    pub certificate: String,
    /// `tls_key`: PEM.
    pub key: String,
    /// `tls_client_ca`: PEM; when set, a certificate that a client shows has to be under it.
    pub client_ca: Option<String>,
    /// `tls_client_auth`: whether clients must show one. Only with `tls_client_ca`.
    pub client_auth: ClientAuth,
}

/// Whether clients of a TLS listener show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// `required`: who shows none is not served.
    #[default]
    Required,
    /// `optional`: who shows none reads and submits, and administers nothing.
    Optional,
}

/// `[p2p]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P2pConfig {
    /// `listen_ip`.
    pub listen_ip: IpAddr,
    /// `listen_port`.
    pub listen_port: u16,
    /// `node.N`: who is dialled, besides those in `nodes.json`.
    pub nodes: Vec<PeerAddress>,
    /// `nodes_path`: the folder of the peer list.
    pub nodes_path: String,
    /// `nodes_file`: the peer list; it may be missing when `node.N` names the peers.
    pub nodes_file: String,
    /// `max_nodes_limit`: peers at the same time.
    pub max_nodes: u32,
}

impl Default for P2pConfig {
    fn default() -> Self {
        Self {
            listen_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            listen_port: 30_300,
            nodes: Vec::new(),
            nodes_path: "./".to_owned(),
            nodes_file: "nodes.json".to_owned(),
            max_nodes: 100,
        }
    }
}

/// `[metrics]`, a section of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// `listen_ip`.
    pub listen_ip: IpAddr,
    /// `listen_port`.
    pub listen_port: u16,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            listen_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listen_port: 9545,
        }
    }
}

/// `[certificate_blacklist]`: FISCO's nodeIDs, and agencies and certificate serials beside them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Blacklist {
    /// `crl.N`.
    pub node_ids: BTreeSet<NodeId>,
    /// `agency.N`: the common name of an agency certificate.
    pub agencies: BTreeSet<String>,
    /// `serial.N`: lower-case hex without leading zeros.
    pub serials: BTreeSet<String>,
}

/// `[group]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPaths {
    /// `group_data_path`.
    pub data_path: String,
    /// `group_config_path`: where `group.N.genesis` and `group.N.ini` are.
    pub config_path: String,
}

impl Default for GroupPaths {
    fn default() -> Self {
        Self {
            data_path: "data/".to_owned(),
            config_path: "conf/".to_owned(),
        }
    }
}

/// `[network_security]`; file names are relative to `data_path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSecurity {
    /// `data_path`.
    pub data_path: String,
    /// `key`.
    pub key: String,
    /// `cert`: the node's certificate, then its agency's.
    pub certificate: String,
    /// `ca_cert`: the chain certificates that are trusted.
    pub chain_certificates: String,
}

impl NetworkSecurity {
    /// The files of an edition, below `conf/`.
    pub fn of(cryptography: Cryptography) -> Self {
        let files = IdentityFiles::of(cryptography);
        Self {
            data_path: "conf/".to_owned(),
            key: files.key.to_owned(),
            certificate: files.certificate.to_owned(),
            chain_certificates: files.chain_certificates.to_owned(),
        }
    }
}

impl Default for NetworkSecurity {
    fn default() -> Self {
        Self::of(Cryptography::Standard)
    }
}

/// What FISCO calls the files of a node's identity: in the SM edition each name begins with `gm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The chain certificates that are trusted.
    pub chain_certificates: &'static str,
    /// The node's certificate, then its agency's.
    pub certificate: &'static str,
    /// The node's private key.
    pub key: &'static str,
    /// The nodeID that the node is believed to have.
    pub node_id: &'static str,
}

impl IdentityFiles {
    /// The names of an edition.
    pub const fn of(cryptography: Cryptography) -> Self {
        match cryptography {
            Cryptography::Standard => Self {
                chain_certificates: "ca.crt",
                certificate: "node.crt",
                key: "node.key",
                node_id: "node.nodeid",
            },
            Cryptography::Sm => Self {
                chain_certificates: "gmca.crt",
                certificate: "gmnode.crt",
                key: "gmnode.key",
                node_id: "gmnode.nodeid",
            },
        }
    }
}

/// `[chain]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// `id`.
    pub id: u64,
    /// `sm_crypto`.
    pub cryptography: Cryptography,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            id: 1,
            cryptography: Cryptography::Standard,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `enable`.
    pub enable: bool,
    /// `log_path`.
    pub path: String,
    /// `level`.
    pub level: LogLevel,
    /// `format`, a key of our own.
    pub format: LogFormat,
    /// `enable_console_output`.
    pub console: bool,
    /// `max_log_file_size`, MB.
    pub max_file_mb: u32,
    /// `max_log_files`, a key of our own: older files are removed.
    pub max_files: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            enable: true,
            path: "./log".to_owned(),
            level: LogLevel::Info,
            format: LogFormat::Text,
            console: false,
            max_file_mb: 200,
            max_files: 10,
        }
    }
}

/// The log levels, from the quietest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warning,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Every step.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
