//! Running nodes and how they reach each other.

use althing_types::{B256, GroupId, NodeId};
use serde::{Deserialize, Serialize};

use crate::name::{AgencyName, GroupName, Namespace, NodeName};
use crate::plan::DisruptionReason;

/// The ports of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ports {
    /// Node to node.
    pub p2p: u16,
    /// FISCO's channel protocol.
    pub channel: u16,
    /// JSON-RPC, HTTP and WebSocket.
    pub rpc: u16,
    /// `/metrics`, `/livez`, `/readyz`.
    pub metrics: u16,
}

impl Ports {
    /// The ports of the first node of a machine, and of every node in a cluster.
    pub const FIRST: Self = Self {
        p2p: 30300,
        channel: 20200,
        rpc: 8545,
        metrics: 9545,
    };

    /// The ports in order: p2p, channel, rpc, metrics.
    pub const fn all(&self) -> [u16; 4] {
        [self.p2p, self.channel, self.rpc, self.metrics]
    }
}

/// A node that should run.
///
/// Comparable, but not by equality alone: [`Process::needs_restart`] says which differences a running node takes up by itself
/// and which only a restart makes good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub node: NodeName,
    /// Its agency.
    pub agency: AgencyName,
    /// Its identity. The node refuses to start with another key, and so does the plan.
    pub node_id: NodeId,
    /// Where it listens.
    pub ports: Ports,
    /// The groups it takes part in, ascending. A running node takes up new ones from its files.
    pub groups: Vec<ProcessGroup>,
    /// The container around it; none where nodes run as plain processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Digest of what it reads only at its start beside its groups' files: `config.ini` without its lists. Certificates,
    /// peers and lists are not in it, because a running node reads them again.
    pub restart_digest: B256,
}

impl Process {
    /// Why a node that runs as `self` must be restarted to become `wanted`; none when it becomes so by itself.
    pub fn needs_restart(&self, wanted: &Self) -> Option<DisruptionReason> {
        if self.container != wanted.container {
            return Some(DisruptionReason::ContainerChanged);
        }
        let fixed = |process: &Self| {
            (
                process.namespace.clone(),
                process.node.clone(),
                process.agency.clone(),
                process.node_id,
                process.ports,
                process.restart_digest,
            )
        };
        if fixed(self) != fixed(wanted) {
            return Some(DisruptionReason::ConfigurationChanged);
        }
        let changed = |group: &ProcessGroup| {
            let running = self.groups.iter().find(|running| running.id == group.id);
            running.is_some_and(|running| running.settings_digest != group.settings_digest)
        };
        let has_changed = wanted.groups.iter().any(changed);
        has_changed.then_some(DisruptionReason::SettingsChanged)
    }
}

/// A group of a running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessGroup {
    /// The group's number.
    pub id: GroupId,
    /// The group's name.
    pub name: GroupName,
    /// Keccak-256 of the text of `group.N.ini`, which a node reads when it takes the group up and not again.
    #[serde(default)]
    pub settings_digest: B256,
}

/// What a container around a node is made of. Whatever is in it makes a new container when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The image the manifest names; none for the edge's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `spec.resources` as JSON, its keys in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<String>,
}

/// Where a node listens and lives, and how others find it; chosen by the edge, because only it knows the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The address the p2p port is bound to.
    pub p2p_listen: String,
    /// The address the RPC, channel and metrics ports are bound to.
    pub client_listen: String,
    /// The name or address other nodes dial, without the port.
    pub advertise: String,
    /// The ports.
    pub ports: Ports,
    /// Where its files are.
    pub folders: Folders,
    /// The names its certificate holds besides the node's own.
    pub dns_names: Vec<String>,
    /// How RPC clients are spoken to.
    pub rpc_security: RpcSecurity,
    /// Where its log goes.
    pub log: LogTarget,
    /// Whether it runs in a container, whose image and resources are then the manifest's.
    pub container: bool,
}

impl Endpoint {
    /// A plain process of this machine: everything on one address and in one folder.
    pub fn on_machine(address: impl Into<String>, ports: Ports) -> Self {
        let address = address.into();
        Self {
            p2p_listen: address.clone(),
            client_listen: address.clone(),
            advertise: address,
            ports,
            folders: Folders::on_machine(),
            dns_names: Vec::new(),
            rpc_security: RpcSecurity::Plain,
            log: LogTarget::Folder,
            container: false,
        }
    }
}

/// The folders of a node as its configuration names them: relative to the folder of `config.ini`, or absolute. Both end
/// with `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folders {
    /// Its certificates and its groups' files.
    pub configuration: String,
    /// Its ledgers.
    pub data: String,
}

impl Folders {
    /// Everything below the node's own folder.
    pub fn on_machine() -> Self {
        Self {
            configuration: "conf/".to_owned(),
            data: "data/".to_owned(),
        }
    }

    /// A flat read-only folder of configuration, and a volume of data.
    pub fn in_container() -> Self {
        Self {
            configuration: "./".to_owned(),
            data: "/var/lib/althing/data/".to_owned(),
        }
    }

    /// The path of a file of the configuration folder, below the folder of `config.ini`.
    pub fn configured(&self, file: &str) -> String {
        format!(
            "{}{file}",
            self.configuration.strip_prefix("./").unwrap_or(&self.configuration)
        )
    }
}

/// How RPC clients are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RpcSecurity {
    /// Plain HTTP: for loopback.
    #[default]
    Plain,
    /// TLS with what serves clients ([`crate::clients`]); a client certificate is verified when one is shown.
    Tls,
}

/// Where a node's log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogTarget {
    /// Into files below the node's folder.
    #[default]
    Folder,
    /// To the console, as JSON; no file is written.
    Console,
}

/// Somebody a node dials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Peer {
    /// Its name in this namespace.
    pub node: NodeName,
    /// Who must answer; none until it is known.
    pub node_id: Option<NodeId>,
    /// `host:port`, the host a name or an address.
    pub address: String,
}

/// What passes in and out of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeNetwork {
    /// The node.
    pub node: NodeName,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Whom it dials, ascending by name.
    pub peers: Vec<Peer>,
}
