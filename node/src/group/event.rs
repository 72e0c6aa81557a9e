//! What the consensus thread of a group is told.

use althing_consensus::{Fresh, Head, Outcome, Slot};
use althing_types::{B256, Bytes, CommitCertificate, NodeId, SealerSet};

use super::recovery::{Installed, Taken};

/// What the consensus thread of a group is told.
#[derive(Debug)]
pub(crate) enum CoreEvent {
    /// A consensus message from a peer.
    Message { peer: NodeId, payload: Bytes },
    /// A peer of this group came or went.
    Peer { id: NodeId, up: bool },
    /// The pool changed.
    Pool,
    /// The executor built a block.
    Built { slot: Slot, fresh: Option<Fresh> },
    /// The executor executed a candidate.
    Executed { hash: B256, outcome: Outcome },
    /// The executor wrote blocks from sync.
    Imported {
        head: Head,
        certificate: CommitCertificate,
        sealers: SealerSet,
        next_sealers: SealerSet,
        /// The digest of the recovery that the last of them carries.
        recovery: Option<B256>,
        /// The highest of their certificates that this node signed.
        signed: Option<u64>,
    },
    /// A block is durable in the ledger.
    Written { height: u64 },
    /// Sync knows through which height to abstain.
    AbstainThrough(u64),
    /// The node's folder says something else about a recovery.
    Install(Installed),
    /// The executor holds the next height to this recovery.
    Recovering(Taken),
    /// The group has halted.
    Halted,
    /// The node stops.
    Stop,
}
