//! What nodes said last.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use althing_operator::name::NodeName;
use althing_operator::plan::report::{GroupReport, NodeReport};

/// The newest answers, by namespace.
#[derive(Debug, Default)]
pub struct Reports(Mutex<HashMap<String, BTreeMap<NodeName, NodeReport>>>);

impl Reports {
    /// The answers of a namespace's nodes.
    pub fn of(&self, namespace: &str) -> BTreeMap<NodeName, NodeReport> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(namespace)
            .cloned()
            .unwrap_or_default()
    }

    /// Takes in the answers of one round; true when they say something that a plan asks about.
    pub fn set(&self, namespace: &str, reports: BTreeMap<NodeName, NodeReport>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.insert(namespace.to_owned(), reports.clone());
        before.is_none_or(|before| gist(&before) != gist(&reports))
    }

    /// Forgets a namespace.
    pub fn forget(&self, namespace: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(namespace);
    }
}

/// Reports without what changes with every block.
fn gist(reports: &BTreeMap<NodeName, NodeReport>) -> BTreeMap<NodeName, NodeReport> {
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
    reports
        .iter()
        .map(|(node, found)| (node.clone(), report(found)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_block_is_no_news_and_a_silent_node_is() {
        let node = NodeName::new("n").unwrap();
        let report = |height| NodeReport {
            groups: BTreeMap::from([(
                althing_types::GroupId::try_from(1).unwrap(),
                GroupReport {
                    height,
                    in_sync: true,
                    ..GroupReport::default()
                },
            )]),
            ..NodeReport::default()
        };
        let reports = Reports::default();
        assert!(reports.set("a", BTreeMap::from([(node.clone(), report(1))])));
        assert!(!reports.set("a", BTreeMap::from([(node, report(2))])));
        assert!(reports.set("a", BTreeMap::new()));
    }
}
