use althing_crds::examples;
use serde_json::{Value, json};

use crate::{refused, with};

#[test]
fn the_example_is_accepted_and_may_be_applied_again() {
    examples::group().validate_cel().unwrap();
    examples::group().validate_cel_update(&examples::group()).unwrap();
}

#[test]
fn a_name_longer_than_its_children_allow_is_refused() {
    with(&examples::group(), &[("/metadata/name", json!("n".repeat(40)))])
        .validate_cel()
        .unwrap();
    refused(
        with(&examples::group(), &[("/metadata/name", json!("n".repeat(41)))]).validate_cel(),
        "metadata.name",
    );
}

#[test]
fn consortium_and_number_are_immutable() {
    let changed = with(&examples::group(), &[("/spec/consortium", json!("other"))]);
    refused(
        changed.validate_cel_update(&examples::group()),
        "spec.consortium is immutable",
    );
    let changed = with(&examples::group(), &[("/spec/groupId", json!(2))]);
    refused(
        changed.validate_cel_update(&examples::group()),
        "spec.groupId is immutable",
    );
}

/// A change of every field of the genesis but its hash.
fn changes() -> Vec<(&'static str, Value)> {
    vec![
        ("/spec/genesis/timestamp", json!("2026-01-02T00:00:00Z")),
        ("/spec/genesis/sealers", json!(["node-0"])),
        ("/spec/genesis/consensus/timeout", json!("4s")),
        ("/spec/genesis/consensus/heartbeat", json!("10s")),
        ("/spec/genesis/state", json!("MPT")),
        ("/spec/genesis/evmChainId", json!(7)),
        ("/spec/genesis/gasLimit", json!(1_000_000)),
        ("/spec/genesis/blockBytes", json!(65_536)),
        ("/spec/genesis/evmHash", json!("SM3")),
        ("/spec/genesis/committee/threshold", json!(66)),
        ("/spec/genesis/committee", Value::Null),
        ("/spec/genesis/predeploys", json!(["multicall3"])),
        ("/spec/genesis/predeploys", Value::Null),
    ]
}

fn pin(digit: &str) -> (&'static str, Value) {
    ("/spec/genesis/hash", json!(format!("0x{}", digit.repeat(64))))
}

#[test]
fn the_genesis_is_immutable_as_a_whole_optional_fields_included() {
    for change in changes() {
        let changed = with(&examples::group(), std::slice::from_ref(&change));
        refused(
            changed.validate_cel_update(&examples::group()),
            "spec.genesis is immutable as a whole",
        );
    }
    let settings = with(
        &examples::group(),
        &[("/spec/local", Value::Null), ("/spec/agreed", Value::Null)],
    );
    settings.validate_cel_update(&examples::group()).unwrap();
}

#[test]
fn a_genesis_hash_is_added_once_and_nothing_slips_in_with_it() {
    let pinned = with(&examples::group(), &[pin("0")]);
    pinned.validate_cel_update(&examples::group()).unwrap();
    refused(
        examples::group().validate_cel_update(&pinned),
        "spec.genesis is immutable as a whole",
    );
    refused(
        with(&pinned, &[pin("1")]).validate_cel_update(&pinned),
        "spec.genesis is immutable as a whole",
    );
    for change in changes() {
        let changed = with(&pinned, std::slice::from_ref(&change));
        refused(
            changed.validate_cel_update(&examples::group()),
            "spec.genesis is immutable as a whole",
        );
    }
}

#[test]
fn every_field_of_the_genesis_is_held_by_the_rule_and_by_these_tests() {
    let schema = serde_json::to_value(&althing_crds::definitions()[2].spec.versions[0].schema).unwrap();
    let pointer = "/openAPIV3Schema/properties/spec/properties/genesis/properties";
    for field in schema
        .pointer(pointer)
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .filter(|field| *field != "hash")
    {
        let prefix = format!("/spec/genesis/{field}");
        assert!(
            changes().iter().any(|(path, _)| path.starts_with(&prefix)),
            "{field} is not among the changes"
        );
    }
}

#[test]
fn aura_needs_a_heartbeat() {
    let aura = with(&examples::group(), &[("/spec/genesis/consensus/type", json!("Aura"))]);
    refused(aura.validate_cel(), "Aura needs heartbeat");
    with(&aura, &[("/spec/genesis/consensus/heartbeat", json!("1s"))])
        .validate_cel()
        .unwrap();
    with(&examples::group(), &[("/spec/genesis/consensus/type", json!("Raft"))])
        .validate_cel()
        .unwrap();
}
