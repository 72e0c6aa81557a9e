//! Who a node and a group are, how they fare, and what happens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use althing_types::genesis::{ConsensusKind, StateKind};
use althing_types::{B256, GroupId, NodeId};
use serde::Serialize;

use super::Head;

/// Facts of the binary and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientVersion {
    /// The version of the software, `0.1.0`.
    pub version: String,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// When it was built; empty when unknown.
    pub build_time: String,
    /// On what it was built, `Linux/x86_64/dev`.
    pub build_type: String,
    /// The branch it was built from; empty when unknown.
    pub git_branch: String,
    /// The commit it was built from; empty when unknown.
    pub git_commit: String,
}

/// A node on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its identity.
    pub node_id: NodeId,
    /// Its address, none when it is not known.
    pub address: Option<SocketAddr>,
    /// The agency of its certificate (organisation name).
    pub agency: String,
    /// The name in its certificate (common name).
    pub name: String,
}

/// Who a group is; none of it changes while the group runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// The group.
    pub group: GroupId,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The chain id Ethereum clients see.
    pub evm_chain_id: u64,
    /// The hash of block 0.
    pub genesis_hash: B256,
    /// The nodeID of this node.
    pub own: NodeId,
    /// How blocks are agreed on.
    pub consensus: ConsensusKind,
    /// What the state root commits to.
    pub state: StateKind,
    /// Gas a call may use when it names none.
    pub gas_limit: u64,
}

/// What happens in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A block is committed and durable.
    Committed {
        /// Its height.
        height: u64,
        /// Its hash.
        hash: B256,
    },
    /// A transaction entered the pool.
    Pending(B256),
    /// The group has stopped on this node; nothing follows.
    Stopped,
}

/// The consensus as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsensusStatus {
    /// The view; none in a protocol without.
    pub view: Option<u64>,
    /// The view this node wants to move to; the same when it is content.
    pub to_view: Option<u64>,
    /// Who leads this round.
    pub leader: Option<NodeId>,
    /// Whether this node gave up on the leader.
    pub leader_failed: bool,
    /// The sealers of the next block, ascending.
    pub sealers: Vec<NodeId>,
    /// How many sealers this node is connected to, without itself.
    pub connected: u64,
    /// The last view heard of each sealer.
    pub views: Vec<(NodeId, u64)>,
}

/// The block sync as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// Whether blocks are being fetched.
    pub syncing: bool,
    /// The height sync began at; the head when it is not syncing.
    pub starting_height: u64,
    /// The highest block a peer announced, or the own head.
    pub highest: Head,
    /// What each connected member announced last.
    pub peers: Vec<PeerHead>,
}

/// What a peer announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHead {
    /// The peer.
    pub node_id: NodeId,
    /// Its head.
    pub head: Head,
    /// Its block 0.
    pub genesis_hash: B256,
}

/// Transactions since block 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub transactions: u64,
    /// Those that failed.
    pub failed: u64,
    /// The block counted up to.
    pub height: u64,
}

/// Everything an operator asks of a node before it disturbs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The version of the software.
    pub version: String,
    /// This node.
    pub node_id: NodeId,
    /// When it started, seconds since 1970.
    pub started_at: u64,
    /// The certificates it shows and trusts.
    pub certificates: CertificateStatus,
    /// The same of every connected peer, by nodeID, as it told and showed them last.
    pub peers: BTreeMap<NodeId, CertificateStatus>,
    /// Every group it has files of, those included that could not be opened.
    pub groups: BTreeMap<GroupId, GroupStatus>,
}

/// What a node shows its peers and what it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateStatus {
    /// SHA-256 over the set of chain certificates it trusts: in ascending byte order, each after its length (4 bytes, big-endian).
    pub trust: B256,
    /// SHA-256 of the certificate that issued the one it shows (DER); none when a chain certificate did.
    pub issuer: Option<B256>,
    /// The last second (since 1970) of the certificate it shows.
    pub not_after: u64,
}

/// One group as this node sees it. Of a group that could not be opened only `halted` and `not_ready` are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupStatus {
    /// The hash of the canonical genesis document that block 0 was made from.
    pub genesis_hash: Option<B256>,
    /// Keccak-256 of the text of the `group.N.ini` it runs with; none when there was no such file at its start.
    pub settings_digest: Option<B256>,
    /// The last committed block.
    pub head: Option<Head>,
    /// The view of the consensus.
    pub view: u64,
    /// Who leads it.
    pub leader: Option<NodeId>,
    /// The sealers of the next block, ascending.
    pub sealers: Vec<NodeId>,
    /// What this node is in the group.
    pub role: Option<GroupRole>,
    /// Whether it holds the newest block it knows of and, as a sealer, votes.
    pub in_sync: bool,
    /// Why it is not ready, in words.
    pub not_ready: Option<String>,
    /// Why the group has halted on this node, in words.
    pub halted: Option<String>,
    /// The sealers that this node sees connected and in sync, ascending; itself included when it is.
    pub live: Vec<NodeId>,
    /// The connected members of the group, whatever their role, without this node.
    pub peers: u64,
}

/// What a node is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRole {
    /// It takes part in the consensus.
    Sealer,
    /// It follows.
    Observer,
}

impl GroupRole {
    /// Its word in `althing_status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sealer => "sealer",
            Self::Observer => "observer",
        }
    }
}
