//! The plan of one namespace: comparable domain values, which an edge lowers to folders and processes or to Kubernetes
//! objects. Nothing here names Kubernetes, a socket, a disk or a clock.
//!
//! ```text
//! manifests ─┐                          ┌─ desired: everything as it should be (a Kubernetes edge applies it whole)
//! observed ──┼─▶ plan_namespace ─▶ plan ┼─ steps:   the difference, in order   (a local edge carries it out)
//! placement ─┤                          ├─ disruptions and what blocks them
//! now ───────┘                          └─ statuses
//! ```
//!
//! A plan holds what can be done *now*: keys first, then certificates over them, then genesis, then files, then processes.
//! An edge applies the steps, observes again and plans again; a plan without steps is the fix point.

pub mod attestation;
pub mod disruption;
pub mod file;
pub mod identity;
pub mod observed;
pub mod process;
pub mod report;
pub mod step;

use std::collections::BTreeMap;

use althing_types::{B256, GroupId};
use serde::Serialize;

pub use attestation::{AttestationOrder, Attestations, Attested, Unsigned};
pub use disruption::{Disruption, DisruptionReason, HeldLease, Verdict};
pub use file::{File, FileContent, FileDigest, FileRef, ObservedFile};
pub use identity::{
    CertificateOrder, Identity, IdentityKind, IssueReason, KeyKind, KeyOrder, KeyPurpose, PublicKey, RequestOrder,
};
pub use observed::{
    KeyState, Observed, ObservedIdentity, ObservedProcess, Placement, ProcessState, Trouble, TroubleKind,
};
pub use process::{
    Container, Endpoint, Folders, LogTarget, NodeNetwork, Peer, Ports, Process, ProcessGroup, RpcSecurity,
};
pub use report::{GroupReport, GroupRole, NodeReport};
pub use step::Step;

use crate::governance::Act;
use crate::name::{ConsortiumName, GroupName, Namespace};
use crate::status::ObjectStatus;

/// What is to be done in one namespace, and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamespacePlan {
    /// The namespace.
    pub namespace: Namespace,
    /// Everything as it should be, as far as it can be known now.
    pub desired: Desired,
    /// The difference to what is, in order.
    pub steps: Vec<Step>,
    /// Nodes that wait for their turn to be disturbed.
    pub disruptions: Vec<Disruption>,
    /// What own agencies are to do on the chains; repeated until the chains show it.
    pub acts: Vec<Act>,
    /// The leases that own agencies have on the chains, or wait for: they are given back when their nodes are in sync again.
    pub leases: Vec<HeldLease>,
    /// The statuses of all objects.
    pub statuses: Vec<ObjectStatus>,
}

impl NamespacePlan {
    /// Whether there is nothing to do.
    pub fn is_at_rest(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Everything as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Desired {
    /// Every identity whose key belongs to this namespace, whether made yet or not.
    pub identities: Vec<Identity>,
    /// Every genesis that is known: recorded, or to be recorded.
    pub genesis: Vec<GenesisRecord>,
    /// Every file of every own node whose identity is complete.
    pub files: Vec<File>,
    /// Every own node that can run.
    pub processes: Vec<Process>,
    /// The network around them.
    pub network: Vec<NodeNetwork>,
    /// The chain certificates in PEM that each consortium trusts, the one that signs now first.
    pub trust: BTreeMap<ConsortiumName, Vec<String>>,
}

/// A genesis, rendered once and kept verbatim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GenesisRecord {
    /// The group.
    pub group: GroupName,
    /// Its number.
    pub id: GroupId,
    /// The hash of the canonical document.
    pub hash: B256,
    /// The canonical document.
    pub document: String,
}
