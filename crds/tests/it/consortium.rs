use althing_crds::examples;
use althing_crds::v1alpha1::Consortium;
use serde_json::json;

use crate::{refused, with};

fn example() -> Consortium {
    examples::consortium()
}

#[test]
fn the_example_is_accepted_and_may_be_applied_again() {
    example().validate_cel().unwrap();
    example().validate_cel_update(&example()).unwrap();
}

#[test]
fn a_name_longer_than_its_children_allow_is_refused() {
    with(&example(), &[("/metadata/name", json!("n".repeat(40)))])
        .validate_cel()
        .unwrap();
    for name in ["n".repeat(41), "Trade".into(), "a.b".into(), "0a".into(), "a-".into()] {
        refused(
            with(&example(), &[("/metadata/name", json!(name))]).validate_cel(),
            "metadata.name",
        );
    }
}

#[test]
fn the_chain_id_is_immutable() {
    refused(
        with(&example(), &[("/spec/chainId", json!(1))]).validate_cel_update(&example()),
        "spec.chainId is immutable",
    );
}

#[test]
fn the_cryptography_is_immutable() {
    let changed = with(&example(), &[("/spec/cryptography", json!("SM"))]);
    refused(
        changed.validate_cel_update(&example()),
        "spec.cryptography is immutable",
    );
}

#[test]
fn the_registrar_is_managed_or_bought_and_never_both() {
    let both = with(&example(), &[("/spec/registrar/secretName", json!("bought"))]);
    refused(both.validate_cel(), "exactly one of managed and secretName");
    let none = with(&example(), &[("/spec/registrar/managed", json!(null))]);
    refused(none.validate_cel(), "exactly one of managed and secretName");
    bought().validate_cel().unwrap();
}

fn bought() -> Consortium {
    with(
        &example(),
        &[
            ("/spec/registrar/managed", json!(null)),
            ("/spec/registrar/secretName", json!("bought")),
        ],
    )
}

#[test]
fn the_chain_key_does_not_move() {
    refused(
        bought().validate_cel_update(&example()),
        "cannot move between managed and secretName",
    );
    let other = with(&bought(), &[("/spec/registrar/secretName", json!("other"))]);
    // Another Secret rolls the chain certificate over.
    other.validate_cel_update(&bought()).unwrap();
    let longer = with(&example(), &[("/spec/registrar/managed/validity", json!("100000h"))]);
    longer.validate_cel_update(&example()).unwrap();
}

#[test]
fn a_chain_needs_a_registrar_or_somebody_to_trust() {
    let trust = json!({"certificates": ["x".repeat(64)]});
    with(&example(), &[("/spec/registrar", json!(null)), ("/spec/trust", trust)])
        .validate_cel()
        .unwrap();
    refused(
        with(&example(), &[("/spec/registrar", json!(null))]).validate_cel(),
        "must be given",
    );
}

#[test]
fn rule_11_revocations_never_shrink_or_vanish() {
    let at = |sequence: i64| with(&example(), &[("/spec/revocations", json!({"sequence": sequence}))]);
    at(3).validate_cel_update(&at(3)).unwrap();
    at(4).validate_cel_update(&at(3)).unwrap();
    at(1).validate_cel_update(&example()).unwrap();
    refused(at(2).validate_cel_update(&at(3)), "only grows");
    refused(example().validate_cel_update(&at(3)), "only grows");
}
