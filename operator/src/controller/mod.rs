//! The four controllers, as far as they are pure: validate turns a spec and what was observed into values that are known to
//! be right; plan turns those into steps, files, processes and facts.
//!
//! A reference never leaves its namespace: every lookup goes through [`Context`], which holds one namespace. What is not there
//! yet makes an object wait ([`Hold::Pending`]); only its own spec, or a lost key, stalls it ([`Hold::Wrong`]).

pub mod agency;
pub mod attestation;
pub mod certificate;
pub mod consortium;
pub mod duration;
pub mod edition;
pub mod group;
pub mod key;
pub mod node;

use jiff::Timestamp;

use crate::manifest::NamespaceManifests;
use crate::name::ConsortiumName;
use crate::plan::{Identity, Observed, ObservedIdentity, Placement};
use crate::status::{Facts, ObjectRef, Obstacle, Progress, Reason};

/// What every controller reads.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The objects of the namespace.
    pub manifests: &'a NamespaceManifests,
    /// What the edge found.
    pub observed: &'a Observed,
    /// Where the own nodes stand.
    pub placement: &'a Placement,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// What was found of an identity.
    pub fn identity(&self, identity: &Identity) -> Option<&'a ObservedIdentity> {
        self.observed.identities.get(identity)
    }

    /// The facts written last about an object.
    pub fn facts(&self, object: &ObjectRef) -> Option<&'a Facts> {
        self.observed
            .statuses
            .iter()
            .find(|status| status.object == *object)
            .map(|status| &status.facts)
    }
}

/// Why an object does not go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It goes on by itself when something is there.
    Pending(Obstacle),
    /// A person must change something.
    Wrong(Obstacle),
}

impl Hold {
    /// It waits.
    pub fn pending(reason: Reason, message: impl Into<String>) -> Self {
        Self::Pending(Obstacle::new(reason, message))
    }

    /// It is wrong.
    pub fn wrong(reason: Reason, message: impl Into<String>) -> Self {
        Self::Wrong(Obstacle::new(reason, message))
    }

    /// What a field names is not there yet.
    fn missing(field: &str, kind: &str, name: impl std::fmt::Display) -> Self {
        let text = format!("{field}: {kind} {name} is not in this namespace yet");
        Self::pending(Reason::ReferenceMissing, text)
    }

    /// What a field names lacks something itself, which it says.
    fn not_ready(field: &str, kind: &str, name: impl std::fmt::Display) -> Self {
        let text = format!("{field}: {kind} {name} is not ready");
        Self::pending(Reason::DependencyNotReady, text)
    }

    /// A field of the spec is wrong.
    pub fn field(field: &str, found: impl std::fmt::Display, accepted: &str) -> Self {
        Self::wrong(
            Reason::InvalidSpec,
            format!("{field}: found {found}; accepted: {accepted}"),
        )
    }

    /// The progress it amounts to.
    pub fn progress(self) -> Progress {
        match self {
            Self::Pending(obstacle) => Progress::Reconciling(obstacle),
            Self::Wrong(obstacle) => Progress::Stalled(obstacle),
        }
    }
}

/// A value, or why there is none now.
pub type Outcome<T> = Result<T, Hold>;

/// `spec.consortium` of an Agency or a Group.
fn consortium_named(text: &str) -> Outcome<ConsortiumName> {
    ConsortiumName::new(text).map_err(|error| {
        Hold::field(
            "spec.consortium",
            format!("{:?}", error.found),
            "the name of a Consortium",
        )
    })
}

/// The progress of a finished or held object.
pub fn progress<T>(outcome: &Outcome<T>) -> Progress {
    match outcome {
        Ok(_) => Progress::Ready,
        Err(hold) => hold.clone().progress(),
    }
}
