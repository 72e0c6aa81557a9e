//! What nodes said last.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use althing_governance::Moment;
use althing_operator::governance::ChainView;
use althing_operator::name::{GroupName, NodeName};
use althing_operator::plan::report::{GroupReport, NodeReport};

/// Everything the nodes of a namespace said in one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Where each of them stands.
    pub reports: BTreeMap<NodeName, NodeReport>,
    /// What holds on each chain.
    pub chains: BTreeMap<GroupName, ChainView>,
}

/// The newest answers, by namespace.
#[derive(Debug, Default)]
pub struct Reports(Mutex<HashMap<String, Heard>>);

impl Reports {
    /// The answers of a namespace's nodes.
    pub fn of(&self, namespace: &str) -> Heard {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(namespace)
            .cloned()
            .unwrap_or_default()
    }

    /// Takes in the answers of one round; true when they say something that a plan asks about.
    pub fn set(&self, namespace: &str, heard: Heard) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gist_of_it = gist(&heard);
        let before = all.insert(namespace.to_owned(), heard);
        before.is_none_or(|before| gist(&before) != gist_of_it)
    }

    /// Forgets a namespace.
    pub fn forget(&self, namespace: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(namespace);
    }
}

/// What was heard without what changes with every block.
fn gist(heard: &Heard) -> Heard {
    let still = |group: &GroupReport| GroupReport {
        height: 0,
        view: 0,
        leader: None,
        ..group.clone()
    };
    let report = |report: &NodeReport| NodeReport {
        groups: report.groups.iter().map(|(id, group)| (*id, still(group))).collect(),
        ..report.clone()
    };
    let at_rest = |chain: &ChainView| ChainView {
        now: Moment { height: 0, unix_ms: 0 },
        governance: chain.governance.clone(),
    };
    let (reports, chains) = (heard.reports.iter(), heard.chains.iter());
    Heard {
        reports: reports.map(|(node, found)| (node.clone(), report(found))).collect(),
        chains: chains.map(|(group, chain)| (group.clone(), at_rest(chain))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_block_is_no_news_and_a_silent_node_is() {
        let node = NodeName::new("n").unwrap();
        let report = |height| Heard {
            reports: BTreeMap::from([(node.clone(), node_report(height))]),
            ..Heard::default()
        };
        let reports = Reports::default();
        assert!(reports.set("a", report(1)));
        assert!(!reports.set("a", report(2)));
        assert!(reports.set("a", Heard::default()));
    }

    fn node_report(height: u64) -> NodeReport {
        NodeReport {
            groups: BTreeMap::from([(
                althing_types::GroupId::try_from(1).unwrap(),
                GroupReport {
                    height,
                    in_sync: true,
                    ..GroupReport::default()
                },
            )]),
            ..NodeReport::default()
        }
    }
}
