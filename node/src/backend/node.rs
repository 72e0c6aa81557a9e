//! The node: its groups, its peers, what it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_network::NetworkHandle;
use althing_rpc::backend::{
    ClientVersion, GroupBackend, GroupStatus, GroupUnavailable, NodeBackend, NodeStatus, PeerInfo,
};
use althing_types::GroupId;
use parking_lot::RwLock;

use super::group::GroupRpc;
use crate::app::VERSION;
use crate::group::Group;
use crate::groups::Groups;

/// What a node's backend is made from.
#[derive(Debug)]
pub struct NodeFacts {
    /// Its groups.
    pub groups: Arc<Groups>,
    /// The group served at `/`; without it the lowest.
    pub default_group: Option<GroupId>,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// Its peers.
    pub network: NetworkHandle,
    /// When it started, seconds since 1970.
    pub started_at: u64,
}

/// One node as a server of its groups.
#[derive(Debug)]
pub struct NodeRpc {
    facts: NodeFacts,
    /// Made when a group is first asked for: groups start while the node runs.
    backends: RwLock<BTreeMap<GroupId, Arc<GroupRpc>>>,
}

impl NodeRpc {
    /// The node's backend.
    pub fn new(facts: NodeFacts) -> Self {
        Self {
            facts,
            backends: RwLock::default(),
        }
    }

    fn backend(&self, group: Arc<Group>) -> Arc<GroupRpc> {
        if let Some(known) = self.backends.read().get(&group.id()) {
            return Arc::clone(known);
        }
        let mut backends = self.backends.write();
        let made = backends.entry(group.id());
        Arc::clone(made.or_insert_with(|| Arc::new(GroupRpc::new(group, self.facts.network.clone()))))
    }
}

impl NodeBackend for NodeRpc {
    fn groups(&self) -> Vec<GroupId> {
        self.facts.groups.running().iter().map(|group| group.id()).collect()
    }

    fn group(&self, id: GroupId) -> Result<Arc<dyn GroupBackend>, GroupUnavailable> {
        match self.facts.groups.get(id) {
            Some(group) => Ok(self.backend(group)),
            None if self.facts.groups.failure(id).is_some() => Err(GroupUnavailable::NotReady(id)),
            None => Err(GroupUnavailable::Missing(id)),
        }
    }

    fn default_group(&self) -> Option<GroupId> {
        self.facts.default_group.or_else(|| self.facts.groups.lowest())
    }

    fn client_version(&self) -> ClientVersion {
        ClientVersion {
            version: VERSION.to_owned(),
            chain_id: self.facts.chain_id,
            build_time: String::new(),
            build_type: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            git_branch: String::new(),
            git_commit: String::new(),
        }
    }

    fn own(&self) -> PeerInfo {
        let identity = self.facts.network.identity();
        PeerInfo {
            node_id: identity.node_id,
            address: Some(self.facts.network.local_address()),
            agency: identity.agency,
            name: identity.name,
        }
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let info = |peer: althing_network::PeerInfo| PeerInfo {
            node_id: peer.node_id,
            address: Some(peer.address),
            agency: peer.agency,
            name: peer.name,
        };
        self.facts.network.peers().into_iter().map(info).collect()
    }

    fn listening(&self) -> bool {
        true
    }

    fn status(&self) -> NodeStatus {
        let failed = self.facts.groups.failures().into_iter().map(|(id, why)| {
            let status = GroupStatus {
                not_ready: Some(why.clone()),
                halted: Some(why),
                ..GroupStatus::default()
            };
            (id, status)
        });
        let running = self.facts.groups.running();
        let running = running.iter().map(|group| (group.id(), group.status()));
        NodeStatus {
            version: VERSION.to_owned(),
            node_id: self.facts.network.node_id(),
            started_at: self.facts.started_at,
            groups: failed.chain(running).collect(),
        }
    }
}
