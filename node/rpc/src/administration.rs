//! What only administrators ask: see [`client`](crate::client) for who they are. All of it reads; what changes the groups of a node
//! is FISCO's ([`fisco`](crate::fisco)).

use std::collections::BTreeMap;

use althing_types::{B256, GroupId, NodeId};
use serde::Serialize;

use crate::backend::{CertificateStatus, GroupStatus, NodeStatus};
use crate::methods::Work;
use crate::session::{Answer, Call};

/// The methods and how each is answered.
pub(crate) static METHODS: &[(&str, Work)] = &[("althing_status", Work::Now(status))];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusObject {
    version: String,
    node_id: NodeId,
    started_at: u64,
    certificates: CertificateStatus,
    peers: BTreeMap<NodeId, CertificateStatus>,
    groups: BTreeMap<GroupId, GroupObject>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupObject {
    genesis_hash: Option<B256>,
    settings_digest: Option<B256>,
    height: u64,
    block_hash: Option<B256>,
    view: u64,
    leader: Option<NodeId>,
    sealers: Vec<NodeId>,
    role: Option<&'static str>,
    in_sync: bool,
    not_ready: Option<String>,
    halted: Option<String>,
    live: Vec<NodeId>,
    peers: u64,
}

impl From<GroupStatus> for GroupObject {
    fn from(status: GroupStatus) -> Self {
        let GroupStatus {
            genesis_hash,
            settings_digest,
            head,
            view,
            leader,
            sealers,
            role,
            in_sync,
            not_ready,
            halted,
            live,
            peers,
        } = status;
        Self {
            genesis_hash,
            settings_digest,
            height: head.map_or(0, |head| head.height),
            block_hash: head.map(|head| head.hash),
            view,
            leader,
            sealers,
            role: role.map(|role| role.as_str()),
            in_sync,
            not_ready,
            halted,
            live,
            peers,
        }
    }
}

/// `althing_status`: everything an operator asks before it disturbs a node. No parameters. Groups by number; a group that
/// could not be opened is there too, halted, with nulls for what is not known. `startedAt` and `notAfter` are in seconds since 1970;
/// `trust` and `issuer` tell how far a rollover of chain certificates has come, here and with each connected peer.
fn status(call: &Call<'_>) -> Answer {
    let NodeStatus {
        version,
        node_id,
        started_at,
        certificates,
        peers,
        groups,
    } = call.session.shared.node.status();
    call.answer(&StatusObject {
        version,
        node_id,
        started_at,
        certificates,
        peers,
        groups: groups.into_iter().map(|(id, group)| (id, group.into())).collect(),
    })
}
