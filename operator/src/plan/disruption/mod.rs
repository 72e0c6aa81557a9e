//! Quorum first (DESIGN.md 5.4): which node is disturbed next, and what makes the others wait.
//!
//! ```text
//! observed, manifests ─▶ survey ─▶ Scene ─┐
//!                    candidates, in turn ─┼─▶ decide ─▶ at most one node that runs, and every node proven stopped
//!          Leases (budget, then the chain) ─┘            what waits says which Rule blocks it and what would unblock it
//! ```
//!
//! One budget covers every reason: changes, drains and removals stand in one queue. Between agencies the same question is
//! answered on the chain as well (GOVERNANCE.md 2), through the same [`Leases`].

mod budget;
mod decide;
mod lease;
mod rule;
mod scene;
mod survey;

use serde::{Deserialize, Serialize};

pub use budget::Budget;
pub use decide::{Candidate, decide};
pub use lease::{ChainLeases, Ground, GroupChain, HeldLease, OwnNode, Taken};
pub use rule::{Answer, Leases, Rule};
pub use scene::{GroupScene, NodeScene, Scene, Sealer, WantedScene};
pub use survey::{DeclaredGroup, survey};

use crate::name::NodeName;

/// A node that has to be disturbed, and whether it may be now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disruption {
    /// The node.
    pub node: NodeName,
    /// Why it must be disturbed.
    pub reason: DisruptionReason,
    /// Whether it may be.
    pub verdict: Verdict,
}

/// Why a node is disturbed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DisruptionReason {
    /// It reads its configuration only at its start, and the configuration changed.
    ConfigurationChanged,
    /// The image or the resources of its container changed.
    ContainerChanged,
    /// The settings of a group it runs changed.
    SettingsChanged,
    /// Its machine is to be emptied: whoever drains it may evict the node while the plan allows it.
    MachineDrained,
    /// No manifest names it any more.
    Removed,
}

impl DisruptionReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::ConfigurationChanged,
        Self::ContainerChanged,
        Self::SettingsChanged,
        Self::MachineDrained,
        Self::Removed,
    ];

    /// Whether the node comes back as another one than it was, so that it has to prove itself before the next follows.
    pub const fn is_change(self) -> bool {
        matches!(
            self,
            Self::ConfigurationChanged | Self::ContainerChanged | Self::SettingsChanged
        )
    }

    /// In words, as the subject of a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationChanged => "a restart for its configuration",
            Self::ContainerChanged => "a restart for its image or resources",
            Self::SettingsChanged => "a restart for a group's settings",
            Self::MachineDrained => "the drain of its machine",
            Self::Removed => "its removal",
        }
    }
}

/// What the rules say to one disruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing stands against it.
    Allowed,
    /// A rule blocks it.
    Blocked {
        /// Which rule.
        rule: Rule,
        /// What it found, and what would unblock it.
        why: String,
    },
}
