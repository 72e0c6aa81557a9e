//! Node, peers, members.

use althing_types::NodeId;
use serde::Serialize;

use crate::backend::PeerInfo;
use crate::fisco::parameters::group;
use crate::session::{Answer, Call};

/// The FISCO BCOS release whose interface this is; its SDKs choose their formats by it.
const FISCO_VERSION: &str = "2.11.0";

#[derive(Serialize)]
struct VersionObject {
    #[serde(rename = "FISCO-BCOS Version")]
    fisco: &'static str,
    #[serde(rename = "Supported Version")]
    supported: &'static str,
    #[serde(rename = "Althing Version")]
    althing: String,
    #[serde(rename = "Chain Id")]
    chain_id: String,
    #[serde(rename = "Build Time")]
    build_time: String,
    #[serde(rename = "Build Type")]
    build_type: String,
    #[serde(rename = "Git Branch")]
    git_branch: String,
    #[serde(rename = "Git Commit Hash")]
    git_commit: String,
}

/// `getClientVersion`.
pub(super) fn client_version(call: &Call<'_>) -> Answer {
    let facts = call.session.shared.node.client_version();
    call.answer(&VersionObject {
        fisco: FISCO_VERSION,
        supported: FISCO_VERSION,
        althing: facts.version,
        chain_id: facts.chain_id.to_string(),
        build_time: facts.build_time,
        build_type: facts.build_type,
        git_branch: facts.git_branch,
        git_commit: facts.git_commit,
    })
}

/// `getGroupList`.
pub(super) fn group_list(call: &Call<'_>) -> Answer {
    call.answer(&call.session.shared.node.groups())
}

/// `getNodeIDList`: this node and its peers.
pub(super) fn node_ids(call: &Call<'_>) -> Answer {
    group(call)?;
    let node = &call.session.shared.node;
    let peers = node.peers().into_iter().map(|peer| peer.node_id);
    call.answer(
        &std::iter::once(node.own().node_id)
            .chain(peers)
            .collect::<Vec<NodeId>>(),
    )
}

#[derive(Serialize)]
struct PeerObject {
    #[serde(rename = "NodeID")]
    node_id: NodeId,
    #[serde(rename = "IPAndPort")]
    address: String,
    #[serde(rename = "Agency")]
    agency: String,
    #[serde(rename = "Node")]
    name: String,
    #[serde(rename = "Topic")]
    topics: [(); 0],
}

impl From<PeerInfo> for PeerObject {
    fn from(peer: PeerInfo) -> Self {
        Self {
            node_id: peer.node_id,
            address: peer.address.map(|address| address.to_string()).unwrap_or_default(),
            agency: peer.agency,
            name: peer.name,
            topics: [],
        }
    }
}

/// `getPeers`.
pub(super) fn peers(call: &Call<'_>) -> Answer {
    group(call)?;
    let peers = call.session.shared.node.peers();
    call.answer(&peers.into_iter().map(PeerObject::from).collect::<Vec<_>>())
}

/// `getGroupPeers`.
pub(super) fn group_peers(call: &Call<'_>) -> Answer {
    call.answer(&group(call)?.group_peers())
}

/// `getSealerList`.
pub(super) fn sealers(call: &Call<'_>) -> Answer {
    call.answer(&group(call)?.sealers())
}

/// `getObserverList`.
pub(super) fn observers(call: &Call<'_>) -> Answer {
    call.answer(&group(call)?.observers())
}
