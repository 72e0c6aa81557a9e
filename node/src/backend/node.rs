//! The node: its groups, its peers, what it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_network::NetworkHandle;
use althing_rpc::backend::{ClientVersion, GroupBackend, GroupUnavailable, NodeBackend, PeerInfo};
use althing_types::GroupId;

use super::group::GroupRpc;
use crate::app::VERSION;
use crate::groups::Groups;

/// One node as a server of its groups.
#[derive(Debug)]
pub struct NodeRpc {
    groups: Arc<Groups>,
    backends: BTreeMap<GroupId, Arc<GroupRpc>>,
    default_group: Option<GroupId>,
    chain_id: u64,
    network: NetworkHandle,
}

impl NodeRpc {
    /// The node's backend. Without a configured default the lowest group is served at `/`.
    pub fn new(groups: Arc<Groups>, default_group: Option<GroupId>, chain_id: u64, network: NetworkHandle) -> Self {
        let backends: BTreeMap<_, _> = groups
            .running()
            .map(|group| (group.id(), Arc::new(GroupRpc::new(Arc::clone(group), network.clone()))))
            .collect();
        let default_group = default_group.or_else(|| backends.keys().next().copied());
        Self {
            groups,
            backends,
            default_group,
            chain_id,
            network,
        }
    }
}

impl NodeBackend for NodeRpc {
    fn groups(&self) -> Vec<GroupId> {
        self.backends.keys().copied().collect()
    }

    fn group(&self, id: GroupId) -> Result<Arc<dyn GroupBackend>, GroupUnavailable> {
        match self.backends.get(&id) {
            Some(backend) => Ok(Arc::clone(backend) as Arc<dyn GroupBackend>),
            None if self.groups.failure(id).is_some() => Err(GroupUnavailable::NotReady(id)),
            None => Err(GroupUnavailable::Missing(id)),
        }
    }

    fn default_group(&self) -> Option<GroupId> {
        self.default_group
    }

    fn client_version(&self) -> ClientVersion {
        ClientVersion {
            version: VERSION.to_owned(),
            chain_id: self.chain_id,
            build_time: String::new(),
            build_type: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            git_branch: String::new(),
            git_commit: String::new(),
        }
    }

    fn own(&self) -> PeerInfo {
        let identity = self.network.identity();
        PeerInfo {
            node_id: identity.node_id,
            address: Some(self.network.local_address()),
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
        self.network.peers().into_iter().map(info).collect()
    }

    fn listening(&self) -> bool {
        true
    }
}
