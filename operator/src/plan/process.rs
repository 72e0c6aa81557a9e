//! Running nodes and how they reach each other.

use althing_types::{B256, GroupId, NodeId};
use serde::{Deserialize, Serialize};

use crate::name::{AgencyName, GroupName, Namespace, NodeName};

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

/// A node that should run. Comparable: when it differs from what runs, the node must be restarted.
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
    /// The groups it takes part in, ascending.
    pub groups: Vec<ProcessGroup>,
    /// Digest of everything it reads only at its start: `config.ini` without its lists, and the groups' files. Certificates,
    /// peers and lists are not in it, because a running node reads them again.
    pub restart_digest: B256,
}

/// A group of a running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessGroup {
    /// The group's number.
    pub id: GroupId,
    /// The group's name.
    pub name: GroupName,
}

/// Where a node listens and how others find it; chosen by the edge, because only it knows the place.
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
