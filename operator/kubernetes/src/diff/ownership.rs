//! Whose a live object is.

use super::LiveChild;
use crate::child::Child;
use crate::names::label;

/// How a live object stands to the child that should have its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the child, however somebody edited it.
    Ours,
    /// It is being deleted.
    Leaving,
    /// It is somebody else's: who, in words.
    Taken(String),
}

/// Whose the object is. The controller decides; where there is none, because the child outlives its owner or somebody took
/// the reference away, the labels do. An object with neither is somebody else's, even if it looks alike.
pub fn standing(child: &Child, live: &LiveChild) -> Standing {
    if live.is_leaving() {
        return Standing::Leaving;
    }
    let (kind, name) = (child.owner.object.kind(), child.owner.object.name());
    match live.controller() {
        Some(controller) if controller.uid == child.owner.uid => Standing::Ours,
        // Its owner was deleted and made again: the garbage collector is about to take it.
        Some(controller) if controller.kind == kind && controller.name == name => {
            Standing::Taken(format!("of an earlier {kind}/{name} and about to be collected"))
        }
        Some(controller) => Standing::Taken(format!("controlled by {}/{}", controller.kind, controller.name)),
        None => match (live.label(label::KIND), live.label(label::OWNER)) {
            (Some(k), Some(n)) if k == kind && n == name => Standing::Ours,
            (Some(k), Some(n)) => Standing::Taken(format!("labelled as {k}/{n}'s")),
            _ => Standing::Taken(format!("not labelled as {kind}/{name}'s")),
        },
    }
}
