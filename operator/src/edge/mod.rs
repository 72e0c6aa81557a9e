//! Where plans touch the world. An edge observes, applies and writes statuses; everything between is pure.
//!
//! ```text
//!          ┌──────────────── one round ────────────────┐
//! Place, Observe ─▶ plan_namespace (pure) ─▶ Apply ─▶ WriteStatus
//!          └────────── until no step is left ──────────┘
//! ```
//!
//! Two edges exist: this machine (folders and processes) and Kubernetes (objects). Both pass one conformance suite.

pub mod entropy;
pub mod local;

use jiff::Timestamp;

use crate::manifest::{Manifests, NamespaceManifests};
use crate::name::Namespace;
use crate::plan::{NamespacePlan, Observed, Placement, Step};
use crate::status::ObjectStatus;

/// Reads what is. Writes nothing.
pub trait Observe {
    /// Why observing failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The public facts of one namespace: every identity, genesis, file, data folder, process and status it holds, whether or
    /// not a manifest still names it.
    fn observe(&mut self, namespace: &Namespace) -> Result<Observed, Self::Error>;
}

/// Chooses where nodes listen and how they find each other.
pub trait Place: Observe {
    /// The endpoints of the own nodes of one namespace. All manifests are given because the namespaces of one machine share
    /// its ports. Places already taken stay: an endpoint only moves when its manifest asks for it.
    fn place(&mut self, all: &Manifests, namespace: &Namespace) -> Result<Placement, Self::Error>;
}

/// Does what a plan says.
pub trait Apply: Observe {
    /// Carries one step out completely or leaves everything as it was. Doing a step twice is harmless.
    fn apply(&mut self, namespace: &Namespace, step: &Step, now: Timestamp) -> Result<(), Self::Error>;
}

/// Tells people.
pub trait WriteStatus: Observe {
    /// Writes the statuses that differ from the ones written last.
    fn write_statuses(&mut self, namespace: &Namespace, statuses: &[ObjectStatus]) -> Result<(), Self::Error>;
}

/// All an edge is.
pub trait Edge: Place + Apply + WriteStatus {}

impl<E: Place + Apply + WriteStatus> Edge for E {}

/// Plan one namespace once: place, observe, plan. Nothing is changed.
pub fn plan_once<E: Place>(
    edge: &mut E,
    all: &Manifests,
    manifests: &NamespaceManifests,
    now: Timestamp,
) -> Result<NamespacePlan, E::Error> {
    let placement = edge.place(all, &manifests.namespace)?;
    let observed = edge.observe(&manifests.namespace)?;
    Ok(crate::plan_namespace(manifests, &observed, &placement, now))
}

/// One round: plan, apply every step in order, write the statuses. The caller repeats rounds until
/// [`NamespacePlan::is_at_rest`]; `on_step` hears of every step before it is carried out.
pub fn round<E: Edge>(
    edge: &mut E,
    all: &Manifests,
    manifests: &NamespaceManifests,
    now: Timestamp,
    mut on_step: impl FnMut(&Step),
) -> Result<NamespacePlan, E::Error> {
    let plan = plan_once(edge, all, manifests, now)?;
    for step in &plan.steps {
        on_step(step);
        edge.apply(&plan.namespace, step, now)?;
    }
    edge.write_statuses(&plan.namespace, &plan.statuses)?;
    Ok(plan)
}
