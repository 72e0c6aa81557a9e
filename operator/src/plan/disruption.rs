//! Quorum first (DESIGN.md 5.4): whether a node may be disturbed now, within one operator.

use std::collections::BTreeMap;

use althing_types::quorum;
use serde::{Deserialize, Serialize};

use crate::name::{GroupName, NodeName};
use crate::plan::observed::ProcessState;

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
    /// Its machine is to be emptied: whoever drains it may evict the node now.
    MachineDrained,
    /// No manifest names it any more.
    Removed,
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
        rule: &'static str,
        /// What it found, and what would unblock it.
        why: String,
    },
}

/// The sealers of a group, as far as a verdict asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealersOfGroup {
    /// The group.
    pub group: GroupName,
    /// The names of its sealers.
    pub sealers: Vec<NodeName>,
    /// Whether its owner announced a pause that has not ended.
    pub paused: bool,
}

/// One shared budget for every reason: nodes already granted in this plan count as down.
#[derive(Debug)]
pub struct Budget<'a> {
    groups: &'a [SealersOfGroup],
    states: BTreeMap<&'a NodeName, ProcessState>,
    granted: Option<NodeName>,
}

impl<'a> Budget<'a> {
    /// A budget over these groups. A node that `states` does not name is somebody else's or unknown: it counts as down.
    pub const fn new(groups: &'a [SealersOfGroup], states: BTreeMap<&'a NodeName, ProcessState>) -> Self {
        Self {
            groups,
            states,
            granted: None,
        }
    }

    /// Whether this node may be disturbed; a grant is remembered.
    pub fn ask(&mut self, node: &NodeName) -> Verdict {
        // A node proven stopped disturbs nobody by being replaced.
        if self.states.get(node) == Some(&ProcessState::Stopped) {
            return Verdict::Allowed;
        }
        if let Some(other) = &self.granted {
            return Verdict::Blocked {
                rule: "one node at a time",
                why: format!("{other} is being restarted; {node} follows when {other} is ready again"),
            };
        }
        let blocking = self
            .groups
            .iter()
            .filter(|g| !g.paused)
            .find_map(|group| self.quorum_without(group, node));
        match blocking {
            Some(why) => Verdict::Blocked {
                rule: "quorum first",
                why,
            },
            None => {
                self.granted = Some(node.clone());
                Verdict::Allowed
            }
        }
    }

    /// Why the group would not reach quorum without the node, if it would not.
    fn quorum_without(&self, group: &SealersOfGroup, node: &NodeName) -> Option<String> {
        if !group.sealers.contains(node) {
            return None;
        }
        let live = |n: &&NodeName| *n != node && self.states.get(n) == Some(&ProcessState::Ready);
        let (live, needed) = (group.sealers.iter().filter(live).count(), quorum(group.sealers.len()));
        (live < needed).then(|| match group.sealers.len() > needed {
            true => format!(
                "group {} needs {needed} live sealers and would have {live} without {node}; bring its other sealers back",
                group.group
            ),
            false => format!(
                "group {} of {} sealers tolerates no fault; set spec.local.pauseUntil on it to let it stand still",
                group.group,
                group.sealers.len()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(i: usize) -> NodeName {
        NodeName::new(format!("node-{i}")).unwrap()
    }

    fn group(sealers: usize, paused: bool) -> SealersOfGroup {
        SealersOfGroup {
            group: GroupName::new("g").unwrap(),
            sealers: (0..sealers).map(node).collect(),
            paused,
        }
    }

    fn verdicts(group: SealersOfGroup, states: &[ProcessState], asked: &[usize]) -> Vec<bool> {
        let groups = [group];
        let names: Vec<_> = (0..states.len()).map(node).collect();
        let mut budget = Budget::new(&groups, names.iter().zip(states.iter().copied()).collect());
        asked
            .iter()
            .map(|i| budget.ask(&node(*i)) == Verdict::Allowed)
            .collect()
    }

    use ProcessState::{Ready, Running, Stopped};

    #[test]
    fn rule_4_quorum_first_one_of_four_may_restart_and_then_no_other() {
        assert_eq!(verdicts(group(4, false), &[Ready; 4], &[0, 1]), [true, false]);
    }

    #[test]
    fn rule_4_a_sealer_that_is_not_in_sync_counts_as_down() {
        assert_eq!(
            verdicts(group(4, false), &[Ready, Ready, Ready, Running], &[0]),
            [false]
        );
    }

    #[test]
    fn rule_4_an_unknown_other_counts_as_down() {
        assert_eq!(verdicts(group(4, false), &[Ready, Ready, Ready], &[0]), [false]);
    }

    #[test]
    fn rule_4_a_node_proven_stopped_may_always_be_replaced() {
        assert_eq!(
            verdicts(group(4, false), &[Stopped, Stopped, Ready, Ready], &[0, 1]),
            [true, true]
        );
    }

    #[test]
    fn rule_4_a_group_that_tolerates_no_fault_can_only_be_paused() {
        assert_eq!(verdicts(group(2, false), &[Ready; 2], &[0]), [false]);
        assert_eq!(verdicts(group(2, true), &[Ready; 2], &[0]), [true]);
    }
}
