//! Children as they should be against children as they are: what must be written, what may not, what goes. Pure.
//!
//! ```text
//! children (crate::lower) ─┐        ┌─ apply      missing, or a field we want differs
//! live ────────────────────┼─▶ writes ┼─ delete     ours, its owner was lowered, and no longer wanted
//!                          │        ├─ conflicts  what the API server would refuse for ever
//!                          │        ├─ taken      somebody else's object of that name
//!                          │        └─ leaving    being deleted: it is made again when it is gone
//! ```
//!
//! Invariants:
//! - What is equal is not written, so that a converged cluster sees no write.
//! - Nothing of somebody else's is written over.
//! - No Secret, volume claim, genesis or StatefulSet is ever deleted here: keys and data outlive manifests, and only the
//!   plan stops a node.

mod compare;
mod fixed;
mod live;
mod ownership;
mod shape;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

pub use live::{LiveChild, LiveChildren};

use crate::child::{Child, ChildKind, Owner};
use crate::names::label;
pub use ownership::{Standing, standing};

/// What is to be done to children.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Writes {
    /// In the order they are applied.
    pub apply: Vec<Apply>,
    /// What goes.
    pub delete: Vec<Delete>,
    /// What cannot be made good by writing.
    pub conflicts: Vec<Conflict>,
    /// Names that are somebody else's.
    pub taken: Vec<NameTaken>,
    /// Children that are wanted and being deleted at present.
    pub leaving: Vec<(ChildKind, String)>,
}

impl Writes {
    /// Whether everything is as it should be.
    pub const fn is_at_rest(&self) -> bool {
        self.apply.is_empty()
            && self.delete.is_empty()
            && self.conflicts.is_empty()
            && self.taken.is_empty()
            && self.leaving.is_empty()
    }
}

/// A child to apply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Apply {
    /// The child.
    pub child: Child,
    /// Sent first, as a JSON merge patch: takes away what server-side apply would leave, because others added it. Holds the
    /// uid and the version it was made for.
    pub removal: Option<Value>,
    /// The fields that differ; empty when the child is missing. Never a value: a Secret's fields are named here too.
    pub differs: Vec<String>,
}

/// A child to delete, exactly as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delete {
    /// Its kind.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// The precondition on its uid.
    pub uid: String,
    /// The precondition on its version.
    pub resource_version: String,
}

/// A difference the API server lets nobody make good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{kind} {name}: {field} differs and cannot be changed; {remedy}")]
pub struct Conflict {
    /// The kind of child.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The field.
    pub field: String,
    /// What a person does about it.
    pub remedy: &'static str,
}

/// A name that is somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{kind} {name} is {by}; it is not touched: rename {}, or remove what is in the way", owner.object)]
pub struct NameTaken {
    /// The kind of child.
    pub kind: ChildKind,
    /// Its name.
    pub name: String,
    /// Who wants it.
    pub owner: Owner,
    /// Who has it, in words.
    pub by: String,
}

/// What must be written so that what is wanted is there.
pub fn writes(children: &[Child], live: &LiveChildren) -> Writes {
    let mut writes = Writes::default();
    let mut wanted: BTreeMap<(ChildKind, &str), &Child> = BTreeMap::new();
    let mut sorted: Vec<&Child> = children.iter().collect();
    sorted.sort_by(|one, other| (one.at(), &one.owner).cmp(&(other.at(), &other.owner)));
    for child in sorted {
        match wanted.get(&child.at()) {
            Some(first) => writes
                .taken
                .push(taken(child, format!("wanted by {} as well", first.owner.object))),
            None => {
                wanted.insert(child.at(), child);
                writes.look_at(child, live.get(&(child.kind, child.name.clone())));
            }
        }
    }
    writes.withhold_pods();
    writes.prune(children, &wanted, live);
    writes
}

fn taken(child: &Child, by: String) -> NameTaken {
    NameTaken {
        kind: child.kind,
        name: child.name.clone(),
        owner: child.owner.clone(),
        by,
    }
}

impl Writes {
    fn look_at(&mut self, child: &Child, live: Option<&LiveChild>) {
        let Some(live) = live else {
            self.apply.push(Apply {
                child: child.clone(),
                removal: None,
                differs: vec![],
            });
            return;
        };
        match ownership::standing(child, live) {
            Standing::Leaving => self.leaving.push((child.kind, child.name.clone())),
            Standing::Taken(by) => self.taken.push(taken(child, by)),
            Standing::Ours => self.compare(child, live),
        }
    }

    fn compare(&mut self, child: &Child, live: &LiveChild) {
        let fixed = fixed::conflicts(child, live.body());
        if !fixed.is_empty() {
            self.conflicts.extend(fixed.into_iter().map(|(field, remedy)| Conflict {
                kind: child.kind,
                name: child.name.clone(),
                owner: child.owner.clone(),
                field,
                remedy,
            }));
            return;
        }
        let differs = compare::differences(child, live.body());
        if !differs.is_empty() {
            self.apply.push(Apply {
                child: child.clone(),
                removal: compare::removal(child, live),
                differs,
            });
        }
    }

    /// A pod is not made from somebody else's Secret or ConfigMap: whose name is taken gets no new StatefulSet.
    fn withhold_pods(&mut self) {
        let lacking: BTreeSet<&Owner> = self.taken.iter().map(|taken| &taken.owner).collect();
        self.apply
            .retain(|apply| apply.child.kind != ChildKind::StatefulSet || !lacking.contains(&apply.child.owner));
    }

    fn prune(&mut self, children: &[Child], wanted: &BTreeMap<(ChildKind, &str), &Child>, live: &LiveChildren) {
        let owners: BTreeSet<&str> = children.iter().map(|child| child.owner.uid.as_str()).collect();
        let unwanted = live.values().filter(|child| {
            may_be_pruned(child.kind)
                && !wanted.contains_key(&(child.kind, child.name.as_str()))
                && !child.is_leaving()
                && child.label(label::MANAGED_BY) == Some(label::ALTHING)
                && child.controller_uid().is_some_and(|uid| owners.contains(uid))
        });
        self.delete.extend(unwanted.map(|child| Delete {
            kind: child.kind,
            name: child.name.clone(),
            uid: child.uid().to_owned(),
            resource_version: child.resource_version().to_owned(),
        }));
    }
}

/// What can be made again from manifests at any time, and stops nobody by going.
const fn may_be_pruned(kind: ChildKind) -> bool {
    match kind {
        ChildKind::ServiceAccount
        | ChildKind::Service
        | ChildKind::ConfigMap
        | ChildKind::NetworkPolicy
        | ChildKind::PodDisruptionBudget => true,
        ChildKind::Secret | ChildKind::PersistentVolumeClaim | ChildKind::StatefulSet => false,
    }
}
