//! What people are told: standard conditions, computed purely.
//!
//! Ready means this namespace's part is done; what waits for others is `InSync=False` with a reason. `Stalled` is said only
//! when this object's own spec must change; whatever is not there *yet* is `Reconciling` (DESIGN.md 4).

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{AgencyTrust, Attestation, Revocations, SignedWishes};
use althing_types::{Address, B256, NodeId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::governance::Change;
use crate::name::{AgencyName, ConsortiumName, GroupName, NodeName};

/// The types of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionType {
    /// This namespace's part is done.
    Ready,
    /// Work is under way or waits for something that is not there yet.
    Reconciling,
    /// This object's own spec must change.
    Stalled,
    /// Every certificate of the object is within its dates.
    CertificatesValid,
    /// One more failure stops the group.
    QuorumAtRisk,
    /// The chain agrees with the manifests; of a node: in sync and connected.
    InSync,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// It is not known.
    Unknown,
}

/// Why a condition is what it is: closed, so that it can label a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Nothing is left to do.
    Done,
    /// Nothing stands in the way.
    NotStalled,
    /// Steps of the plan are being carried out.
    Progressing,
    /// An object this one names does not exist yet.
    ReferenceMissing,
    /// An object this one needs is not ready yet.
    DependencyNotReady,
    /// The spec contradicts itself or something immutable.
    InvalidSpec,
    /// A key that was made once is gone.
    KeyMissing,
    /// A key file is not a key.
    KeyUnreadable,
    /// A key and what was recorded of it differ.
    KeyMismatch,
    /// A certificate is not one of this chain, agency or key.
    CertificateInvalid,
    /// An attestation is not by its agency's key over these facts.
    AttestationInvalid,
    /// Somebody else's facts come without their agency's signature.
    AttestationMissing,
    /// A certificate has ended.
    CertificateExpired,
    /// All certificates are within their dates.
    CertificatesCurrent,
    /// The registrar has not answered the certificate signing request yet.
    AwaitingCertificate,
    /// The genesis differs from the pinned hash.
    GenesisHashDiffers,
    /// Other agencies' copies of the genesis have not been compared yet.
    GenesisUnconfirmed,
    /// The recorded genesis differs from what the manifest says; the record holds.
    GenesisRecordDiffers,
    /// The disruption rules make it wait.
    DisruptionBlocked,
    /// A process does not run.
    NotRunning,
    /// A process runs and is not ready.
    NotInSync,
    /// In sync and connected.
    InSync,
    /// The chain differs from the manifest, which waits for votes or for what a change lacks.
    ChainDiffers,
    /// A sealer is revoked and has not been voted out yet.
    RevocationWaits,
    /// A new chain certificate does not sign yet, or an old one is still trusted, because nodes have not followed.
    RolloverWaits,
    /// Not asked yet.
    NotObserved,
    /// The group has faults to spare.
    FaultsTolerable,
    /// The group tolerates no fault at present.
    NoFaultTolerable,
    /// A node runs a group that no manifest gives it any more.
    GroupUndeclared,
    /// A group has halted on a node.
    Halted,
    /// The image is not there or may not be pulled.
    ImageCannotBePulled,
    /// The volume finds no place.
    VolumeCannotBind,
    /// The pod was not admitted.
    PodRefused,
    /// The container ends again and again.
    ContainerCrashes,
    /// No machine takes the pod.
    Unschedulable,
    /// An object of that name is somebody else's.
    NameTaken,
    /// An object was not accepted.
    ApplyRefused,
}

impl Reason {
    /// The CamelCase text of the reason, for conditions, events and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::NotStalled => "NotStalled",
            Self::Progressing => "Progressing",
            Self::ReferenceMissing => "ReferenceMissing",
            Self::DependencyNotReady => "DependencyNotReady",
            Self::InvalidSpec => "InvalidSpec",
            Self::KeyMissing => "KeyMissing",
            Self::KeyUnreadable => "KeyUnreadable",
            Self::KeyMismatch => "KeyMismatch",
            Self::CertificateInvalid => "CertificateInvalid",
            Self::AttestationInvalid => "AttestationInvalid",
            Self::AttestationMissing => "AttestationMissing",
            Self::CertificateExpired => "CertificateExpired",
            Self::CertificatesCurrent => "CertificatesCurrent",
            Self::AwaitingCertificate => "AwaitingCertificate",
            Self::GenesisHashDiffers => "GenesisHashDiffers",
            Self::GenesisUnconfirmed => "GenesisUnconfirmed",
            Self::GenesisRecordDiffers => "GenesisRecordDiffers",
            Self::DisruptionBlocked => "DisruptionBlocked",
            Self::NotRunning => "NotRunning",
            Self::NotInSync => "NotInSync",
            Self::InSync => "InSync",
            Self::ChainDiffers => "ChainDiffers",
            Self::RevocationWaits => "RevocationWaits",
            Self::RolloverWaits => "RolloverWaits",
            Self::NotObserved => "NotObserved",
            Self::FaultsTolerable => "FaultsTolerable",
            Self::NoFaultTolerable => "NoFaultTolerable",
            Self::GroupUndeclared => "GroupUndeclared",
            Self::Halted => "Halted",
            Self::ImageCannotBePulled => "ImageCannotBePulled",
            Self::VolumeCannotBind => "VolumeCannotBind",
            Self::PodRefused => "PodRefused",
            Self::ContainerCrashes => "ContainerCrashes",
            Self::Unschedulable => "Unschedulable",
            Self::NameTaken => "NameTaken",
            Self::ApplyRefused => "ApplyRefused",
        }
    }
}

/// One condition of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: Truth,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people; with what would change it.
    pub message: String,
    /// The generation of the spec it was computed from.
    pub observed_generation: Option<i64>,
    /// When the status last moved.
    pub last_transition_time: Timestamp,
}

/// What stands in an object's way, or that nothing does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Progress {
    /// This namespace's part is done.
    Ready,
    /// It will go on by itself.
    Reconciling(Obstacle),
    /// The spec, or a lost key, needs a person.
    Stalled(Obstacle),
}

/// One thing in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// For machines.
    pub reason: Reason,
    /// For people: where, what was found, what is accepted, what to do.
    pub message: String,
}

impl Obstacle {
    /// An obstacle.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

/// A condition before its transition time is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which condition.
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: Truth,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(kind: ConditionType, status: Truth, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            kind,
            status,
            reason,
            message: message.into(),
        }
    }
}

/// The three conditions every object has.
pub fn progress_findings(progress: &Progress) -> [Finding; 3] {
    use ConditionType::{Ready, Reconciling, Stalled};
    use Truth::{False, True};
    let (ready, reconciling, stalled, obstacle) = match progress {
        Progress::Ready => (
            True,
            False,
            False,
            Obstacle::new(Reason::Done, "this namespace's part is done"),
        ),
        Progress::Reconciling(obstacle) => (False, True, False, obstacle.clone()),
        Progress::Stalled(obstacle) => (False, False, True, obstacle.clone()),
    };
    let side = |kind, status, idle: Reason| match status {
        True => Finding::new(kind, True, obstacle.reason, obstacle.message.clone()),
        _ => Finding::new(kind, False, idle, ""),
    };
    [
        Finding::new(Ready, ready, obstacle.reason, obstacle.message.clone()),
        side(Reconciling, reconciling, Reason::Done),
        side(Stalled, stalled, Reason::NotStalled),
    ]
}

/// Turns findings into conditions: `lastTransitionTime` moves only when the status does.
pub fn conditions(
    findings: &[Finding],
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = findings
        .iter()
        .map(|finding| {
            let old = before
                .iter()
                .find(|old| old.kind == finding.kind && old.status == finding.status);
            Condition {
                kind: finding.kind,
                status: finding.status,
                reason: finding.reason,
                message: finding.message.clone(),
                observed_generation: generation,
                last_transition_time: old.map_or(now, |old| old.last_transition_time),
            }
        })
        .collect();
    conditions.sort_by_key(|condition| condition.kind);
    conditions
}

/// The status of one object: its conditions and the public facts about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// Which object.
    pub object: ObjectRef,
    /// Its conditions, in the order of [`ConditionType`].
    pub conditions: Vec<Condition>,
    /// What else is known.
    pub facts: Facts,
}

impl ObjectStatus {
    /// The condition of this type.
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether the condition of this type holds.
    pub fn is(&self, kind: ConditionType) -> bool {
        self.condition(kind)
            .is_some_and(|condition| condition.status == Truth::True)
    }
}

/// One object of one namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectRef {
    /// A Consortium.
    Consortium(ConsortiumName),
    /// An Agency.
    Agency(AgencyName),
    /// A Group.
    Group(GroupName),
    /// A Node.
    Node(NodeName),
}

impl ObjectRef {
    /// The object of a kind, as manifests write it, and a name; none where there is no such kind or it is no name.
    pub fn new(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "Consortium" => ConsortiumName::new(name).ok().map(Self::Consortium),
            "Agency" => AgencyName::new(name).ok().map(Self::Agency),
            "Group" => GroupName::new(name).ok().map(Self::Group),
            "Node" => NodeName::new(name).ok().map(Self::Node),
            _ => None,
        }
    }

    /// Its kind, as manifests write it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Consortium(_) => "Consortium",
            Self::Agency(_) => "Agency",
            Self::Group(_) => "Group",
            Self::Node(_) => "Node",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Consortium(name) => name.as_str(),
            Self::Agency(name) => name.as_str(),
            Self::Group(name) => name.as_str(),
            Self::Node(name) => name.as_str(),
        }
    }
}

impl std::fmt::Display for ObjectRef {
    /// `Kind/name`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}

/// Public facts of an object. No private key is ever among them (DESIGN.md 5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Node: its identity. Kept once known: another key under the same name is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// Agency: its account. Kept once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governance_account: Option<Address>,
    /// Consortium, Agency: the certificate that signs now; Node: its certificate, of somebody else's node as it was accepted
    /// last; in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Consortium: SHA-256 of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Consortium: every chain certificate that is trusted, in PEM. Only ever told: what is trusted is never read from a status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<String>,
    /// Consortium: the registrar's list, signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<Revocations>,
    /// Consortium, Agency, Node: the end of the certificate; of several, the first end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_not_after: Option<Timestamp>,
    /// Agency, Node: own, the signature over its public facts as they are; somebody else's, the newest that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// Agency: own, what its running nodes trust and show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<AgencyTrust>,
    /// Agency: own, the certificate of its client authority in PEM, where it has one: what clients trust its nodes' listeners by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_authority: Option<String>,
    /// Node: where others dial it; of somebody else's node as it was accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Group: the own agencies' signatures over the genesis hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attestations: BTreeMap<AgencyName, Attestation>,
    /// Group: what own agencies without a seat ask for, signed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wishes: BTreeMap<AgencyName, SignedWishes>,
    /// Agency: what the registrar is to sign, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_signing_request: Option<String>,
    /// Agency: SHA-256 of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr_fingerprint: Option<String>,
    /// Group: the hash of the canonical genesis document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis_hash: Option<B256>,
    /// Group: the sealers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealers: Vec<NodeId>,
    /// Group: the observers this namespace knows of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observers: Vec<NodeId>,
    /// Group: how many sealers may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults_tolerable: Option<u32>,
    /// Group: the changes that are open on the chain, or declared and not so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Node: the groups it takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_object_is_found_by_its_kind_and_name_and_by_no_other() {
        for kind in ["Consortium", "Agency", "Group", "Node"] {
            let object = ObjectRef::new(kind, "a-0").unwrap();
            assert_eq!((object.kind(), object.name()), (kind, "a-0"));
            assert_eq!(object.to_string(), format!("{kind}/a-0"));
        }
        assert_eq!(ObjectRef::new("Pod", "a-0"), None);
        assert_eq!(ObjectRef::new("Node", "A 0"), None);
    }

    #[test]
    fn the_transition_time_moves_only_when_the_status_moves() {
        let waiting =
            |message: &str| progress_findings(&Progress::Reconciling(Obstacle::new(Reason::ReferenceMissing, message)));
        let first = conditions(&waiting("one"), &[], Some(1), at(10));
        let second = conditions(&waiting("two"), &first, Some(2), at(20));
        assert!(
            second
                .iter()
                .all(|c| c.last_transition_time == at(10) && c.observed_generation == Some(2))
        );
        assert_eq!(second[0].message, "two");
        let third = conditions(&progress_findings(&Progress::Ready), &second, Some(2), at(30));
        let moved: Vec<_> = third.iter().map(|c| c.last_transition_time == at(30)).collect();
        assert_eq!(
            moved,
            [true, true, false],
            "Ready and Reconciling moved, Stalled was and is False"
        );
    }

    #[test]
    fn ready_reconciling_and_stalled_never_hold_together() {
        let obstacle = || Obstacle::new(Reason::InvalidSpec, "x");
        for progress in [
            Progress::Ready,
            Progress::Reconciling(obstacle()),
            Progress::Stalled(obstacle()),
        ] {
            let holding = progress_findings(&progress)
                .iter()
                .filter(|f| f.status == Truth::True)
                .count();
            assert_eq!(holding, 1, "{progress:?}");
        }
    }
}
