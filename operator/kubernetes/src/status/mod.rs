//! Statuses both ways: what the plan says ↔ what the API server holds. Pure.
//!
//! ```text
//! ObjectStatus ──body──▶ status subresource (server-side apply)
//!      ▲                          │
//!      └───────── read_* ─────────┘   tolerant: what cannot be read is left out
//! ```
//!
//! Invariants:
//! - A status that says the same is not written: times are compared to the second, conditions by type.
//! - What somebody else wrote into a status can be wrong, and never breaks a plan: an unknown condition, a nodeID that is
//!   none, a name that is none are passed over.

mod read;
mod write;

#[cfg(test)]
mod tests;

use althing_operator::manifest::NamespaceManifests;
use althing_operator::status::{ObjectRef, ObjectStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use read::{read_agency, read_consortium, read_group, read_node};

/// A status to write.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusWrite {
    /// Of which object.
    pub object: ObjectRef,
    /// The body for server-side apply of the status subresource.
    pub body: Value,
}

/// Puts statuses into the manifests they are of, for who reads both together. What a kind's schema would not take is left out.
pub fn attach(manifests: &mut NamespaceManifests, statuses: &[ObjectStatus]) {
    for status in statuses {
        let written = write::status(status, None);
        match &status.object {
            ObjectRef::Consortium(name) => put(manifests.consortiums.get_mut(name).map(|it| &mut it.status), written),
            ObjectRef::Agency(name) => put(manifests.agencies.get_mut(name).map(|it| &mut it.status), written),
            ObjectRef::Group(name) => put(manifests.groups.get_mut(name).map(|it| &mut it.status), written),
            ObjectRef::Node(name) => put(manifests.nodes.get_mut(name).map(|it| &mut it.status), written),
        }
    }
}

fn put<T: DeserializeOwned>(place: Option<&mut Option<T>>, written: Value) {
    if let Some(place) = place {
        *place = serde_json::from_value(written).ok();
    }
}

/// The statuses that say something else than what is written, in the order given. Objects that are gone have none.
pub fn outdated(manifests: &NamespaceManifests, statuses: &[ObjectStatus]) -> Vec<StatusWrite> {
    let outdated = statuses.iter().filter(|status| !is_current(manifests, status));
    let write = |status: &ObjectStatus| {
        Some(StatusWrite {
            object: status.object.clone(),
            body: status_body(status, Live::of(manifests, &status.object)?.generation),
        })
    };
    outdated.filter_map(write).collect()
}

/// Whether the object's status says this already, for the generation it has now.
pub fn is_current(manifests: &NamespaceManifests, status: &ObjectStatus) -> bool {
    let Some(live) = Live::of(manifests, &status.object) else {
        return true;
    };
    write::status(status, live.generation) == live.status
}

/// The body for server-side apply of an object's status, computed from this generation of its spec.
pub fn status_body(status: &ObjectStatus, generation: Option<i64>) -> Value {
    json!({
        "apiVersion": althing_crds::API_VERSION,
        "kind": status.object.kind(),
        "metadata": { "name": status.object.name() },
        "status": write::status(status, generation),
    })
}

/// What an object's status says now, conditions settled, and the generation of its spec.
struct Live {
    generation: Option<i64>,
    status: Value,
}

impl Live {
    fn of(manifests: &NamespaceManifests, object: &ObjectRef) -> Option<Self> {
        macro_rules! live {
            ($objects:ident, $name:expr) => {{
                let object = manifests.$objects.get($name)?;
                let mut status = object.status.clone().unwrap_or_default();
                settle(&mut status.conditions);
                Self {
                    generation: object.metadata.generation,
                    status: value(&status),
                }
            }};
        }
        Some(match object {
            ObjectRef::Consortium(name) => live!(consortiums, name),
            ObjectRef::Agency(name) => live!(agencies, name),
            ObjectRef::Group(name) => live!(groups, name),
            ObjectRef::Node(name) => live!(nodes, name),
        })
    }
}

/// Conditions of types this operator knows, in the order it writes them: others are somebody else's.
fn settle(conditions: &mut Vec<Condition>) {
    conditions.retain(|condition| read::condition_type(&condition.type_).is_some());
    conditions.sort_by_key(|condition| read::condition_type(&condition.type_));
}

/// A status as JSON. It is made of texts, numbers and times: writing it has no failure.
fn value(status: &impl Serialize) -> Value {
    serde_json::to_value(status).unwrap_or_default()
}
