//! What an edge found: public facts only. Private keys are known here by their public halves (DESIGN.md 5.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::name::{GroupName, NodeName};
use crate::plan::file::{FileRef, ObservedFile};
use crate::plan::process::{Endpoint, Process};
use crate::plan::{Identity, PublicKey};
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
    /// The statuses written last.
    pub statuses: Vec<ObjectStatus>,
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
