//! The node: its groups, its peers, what it is.

use std::sync::Arc;

use althing_network::NetworkHandle;
use althing_rpc::backend::{
    CertificateStatus, ClientVersion, GroupBackend, GroupLifecycle, GroupStatus, GroupUnavailable, NodeBackend,
    NodeStatus, PeerInfo,
};
use althing_types::{B256, GroupId, NodeId};

use super::group::GroupRpc;
use crate::app::VERSION;
use crate::groups::{Groups, why_it_rests};
use crate::lifecycle::{Decided, GroupLifecycles};

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
    /// Who changes what groups run; none where that is switched off.
    pub(crate) lifecycle: Option<GroupLifecycles>,
}

/// One node as a server of its groups.
#[derive(Debug)]
pub struct NodeRpc {
    facts: NodeFacts,
}

impl NodeRpc {
    /// The node's backend.
    pub const fn new(facts: NodeFacts) -> Self {
        Self { facts }
    }
}

impl NodeRpc {
    /// Whether a group that does not run could.
    fn is_known(&self, id: GroupId) -> bool {
        let groups = &self.facts.groups;
        groups.failure(id).is_some() || groups.resting().get(&id) == Some(&Decided::Stopped)
    }
}

fn own_certificates(network: &NetworkHandle) -> CertificateStatus {
    let identity = network.identity();
    CertificateStatus {
        trust: B256::new(network.trust_hash()),
        issuer: identity.issuer.map(B256::new),
        not_after: identity.not_after,
    }
}

fn certificates_of(peer: &althing_network::PeerInfo) -> (NodeId, CertificateStatus) {
    let status = CertificateStatus {
        trust: B256::new(peer.trust_hash),
        issuer: peer.issuer.map(B256::new),
        not_after: peer.not_after,
    };
    (peer.node_id, status)
}

impl NodeBackend for NodeRpc {
    fn groups(&self) -> Vec<GroupId> {
        self.facts.groups.running().iter().map(|group| group.id()).collect()
    }

    fn group(&self, id: GroupId) -> Result<Arc<dyn GroupBackend>, GroupUnavailable> {
        match self.facts.groups.get(id) {
            // Made for each request, which thereby holds the group's ledger no longer than it takes.
            Some(group) => Ok(Arc::new(GroupRpc::new(group, self.facts.network.clone()))),
            None if self.is_known(id) => Err(GroupUnavailable::NotReady(id)),
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
        let resting = self.facts.groups.resting().into_iter();
        let resting = resting.map(|(id, decided)| (id, why_it_rests(id, decided)));
        let failed = self
            .facts
            .groups
            .failures()
            .into_iter()
            .chain(resting)
            .map(|(id, why)| {
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
            certificates: own_certificates(&self.facts.network),
            peers: self.facts.network.peers().iter().map(certificates_of).collect(),
            groups: failed.chain(running).collect(),
        }
    }

    fn lifecycle(&self) -> Option<&dyn GroupLifecycle> {
        let lifecycle = self.facts.lifecycle.as_ref();
        lifecycle.map(|lifecycle| lifecycle as &dyn GroupLifecycle)
    }
}
