//! The rules by name, and who is asked.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::name::NodeName;
use crate::plan::DisruptionReason;

/// Everything that can make a disruption wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// At most one node that runs is disturbed at a time.
    OneAtATime,
    /// Who was disturbed, or has just started, is in sync before the next of its groups follows.
    InSyncFirst,
    /// One node runs a new image well before a second gets it.
    NewImageProvenFirst,
    /// The sealers that remain reach quorum in every group of the node.
    QuorumFirst,
    /// A group that tolerates no fault stands still only in a pause its owner announced.
    AnnouncedPauseOnly,
    /// A sealer that shares a group with other agencies is disturbed under a lease on that group's chain.
    LeaseFirst,
    /// Nobody leaves a group because its manifest is not there.
    SilenceIsNoOpinion,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 7] = [
        Self::OneAtATime,
        Self::InSyncFirst,
        Self::NewImageProvenFirst,
        Self::QuorumFirst,
        Self::AnnouncedPauseOnly,
        Self::LeaseFirst,
        Self::SilenceIsNoOpinion,
    ];

    /// Its name, as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneAtATime => "one node at a time",
            Self::InSyncFirst => "back in sync first",
            Self::NewImageProvenFirst => "one node proves a new image",
            Self::QuorumFirst => "quorum first",
            Self::AnnouncedPauseOnly => "only in an announced pause",
            Self::LeaseFirst => "a lease on the chain first",
            Self::SilenceIsNoOpinion => "silence is no opinion",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer to a request for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The node may be disturbed now.
    Granted,
    /// It may not.
    Refused {
        /// Which rule stands against it.
        rule: Rule,
        /// What was found, and what would unblock it.
        why: String,
    },
}

/// Who grants disruption leases (GOVERNANCE.md 2): within one operator its own budget; between agencies, the chain.
///
/// A node proven stopped needs no lease and is not asked for.
pub trait Leases {
    /// Whether this node may be disturbed for this reason now. A grant holds for the plan that asked.
    fn ask(&mut self, node: &NodeName, reason: DisruptionReason, now: Timestamp) -> Answer;
}
