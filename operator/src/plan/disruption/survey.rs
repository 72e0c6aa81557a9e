//! Observed → [`Scene`]: who seals, who is live, who leads.
//!
//! Of own nodes their own word counts, else whether their process is ready. Of other agencies' sealers counts whom own nodes
//! that are in sync heard of. Everybody else is down.

use std::collections::{BTreeMap, BTreeSet};

use althing_types::{B256, GroupId, NodeId};
use jiff::Timestamp;

use super::scene::WantedScene;
use super::{GroupScene, NodeScene, Scene, Sealer};
use crate::name::{GroupName, NodeName};
use crate::plan::{GroupReport, GroupRole, Identity, NodeReport, Observed, ProcessState};

/// A group as the manifests have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredGroup {
    /// Its name.
    pub name: GroupName,
    /// Its number.
    pub id: GroupId,
    /// The sealers of its genesis.
    pub sealers: Vec<NodeName>,
    /// The own nodes that take part.
    pub members: BTreeSet<NodeName>,
    /// The hash of its genesis, once known.
    pub genesis_hash: Option<B256>,
    /// Until when it may stand still.
    pub pause_until: Option<Timestamp>,
}

/// Sees where everything stands. `own` are the nodes this namespace runs by its manifests, `ids` the identities of all nodes
/// it knows, `wanted` what is wanted of each.
pub fn survey(
    observed: &Observed,
    own: &BTreeSet<NodeName>,
    ids: &BTreeMap<NodeName, NodeId>,
    groups: &[DeclaredGroup],
    mut wanted: BTreeMap<NodeName, WantedScene>,
) -> Scene {
    let eye = Eye::new(observed, own, ids);
    let nodes = observed.processes.iter().map(|(name, found)| {
        let node = NodeScene {
            state: found.state,
            container: found.process.container.clone(),
            wanted: wanted.remove(name),
        };
        (name.clone(), node)
    });
    Scene {
        nodes: nodes.collect(),
        groups: groups
            .iter()
            .map(|group| (group.name.clone(), eye.group(group)))
            .collect(),
        opened: observed.opened.clone(),
    }
}

struct Eye<'a> {
    observed: &'a Observed,
    /// Identities whose keys are or were this namespace's, also of nodes whose manifest is gone.
    own_ids: BTreeMap<NodeId, NodeName>,
    own: &'a BTreeSet<NodeName>,
    ids: &'a BTreeMap<NodeName, NodeId>,
    names: BTreeMap<NodeId, &'a NodeName>,
}

/// One own node's word about one group.
struct Word<'a> {
    node: &'a NodeName,
    report: &'a GroupReport,
}

impl<'a> Eye<'a> {
    fn new(observed: &'a Observed, own: &'a BTreeSet<NodeName>, ids: &'a BTreeMap<NodeName, NodeId>) -> Self {
        let kept = observed
            .identities
            .iter()
            .filter_map(|(identity, found)| match (identity, found.key.public()) {
                (Identity::Node(name), Some(key)) => Some((key.node_id()?, name.clone())),
                _ => None,
            });
        let running = observed
            .processes
            .iter()
            .map(|(name, found)| (found.process.node_id, name.clone()));
        let declared = own
            .iter()
            .filter_map(|name| ids.get(name).map(|id| (*id, name.clone())));
        Self {
            observed,
            own_ids: kept.chain(running).chain(declared).collect(),
            own,
            ids,
            names: ids.iter().map(|(name, id)| (*id, name)).collect(),
        }
    }

    /// The word of a node that runs.
    fn report(&self, node: &NodeName) -> Option<&'a NodeReport> {
        let runs = |node| {
            self.observed
                .processes
                .get(node)
                .is_some_and(|found| found.state != ProcessState::Stopped)
        };
        self.observed.reports.get(node).filter(|_| runs(node))
    }

    fn words(&self, id: GroupId) -> impl Iterator<Item = Word<'a>> {
        let nodes = self.observed.reports.keys();
        nodes.filter_map(move |node| {
            let report = self.report(node)?.groups.get(&id)?;
            Some(Word { node, report })
        })
    }

    /// Whether the node runs the chain that is meant.
    fn is_same_chain(group: &DeclaredGroup, report: &GroupReport) -> bool {
        match (group.genesis_hash, report.genesis_hash) {
            (Some(recorded), Some(running)) => recorded == running,
            _ => true,
        }
    }

    fn is_in_sync(&self, group: &DeclaredGroup, node: &NodeName) -> bool {
        let state = self.observed.processes.get(node).map(|found| found.state);
        match (state, self.report(node)) {
            (None | Some(ProcessState::Stopped), _) => false,
            (Some(state), None) => state == ProcessState::Ready,
            (Some(_), Some(report)) => {
                let word = report.groups.get(&group.id);
                word.is_some_and(|word| word.takes_part() && Self::is_same_chain(group, word))
            }
        }
    }

    /// Whether an own node runs and does not answer, while others hear it: nobody knows that it does not vote.
    fn is_only_heard(&self, sealer: &Sealer, heard: &BTreeSet<NodeId>) -> bool {
        let runs = |node| {
            let found = self.observed.processes.get(node);
            found.is_some_and(|found| found.state != ProcessState::Stopped) && self.report(node).is_none()
        };
        sealer.node.as_ref().is_some_and(runs) && sealer.id.is_some_and(|id| heard.contains(&id))
    }

    fn group(&self, group: &DeclaredGroup) -> GroupScene {
        let words = || {
            self.words(group.id)
                .filter(|word| Self::is_same_chain(group, word.report))
        };
        let newest = words()
            .filter(|word| !word.report.sealers.is_empty())
            .max_by_key(|word| (word.report.takes_part(), word.report.height, word.report.view));
        let heard: BTreeSet<NodeId> = words()
            .filter(|word| word.report.takes_part())
            .flat_map(|word| word.report.live.iter().copied())
            .collect();
        let running = self.observed.processes.iter().filter(|(_, found)| {
            found.state != ProcessState::Stopped && found.process.groups.iter().any(|it| it.id == group.id)
        });
        let members = group.members.iter().cloned();
        let members = members.chain(running.map(|(name, _)| name.clone()));
        let members: BTreeSet<NodeName> = members
            .chain(self.words(group.id).map(|word| word.node.clone()))
            .collect();
        let in_sync: BTreeSet<_> = members
            .iter()
            .filter(|node| self.is_in_sync(group, node))
            .cloned()
            .collect();
        let sealers = match &newest {
            Some(word) => self.seats(word.report.sealers.iter().map(|id| (self.name_of(id), Some(*id)))),
            None => self.seats(
                group
                    .sealers
                    .iter()
                    .map(|name| (Some(name.clone()), self.ids.get(name).copied())),
            ),
        };
        let is_live = |sealer: &Sealer| match &sealer.node {
            Some(node) if sealer.is_own => self.is_in_sync(group, node),
            _ => sealer.id.is_some_and(|id| heard.contains(&id)),
        };
        let strangers = self
            .words(group.id)
            .filter(|word| !Self::is_same_chain(group, word.report));
        GroupScene {
            id: group.id,
            is_reported: newest.as_ref().is_some_and(|word| word.report.takes_part()),
            leader: newest
                .and_then(|word| word.report.leader)
                .and_then(|id| self.name_of(&id)),
            observers: self.observers(words()),
            sealers: sealers
                .into_iter()
                .map(|sealer| Sealer {
                    is_live: is_live(&sealer),
                    may_be_live: is_live(&sealer) || self.is_only_heard(&sealer, &heard),
                    ..sealer
                })
                .collect(),
            members,
            in_sync,
            strangers: strangers
                .filter_map(|word| Some((word.node.clone(), word.report.genesis_hash?)))
                .collect(),
            pause_until: group.pause_until,
        }
    }

    fn observers(&self, words: impl Iterator<Item = Word<'a>>) -> Vec<NodeId> {
        let observers = words.filter(|word| word.report.role == Some(GroupRole::Observer));
        observers.filter_map(|word| self.id_of(word.node)).collect()
    }

    fn id_of(&self, node: &NodeName) -> Option<NodeId> {
        let running = self.observed.processes.get(node).map(|found| found.process.node_id);
        self.ids.get(node).copied().or(running)
    }

    fn name_of(&self, id: &NodeId) -> Option<NodeName> {
        let declared = self.names.get(id).copied().or_else(|| self.own_ids.get(id));
        declared.cloned()
    }

    /// Sealers of whom it is not said yet whether they are live.
    fn seats(&self, sealers: impl Iterator<Item = (Option<NodeName>, Option<NodeId>)>) -> Vec<Sealer> {
        let seat = |(node, id): (Option<NodeName>, Option<NodeId>)| Sealer {
            is_own: id.is_some_and(|id| self.own_ids.contains_key(&id))
                || node
                    .as_ref()
                    .is_some_and(|node| self.own.contains(node) || self.observed.processes.contains_key(node)),
            is_live: false,
            may_be_live: false,
            node,
            id,
        };
        sealers.map(seat).collect()
    }
}
