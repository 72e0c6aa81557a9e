//! Statuses there and back, equal ones, and what others wrote.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{AgencyTrust, SignedWishes, WishedSeat};
use althing_operator::governance::{Change, Stage};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, GroupName};
use althing_operator::status::{
    Condition, ConditionType, Facts, ObjectRef, ObjectStatus, Progress, Reason, Truth, conditions, progress_findings,
};
use althing_types::{Address, B256, NodeId};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as LiveCondition, Time};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{is_current, outdated, read_agency, read_consortium, read_group, read_node, status_body};
use crate::lower::testing::{Town, node};

/// Puts a status body where the API server would.
fn write(manifests: &mut NamespaceManifests, object: &ObjectRef, body: &Value) {
    let status = body["status"].clone();
    match object {
        ObjectRef::Consortium(name) => {
            manifests.consortiums.get_mut(name).unwrap().status = Some(serde_json::from_value(status).unwrap());
        }
        ObjectRef::Agency(name) => {
            manifests.agencies.get_mut(name).unwrap().status = Some(serde_json::from_value(status).unwrap());
        }
        ObjectRef::Group(name) => {
            manifests.groups.get_mut(name).unwrap().status = Some(serde_json::from_value(status).unwrap());
        }
        ObjectRef::Node(name) => {
            manifests.nodes.get_mut(name).unwrap().status = Some(serde_json::from_value(status).unwrap());
        }
    }
}

fn read_back(manifests: &NamespaceManifests, object: &ObjectRef) -> ObjectStatus {
    match object {
        ObjectRef::Consortium(name) => read_consortium(&manifests.consortiums[name]),
        ObjectRef::Agency(name) => read_agency(&manifests.agencies[name]),
        ObjectRef::Group(name) => read_group(&manifests.groups[name]),
        ObjectRef::Node(name) => read_node(&manifests.nodes[name]),
    }
    .unwrap()
}

fn manifests() -> NamespaceManifests {
    Town::four_agencies().manifests
}

#[test]
fn the_samples_statuses_are_written_once_and_read_back() {
    let town = Town::four_agencies();
    let mut manifests = town.manifests.clone();
    let statuses = &town.observed.statuses;
    let writes = outdated(&manifests, statuses);
    assert_eq!(writes.len(), statuses.len());
    for written in &writes {
        write(&mut manifests, &written.object, &written.body);
    }
    assert_eq!(outdated(&manifests, statuses), []);
    for status in statuses {
        assert_eq!(read_back(&manifests, &status.object), *status);
    }
}

#[test]
fn a_body_is_of_its_kind_and_of_this_generation() {
    let town = Town::four_agencies();
    let status = &town
        .observed
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Node(node("node-0")))
        .unwrap();
    let body = status_body(status, Some(7));
    assert_eq!(
        (&body["apiVersion"], &body["kind"]),
        (&json!("althing.dev/v1alpha1"), &json!("Node"))
    );
    assert_eq!(body["metadata"], json!({"name": "node-0"}));
    assert_eq!(body["status"]["observedGeneration"], 7);
    let ready = &body["status"]["conditions"][0];
    assert_eq!(
        (&ready["type"], &ready["status"], &ready["reason"]),
        (&json!("Ready"), &json!("True"), &json!("Done"))
    );
    assert_eq!(ready["lastTransitionTime"], "2026-06-01T12:00:00Z");
    assert_eq!(body["status"]["groups"], json!(["group-1"]));
}

#[test]
fn another_generation_another_message_and_a_lost_fact_are_news_and_fractions_of_a_second_are_not() {
    let town = Town::four_agencies();
    let mut manifests = town.manifests.clone();
    let status = town
        .observed
        .statuses
        .iter()
        .find(|s| s.object == ObjectRef::Node(node("node-0")))
        .unwrap();
    let body = status_body(status, Some(1));
    write(&mut manifests, &status.object, &body);
    assert!(is_current(&manifests, status));
    let mut later = status.clone();
    later.conditions[0].last_transition_time += jiff::SignedDuration::from_millis(300);
    assert!(is_current(&manifests, &later));
    let mut other = status.clone();
    other.conditions[0].message.push('!');
    assert!(!is_current(&manifests, &other));
    let mut lost = status.clone();
    lost.facts.groups.clear();
    assert!(!is_current(&manifests, &lost));
    manifests.nodes.get_mut(&node("node-0")).unwrap().metadata.generation = Some(2);
    assert!(!is_current(&manifests, status));
    manifests.nodes.remove(&node("node-0"));
    assert!(is_current(&manifests, status), "what is gone needs no status");
}

#[test]
fn what_somebody_wrote_into_a_status_breaks_nothing() {
    let mut manifests = manifests();
    let object = manifests.nodes.get_mut(&node("node-0")).unwrap();
    let condition = |type_: &str, status: &str, reason: &str| LiveCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: "x".to_owned(),
        observed_generation: None,
        last_transition_time: Time("2026-01-01T00:00:00Z".parse().unwrap()),
    };
    let status = object.status.get_or_insert_default();
    status.node_id = Some("not a nodeID".to_owned());
    status.groups = vec!["../x".to_owned(), "group-1".to_owned()];
    status.conditions = vec![
        condition("Wonderful", "True", "Done"),
        condition("Stalled", "Perhaps", "Done"),
        condition("Ready", "True", "BecauseISaySo"),
    ];
    let read = read_node(object).unwrap();
    assert_eq!(read.facts.node_id, None);
    assert_eq!(read.facts.groups, [GroupName::new("group-1").unwrap()]);
    let [ready] = read.conditions.as_slice() else {
        panic!("{:?}", read.conditions);
    };
    assert_eq!(
        (ready.kind, ready.status, ready.reason),
        (ConditionType::Ready, Truth::True, Reason::NotObserved)
    );
    assert_eq!(ready.last_transition_time, "2026-01-01T00:00:00Z".parse().unwrap());
    object.status = None;
    assert_eq!(read_node(object), None);
}

#[test]
fn somebody_elses_conditions_are_no_reason_to_write() {
    let (mut manifests, status) = group_1();
    let mut body = status_body(&status, Some(1));
    body["status"]["conditions"].as_array_mut().unwrap().insert(0, json!({
        "type": "Audited", "status": "True", "reason": "Yearly", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }));
    write(&mut manifests, &status.object, &body);
    assert!(is_current(&manifests, &status));
}

#[test]
fn what_others_vote_for_is_written_even_if_nothing_else_changed() {
    let (mut manifests, mut status) = group_1();
    write(&mut manifests, &status.object, &status_body(&status, Some(1)));
    assert!(is_current(&manifests, &status));
    status.facts.changes = vec![Change {
        id: "0x01".to_owned(),
        subject: "node-2".to_owned(),
        from: "Sealer".to_owned(),
        to: "Free".to_owned(),
        votes: 1,
        needed: 2,
        stage: Stage::Voting,
        blocked_by: None,
    }];
    assert!(!is_current(&manifests, &status));
    write(&mut manifests, &status.object, &status_body(&status, Some(1)));
    assert!(is_current(&manifests, &status));
}

/// The manifests of four agencies, and the status of their first group.
fn group_1() -> (NamespaceManifests, ObjectStatus) {
    let town = Town::four_agencies();
    let object = ObjectRef::Group(GroupName::new("group-1").unwrap());
    let mut statuses = town.observed.statuses.into_iter();
    (town.manifests, statuses.find(|status| status.object == object).unwrap())
}

#[test]
fn what_a_schema_would_refuse_is_left_out_and_the_rest_is_written() {
    let status = ObjectStatus {
        object: ObjectRef::Consortium(althing_operator::name::ConsortiumName::new("trade").unwrap()),
        conditions: conditions(
            &progress_findings(&Progress::Ready),
            &[],
            Some(1),
            Timestamp::UNIX_EPOCH,
        ),
        facts: Facts {
            certificate: Some("x".repeat(8193)),
            fingerprint: Some("ab".repeat(32)),
            ..Facts::default()
        },
    };
    let mut long = status;
    long.conditions[0].message = "é".repeat(5000);
    let body = status_body(&long, Some(1));
    assert_eq!(body["status"].get("certificate"), None);
    assert_eq!(body["status"]["fingerprint"], "ab".repeat(32));
    let message = body["status"]["conditions"][0]["message"].as_str().unwrap();
    assert_eq!(message.chars().count(), 2048);
    assert!(message.ends_with("é…"));
}

/// Every type and reason, by reading back what their own writers write.
fn any_condition(kind: ConditionType) -> impl Strategy<Value = Condition> {
    let reasons = prop::sample::select(vec![
        Reason::Done,
        Reason::ReferenceMissing,
        Reason::InvalidSpec,
        Reason::KeyMissing,
        Reason::GenesisHashDiffers,
        Reason::DisruptionBlocked,
        Reason::NotInSync,
        Reason::NoFaultTolerable,
    ]);
    let truths = prop::sample::select(vec![Truth::True, Truth::False, Truth::Unknown]);
    (
        truths,
        reasons,
        ".{0,80}",
        prop::option::of(0_i64..9),
        0_i64..4_000_000_000,
    )
        .prop_map(
            move |(status, reason, message, observed_generation, second)| Condition {
                kind,
                status,
                reason,
                message,
                observed_generation,
                last_transition_time: Timestamp::from_second(second).unwrap(),
            },
        )
}

fn any_conditions() -> impl Strategy<Value = Vec<Condition>> {
    use ConditionType::{CertificatesValid, InSync, QuorumAtRisk, Ready, Reconciling, Stalled};
    let kinds = vec![Ready, Reconciling, Stalled, CertificatesValid, QuorumAtRisk, InSync];
    prop::sample::subsequence(kinds, 0..=6)
        .prop_flat_map(|kinds| kinds.into_iter().map(any_condition).collect::<Vec<_>>())
}

fn node_id() -> impl Strategy<Value = NodeId> {
    any::<[u8; 64]>().prop_map(|bytes| hex::encode(bytes).parse().unwrap())
}

/// Facts that each kind can hold.
fn any_status() -> impl Strategy<Value = ObjectStatus> {
    let objects = prop::sample::select(vec![
        ObjectRef::Consortium(althing_operator::name::ConsortiumName::new("trade").unwrap()),
        ObjectRef::Agency(althing_operator::name::AgencyName::new("agency-a").unwrap()),
        ObjectRef::Group(GroupName::new("group-1").unwrap()),
        ObjectRef::Node(node("node-0")),
    ]);
    let texts = (
        prop::option::of("[ -~]{0,40}"),
        prop::option::of("[0-9a-f]{64}"),
        prop::option::of("[ -~]{0,40}"),
    );
    let ids = (
        prop::option::of(node_id()),
        prop::collection::vec(node_id(), 0..4),
        prop::collection::vec(node_id(), 0..3),
    );
    let numbers = (
        any::<[u8; 20]>(),
        any::<[u8; 32]>(),
        prop::option::of(0_u32..90),
        0_i64..4_000_000_000,
        changes(),
    );
    let groups = prop::collection::vec("[a-z][a-z0-9]{0,9}", 0..4);
    (objects, any_conditions(), texts, ids, numbers, groups).prop_map(
        |(object, conditions, texts, ids, numbers, groups)| {
            let (certificate, fingerprint, request) = texts;
            let (account, hash, faults, until, changes) = numbers;
            let all = Facts {
                attestation: Some(attestation(until)),
                address: Some(format!("node.example:{}", 1 + until % 65_000)),
                attestations: BTreeMap::from([(AgencyName::new("agency-a").unwrap(), attestation(until))]),
                trust: Some(trust(hash)),
                wishes: BTreeMap::from([(AgencyName::new("agency-d").unwrap(), wishes(until))]),
                node_id: ids.0,
                governance_account: Some(Address::from(account)),
                certificate: certificate.clone(),
                fingerprint,
                client_authority: certificate.clone(),
                trusted: certificate.into_iter().collect(),
                revocations: None,
                certificate_not_after: Some(Timestamp::from_second(until).unwrap()),
                certificate_signing_request: request.clone(),
                csr_fingerprint: request,
                genesis_hash: Some(B256::from(hash)),
                sealers: ids.1,
                observers: ids.2,
                faults_tolerable: faults,
                changes,
                groups: groups.into_iter().map(|name| GroupName::new(name).unwrap()).collect(),
            };
            let facts = only(&object, all);
            ObjectStatus {
                object,
                conditions,
                facts,
            }
        },
    )
}

fn trust(hash: [u8; 32]) -> AgencyTrust {
    AgencyTrust {
        certificates: B256::from(hash).to_string(),
        issuer: B256::from(hash).to_string(),
    }
}

fn wishes(number: i64) -> SignedWishes {
    SignedWishes {
        group: "group-2".into(),
        members: vec![],
        seat: Some(WishedSeat {
            weight: 1,
            change: number + 1,
        }),
        attestation: attestation(number),
    }
}

fn attestation(sequence: i64) -> althing_crds::v1alpha1::Attestation {
    althing_crds::v1alpha1::Attestation {
        sequence: sequence + 1,
        signature: "0f".repeat(64),
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let stage = prop::sample::select(vec![
        Stage::Voting,
        Stage::Approved,
        Stage::StaleManifest,
        Stage::Refused,
    ]);
    let change = (
        any::<[u8; 32]>(),
        "[ -~]{0,20}",
        0_u64..9,
        prop::option::of("[ -~]{0,40}"),
        stage,
    );
    let change = change.prop_map(|(id, text, votes, blocked_by, stage)| Change {
        id: B256::from(id).to_string(),
        subject: text.clone(),
        from: text.clone(),
        to: text,
        votes,
        needed: votes + 1,
        stage,
        blocked_by,
    });
    prop::collection::vec(change, 0..3)
}

fn only(object: &ObjectRef, all: Facts) -> Facts {
    let none = Facts::default();
    match object {
        ObjectRef::Consortium(_) => Facts {
            certificate: all.certificate,
            fingerprint: all.fingerprint,
            trusted: all.trusted,
            certificate_not_after: all.certificate_not_after,
            ..none
        },
        ObjectRef::Agency(_) => Facts {
            governance_account: all.governance_account,
            certificate: all.certificate,
            client_authority: all.client_authority,
            certificate_not_after: all.certificate_not_after,
            certificate_signing_request: all.certificate_signing_request,
            csr_fingerprint: all.csr_fingerprint,
            trust: all.trust,
            attestation: all.attestation,
            ..none
        },
        ObjectRef::Group(_) => Facts {
            genesis_hash: all.genesis_hash,
            sealers: all.sealers,
            observers: all.observers,
            changes: all.changes,
            faults_tolerable: all.faults_tolerable,
            attestations: all.attestations,
            wishes: all.wishes,
            ..none
        },
        ObjectRef::Node(_) => Facts {
            node_id: all.node_id,
            certificate_not_after: all.certificate_not_after,
            groups: all.groups,
            address: all.address,
            certificate: all.certificate,
            attestation: all.attestation,
            ..none
        },
    }
}

thread_local! {
    static MANIFESTS: NamespaceManifests = manifests();
}

proptest! {
    #[test]
    fn a_status_is_read_back_as_it_was_written_and_is_then_current(status in any_status()) {
        let mut manifests = MANIFESTS.with(Clone::clone);
        let body = status_body(&status, Some(1));
        write(&mut manifests, &status.object, &body);
        prop_assert_eq!(&read_back(&manifests, &status.object), &status);
        prop_assert!(is_current(&manifests, &status));
    }
}
