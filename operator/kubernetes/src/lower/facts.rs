//! What children that exist already have decided, and a new rendering keeps.

use std::collections::BTreeMap;

use althing_operator::name::NodeName;
use althing_operator::status::ObjectRef;

use crate::child::ChildKind;
use crate::diff::LiveChildren;
use crate::names::{self, annotation};

/// Facts of live children that rendering them again keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveFacts {
    /// The image an operator chose for a node whose manifest names none: the annotation of its StatefulSet, not its template, so
    /// that an edited template does not pass for a decision.
    pub images: BTreeMap<NodeName, String>,
    /// The size each node's claim asks for.
    pub volume_sizes: BTreeMap<NodeName, String>,
}

impl LiveFacts {
    /// Reads the facts out of live children. What cannot be read is left out.
    pub fn of(live: &LiveChildren) -> Self {
        let mut facts = Self::default();
        for child in live.values() {
            let Some(ObjectRef::Node(node)) = child.owner() else {
                continue;
            };
            let (wanted, pointer) = match child.kind {
                ChildKind::StatefulSet => (
                    names::node(&node),
                    pointer(&["metadata", "annotations", annotation::IMAGE]),
                ),
                ChildKind::PersistentVolumeClaim => (
                    names::data(&node),
                    pointer(&["spec", "resources", "requests", "storage"]),
                ),
                _ => continue,
            };
            if wanted != child.name {
                continue;
            }
            let body = child.body();
            let Some(text) = body.pointer(&pointer).and_then(|value| value.as_str()) else {
                continue;
            };
            let facts = match child.kind {
                ChildKind::StatefulSet => &mut facts.images,
                _ => &mut facts.volume_sizes,
            };
            facts.insert(node, text.to_owned());
        }
        facts
    }
}

/// A JSON pointer (RFC 6901) of these keys.
fn pointer(keys: &[&str]) -> String {
    keys.iter()
        .map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")))
        .collect()
}
