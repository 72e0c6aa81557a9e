//! Consortium: one chain identity.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One chain identity: chain id, cryptography, and the chain certificate everybody trusts.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "althing.dev",
    version = "v1alpha1",
    kind = "Consortium",
    plural = "consortiums",
    shortname = "csm",
    category = "althing",
    namespaced,
    status = "ConsortiumStatus",
    derive = "PartialEq",
    cel,
    doc = "One chain identity: chain id, cryptography, and the chain certificate everybody trusts.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"),
    printcolumn(name = "Chain ID", type_ = "integer", json_path = ".spec.chainId", description = "The chain id"),
    printcolumn(name = "Cryptography", type_ = "string", json_path = ".spec.cryptography", description = "The edition"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether this namespace's part is done"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", description = "Why it is or is not"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.certificateNotAfter", description = "End of the chain certificate", priority = "1"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "What is done, waited for or wrong", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was made")
)]
#[x_kube(
    validation = Rule::new("self.chainId == oldSelf.chainId").message("spec.chainId is immutable: it is part of every genesis"),
    validation = Rule::new("self.cryptography == oldSelf.cryptography").message("spec.cryptography is immutable: every key and hash depends on it"),
    validation = Rule::new("!has(self.registrar) || !has(oldSelf.registrar) || has(self.registrar.managed) == has(oldSelf.registrar.managed)")
        .message("spec.registrar: the chain key cannot move between managed and secretName"),
    validation = Rule::new("!has(self.registrar) || !has(self.registrar.managed) || !has(oldSelf.registrar) || !has(oldSelf.registrar.managed) || (self.registrar.managed.keys.exists(k, k in oldSelf.registrar.managed.keys) && self.registrar.managed.keys.max() >= oldSelf.registrar.managed.keys.max())")
        .message("spec.registrar.managed.keys: a chain key rolls over in two changes, first the next number beside the old one, then without the old one"),
    validation = Rule::new("!has(oldSelf.revocations) || (has(self.revocations) && self.revocations.sequence >= oldSelf.revocations.sequence)")
        .message("spec.revocations: the list only grows, its sequence never falls"),
    validation = Rule::new("has(self.registrar) || (has(self.trust) && self.trust.certificates.size() > 0)")
        .message("spec.registrar (the chain key is kept here) or spec.trust.certificates (it is kept elsewhere) must be given"),
)]
#[serde(rename_all = "camelCase")]
pub struct ConsortiumSpec {
    /// The chain id, 1 to 274877906942, so that `chainId · 32768 + groupId` stays below 2^53 for every group. Immutable.
    #[schemars(range(min = 1, max = 274_877_906_942_i64))]
    pub chain_id: i64,
    /// The edition. Immutable. With SM, clients' TLS stays standard: each agency has a second set of certificates for it, on P-256, under a
    /// key of its own, its client authority.
    #[serde(default)]
    pub cryptography: Cryptography,
    /// Present only where the chain key is kept: signs agency certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar: Option<Registrar>,
    /// The chain certificates this namespace trusts. A managed registrar's own certificate is trusted without being listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// The registrar's signed, growing list of what is no longer trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<Revocations>,
}

/// The cryptographic edition.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cryptography {
    /// P-256 identities, secp256k1 accounts, Keccak-256.
    #[default]
    Standard,
    /// SM2, SM3, SM4.
    SM,
}

/// Who keeps the chain key, and whose certificates it signs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(cel, validation = Rule::new("has(self.managed) != has(self.secretName)").message("exactly one of managed and secretName must be given"))]
#[serde(rename_all = "camelCase")]
pub struct Registrar {
    /// The operator makes the chain key, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRegistrar>,
    /// A Secret of this namespace with `tls.key` and `tls.crt`, bought from a certificate authority. Naming another one rolls the
    /// chain certificate over: list the new certificate in `spec.trust.certificates` before, and the old one after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub secret_name: Option<String>,
    /// The external agencies whose certificate signing requests are signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub admit: Vec<Admission>,
}

/// How the operator makes the chain key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRegistrar {
    /// How long a chain certificate holds, such as `87600h` (ten years).
    #[serde(default = "chain_validity")]
    #[schemars(length(min = 2, max = 32), regex(pattern = "^([0-9]{1,9}(ms|s|m|h|d))+$"))]
    pub validity: String,
    /// The numbers of the chain keys that are trusted, ascending. `[1]` at first; `[1, 2]` makes the second key, which signs as soon as
    /// every node trusts it; `[2]` takes the first out once nobody is under it any more. Keys are kept for ever.
    #[serde(default = "first_key")]
    #[schemars(length(min = 1, max = 8), inner(range(min = 1, max = 999)))]
    #[x_kube(validation = Rule::new("self.isSorted() && self.all(k, self.exists_one(other, other == k))").message("keys: ascending, each once"))]
    pub keys: Vec<i64>,
}

fn chain_validity() -> String {
    "87600h".to_owned()
}

fn first_key() -> Vec<i64> {
    vec![1]
}

/// One agency whose request is signed, confirmed by fingerprint over another channel.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// The Agency of this namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub agency: String,
    /// SHA-256 of its certificate signing request (DER), 64 hex digits.
    #[schemars(length(equal = 64), regex(pattern = "^[0-9a-f]{64}$"))]
    pub csr_fingerprint: String,
}

/// The chain certificates that are trusted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// Chain certificates in PEM, beside the registrar's own; several while the chain certificate rolls over.
    #[serde(default)]
    #[schemars(length(max = 8), inner(length(min = 64, max = 8192)))]
    pub certificates: Vec<String>,
    /// SHA-256 fingerprint (DER), 64 hex digits, of the certificate that signs now. Needed when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 64), regex(pattern = "^[0-9a-f]{64}$"))]
    pub issuing: Option<String>,
    /// The agencies that a rollover does not wait for, each until a deadline: whose nodes are silent, or do not follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["agency".to_string()]))]
    pub waivers: Vec<TrustWaiver>,
}

/// An agency that a rollover of the chain certificate does not wait for: its nodes may be left behind as strangers.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TrustWaiver {
    /// The Agency of this namespace.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub agency: String,
    /// Until when.
    pub until: Time,
}

/// The registrar's list of what is no longer trusted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Revocations {
    /// Grows with every change.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub sequence: i64,
    /// Revoked nodeIDs, 128 hex digits each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(equal = 128), regex(pattern = "^[0-9a-f]{128}$")))]
    pub node_ids: Vec<String>,
    /// Revoked agencies, by the common name of their certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 40)))]
    pub agencies: Vec<String>,
    /// Revoked certificate serial numbers, in hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 40), regex(pattern = "^[0-9a-f]+$")))]
    pub serials: Vec<String>,
    /// Cuts sealers off before a vote has removed them: each of them counts as down at once, and a group that cannot spare it stands
    /// still. For emergencies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// r and s of the chain key's signature over the list, 128 hex digits. Absent where the registrar is: it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 128), regex(pattern = "^[0-9a-f]{128}$"))]
    pub signature: Option<String>,
}

/// What is known of a consortium.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ConsortiumStatus {
    /// The generation this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, CertificatesValid, InSync.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// The chain certificate that signs now, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub certificate: Option<String>,
    /// Its SHA-256 fingerprint (DER), 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint: Option<String>,
    /// Every chain certificate that is trusted now, in PEM, the one that signs first: what goes into other namespaces'
    /// `spec.trust.certificates`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 8192)))]
    pub trusted: Vec<String>,
    /// Where the registrar is: its list with the chain key's signature, for other namespaces' `spec.revocations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<Revocations>,
    /// Its last moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_not_after: Option<Time>,
}
