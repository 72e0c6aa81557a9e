//! Bad manifests: one sentence each, with file, document, object, field, found and accepted.

use althing_operator::manifest::{SourceFile, read};
use althing_operator::name::Namespace;

use crate::support::{sample, sample_files};

fn refusal(text: &str) -> String {
    let file = SourceFile {
        name: "x.yaml".into(),
        text: text.into(),
    };
    let errors = read(&[file], &Namespace::new("default").unwrap()).expect_err(text);
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn check(text: &str, expected: &[&str]) {
    let found = refusal(text);
    for words in expected {
        assert!(found.contains(words), "expected {words:?} in:\n{found}");
    }
}

const NODE: &str =
    "apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {name: node-0}\nspec:\n  agency: agency-a\n";
const GROUP: &str = "apiVersion: althing.dev/v1alpha1\nkind: Group\nmetadata: {name: group-1}\nspec:\n  consortium: trade\n  groupId: 1\n  genesis:\n    timestamp: \"2026-01-01T00:00:00Z\"\n    sealers: [node-0]\n";

#[test]
fn the_sample_is_read_by_kind_and_namespace() {
    let all = sample();
    let trade = all.namespaces.get("trade").unwrap();
    assert_eq!(
        (
            trade.consortiums.len(),
            trade.agencies.len(),
            trade.groups.len(),
            trade.nodes.len()
        ),
        (1, 4, 2, 6)
    );
    assert_eq!(all.namespaces.len(), 1);
}

#[test]
fn defaults_of_the_schema_are_in_what_was_read() {
    let file = SourceFile {
        name: "x.yaml".into(),
        text: GROUP.into(),
    };
    let all = read(&[file], &Namespace::new("default").unwrap()).unwrap();
    let group = all.namespaces.get("default").unwrap().groups.get("group-1").unwrap();
    assert_eq!(
        (
            group.spec.genesis.gas_limit,
            group.spec.genesis.consensus.timeout.as_str()
        ),
        (300_000_000, "3s")
    );
}

#[test]
fn an_unknown_field_is_refused_with_the_known_ones() {
    check(
        &format!("{NODE}  imagee: x\n"),
        &[
            "x.yaml, document 1, Node/node-0",
            "spec.imagee",
            "unknown field",
            "image",
        ],
    );
    check(&format!("{NODE}  p2p: {{porrt: 1}}\n"), &["spec.p2p.porrt", "port"]);
    check(
        &NODE.replace("{name: node-0}", "{name: node-0, finalizers: [x]}"),
        &["metadata.finalizers"],
    );
}

#[test]
fn a_wrong_type_a_number_out_of_range_and_a_missing_field_are_named() {
    check(
        &format!("{NODE}  p2p: {{port: many}}\n"),
        &["spec.p2p.port", "many", "whole number"],
    );
    check(
        &format!("{NODE}  p2p: {{port: 70000}}\n"),
        &["spec.p2p.port", "70000", "1 to 65535"],
    );
    check(
        &NODE.replace("  agency: agency-a\n", "  image: x\n"),
        &["spec.agency", "found nothing"],
    );
    check(
        &GROUP.replace("groupId: 1", "groupId: 32768"),
        &["spec.groupId", "32768", "1 to 32767"],
    );
    check(
        &GROUP.replace("[node-0]", "[]"),
        &["spec.genesis.sealers", "at least 1"],
    );
    check(
        &GROUP.replace("[node-0]", "[node-0, node-0]"),
        &["spec.genesis.sealers[1]", "second time"],
    );
    check(
        &GROUP.replace("2026-01-01T00:00:00Z", "yesterday"),
        &["spec.genesis.timestamp", "yesterday"],
    );
    check(
        &format!("{GROUP}    state: Trie\n"),
        &["spec.genesis.state", "Trie", "Storage, MPT"],
    );
    check(
        &format!("{NODE}  external: {{nodeId: abc}}\n"),
        &["spec.external.nodeId", "3 characters", "128"],
    );
}

#[test]
fn a_text_that_yaml_reads_as_a_number_asks_for_quotation_marks() {
    check(
        &NODE.replace("agency: agency-a", "agency: 7"),
        &["spec.agency", "quotation marks"],
    );
}

#[test]
fn the_rules_of_the_definitions_hold_without_an_api_server() {
    check(
        &format!("{GROUP}    consensus: {{type: Aura}}\n"),
        &["Aura needs heartbeat"],
    );
    check(
        &format!("{NODE}  image: x\n  external: {{address: \"h:1\"}}\n"),
        &["spec.external excludes"],
    );
    check(&NODE.replace("node-0", &"n".repeat(41)), &["metadata.name"]);
}

#[test]
fn other_kinds_and_versions_are_refused_with_what_is_accepted() {
    check(
        &NODE.replace("kind: Node", "kind: Pod"),
        &["kind", "Consortium, Agency, Group, Node"],
    );
    check(&NODE.replace("v1alpha1", "v1"), &["apiVersion", "althing.dev/v1alpha1"]);
    check("just text\n", &["kind"]);
    check(&NODE.replace("{name: node-0}", "{}"), &["metadata.name"]);
    check(
        &NODE.replace("{name: node-0}", "{name: node-0, namespace: ../x}"),
        &["metadata.namespace"],
    );
}

#[test]
fn what_is_no_yaml_is_named_by_file_and_line() {
    check("a: [\n", &["x.yaml", "not readable as YAML"]);
    check(
        &format!("{NODE}  agency: agency-b\n"),
        &["not readable as YAML", "agency"],
    );
}

#[test]
fn an_object_given_twice_names_the_first_place() {
    check(
        &format!("{NODE}---\n{NODE}"),
        &["document 2", "given twice", "document 1"],
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = format!("{NODE}  imagee: x\n---\n{}", GROUP.replace("groupId: 1", "groupId: 0"));
    check(&text, &["document 1, Node/node-0", "document 2, Group/group-1"]);
}

#[test]
fn a_namespace_document_declares_an_empty_namespace() {
    let mut files = sample_files();
    files.push(SourceFile {
        name: "ns.yaml".into(),
        text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: empty}\n".into(),
    });
    let all = read(&files, &Namespace::new("default").unwrap()).unwrap();
    assert!(all.namespaces.get("empty").unwrap().is_empty());
}

#[test]
fn a_namespace_that_begins_with_a_digit_is_one() {
    let file = SourceFile {
        name: "x.yaml".into(),
        text: NODE.replace("{name: node-0}", "{name: node-0, namespace: 2026-trade}"),
    };
    let all = read(&[file], &Namespace::new("default").unwrap()).unwrap();
    assert_eq!(all.namespaces.get("2026-trade").unwrap().nodes.len(), 1);
}

#[test]
fn a_status_in_a_manifest_is_not_read() {
    let file = SourceFile {
        name: "x.yaml".into(),
        text: format!("{NODE}status: {{nodeId: forged}}\n"),
    };
    let all = read(&[file], &Namespace::new("default").unwrap()).unwrap();
    assert!(
        all.namespaces
            .get("default")
            .unwrap()
            .nodes
            .get("node-0")
            .unwrap()
            .status
            .is_none()
    );
}

proptest::proptest! {
    #[test]
    fn whatever_is_in_a_file_ends_in_objects_or_in_errors(text in "\\PC*", field in "[a-zA-Z]{1,12}", value in "[\\[\\]{}:,a-z0-9\"' -]{0,40}") {
        let namespace = Namespace::new("default").unwrap();
        let _ = read(&[SourceFile { name: "x".into(), text }], &namespace);
        let _ = read(&[SourceFile { name: "x".into(), text: format!("{NODE}  {field}: {value}\n") }], &namespace);
        let _ = read(&[SourceFile { name: "x".into(), text: format!("{GROUP}    {field}: {value}\n") }], &namespace);
    }
}
