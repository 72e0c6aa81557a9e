//! Groups: quorum, halted ledgers, a genesis file that is not block 0's.

use super::{Finding, Patient, log};
use crate::facts::Facts;

const LAST_LINES: usize = 3;

/// What several nodes together show.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in &facts.groups {
        let needed = althing_types::quorum(group.sealers);
        if group.sealers > 0 && group.live_sealers < needed {
            // Sealers elsewhere may make up the rest, which cannot be seen from here.
            let own = facts.nodes.iter().flat_map(|node| &node.groups);
            let own = own
                .filter(|member| member.group == group.id && member.role == "sealer")
                .count();
            let missing = group.sealers - own;
            if group.live_sealers + missing < needed {
                findings.push(Finding::problem(
                    format!("group {}", group.id),
                    "makes no blocks: too few sealers live",
                    format!("{} of {} sealers live, {needed} are needed", group.live_sealers + missing, group.sealers),
                    "bring its stopped sealers back: althing up starts them; then see the findings about those that do not start",
                ));
            }
        }
    }
    findings
}

/// What a node says about its groups.
pub(super) fn examine_member(patient: &Patient<'_>) -> Vec<Finding> {
    let is_set = |name: &'static str| patient.samples(name).filter(|sample| sample.value > 0.0);
    let place = |group: &str| format!("{}, group {group}", patient.name());
    let lines = |words: &[&str]| {
        let found = log::last_lines_with(&patient.node.folder, &patient.node.output, words, LAST_LINES);
        if found.is_empty() {
            "see its log".to_owned()
        } else {
            found
        }
    };
    let differs = is_set("althing_genesis_differs").map(|sample| {
        let group = sample.label("group");
        Finding::problem(
            place(group),
            format!("conf/group.{group}.genesis is not what block 0 says"),
            format!("the file was changed after the first start; the ledger goes on with block 0\n{}", lines(&["genesis"])),
            "restore the file (althing up writes the recorded one); a genesis never changes, a different one is a new group",
        )
    });
    let halted = is_set("althing_group_halted").map(|sample| {
        let group = sample.label("group");
        Finding::problem(
            place(group),
            "the group is halted on this node",
            lines(&["halt"]),
            format!("other groups go on; keep data/group{group} for examination, move it away and run althing up: the node fetches the ledger again and abstains until it is safe"),
        )
    });
    differs.chain(halted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::GroupFacts;

    fn group(sealers: usize, live_sealers: usize) -> Facts {
        let group = GroupFacts {
            namespace: "trade".into(),
            id: 1,
            name: "group-1".into(),
            sealers,
            live_sealers,
            faults_tolerable: 1,
            height: Some(1),
            endpoint: None,
        };
        Facts {
            nodes: Vec::new(),
            groups: vec![group],
        }
    }

    #[test]
    fn sealers_elsewhere_are_not_said_to_be_down() {
        assert_eq!(examine(&group(4, 0)), []);
        assert_eq!(examine(&group(0, 0)), []);
    }
}
