//! The status of a kind → [`ObjectStatus`]. Tolerant: a status is open to whoever may write it.

use std::str::FromStr;

use althing_crds::v1alpha1::{
    Agency, AgencyWishes, Attestation, ChangeStatus, Consortium, GenesisAttestation, Group, Node, SignedWishes,
};
use althing_operator::governance::Change;
use althing_operator::name::{AgencyName, ConsortiumName, GroupName, NodeName};
use althing_operator::status::{Condition, ConditionType, Facts, ObjectRef, ObjectStatus, Reason, Truth};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as LiveCondition, Time};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

/// The status written last of a Consortium; none when it has none.
pub fn read_consortium(object: &Consortium) -> Option<ObjectStatus> {
    let status = object.status.as_ref()?;
    let facts = Facts {
        certificate: status.certificate.clone(),
        fingerprint: status.fingerprint.clone(),
        trusted: status.trusted.clone(),
        revocations: status.revocations.clone(),
        certificate_not_after: time(status.certificate_not_after.as_ref()),
        ..Facts::default()
    };
    let name = ConsortiumName::new(object.metadata.name.as_deref()?).ok()?;
    Some(read(ObjectRef::Consortium(name), &status.conditions, facts))
}

/// The status written last of an Agency; none when it has none.
pub fn read_agency(object: &Agency) -> Option<ObjectStatus> {
    let status = object.status.as_ref()?;
    let facts = Facts {
        governance_account: parsed(status.governance_account.as_ref()),
        certificate: status.certificate.clone(),
        client_authority: status.client_authority.clone(),
        certificate_not_after: time(status.certificate_not_after.as_ref()),
        certificate_signing_request: status.certificate_signing_request.clone(),
        csr_fingerprint: status.csr_fingerprint.clone(),
        trust: status.trust.clone(),
        attestation: status.attestation.clone(),
        ..Facts::default()
    };
    let name = AgencyName::new(object.metadata.name.as_deref()?).ok()?;
    Some(read(ObjectRef::Agency(name), &status.conditions, facts))
}

/// The status written last of a Group; none when it has none.
pub fn read_group(object: &Group) -> Option<ObjectStatus> {
    let status = object.status.as_ref()?;
    let members = |ids: &[String]| ids.iter().filter_map(|id| id.parse().ok()).collect();
    let facts = Facts {
        genesis_hash: parsed(status.genesis_hash.as_ref()),
        sealers: members(&status.sealers),
        observers: members(&status.observers),
        faults_tolerable: status.faults_tolerable.and_then(|faults| u32::try_from(faults).ok()),
        changes: status.changes.iter().filter_map(change).collect(),
        attestations: status.attestations.iter().filter_map(signed).collect(),
        wishes: status.wishes.iter().filter_map(wished).collect(),
        ..Facts::default()
    };
    let name = GroupName::new(object.metadata.name.as_deref()?).ok()?;
    Some(read(ObjectRef::Group(name), &status.conditions, facts))
}

/// The status written last of a Node; none when it has none.
pub fn read_node(object: &Node) -> Option<ObjectStatus> {
    let status = object.status.as_ref()?;
    let facts = Facts {
        node_id: parsed(status.node_id.as_ref()),
        certificate_not_after: time(status.certificate_not_after.as_ref()),
        groups: status
            .groups
            .iter()
            .filter_map(|name| GroupName::new(name.as_str()).ok())
            .collect(),
        address: status.address.clone(),
        certificate: status.certificate.clone(),
        attestation: status.attestation.clone(),
        ..Facts::default()
    };
    let name = NodeName::new(object.metadata.name.as_deref()?).ok()?;
    Some(read(ObjectRef::Node(name), &status.conditions, facts))
}

fn read(object: ObjectRef, conditions: &[LiveCondition], facts: Facts) -> ObjectStatus {
    let mut conditions: Vec<Condition> = conditions.iter().filter_map(condition).collect();
    conditions.sort_by_key(|condition| condition.kind);
    conditions.dedup_by_key(|condition| condition.kind);
    ObjectStatus {
        object,
        conditions,
        facts,
    }
}

fn signed(live: &GenesisAttestation) -> Option<(AgencyName, Attestation)> {
    Some((AgencyName::new(live.agency.as_str()).ok()?, live.attestation.clone()))
}

fn wished(live: &AgencyWishes) -> Option<(AgencyName, SignedWishes)> {
    Some((AgencyName::new(live.agency.as_str()).ok()?, live.wishes.clone()))
}

/// A change at a stage that is known.
fn change(live: &ChangeStatus) -> Option<Change> {
    Some(Change {
        id: live.id.clone(),
        subject: live.subject.clone(),
        from: live.from.clone(),
        to: live.to.clone(),
        votes: u64::try_from(live.votes).ok()?,
        needed: u64::try_from(live.needed).ok()?,
        stage: variant(&live.state)?,
        blocked_by: live.blocked_by.clone(),
    })
}

/// A condition of a type that is known. A reason that is not known is read as [`Reason::NotObserved`]: since when the
/// condition holds is worth keeping.
fn condition(live: &LiveCondition) -> Option<Condition> {
    Some(Condition {
        kind: condition_type(&live.type_)?,
        status: variant::<Truth>(&live.status)?,
        reason: variant(&live.reason).unwrap_or(Reason::NotObserved),
        message: live.message.clone(),
        observed_generation: live.observed_generation,
        last_transition_time: live.last_transition_time.0,
    })
}

/// The type of a condition; none when it is somebody else's.
pub(super) fn condition_type(text: &str) -> Option<ConditionType> {
    variant(text)
}

fn variant<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let text: StrDeserializer<'a, Error> = text.into_deserializer();
    T::deserialize(text).ok()
}

fn parsed<T: FromStr>(text: Option<&String>) -> Option<T> {
    text?.parse().ok()
}

fn time(time: Option<&Time>) -> Option<jiff::Timestamp> {
    time.map(|time| time.0)
}
