//! What an edge found: public facts only. Private keys are known here by their public halves (DESIGN.md 5.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::governance::ChainView;
use crate::name::{GroupName, NodeName};
use crate::plan::file::{FileRef, ObservedFile};
use crate::plan::process::{Endpoint, Process};
use crate::plan::report::{NodeReport, Shown};
use crate::plan::{DisruptionReason, Identity, PublicKey};
use crate::status::ObjectStatus;

/// Everything a plan of one namespace depends on beside its manifests and the clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The identities of which anything (key, certificate, request) was found.
    pub identities: BTreeMap<Identity, ObservedIdentity>,
    /// The recorded canonical genesis documents, verbatim.
    pub genesis: BTreeMap<GroupName, String>,
    /// The files of all node folders.
    pub files: BTreeMap<FileRef, ObservedFile>,
    /// Nodes whose data folder (volume) exists.
    pub data: BTreeSet<NodeName>,
    /// Processes that run or ran.
    pub processes: BTreeMap<NodeName, ObservedProcess>,
    /// What running nodes say about themselves; a node that was not asked or did not answer is missing.
    pub reports: BTreeMap<NodeName, NodeReport>,
    /// What running nodes show their peers, and what these show them.
    pub shown: BTreeMap<NodeName, Shown>,
    /// What holds on the chains, as own nodes that are in sync said; a group nobody told of is missing.
    pub chains: BTreeMap<GroupName, ChainView>,
    /// Nodes the edge has to disturb for its own reasons, such as a machine that is drained.
    pub wishes: BTreeMap<NodeName, DisruptionReason>,
    /// Nodes that somebody else may disturb at this moment because an earlier plan allowed it (an open disruption budget).
    pub opened: BTreeSet<NodeName>,
    /// What stands in the way of a node's process, as the edge knows it.
    pub troubles: BTreeMap<NodeName, Trouble>,
    /// The statuses written last.
    pub statuses: Vec<ObjectStatus>,
}

/// What stands in the way of a node's process outside of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What kind it is of.
    pub kind: TroubleKind,
    /// What was found, in the words of who found it.
    pub message: String,
}

/// The kinds of trouble around a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TroubleKind {
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
    /// The object was not accepted.
    ApplyRefused,
}

/// What was found of one identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedIdentity {
    /// Its key.
    pub key: KeyState,
    /// Its certificate in PEM, the leaf first. [`crate::pki::inspect`] reads it.
    pub certificate: Option<String>,
    /// Its certificate signing request in PEM.
    pub request: Option<String>,
    /// The chain certificates that lie beside the certificate for whoever uses it, in PEM.
    pub trusted: Option<String>,
    /// Of an agency's key: the record of what it signed for others ([`crate::plan::Attestations`]).
    pub attestations: Option<String>,
}

/// Whether a key is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyState {
    /// No key was found.
    #[default]
    Missing,
    /// A readable key with this public half.
    Present(PublicKey),
    /// Something is there that is not a key of the identity's curve; why, without any of its content.
    Unreadable(String),
}

impl KeyState {
    /// The public half of a readable key.
    pub const fn public(&self) -> Option<&PublicKey> {
        match self {
            Self::Present(key) => Some(key),
            _ => None,
        }
    }
}

/// A process as the edge knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedProcess {
    /// What it was started with.
    pub process: Process,
    /// Where it stands.
    pub state: ProcessState,
}

/// Whether a process is alive and well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProcessState {
    /// Proven stopped: healing it is never refused.
    Stopped,
    /// Alive, not (yet) ready, or readiness could not be asked.
    Running,
    /// Alive, in sync and connected.
    Ready,
}

/// Where every own node of one namespace stands on its network.
pub type Placement = BTreeMap<NodeName, Endpoint>;
