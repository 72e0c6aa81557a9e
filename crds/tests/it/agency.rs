use althing_crds::examples;
use serde_json::json;

use crate::{refused, with};

#[test]
fn the_examples_are_accepted_and_may_be_applied_again() {
    for example in [examples::agency(), examples::external_agency()] {
        example.validate_cel().unwrap();
        example.validate_cel_update(&example).unwrap();
    }
}

#[test]
fn a_name_longer_than_its_children_allow_is_refused() {
    with(&examples::agency(), &[("/metadata/name", json!("n".repeat(40)))])
        .validate_cel()
        .unwrap();
    refused(
        with(&examples::agency(), &[("/metadata/name", json!("n".repeat(41)))]).validate_cel(),
        "metadata.name",
    );
}

#[test]
fn the_consortium_is_immutable() {
    let changed = with(&examples::agency(), &[("/spec/consortium", json!("other"))]);
    refused(
        changed.validate_cel_update(&examples::agency()),
        "spec.consortium is immutable",
    );
}

#[test]
fn an_own_agency_never_becomes_somebody_elses_nor_back() {
    let own = with(
        &examples::agency(),
        &[("/metadata/name", json!("agency-b")), ("/spec/approval", json!(null))],
    );
    refused(
        examples::external_agency().validate_cel_update(&own),
        "cannot become somebody else's",
    );
    refused(
        own.validate_cel_update(&examples::external_agency()),
        "cannot become somebody else's",
    );
}

#[test]
fn public_facts_exclude_an_own_agencys_fields() {
    for (field, value) in [
        ("/spec/certificate", json!("x".repeat(64))),
        ("/spec/approval", json!("Manual")),
    ] {
        with(&examples::agency(), &[(field, value.clone())])
            .validate_cel()
            .unwrap();
        refused(
            with(&examples::external_agency(), &[(field, value)]).validate_cel(),
            "spec.external excludes",
        );
    }
}

#[test]
fn public_facts_hold_a_certificate_or_a_request() {
    let request = ("/spec/external/certificateSigningRequest", json!("x".repeat(64)));
    let none = ("/spec/external/certificate", json!(null));
    with(&examples::external_agency(), &[none.clone(), request])
        .validate_cel()
        .unwrap();
    refused(
        with(&examples::external_agency(), &[none]).validate_cel(),
        "must be given",
    );
}

#[test]
fn a_governance_account_is_written_once() {
    let field = "/spec/external/governanceAccount";
    let without = with(&examples::external_agency(), &[(field, json!(null))]);
    examples::external_agency().validate_cel_update(&without).unwrap();
    refused(
        without.validate_cel_update(&examples::external_agency()),
        "written once",
    );
    let other = with(
        &examples::external_agency(),
        &[(field, json!("0x0000000000000000000000000000000000000001"))],
    );
    refused(other.validate_cel_update(&examples::external_agency()), "written once");
}
