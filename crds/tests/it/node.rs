use althing_crds::examples;
use serde_json::json;

use crate::{refused, with};

#[test]
fn the_examples_are_accepted_and_may_be_applied_again() {
    for example in [examples::node(), examples::external_node()] {
        example.validate_cel().unwrap();
        example.validate_cel_update(&example).unwrap();
    }
}

#[test]
fn a_name_longer_than_its_children_allow_is_refused() {
    with(&examples::node(), &[("/metadata/name", json!("n".repeat(40)))])
        .validate_cel()
        .unwrap();
    refused(
        with(&examples::node(), &[("/metadata/name", json!("n".repeat(41)))]).validate_cel(),
        "metadata.name",
    );
}

#[test]
fn the_agency_is_immutable() {
    let changed = with(&examples::node(), &[("/spec/agency", json!("agency-b"))]);
    refused(
        changed.validate_cel_update(&examples::node()),
        "spec.agency is immutable",
    );
}

#[test]
fn an_own_node_never_becomes_somebody_elses_nor_back() {
    let own = with(&examples::external_node(), &[("/spec/external", json!(null))]);
    refused(
        examples::external_node().validate_cel_update(&own),
        "cannot become somebody else's",
    );
    refused(
        own.validate_cel_update(&examples::external_node()),
        "cannot become somebody else's",
    );
}

#[test]
fn an_external_node_id_is_written_once() {
    let field = "/spec/external/nodeId";
    let without = with(&examples::external_node(), &[(field, json!(null))]);
    examples::external_node().validate_cel_update(&without).unwrap();
    refused(without.validate_cel_update(&examples::external_node()), "written once");
    let other = with(&examples::external_node(), &[(field, json!("a".repeat(128)))]);
    refused(other.validate_cel_update(&examples::external_node()), "written once");
}

#[test]
fn public_facts_exclude_an_own_nodes_fields() {
    let fields = [
        ("/spec/image", json!("althing-node:1")),
        ("/spec/resources", json!({})),
        ("/spec/storage", json!({})),
        ("/spec/p2p", json!({})),
        ("/spec/rpc", json!({})),
        ("/spec/channel", json!({})),
        ("/spec/metrics", json!({})),
        ("/spec/log", json!({})),
        ("/spec/deletionPolicy", json!("Retain")),
    ];
    for (field, value) in fields {
        with(&examples::node(), &[(field, value.clone())])
            .validate_cel()
            .unwrap();
        refused(
            with(&examples::external_node(), &[(field, value)]).validate_cel(),
            "spec.external excludes",
        );
    }
}

#[test]
fn the_storage_engine_and_class_are_written_once() {
    let class = with(&examples::node(), &[("/spec/storage/storageClassName", json!("fast"))]);
    class.validate_cel_update(&examples::node()).unwrap();
    let other = with(&class, &[("/spec/storage/storageClassName", json!("slow"))]);
    refused(other.validate_cel_update(&class), "storageClassName is immutable");
    refused(
        examples::node().validate_cel_update(&class),
        "storageClassName is immutable",
    );
    let without = with(&examples::node(), &[("/spec/storage/engine", json!(null))]);
    examples::node().validate_cel_update(&without).unwrap();
    refused(without.validate_cel_update(&examples::node()), "engine is immutable");
    let bigger = with(&examples::node(), &[("/spec/storage/size", json!("40Gi"))]);
    bigger.validate_cel_update(&examples::node()).unwrap();
}
