//! The live children of a namespace, for comparison with the wanted ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::child::ChildKind;
use crate::diff::{LiveChild, LiveChildren};
use crate::secrets::Contents;
use crate::world::{Entry, Item, SecretFacts, Shelf};

/// Every child on the shelf. A Secret is put together from its metadata and what was read of it; keys have no content here.
pub fn live_children(shelf: &Shelf, contents: &Contents) -> LiveChildren {
    let live = shelf.values().filter_map(|entry| match &entry.item {
        Item::Child(kind, text, _) => LiveChild::parse(*kind, &entry.name, text).ok(),
        Item::Secret(facts) => Some(secret(entry, facts, contents)),
        _ => None,
    });
    live.map(|child| ((child.kind, child.name.clone()), child)).collect()
}

fn secret(entry: &Entry, facts: &SecretFacts, contents: &Contents) -> LiveChild {
    let owners = facts.owners.iter().map(|owner| {
        json!({
            "apiVersion": owner.api_version,
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner.uid,
            "controller": owner.controller.unwrap_or_default(),
            "blockOwnerDeletion": owner.block_owner_deletion.unwrap_or_default(),
        })
    });
    let files = contents.public.get(&entry.name);
    let data: Map<String, Value> = files
        .into_iter()
        .flat_map(|files| files.iter())
        .map(|(file, text)| (file.clone(), json!(STANDARD.encode(text))))
        .collect();
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": entry.name,
            "uid": entry.uid,
            "resourceVersion": entry.resource_version,
            "labels": facts.labels,
            "annotations": facts.annotations,
            "ownerReferences": owners.collect::<Vec<_>>(),
            "deletionTimestamp": facts.is_leaving.then_some("now"),
        },
        "type": "Opaque",
        "data": data,
    });
    LiveChild::new(ChildKind::Secret, &entry.name, object)
}
