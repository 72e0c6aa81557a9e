//! When something happens, and what came of it.

use althing_types::{Address, NodeId};

use crate::{Blocked, ChangeId, Role, Subject};

/// The block in which a call executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds since 1970.
    pub unix_ms: u64,
}

/// What became of a call that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded, and waits for more votes or for proofs of life. FISCO's interfaces return 0.
    Recorded,
    /// It passed or was carried out. FISCO's interfaces return 1.
    Passed,
}

/// What happened, in order, for the logs of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A seat voted.
    Voted {
        /// Who.
        account: Address,
        /// For which change.
        id: ChangeId,
    },
    /// A seat took its vote back.
    Withdrawn {
        /// Who.
        account: Address,
        /// About what.
        subject: Subject,
    },
    /// A change has its votes.
    Passed {
        /// Which.
        id: ChangeId,
    },
    /// A step of a change was carried out.
    Stepped {
        /// Of which change.
        id: ChangeId,
        /// Whose role it is.
        node: NodeId,
        /// What it was.
        from: Role,
        /// What it is from the next block on.
        to: Role,
    },
    /// A change is carried out as a whole.
    Done {
        /// Which.
        id: ChangeId,
    },
    /// A change is not carried out.
    Lapsed {
        /// Which.
        id: ChangeId,
        /// Why.
        why: Lapse,
    },
    /// The group goes on from here by its committee's word.
    Recovered {
        /// The digest of the recovery.
        id: althing_types::B256,
        /// The height of the block it goes on from.
        height: u64,
    },
    /// A node may be disturbed.
    LeaseGranted {
        /// Which.
        node: NodeId,
        /// Until then at most, milliseconds since 1970.
        until_ms: u64,
    },
    /// A lease, or the wish for one, is over.
    LeaseEnded {
        /// Of which node.
        node: NodeId,
    },
}

/// Why a change is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// What its step needs was not there for [`crate::PATIENCE_MS`]; it stays approved, `advance` tries again.
    Step(Blocked),
    /// Its approval is too old.
    Expired,
    /// Something else was approved for the same node since.
    Overtaken,
    /// The group was recovered since.
    Recovered,
}
