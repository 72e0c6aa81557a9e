//! Plan → children: one file per rendered kind. Pure and infallible; no clock, no randomness, nothing private.
//!
//! ```text
//! manifests ─┐
//! desired ───┼─▶ lower ─▶ children, in the order they are applied ─▶ crate::diff
//! identities ┤            (complete bodies for server-side apply)
//! live ──────┘
//! ```
//!
//! Invariants:
//! - Only nodes with a process in the plan are lowered: a node that is held keeps what it has.
//! - A pod template depends on what a node reads at its start and on nothing else. Joining a group, a renewed certificate,
//!   a changed peer or another version of the operator leave it as it is, byte for byte.
//! - Private keys are never read here; pods mount their Secret by name.

mod attestations;
mod budget;
mod certificate;
mod config;
mod facts;
mod genesis;
mod identity;
mod network;
mod node;
mod pod;
mod process;
pub(crate) mod quantity;
mod service;
mod stateful_set;
mod volume;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::NodeName;
use althing_operator::plan::{Desired, Identity, ObservedIdentity};
use althing_operator::status::ObjectRef;

pub use certificate::leaf;
pub use facts::LiveFacts;
pub use process::PodProcess;

use crate::child::{Child, Family, Owner};
use crate::placement::Settings;
use node::NodeParts;

/// Everything the children of one namespace depend on.
#[derive(Clone, Copy, Debug)]
pub struct Lowering<'a> {
    /// The objects of the namespace, as the API server holds them: with uids.
    pub manifests: &'a NamespaceManifests,
    /// The plan.
    pub desired: &'a Desired,
    /// What was observed of identities: their certificates and requests are lowered as they are.
    pub identities: &'a BTreeMap<Identity, ObservedIdentity>,
    /// What the operator was started with.
    pub settings: &'a Settings,
    /// What children that exist already have decided.
    pub live: &'a LiveFacts,
    /// The nodes that may be evicted now.
    pub open_budgets: &'a BTreeSet<NodeName>,
}

/// The children of a namespace, in the order they are applied.
///
/// Certificates are lowered as observed: lower *before* a round's certificates are issued or after they are observed again,
/// so that no older one is written over a newer.
pub fn lower(lowering: &Lowering<'_>) -> Vec<Child> {
    let mut children = lowering.certificates();
    children.extend(lowering.records());
    children.extend(
        lowering
            .desired
            .genesis
            .iter()
            .filter_map(|record| genesis::config_map(lowering, record)),
    );
    let mut texts = node::texts(&lowering.desired.files);
    for process in &lowering.desired.processes {
        let texts = texts.remove(&process.node).unwrap_or_default();
        if let Some(node) = NodeParts::find(lowering, process, texts) {
            children.extend(node.children());
        }
    }
    children.sort_by(|one, other| one.at().cmp(&other.at()));
    children
}

impl<'a> Lowering<'a> {
    /// What the children of an object have in common; none when the object is not there.
    pub fn family(&self, object: &ObjectRef) -> Option<Family<'a>> {
        let manifests = self.manifests;
        Some(Family {
            namespace: &manifests.namespace,
            owner: Owner {
                object: object.clone(),
                // An object of an API server has a uid; one without owns nothing, and is refused there.
                uid: manifests.metadata(object)?.uid.clone()?,
            },
            consortium: manifests.consortium_of(object),
        })
    }
}
