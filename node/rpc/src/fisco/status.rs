//! Consensus, sync, system configuration.

use althing_types::genesis::ConsensusKind;
use althing_types::sealers::faults_tolerable;
use althing_types::{B256, NodeId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::backend::{ConsensusStatus, GroupBackend};
use crate::fisco::error;
use crate::fisco::parameters::group;
use crate::session::{Answer, Call};
use crate::types::Quantity;

/// FISCO numbers a protocol `group << 16 | module`; these are its module numbers of PBFT, block sync and Raft.
const MODULE_PBFT: u32 = 8;
const MODULE_SYNC: u32 = 9;
const MODULE_RAFT: u32 = 10;

/// The index FISCO shows of a node that does not seal.
const OBSERVER_INDEX: u64 = u16::MAX as u64;

/// `getPbftView`.
pub(super) fn pbft_view(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    match (group.info().consensus, group.consensus_status().view) {
        (ConsensusKind::Pbft, Some(view)) => call.answer(&Quantity(view)),
        _ => Err(error::no_view()),
    }
}

/// `getConsensusStatus`: what this node knows, and the last view heard of each sealer.
pub(super) fn consensus(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let status = group.consensus_status();
    let views: Vec<Value> = status
        .views
        .iter()
        .map(|(node, view)| json!({"nodeId": node, "view": view}))
        .collect();
    call.answer(&json!([Value::Object(own_status(&*group, &status)), views]))
}

fn own_status(group: &dyn GroupBackend, status: &ConsensusStatus) -> Map<String, Value> {
    let (info, head) = (group.info(), group.head());
    let index = status.sealers.iter().position(|sealer| *sealer == info.own);
    let module = match info.consensus {
        ConsensusKind::Raft => MODULE_RAFT,
        ConsensusKind::Pbft | ConsensusKind::Aura => MODULE_PBFT,
    };
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    set("accountType", json!(u8::from(index.is_some())));
    set("allowFutureBlocks", json!(true));
    set("cfgErr", json!(false));
    set("connectedNodes", json!(status.connected));
    set("consensusedBlockNumber", json!(head.height.saturating_add(1)));
    set("groupId", json!(info.group));
    set("highestblockHash", json!(head.hash));
    set("highestblockNumber", json!(head.height));
    set("leaderFailed", json!(status.leader_failed));
    set("max_faulty_leader", json!(faults_tolerable(status.sealers.len())));
    set("nodeId", json!(info.own));
    set("nodeNum", json!(status.sealers.len()));
    set("node_index", json!(index.map_or(OBSERVER_INDEX, |index| index as u64)));
    set("omitEmptyBlock", json!(true));
    set("protocolId", json!(info.group.get() << 16 | module));
    for (position, sealer) in status.sealers.iter().enumerate() {
        set(&format!("sealer.{position}"), json!(sealer));
    }
    if let Some(leader) = &status.leader {
        set("leaderId", json!(leader));
        set(
            "leaderIdx",
            json!(status.sealers.iter().position(|sealer| sealer == leader)),
        );
    }
    if let Some(view) = status.view {
        set("currentView", json!(view));
        set("toView", json!(status.to_view.unwrap_or(view)));
    }
    object
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncObject {
    block_number: u64,
    genesis_hash: B256,
    is_syncing: bool,
    known_highest_number: u64,
    known_latest_hash: B256,
    latest_hash: B256,
    node_id: NodeId,
    peers: Vec<PeerObject>,
    protocol_id: u32,
    tx_pool_size: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerObject {
    block_number: u64,
    genesis_hash: B256,
    latest_hash: B256,
    node_id: NodeId,
}

/// `getSyncStatus`.
pub(super) fn sync(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let (info, head, status, pool) = (group.info(), group.head(), group.sync_status(), group.pool_status());
    let peer = |peer: crate::backend::PeerHead| PeerObject {
        block_number: peer.head.height,
        genesis_hash: peer.genesis_hash,
        latest_hash: peer.head.hash,
        node_id: peer.node_id,
    };
    call.answer(&SyncObject {
        block_number: head.height,
        genesis_hash: info.genesis_hash,
        is_syncing: status.syncing,
        known_highest_number: status.highest.height,
        known_latest_hash: status.highest.hash,
        latest_hash: head.hash,
        node_id: info.own,
        peers: status.peers.into_iter().map(peer).collect(),
        protocol_id: info.group.get() << 16 | MODULE_SYNC,
        tx_pool_size: (pool.pending + pool.queued).to_string(),
    })
}

/// `getSystemConfigByKey`.
pub(super) fn system_config(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let key: String = call.arguments.required(1, "key")?;
    match group.system_config(&key).map_err(error::backend)? {
        Some(value) => call.answer(&value),
        None => Err(error::no_system_config(&key)),
    }
}
