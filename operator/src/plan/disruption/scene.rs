//! Where the nodes and groups of a namespace stand, as far as a verdict asks.

use std::collections::{BTreeMap, BTreeSet};

use althing_types::{B256, GroupId, NodeId, quorum};
use jiff::Timestamp;

use crate::name::{GroupName, NodeName};
use crate::plan::{Container, ProcessState};

/// Everything a verdict depends on, the clock apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The own nodes that run or ran.
    pub nodes: BTreeMap<NodeName, NodeScene>,
    /// The declared groups, by name.
    pub groups: BTreeMap<GroupName, GroupScene>,
    /// Nodes that somebody else may disturb at this moment, because an earlier plan allowed it.
    pub opened: BTreeSet<NodeName>,
}

/// One own node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeScene {
    /// Whether it runs.
    pub state: ProcessState,
    /// What it runs in.
    pub container: Option<Container>,
    /// What is wanted of it; none while it cannot be said, or when nothing is wanted any more.
    pub wanted: Option<WantedScene>,
}

/// What is wanted of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedScene {
    /// What it should run in.
    pub container: Option<Container>,
    /// Whether it runs as wanted already.
    pub is_met: bool,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupScene {
    /// Its number.
    pub id: GroupId,
    /// Its sealers: as the chain has them when a node told, else those of its genesis.
    pub sealers: Vec<Sealer>,
    /// The observers that told so themselves.
    pub observers: Vec<NodeId>,
    /// Whether a node that is in sync told the sealers.
    pub is_reported: bool,
    /// Who leads at present, when it is a node of this namespace.
    pub leader: Option<NodeName>,
    /// The own nodes that take part, sealers or not.
    pub members: BTreeSet<NodeName>,
    /// Those of them that are in sync.
    pub in_sync: BTreeSet<NodeName>,
    /// Own nodes that run another chain under this number, and its genesis.
    pub strangers: BTreeMap<NodeName, B256>,
    /// Until when its owner announced that it may stand still.
    pub pause_until: Option<Timestamp>,
}

/// One sealer of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealer {
    /// Its name in this namespace, if it has one.
    pub node: Option<NodeName>,
    /// Its identity, once known.
    pub id: Option<NodeId>,
    /// Whether it is this namespace's.
    pub is_own: bool,
    /// Whether it is known to be live and in sync.
    pub is_live: bool,
    /// Whether it may be: it is known to be, or it runs and does not answer, and own nodes that are in sync hear it.
    pub may_be_live: bool,
}

impl NodeScene {
    /// Whether it should run as something else than it does.
    pub fn is_outdated(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| !wanted.is_met)
    }
}

impl GroupScene {
    /// Whether the node seals in it.
    pub fn seals(&self, node: &NodeName) -> bool {
        self.sealers.iter().any(|sealer| sealer.node.as_ref() == Some(node))
    }

    /// How many sealers are live, this one not counted.
    pub fn live_without(&self, node: &NodeName) -> usize {
        let others = self.sealers.iter().filter(|sealer| sealer.node.as_ref() != Some(node));
        others.filter(|sealer| sealer.is_live).count()
    }

    /// How many sealers are live.
    pub fn live(&self) -> usize {
        self.sealers.iter().filter(|sealer| sealer.is_live).count()
    }

    /// How many sealers must agree.
    pub const fn quorum(&self) -> usize {
        quorum(self.sealers.len())
    }

    /// Whether its owner announced a pause that has not ended.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.pause_until.is_some_and(|until| now < until)
    }
}
