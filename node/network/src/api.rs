//! The words callers exchange with the network: lanes, received frames, outcomes, peers, events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use althing_types::{B256, GroupId, NodeId};
use bytes::Bytes;

use crate::lists::Serial;

/// The longest software version told to or taken from a peer, bytes.
pub const MAX_SOFTWARE_BYTES: usize = 64;

/// The most groups a node may announce.
pub const MAX_GROUPS: usize = 1_024;

/// One of the two connections of a pair of nodes, so that megabytes of sync never stand before a vote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// Votes and proposals. A full queue drops its oldest frame.
    Consensus,
    /// Sync and gossip. A full queue drops the new frame.
    Bulk,
}

impl Lane {
    /// Both lanes, in the order they are dialled.
    pub const ALL: [Self; 2] = [Self::Consensus, Self::Bulk];

    /// The word of this lane in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Bulk => "bulk",
        }
    }
}

/// Who a peer is, as its verified certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The key.
    pub node_id: NodeId,
    /// The common name of the certificate right under the chain certificate; of the chain certificate if there is none.
    pub agency: String,
    /// The common name of the node's own certificate; not unique, not proven beyond the agency's word.
    pub name: String,
    /// The serial of the node's certificate.
    pub serial: Serial,
    /// The last second (since 1970) of the certificate's validity.
    pub not_after: u64,
    /// SHA-256 of the certificate that issued it (DER), as it was shown; none when a chain certificate did.
    pub issuer: Option<[u8; 32]>,
}

/// A group a node serves: its number and the hash of its genesis block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedGroup {
    /// The group's number.
    pub group: GroupId,
    /// The hash of its block 0: two ledgers under one number are not one group.
    pub genesis_hash: B256,
}

/// A frame that arrived for a registered module of a group.
#[derive(Debug)]
pub struct Inbound {
    /// Whose key sent it.
    pub peer: NodeId,
    /// On which lane.
    pub lane: Lane,
    /// Counts the frames its sender meant for us on this lane; a gap is what the sender's full queue dropped.
    pub sequence: u32,
    /// What was sent.
    pub payload: Bytes,
    pub(crate) _charge: Charge,
}

/// Bytes held against a channel's budget until its reader takes the frame.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) held: Arc<AtomicUsize>,
    pub(crate) bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What became of a frame given to [`NetworkHandle::send`](crate::NetworkHandle::send).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SendOutcome {
    /// It waits to be written.
    Queued,
    /// It waits to be written; older frames of the full consensus queue were dropped for it.
    QueuedDroppingOldest,
    /// The bulk queue is full: it was dropped.
    Full,
    /// There is no live connection of this lane to that peer.
    NotConnected,
    /// It is longer than the module's limit: it was not sent.
    TooLong,
}

impl SendOutcome {
    /// Whether the frame is on its way.
    pub const fn is_queued(self) -> bool {
        matches!(self, Self::Queued | Self::QueuedDroppingOldest)
    }
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Whose key it is.
    pub node_id: NodeId,
    /// Its agency's name.
    pub agency: String,
    /// Its certificate's name.
    pub name: String,
    /// The last second (since 1970) of its certificate's validity.
    pub not_after: u64,
    /// SHA-256 of the certificate that issued its certificate (DER), as it was shown last; none when a chain certificate did.
    pub issuer: Option<[u8; 32]>,
    /// The far end of its oldest live connection; the port is ephemeral when the peer dialled.
    pub address: SocketAddr,
    /// Which lanes are up.
    pub lanes: Vec<Lane>,
    /// Which groups it says it serves.
    pub groups: Vec<ServedGroup>,
    /// The software version it gave.
    pub software: String,
    /// SHA-256 of its set of chain certificates: a difference is expected only while a chain certificate rolls over.
    pub trust_hash: [u8; 32],
    /// Milliseconds since 1970 when its first live connection came up.
    pub since_unix_ms: u64,
}

/// What happens to peers. A receiver that lags asks [`NetworkHandle::peers`](crate::NetworkHandle::peers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkEvent {
    /// Both lanes are up. What was sent before this event may be lost; what the peer sent may arrive before it.
    PeerUp {
        /// Whose key.
        node_id: NodeId,
        /// Which groups it says it serves.
        groups: Vec<ServedGroup>,
    },
    /// A lane of a peer that was up is gone or was replaced (then an up follows at once).
    PeerDown {
        /// Whose key.
        node_id: NodeId,
    },
    /// A peer that is up serves other groups than before.
    GroupsChanged {
        /// Whose key.
        node_id: NodeId,
        /// All groups it now says it serves.
        groups: Vec<ServedGroup>,
    },
}

/// How many peers a broadcast went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BroadcastOutcome {
    /// Peers it waits to be written to.
    pub queued: usize,
    /// Peers whose full queue or missing lane lost it.
    pub dropped: usize,
}
