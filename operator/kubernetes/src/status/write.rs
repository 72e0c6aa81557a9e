//! [`ObjectStatus`] → the status of a kind.

use althing_crds::v1alpha1::{
    AgencyStatus, AgencyWishes, Attestation, ChangeStatus, ConsortiumStatus, GenesisAttestation, GroupStatus,
    NodeStatus, SignedWishes,
};
use althing_operator::governance::Change;
use althing_operator::name::AgencyName;
use althing_operator::status::{Condition, Facts, ObjectRef, ObjectStatus, Truth};
use althing_types::NodeId;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as LiveCondition, Time};
use serde_json::Value;

use super::value;

/// Characters of a message: enough for any sentence, little enough for a status.
const MESSAGE_CHARACTERS_MAX: usize = 2048;
/// Bytes of a text that the schemas of all kinds accept.
const PEM_BYTES_MAX: usize = 8192;
/// Members of a group that its schema accepts.
const MEMBERS_MAX: usize = 256;
/// Changes of a group that its schema accepts.
const CHANGES_MAX: usize = 256;
/// Groups of a node that its schema accepts.
const GROUPS_MAX: usize = 1024;

/// The status of the kind the object is of. What its schema would refuse is left out, so that the rest is accepted.
pub(super) fn status(status: &ObjectStatus, generation: Option<i64>) -> Value {
    let conditions = || status.conditions.iter().map(condition).collect();
    let facts = &status.facts;
    match &status.object {
        ObjectRef::Consortium(_) => value(&ConsortiumStatus {
            observed_generation: generation,
            conditions: conditions(),
            certificate: pem(facts.certificate.as_ref()),
            fingerprint: facts.fingerprint.clone(),
            revocations: facts.revocations.clone(),
            trusted: facts.trusted.iter().filter_map(|text| pem(Some(text))).collect(),
            certificate_not_after: not_after(facts),
        }),
        ObjectRef::Agency(_) => value(&AgencyStatus {
            observed_generation: generation,
            conditions: conditions(),
            certificate_signing_request: pem(facts.certificate_signing_request.as_ref()),
            csr_fingerprint: facts.csr_fingerprint.clone(),
            certificate: pem(facts.certificate.as_ref()),
            client_authority: pem(facts.client_authority.as_ref()),
            governance_account: facts.governance_account.map(|account| account.to_string()),
            certificate_not_after: not_after(facts),
            trust: facts.trust.clone(),
            attestation: facts.attestation.clone(),
        }),
        ObjectRef::Group(_) => value(&GroupStatus {
            observed_generation: generation,
            conditions: conditions(),
            genesis_hash: facts.genesis_hash.map(|hash| hash.to_string()),
            sealers: members(&facts.sealers),
            observers: members(&facts.observers),
            faults_tolerable: facts.faults_tolerable.and_then(|faults| i32::try_from(faults).ok()),
            changes: facts.changes.iter().take(CHANGES_MAX).map(change).collect(),
            attestations: facts.attestations.iter().take(MEMBERS_MAX).map(signed).collect(),
            wishes: facts.wishes.iter().take(MEMBERS_MAX).map(wished).collect(),
        }),
        ObjectRef::Node(_) => value(&NodeStatus {
            observed_generation: generation,
            conditions: conditions(),
            node_id: facts.node_id.map(|id| id.to_string()),
            groups: facts.groups.iter().take(GROUPS_MAX).map(ToString::to_string).collect(),
            certificate_not_after: not_after(facts),
            address: facts.address.clone(),
            certificate: pem(facts.certificate.as_ref()),
            attestation: facts.attestation.clone(),
        }),
    }
}

fn signed((agency, attestation): (&AgencyName, &Attestation)) -> GenesisAttestation {
    GenesisAttestation {
        agency: agency.to_string(),
        attestation: attestation.clone(),
    }
}

fn wished((agency, wishes): (&AgencyName, &SignedWishes)) -> AgencyWishes {
    AgencyWishes {
        agency: agency.to_string(),
        wishes: wishes.clone(),
    }
}

fn change(change: &Change) -> ChangeStatus {
    let weight = |weight: u64| i64::try_from(weight).unwrap_or(i64::MAX);
    ChangeStatus {
        id: change.id.clone(),
        subject: change.subject.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
        votes: weight(change.votes),
        needed: weight(change.needed),
        state: change.stage.as_str().to_owned(),
        blocked_by: change.blocked_by.clone(),
    }
}

fn condition(condition: &Condition) -> LiveCondition {
    LiveCondition {
        type_: format!("{:?}", condition.kind),
        status: truth(condition.status).to_owned(),
        reason: condition.reason.as_str().to_owned(),
        message: clipped(&condition.message),
        observed_generation: condition.observed_generation,
        last_transition_time: Time(seconds(condition.last_transition_time)),
    }
}

const fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    }
}

fn clipped(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
        None => message.to_owned(),
        Some(_) => message.chars().take(MESSAGE_CHARACTERS_MAX - 1).chain(['…']).collect(),
    }
}

/// Kubernetes' times have whole seconds.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn not_after(facts: &Facts) -> Option<Time> {
    facts.certificate_not_after.map(|time| Time(seconds(time)))
}

fn pem(text: Option<&String>) -> Option<String> {
    text.filter(|text| text.len() <= PEM_BYTES_MAX).cloned()
}

fn members(ids: &[NodeId]) -> Vec<String> {
    ids.iter().take(MEMBERS_MAX).map(ToString::to_string).collect()
}
