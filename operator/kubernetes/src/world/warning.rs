//! What controllers could not do, as they say it in events: a pod that is refused never exists, and of a volume that is not made
//! only the claim is there.

use althing_operator::name::NodeName;
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;

use super::Shelf;
use super::item::{Entry, Item, Kind, PodFacts};
use crate::child::ChildKind;
use crate::events::shortened;
use crate::names;

/// What is listened for: the reason of the events, and the kind of children they are about.
pub(super) const HEARD: [(&str, ChildKind); 2] = [
    ("FailedCreate", ChildKind::StatefulSet),
    ("ProvisioningFailed", ChildKind::PersistentVolumeClaim),
];

/// What a controller could not do for a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningFacts {
    /// The uid of the child.
    pub child: String,
    /// When it was said last.
    pub at: Timestamp,
    /// The sentence of who refused it.
    pub message: String,
}

/// The entry of an event about a child; none of one that says nothing.
pub fn warning(kind: ChildKind, event: &Event) -> Option<Entry> {
    let regarding = event.regarding.as_ref()?;
    let note = event.note.as_deref().filter(|note| !note.is_empty())?;
    // "create Pod p in StatefulSet s failed error: " is known from where it is said; what follows is the API server's.
    let message = note.split_once(" failed error: ").map_or(note, |(_, refusal)| refusal);
    let series = event.series.as_ref().map(|series| series.last_observed_time.0);
    let last = event.deprecated_last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    let written = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let facts = WarningFacts {
        child: regarding.uid.clone().unwrap_or_default(),
        at: series.or(last).or(first).or(written)?,
        message: shortened(message),
    };
    let mut entry = Entry::of(&event.metadata, Item::Warning(kind, facts));
    entry.name = regarding.name.clone()?;
    Some(entry)
}

impl WarningFacts {
    /// Whether the pod was made since, in whole seconds: the API server's times are no finer.
    fn is_before(&self, pod: &PodFacts) -> bool {
        pod.made.is_some_and(|made| self.at.as_second() <= made.as_second())
    }
}

/// Whether the pod that this warning is about was made after all. Events stay for an hour, and watches come in any order.
pub(super) fn is_past(shelf: &Shelf, entry: &Entry) -> bool {
    let (Item::Warning(ChildKind::StatefulSet, warning), Ok(node)) = (&entry.item, NodeName::new(entry.name.as_str()))
    else {
        return false;
    };
    let pod = shelf.get(&(Kind::Pod, names::pod(&node)));
    pod.is_some_and(|pod| matches!(&pod.item, Item::Pod(pod) if warning.is_before(pod)))
}

/// The warning that is past because this pod is there.
pub(super) fn ended_by(shelf: &Shelf, entry: &Entry) -> Option<(Kind, String)> {
    let Item::Pod(pod) = &entry.item else {
        return None;
    };
    let set = names::node(&names::node_of_pod(&entry.name)?);
    let key = (Kind::Warning(ChildKind::StatefulSet), set);
    match &shelf.get(&key)?.item {
        Item::Warning(_, warning) if warning.is_before(pod) => Some(key),
        _ => None,
    }
}
