//! What nodes said last.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
pub struct Reports {
    newest: Mutex<HashMap<String, Heard>>,
    /// The namespaces that wait for what their nodes say next.
    awaited: Mutex<HashSet<String>>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reports {
    /// The answers of a namespace's nodes.
    pub fn of(&self, namespace: &str) -> Heard {
        locked(&self.newest).get(namespace).cloned().unwrap_or_default()
    }

    /// Takes in the answers of one round; true when they say something that a plan asks about.
    pub fn set(&self, namespace: &str, heard: Heard) -> bool {
        let gist_of_it = gist(&heard);
        let before = locked(&self.newest).insert(namespace.to_owned(), heard);
        before.is_none_or(|before| gist(&before) != gist_of_it)
    }

    /// Forgets a namespace.
    pub fn forget(&self, namespace: &str) {
        locked(&self.newest).remove(namespace);
        self.awaits(namespace, false);
    }

    /// Whether a namespace waits for what its nodes say next, because of something that was done there.
    pub fn awaits(&self, namespace: &str, is_so: bool) {
        let mut awaited = locked(&self.awaited);
        match is_so {
            true => awaited.insert(namespace.to_owned()),
            false => awaited.remove(namespace),
        };
    }

    /// The namespaces that do.
    pub fn awaited(&self) -> HashSet<String> {
        locked(&self.awaited).clone()
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

    #[test]
    fn a_namespace_is_awaited_until_nothing_is_under_way_or_it_is_gone() {
        let reports = Reports::default();
        for namespace in ["a", "b", "c"] {
            reports.awaits(namespace, true);
        }
        reports.awaits("a", false);
        reports.forget("b");
        assert_eq!(reports.awaited(), HashSet::from(["c".to_owned()]));
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
