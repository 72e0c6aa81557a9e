//! Agency: a member organisation.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Attestation;
use super::group::AgreedMember;

/// A member organisation: holds an agency certificate, issues its own node and sdk certificates, owns one governance account.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "althing.dev",
    version = "v1alpha1",
    kind = "Agency",
    plural = "agencies",
    shortname = "agcy",
    category = "althing",
    namespaced,
    status = "AgencyStatus",
    derive = "PartialEq",
    cel,
    doc = "A member organisation: holds an agency certificate, issues its own node and sdk certificates, owns one governance account.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"),
    printcolumn(name = "Consortium", type_ = "string", json_path = ".spec.consortium", description = "Its consortium"),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.governanceAccount", description = "Its governance account"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether this namespace's part is done"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", description = "Why it is or is not"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.certificateNotAfter", description = "First end of its certificates", priority = "1"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "What is done, waited for or wrong", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was made")
)]
#[x_kube(
    validation = Rule::new("self.consortium == oldSelf.consortium").message("spec.consortium is immutable"),
    validation = Rule::new("has(self.external) == has(oldSelf.external)")
        .message("spec.external: an own agency cannot become somebody else's, nor the other way round"),
    validation = Rule::new("!has(self.external) || (!has(self.certificate) && !has(self.approval))")
        .message("spec.external excludes spec.certificate and spec.approval: they belong to an own agency"),
    validation = Rule::new("!has(self.external) || !has(oldSelf.external) || !has(oldSelf.external.governanceAccount) || (has(self.external.governanceAccount) && self.external.governanceAccount == oldSelf.external.governanceAccount)")
        .message("spec.external.governanceAccount is written once: it is part of every genesis that names the agency"),
)]
#[serde(rename_all = "camelCase")]
pub struct AgencySpec {
    /// The Consortium of this namespace. Immutable.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub consortium: String,
    /// Own agency whose chain key is elsewhere: the signed answer to `status.certificateSigningRequest`, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 16384))]
    pub certificate: Option<String>,
    /// Somebody else's agency: public facts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalAgency>,
    /// What the agency votes for without being asked; `Manifest` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// What an agency votes for without being asked.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// What its manifests declare.
    Manifest,
    /// Only changes whose ids a person approved.
    Manual,
}

/// The public facts of somebody else's agency.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(cel, validation = Rule::new("has(self.certificate) || has(self.certificateSigningRequest)").message("certificate or certificateSigningRequest must be given"))]
#[serde(rename_all = "camelCase")]
pub struct ExternalAgency {
    /// Its agency certificate in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 16384))]
    pub certificate: Option<String>,
    /// Its certificate signing request in PEM, before it has a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 16384))]
    pub certificate_signing_request: Option<String>,
    /// Its account on the chain, `0x` and 40 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 42), regex(pattern = "^0x[0-9a-fA-F]{40}$"))]
    pub governance_account: Option<String>,
    /// What all of its nodes trust and show, while a chain certificate rolls over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<AgencyTrust>,
    /// Its signature over these facts. Needed beside a certificate; a request is confirmed by its fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// The genesis documents it computed, of the groups it shares with this namespace, each signed by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["group".to_string()]))]
    pub genesis: Vec<SignedGenesis>,
    /// What it asks for in groups in which it has no seat, each signed by itself. Only a seat's own manifest votes for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["group".to_string()]))]
    pub wishes: Vec<SignedWishes>,
}

/// What all running nodes of an agency say that they trust and show.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgencyTrust {
    /// SHA-256 over the set of chain certificates they trust, `0x` and 64 hex digits.
    #[schemars(length(equal = 66), regex(pattern = "^0x[0-9a-f]{64}$"))]
    pub certificates: String,
    /// SHA-256 of the agency certificate (DER) that issued those they show, `0x` and 64 hex digits.
    #[schemars(length(equal = 66), regex(pattern = "^0x[0-9a-f]{64}$"))]
    pub issuer: String,
}

/// What an agency asks for in one group: a role of its own nodes, a seat of its own.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SignedWishes {
    /// The name of the Group.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub group: String,
    /// Roles of its nodes, as `spec.agreed.members` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".to_string()]))]
    pub members: Vec<AgreedMember>,
    /// The weight of its seat, as `spec.agreed.committee` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<WishedSeat>,
    /// The agency's signature over all of it.
    pub attestation: Attestation,
}

/// The seat an agency asks for.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WishedSeat {
    /// The weight.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub weight: i32,
    /// The number of this change of this subject.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub change: i64,
}

/// The genesis of one group as an agency computed it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SignedGenesis {
    /// The name of the Group.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub group: String,
    /// The hash of the canonical document, `0x` and 64 hex digits.
    #[schemars(length(equal = 66), regex(pattern = "^0x[0-9a-f]{64}$"))]
    pub hash: String,
    /// The canonical document, so that a difference can be named by its field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 65536))]
    pub document: Option<String>,
    /// The agency's signature over name and hash.
    pub attestation: Attestation,
}

/// What is known of an agency.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AgencyStatus {
    /// The generation this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, CertificatesValid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// What the registrar is to sign, in PEM, when the chain key is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub certificate_signing_request: Option<String>,
    /// SHA-256 of the request (DER), 64 hex digits: what the registrar's `admit` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub csr_fingerprint: Option<String>,
    /// The agency certificate in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub certificate: Option<String>,
    /// Own agency where `cryptography` is SM: the certificate of its client authority in PEM. Applications, browsers and scrapers trust
    /// its nodes' listeners by it; its sdk and admin certificates are under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub client_authority: Option<String>,
    /// The agency's account on the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 42))]
    pub governance_account: Option<String>,
    /// The last moment of the agency certificate, or of the client authority's where that is sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_not_after: Option<Time>,
    /// Own agency: what all of its running nodes trust and show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<AgencyTrust>,
    /// Own agency: its signature over its public facts. Somebody else's: the newest that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
}
