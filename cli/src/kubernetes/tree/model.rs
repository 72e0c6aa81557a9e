//! The tree as a value: what `-o json` shows.

use jiff::Timestamp;
use serde::Serialize;

use crate::kubernetes::state::State;

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tree {
    /// Its name.
    pub namespace: String,
    /// Its consortiums, and those that are only named.
    pub consortiums: Vec<ConsortiumBranch>,
    /// What could not be asked, each with why.
    pub unknown: Vec<String>,
}

/// A consortium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsortiumBranch {
    pub name: String,
    #[serde(flatten)]
    pub state: State,
    pub chain_id: Option<i64>,
    /// End of the chain certificate.
    pub certificate_not_after: Option<Timestamp>,
    pub agencies: Vec<AgencyBranch>,
    pub groups: Vec<GroupBranch>,
}

/// An agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgencyBranch {
    pub name: String,
    #[serde(flatten)]
    pub state: State,
    /// Somebody else's.
    pub external: bool,
    /// End of the agency certificate.
    pub certificate_not_after: Option<Timestamp>,
    pub nodes: Vec<NodeBranch>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeBranch {
    pub name: String,
    #[serde(flatten)]
    pub state: State,
    /// Somebody else's.
    pub external: bool,
    pub node_id: Option<String>,
    /// End of its certificate.
    pub certificate_not_after: Option<Timestamp>,
    pub groups: Vec<Membership>,
}

/// A node in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Membership {
    /// The name of the group; its number when no manifest names it.
    pub group: String,
    pub group_id: Option<i32>,
    /// `sealer`, `observer`; none while nobody knows.
    pub role: Option<&'static str>,
    /// `in sync`, `not ready`, `halted`; none when the node could not be asked.
    pub state: Option<&'static str>,
    pub height: Option<u64>,
    /// Blocks behind the highest that is known here.
    pub lag: Option<u64>,
    pub view: Option<u64>,
    /// Why it is not ready, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A group, over all nodes that were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupBranch {
    pub name: String,
    pub group_id: i32,
    #[serde(flatten)]
    pub state: State,
    pub sealers: usize,
    /// Sealers that are connected and in sync, as the best connected node sees it.
    pub sealers_live: Option<u64>,
    pub faults_tolerable: Option<i32>,
    /// Why one more failure stops it, where that is not so by its very size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_risk: Option<String>,
    pub height: Option<u64>,
    pub genesis_hash: Option<String>,
}

impl Tree {
    /// Whether every object is as it should be. What could not be asked is held against nobody.
    pub(crate) fn is_well(&self) -> bool {
        self.consortiums.iter().all(ConsortiumBranch::is_well)
    }
}

impl ConsortiumBranch {
    fn is_well(&self) -> bool {
        let agency = |agency: &AgencyBranch| {
            let mut nodes = agency.nodes.iter();
            agency.state.is_ready() && nodes.all(|node| node.state.is_ready())
        };
        let mut groups = self.groups.iter();
        self.state.is_ready() && self.agencies.iter().all(agency) && groups.all(|group| group.state.is_ready())
    }
}
