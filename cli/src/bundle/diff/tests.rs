use althing_crds::v1alpha1::{Agency, Node};
use althing_operator::manifest::SourceFile;
use althing_operator::name::{AgencyName, Namespace, NodeName};
use serde_json::json;

use super::super::export::{Documents, documents};
use super::super::testing::{Signed, certified};
use super::super::{Export, read};
use super::*;

const JOINS: &[String] = &[];

fn ours() -> Namespace {
    Namespace::new("ours").unwrap()
}

/// What agency-a gives away: itself, its nodes, and group-1 where it is asked for.
fn bundle(giver: &Signed, groups: &[&str]) -> Vec<Value> {
    let wanted = Export {
        agencies: vec![],
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        reader: None,
    };
    let (mut notes, genesis) = (vec![], Documents::new());
    let found = documents(&giver.manifests, &wanted, &genesis, &mut notes);
    assert_eq!(notes, Vec::<String>::new());
    found
}

fn read_all(documents: &[Value]) -> Manifests {
    let texts: Vec<_> = documents.iter().map(Value::to_string).collect();
    read::manifests("bundle", texts.join("\n---\n"), &ours()).unwrap()
}

/// Agency B's namespace: its own agency and node, and the consortium that trusts the chain.
fn namespace(chain: &str) -> NamespaceManifests {
    let documents = [
        json!({"kind": "Consortium", "name": "trade", "spec": {"chainId": 20260, "trust": {"certificates": [chain]}}}),
        json!({"kind": "Agency", "name": "agency-b", "spec": {"consortium": "trade"}}),
        json!({"kind": "Node", "name": "node-9", "spec": {"agency": "agency-b"}}),
    ];
    let text = documents.iter().map(|one| {
        let metadata = json!({"name": one["name"]});
        json!({"apiVersion": "althing.dev/v1alpha1", "kind": one["kind"], "metadata": metadata, "spec": one["spec"]})
            .to_string()
    });
    let file = SourceFile {
        name: "ours".to_owned(),
        text: text.collect::<Vec<_>>().join("\n---\n"),
    };
    let read = althing_operator::manifest::read(&[file], &ours()).unwrap();
    read.namespaces.into_values().next().unwrap()
}

/// The namespace after the operator has accepted the bundle.
fn imported(mut known: NamespaceManifests, documents: &[Value]) -> NamespaceManifests {
    let found = read_all(documents).namespaces.remove(&ours()).unwrap();
    for (name, mut agency) in found.agencies {
        let external = agency.spec.external.clone().unwrap();
        let status = agency.status.get_or_insert_default();
        (status.certificate, status.attestation) = (external.certificate, external.attestation);
        known.agencies.insert(name, agency);
    }
    for (name, mut node) in found.nodes {
        let external = node.spec.external.clone().unwrap();
        let status = node.status.get_or_insert_default();
        (status.node_id, status.attestation) = (external.node_id, external.attestation);
        known.nodes.insert(name, node);
    }
    known.groups.extend(found.groups);
    known
}

fn judged(known: &NamespaceManifests, joins: &[String], documents: &[Value]) -> Vec<Change> {
    let now = Timestamp::now();
    diff(Terms { known, joins, now }, &read_all(documents))
}

fn fates(changes: &[Change]) -> Vec<(&str, Fate)> {
    changes
        .iter()
        .map(|change| (change.object.as_str(), change.fate))
        .collect()
}

/// The only refusal.
fn refusal(changes: &[Change]) -> &str {
    let mut all = changes.iter().flat_map(|change| &change.refusals);
    let first = all.next().unwrap_or_else(|| panic!("nothing is refused: {changes:#?}"));
    assert_eq!(all.next(), None);
    first
}

#[test]
fn what_is_new_is_added_and_what_is_here_is_the_same() {
    let giver = certified();
    let (known, given) = (namespace(&giver.certificate), bundle(&giver, &[]));
    let changes = judged(&known, JOINS, &given);
    let names = [
        "Agency/agency-a",
        "Node/node-0",
        "Node/node-1",
        "Node/node-2",
        "Node/node-3",
    ];
    assert_eq!(fates(&changes), names.map(|name| (name, Fate::Added)));
    let text = text(&changes);
    assert!(
        text.contains("Node/node-0: added\n") && text.contains("+ address "),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let known = imported(known, &given);
    assert_eq!(
        fates(&judged(&known, JOINS, &given)),
        names.map(|name| (name, Fate::Same))
    );
}

#[test]
fn a_node_that_moved_is_changed_in_its_address_and_attestation() {
    let mut giver = certified();
    let known = imported(namespace(&giver.certificate), &bundle(&giver, &[]));
    let node = giver.manifests.nodes.get_mut("node-1").unwrap();
    node.status.as_mut().unwrap().address = Some("moved.example:30300".to_owned());
    giver.sign(2);
    let changes = judged(&known, JOINS, &bundle(&giver, &[]));
    let node = changes.iter().find(|change| change.object == "Node/node-1").unwrap();
    assert_eq!(node.fate, Fate::Changed, "{node:#?}");
    let fields: Vec<_> = node.fields.iter().map(|change| change.field.as_str()).collect();
    let expected = ["address", "attestation.sequence", "attestation.signature"];
    assert_eq!(fields, expected.map(|field| format!("spec.external.{field}")));
    assert_eq!(node.fields[0].after.as_deref(), Some("moved.example:30300"));
}

#[test]
fn an_older_attestation_is_refused_and_named() {
    let mut giver = certified();
    let old = bundle(&giver, &[]);
    giver.sign(2);
    let known = imported(namespace(&giver.certificate), &bundle(&giver, &[]));
    let changes = judged(&known, JOINS, &old[1..2]);
    assert_eq!(changes[0].fate, Fate::Refused);
    let text = refusal(&changes);
    assert!(
        text.starts_with("Node/node-0: spec.external.attestation.sequence: found 1")
            && text.contains("accepted: 2 or more"),
        "{text}"
    );
}

#[test]
fn facts_that_are_not_signed_as_they_are_are_refused() {
    let giver = certified();
    let known = namespace(&giver.certificate);
    let mut given = bundle(&giver, &[]);
    *given[1].pointer_mut("/spec/external/address").unwrap() = json!("elsewhere.example:30300");
    let changes = judged(&known, JOINS, &given);
    let text = refusal(&changes);
    assert!(
        text.starts_with("Node/node-0: spec.external.attestation.signature: found a signature of another key"),
        "{text}"
    );
    assert_eq!(changes.iter().filter(|change| change.fate == Fate::Refused).count(), 1);
}

#[test]
fn an_own_object_is_never_taken_for_somebody_else_s() {
    let giver = certified();
    let mut known = namespace(&giver.certificate);
    known.agencies.insert(
        AgencyName::new("agency-a").unwrap(),
        Agency::new("agency-a", known.agencies["agency-b"].spec.clone()),
    );
    known.nodes.insert(
        NodeName::new("node-0").unwrap(),
        Node::new("node-0", known.nodes["node-9"].spec.clone()),
    );
    let given = bundle(&giver, &[]);
    let changes = judged(&known, JOINS, &given[..2]);
    for change in &changes {
        assert_eq!(change.fate, Fate::Refused);
        assert!(
            change.refusals[0].contains("spec.external: found facts; accepted:"),
            "{change:?}"
        );
        assert!(change.refusals[0].contains("is your own"), "{change:?}");
    }
}

#[test]
fn what_would_become_an_own_object_or_is_of_another_place_is_refused() {
    let giver = certified();
    let known = namespace(&giver.certificate);
    let mut elsewhere = bundle(&giver, &[])[0].clone();
    elsewhere["metadata"]["namespace"] = json!("theirs");
    let own = json!({"apiVersion": "althing.dev/v1alpha1", "kind": "Agency", "metadata": {"name": "agency-x"}, "spec": {"consortium": "trade"}});
    let consortium = json!({"apiVersion": "althing.dev/v1alpha1", "kind": "Consortium", "metadata": {"name": "trade"},
        "spec": {"chainId": 20260, "registrar": {"managed": {}}}});
    let other = json!({"apiVersion": "althing.dev/v1alpha1", "kind": "Agency", "metadata": {"name": "agency-x"},
        "spec": {"consortium": "barter", "external": giver_external(&giver)}});
    for (document, says) in [
        (elsewhere, "metadata.namespace: found theirs; accepted: none, or ours"),
        (own, "it would become an own agency"),
        (consortium, "accepted: Agency, Node and Group"),
        (other, "spec.consortium: found barter; accepted: trade"),
    ] {
        let changes = judged(&known, JOINS, &[document]);
        assert_eq!(changes[0].fate, Fate::Refused);
        assert!(
            changes[0].refusals.iter().any(|text| text.contains(says)),
            "{changes:#?}"
        );
    }
}

fn giver_external(giver: &Signed) -> Value {
    bundle(giver, &[])[0].pointer("/spec/external").unwrap().clone()
}

#[test]
fn another_key_or_nodeid_under_a_known_name_is_refused() {
    let (giver, other) = (certified(), certified());
    let known = imported(namespace(&giver.certificate), &bundle(&giver, &[]));
    let changes = judged(&known, JOINS, &bundle(&other, &[])[..1]);
    let all = changes[0].refusals.join("\n");
    assert!(all.contains("two agencies claim one name"), "{all}");
    assert!(all.contains("accepted: one under a trusted chain certificate"), "{all}");

    let mut given = bundle(&giver, &[])[1].clone();
    given["metadata"]["name"] = json!("node-7");
    let all = judged(&known, JOINS, &[given])[0].refusals.join("\n");
    assert!(all.contains("spec.external.nodeId: found that of Node/node-0"), "{all}");
    let mut given = bundle(&giver, &[])[1].clone();
    *given.pointer_mut("/spec/external/nodeId").unwrap() = json!("7".repeat(128));
    let all = judged(&known, JOINS, &[given])[0].refusals.join("\n");
    assert!(all.contains("another key is another node"), "{all}");
}

#[test]
fn a_node_whose_agency_is_unknown_is_refused() {
    let giver = certified();
    let known = namespace(&giver.certificate);
    let changes = judged(&known, JOINS, &bundle(&giver, &[])[1..2]);
    assert!(refusal(&changes).starts_with("Node/node-0: spec.agency: found agency-a; accepted: "));
}

#[test]
fn a_group_comes_only_to_who_has_a_part_in_it_or_joins_and_a_known_one_never_changes() {
    let giver = certified();
    let known = namespace(&giver.certificate);
    let given = bundle(&giver, &["group-1"]);
    let text = judged(&known, JOINS, &given);
    let text = refusal(&text);
    assert!(
        text.starts_with("Group/group-1: spec.genesis: found a group that you have no part in")
            && text.contains("--join group-1"),
        "{text}"
    );
    let joins = ["group-1".to_owned()];
    let changes = judged(&known, &joins, &given);
    assert_eq!(changes.last().map(|change| change.fate), Some(Fate::Added));

    let mut known = imported(known, &given);
    let group = known.groups.get_mut("group-1").unwrap();
    group.spec.genesis.hash = None;
    let changes = judged(&known, JOINS, &given);
    assert_eq!(
        changes.last().map(|change| change.fate),
        Some(Fate::Same),
        "a group that is here is this namespace's own"
    );
    let mut other = given.clone();
    other.last_mut().unwrap()["spec"]["genesis"]["gasLimit"] = json!(200_000_000);
    let changes = judged(&known, JOINS, &other);
    let text = refusal(&changes);
    assert!(
        text.contains("spec.genesis.gasLimit: found 200000000; accepted: 300000000, as it is known here"),
        "{text}"
    );
    known
        .groups
        .get_mut("group-1")
        .unwrap()
        .status
        .get_or_insert_default()
        .genesis_hash = Some(format!("0x{}", "cd".repeat(32)));
    let changes = judged(&known, JOINS, &given);
    assert!(
        refusal(&changes).contains("spec.genesis.hash: found 0xabab"),
        "{changes:?}"
    );
}

#[test]
fn what_a_namespace_wants_to_hold_is_in_no_bundle() {
    let giver = certified();
    let known = namespace(&giver.certificate);
    let mut given = bundle(&giver, &["group-1"]).pop().unwrap();
    given["spec"]["agreed"] = json!({"members": [{"node": "node-0", "role": "Free", "change": 1}]});
    let joins = ["group-1".to_owned()];
    let changes = judged(&known, &joins, &[given]);
    assert!(refusal(&changes).starts_with("Group/group-1: spec.agreed: found entries; accepted: none"));
}
