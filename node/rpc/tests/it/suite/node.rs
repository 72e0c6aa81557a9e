//! A node of some groups in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_rpc::backend::*;
use althing_types::GroupId;

use super::chain::{MemoryGroup, node_id};

pub(crate) struct MemoryNode {
    pub(crate) groups: BTreeMap<GroupId, Arc<MemoryGroup>>,
    pub(crate) default: Option<GroupId>,
}

impl NodeBackend for MemoryNode {
    fn groups(&self) -> Vec<GroupId> {
        self.groups.keys().copied().collect()
    }

    fn group(&self, id: GroupId) -> Result<Arc<dyn GroupBackend>, GroupUnavailable> {
        match (self.groups.get(&id), id.get()) {
            (Some(group), _) => Ok(Arc::clone(group) as Arc<dyn GroupBackend>),
            (None, 8) => Err(GroupUnavailable::NotMember(id)),
            (None, 9) => Err(GroupUnavailable::NotReady(id)),
            (None, _) => Err(GroupUnavailable::Missing(id)),
        }
    }

    fn default_group(&self) -> Option<GroupId> {
        self.default
    }

    fn client_version(&self) -> ClientVersion {
        ClientVersion {
            version: "0.1.0".into(),
            chain_id: 20_260,
            build_time: "20260101 00:00:00".into(),
            build_type: "Linux/x86_64/dev".into(),
            git_branch: "main".into(),
            git_commit: "0123456789abcdef".into(),
        }
    }

    fn own(&self) -> PeerInfo {
        PeerInfo {
            node_id: node_id(1),
            address: None,
            agency: "agency-a".into(),
            name: "node-0".into(),
        }
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let address = Some("127.0.0.1:30301".parse().unwrap());
        vec![PeerInfo {
            node_id: node_id(2),
            address,
            agency: "agency-b".into(),
            name: "node-3".into(),
        }]
    }

    fn listening(&self) -> bool {
        true
    }

    fn status(&self) -> NodeStatus {
        let group = |(id, group): (&GroupId, &Arc<MemoryGroup>)| {
            let status = GroupStatus {
                genesis_hash: Some(group.info().genesis_hash),
                head: Some(group.head()),
                role: Some(GroupRole::Sealer),
                in_sync: true,
                ..GroupStatus::default()
            };
            (*id, status)
        };
        NodeStatus {
            version: "0.1.0".into(),
            node_id: node_id(1),
            started_at: 1_767_225_600,
            certificates: CertificateStatus::default(),
            peers: BTreeMap::from([(node_id(2), CertificateStatus::default())]),
            groups: self.groups.iter().map(group).collect(),
        }
    }

    fn lifecycle(&self) -> Option<&dyn GroupLifecycle> {
        None
    }
}
