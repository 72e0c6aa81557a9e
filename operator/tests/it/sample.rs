use althing_operator::plan::FileContent;
use althing_operator::status::ConditionType;

use crate::support::{MemoryEdge, node, now, sample};

#[test]
fn the_four_agencies_are_planned_from_nothing_to_running_nodes() {
    let mut edge = MemoryEdge::default();
    let (steps, plan) = edge.converge(&sample(), "trade", now());
    insta::assert_snapshot!("four_agencies_steps", steps.join("\n"));
    let processes: Vec<_> = plan
        .desired
        .processes
        .iter()
        .map(|process| {
            let groups: Vec<_> = process.groups.iter().map(|group| group.id.to_string()).collect();
            format!(
                "{} {} {:?} groups [{}]",
                process.node,
                process.agency,
                process.ports.all(),
                groups.join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!("four_agencies_processes", processes.join("\n"));
}

#[test]
fn the_files_of_a_node_in_two_groups() {
    let mut edge = MemoryEdge::default();
    let (_, plan) = edge.converge(&sample(), "trade", now());
    let files = plan.desired.files.iter().filter(|file| file.at.node == node("node-3"));
    let text: Vec<_> = files
        .map(|file| match &file.content {
            FileContent::Text(text) => format!("=== {}\n{text}", file.at.path),
            FileContent::PrivateKey(identity) => format!("=== {}\n(the private key of {identity})\n", file.at.path),
        })
        .collect();
    insta::assert_snapshot!("node_3_files", text.join("\n"));
}

#[test]
fn every_object_of_the_running_sample_is_ready() {
    let mut edge = MemoryEdge::default();
    let (_, plan) = edge.converge(&sample(), "trade", now());
    assert_eq!(plan.statuses.len(), 1 + 4 + 2 + 6);
    for status in &plan.statuses {
        assert!(
            status.is(ConditionType::Ready),
            "{}: {:?}",
            status.object,
            status.conditions
        );
        assert!(
            !status.is(ConditionType::Stalled) && !status.is(ConditionType::Reconciling),
            "{}",
            status.object
        );
    }
}

#[test]
fn the_canonical_genesis_documents() {
    let mut edge = MemoryEdge::default();
    let (_, plan) = edge.converge(&sample(), "trade", now());
    let text: Vec<_> = plan
        .desired
        .genesis
        .iter()
        .map(|g| format!("{} {} {}\n{}", g.group, g.id, g.hash, g.document))
        .collect();
    insta::assert_snapshot!("four_agencies_genesis", text.join("\n"));
}
