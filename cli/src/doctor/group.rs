//! Groups: quorum, halted ledgers.

use super::{Finding, Patient, genesis, log};
use crate::facts::Facts;

/// Set while a group is halted on the node, or could not be opened.
pub(super) const HALTED: &str = "althing_group_halted";
/// Set while a group does not follow what `group.N.recovery` says.
const RECOVERY_REFUSED: &str = "althing_recovery_refused";
/// How far the median of all clocks in a group is ahead of the node's, milliseconds.
const CLOCK_OFFSET: &str = "althing_clock_offset_milliseconds";
/// A node raises an alarm when its clock is further off (LEDGER.md 2).
const CLOCK_OFF_MS: f64 = 5_000.0;
/// What the log says where the disk is the cause and the data are sound.
const DISK_WORDS: [&str; 5] = [
    "No space left",
    "disk is full",
    "Read-only file system",
    "cannot be written",
    "Permission denied",
];

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
                    "bring its stopped sealers back: althing up starts them; then see the findings about those that do not start. Where too many are lost for ever, the committee lets the group go on with the others: althing recover",
                ));
            }
        }
    }
    findings
}

/// What a node says about its groups, and what its files do.
pub(super) fn examine_member(patient: &Patient<'_>) -> Vec<Finding> {
    let groups = &patient.node.process.groups;
    let differs = groups.iter().filter_map(|group| genesis::examine(patient, group));
    differs
        .chain(halted(patient))
        .chain(recovery_refused(patient))
        .chain(clock_off(patient))
        .collect()
}

fn halted(patient: &Patient<'_>) -> Vec<Finding> {
    let halted = patient.samples(HALTED).filter(|sample| sample.value > 0.0);
    let found = halted.map(|sample| {
        let group = sample.label("group");
        let why = last_words(patient, "group_halted", group);
        let restart = match patient.node.pid {
            Some(pid) => format!("stop the node (kill {pid}) and run althing up"),
            None => "run althing up".to_owned(),
        };
        let advice = match DISK_WORDS.iter().any(|words| why.contains(words)) {
            true => format!("make room on the disk or make it writable, then {restart}; the data are sound, leave them where they are"),
            false => format!("remove the cause, then {restart}; other groups go on. Where the data are damaged keep data/group{group} for examination and move it away first: the node fetches the ledger again and abstains until it is safe"),
        };
        Finding::problem(format!("{}, group {group}", patient.name()), "the group is halted on this node", why, advice)
    });
    found.collect()
}

/// The last line of the node's log with an alarm of a group.
fn last_words(patient: &Patient<'_>, alarm: &str, group: &str) -> String {
    let words = [alarm, &format!("group {group} ")];
    match log::last_lines_with(&patient.node.folder, &patient.node.output, &words, 1) {
        none if none.is_empty() => "see its log".to_owned(),
        line => line,
    }
}

/// A recovery that changes nothing on this node.
fn recovery_refused(patient: &Patient<'_>) -> Vec<Finding> {
    let refused = patient.samples(RECOVERY_REFUSED).filter(|sample| sample.value > 0.0);
    let found = refused.map(|sample| {
        let group = sample.label("group");
        let why = last_words(patient, "recovery_refused", group);
        Finding::problem(
            format!("{}, group {group}", patient.name()),
            "the group does not follow the recovery in the node's folder",
            why,
            format!(
                "check the document with althing recover GROUP --document FILE; put the right one into spec.recovery of the Group, or take it \
                 out. Where the other nodes went on by it and this one did not, stop this node and move data/group{group} away: the node \
                 fetches the ledger again"
            ),
        )
    });
    found.collect()
}

/// A clock that is not that of the others. Once a node, however many groups it is in.
fn clock_off(patient: &Patient<'_>) -> Option<Finding> {
    let offsets = patient.samples(CLOCK_OFFSET);
    let worst = offsets.max_by(|one, other| one.value.abs().total_cmp(&other.value.abs()))?;
    if worst.value.abs() <= CLOCK_OFF_MS {
        return None;
    }
    let (direction, cost) = match worst.value > 0.0 {
        true => (
            "behind",
            "with more than 15 s it takes their blocks for ones to come and votes for none",
        ),
        false => (
            "ahead of",
            "with more than 15 s they refuse the blocks that it proposes",
        ),
    };
    Some(Finding::problem(
        patient.name(),
        "its clock is not that of the other nodes",
        format!(
            "it is {:.0} s {direction} the median of the clocks in group {}; {cost}",
            worst.value.abs() / 1_000.0,
            worst.label("group")
        ),
        "set the clock of its machine, and look at the machine's time service; the node needs no restart",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;
    use crate::facts::GroupFacts;

    fn halted_by(cause: &str) -> Finding {
        let log = format!("2026 ERROR group 1 has halted on this node: {cause} group=1 alarm=\"group_halted\"\n");
        let case = Case::new(
            &log,
            &[
                "althing_group_halted{group=\"1\"} 1",
                "althing_group_halted{group=\"2\"} 0",
            ],
        );
        let findings = halted(&case.patient());
        assert_eq!(findings.len(), 1);
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn a_group_halted_by_a_full_disk_keeps_its_data_and_a_damaged_one_moves_them_away() {
        let full = halted_by("append to the vote log: No space left on device (os error 28)");
        assert!(full.why.contains("No space left"));
        assert!(full.advice.contains("leave them where they are") && full.advice.contains("kill 4711"));
        let damaged = halted_by("the data is corrupt: checksum mismatch");
        assert!(damaged.advice.contains("move it away"), "{damaged}");
    }

    #[test]
    fn a_recovery_that_is_not_followed_is_told_with_its_reason() {
        let log = "2026 ERROR group 1 does not follow the recovery in group.1.recovery: seats of weight 1 signed it, 2 are needed; \
                   the group goes on as it is alarm=\"recovery_refused\" group=1\n";
        let case = Case::new(
            log,
            &[
                "althing_recovery_refused{group=\"1\"} 1",
                "althing_recovery_refused{group=\"2\"} 0",
            ],
        );
        let findings = recovery_refused(&case.patient());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].why.contains("2 are needed"), "{}", findings[0]);
        assert!(findings[0].advice.contains("data/group1"), "{}", findings[0]);
    }

    #[test]
    fn a_clock_that_is_five_minutes_off_is_told_once_with_what_it_costs() {
        let told = |of_1: &str, of_2: &str| {
            let samples = [
                format!("althing_clock_offset_milliseconds{{group=\"1\"}} {of_1}"),
                format!("althing_clock_offset_milliseconds{{group=\"2\"}} {of_2}"),
            ];
            let case = Case::new("", &[&samples[0], &samples[1]]);
            clock_off(&case.patient()).map(|finding| finding.why)
        };
        let behind = told("299800", "300100").unwrap();
        assert!(
            behind.contains("300 s behind") && behind.contains("group 2"),
            "{behind}"
        );
        let ahead = told("-300000", "4").unwrap();
        assert!(ahead.contains("300 s ahead of") && ahead.contains("refuse"), "{ahead}");
        assert_eq!(told("5000", "-5000"), None);
    }

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
