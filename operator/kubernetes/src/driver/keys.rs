//! A node's keys outlive its manifest, unless the manifest says otherwise: then they are owned, and collected with it.

use std::iter;
use std::time::Duration;

use althing_crds::v1alpha1::DeletionPolicy;
use althing_operator::plan::Identity;
use althing_operator::status::ObjectRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::json;
use tracing::{info, warn};

use super::look::{Look, Picture};
use crate::apply::Target;
use crate::names::{self, label};
use crate::world::{Item, Kind};

/// When a change that was not accepted is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Owns or releases the keys of nodes as `spec.deletionPolicy` says; returns how many were changed. A Secret that is not
/// labelled as the node's is left alone.
pub(super) async fn settle(look: &Look<'_>, picture: &Picture) -> usize {
    let (context, namespace) = (look.context, look.namespace.as_str());
    let mut changed = 0;
    let manifests = &picture.gathered.manifests;
    let keys = manifests.nodes.iter().flat_map(|(node, manifest)| {
        let identities = iter::once(Identity::Node(node.clone())).chain(manifests.listener(node));
        identities.map(move |identity| (node, manifest, names::key_secret(&identity)))
    });
    for (node, manifest, name) in keys {
        let object = ObjectRef::Node(node.clone());
        let Some(uid) = manifest.metadata.uid.as_deref() else {
            continue;
        };
        let entry = picture.shelf.get(&(Kind::Secret, name.clone()));
        let Some((entry, Item::Secret(facts))) = entry.map(|entry| (entry, &entry.item)) else {
            continue;
        };
        let labelled = (facts.labels.get(label::KIND), facts.labels.get(label::OWNER));
        let is_ours = labelled == (Some(&"Node".to_owned()), Some(&node.to_string()));
        if !is_ours || facts.is_leaving || picture.gathered.leaving.contains(&object) {
            continue;
        }
        let is_to_go = manifest.spec.deletion_policy.unwrap_or_default() == DeletionPolicy::Delete;
        let Some(owners) = owners(&facts.owners, node.as_str(), uid, is_to_go) else {
            continue;
        };
        let patch = json!({ "metadata": {
            "uid": entry.uid, "resourceVersion": entry.resource_version, "ownerReferences": owners,
        }});
        match context
            .writer
            .merge(namespace, &Target::of(Kind::Secret), &name, &patch)
            .await
        {
            Ok(()) => {
                let fate = if is_to_go { "goes with" } else { "outlives" };
                info!(%namespace, "the key {name} {fate} {object}");
                context.metrics.wrote();
                changed += 1;
            }
            Err(error) => {
                warn!(%namespace, %object, "{error}");
                context.metrics.failed("Secret", error.reason());
                context.queue.push_after(namespace, RETRY);
            }
        }
    }
    changed
}

/// The owners a key should have; none when it has them. Others' references stay.
fn owners(found: &[OwnerReference], node: &str, uid: &str, is_to_go: bool) -> Option<Vec<OwnerReference>> {
    let is_owned = found.iter().any(|owner| owner.uid == uid);
    if is_owned == is_to_go {
        return None;
    }
    let mut owners: Vec<_> = found.iter().filter(|owner| owner.uid != uid).cloned().collect();
    if is_to_go {
        owners.push(OwnerReference {
            api_version: althing_crds::API_VERSION.to_owned(),
            kind: "Node".to_owned(),
            name: node.to_owned(),
            uid: uid.to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(false),
        });
    }
    Some(owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_owned_exactly_when_it_is_to_go_with_its_node() {
        assert_eq!(owners(&[], "n", "1", false), None);
        let owned = owners(&[], "n", "1", true).unwrap();
        assert_eq!(
            (owned.len(), owned[0].uid.as_str(), owned[0].controller),
            (1, "1", Some(true))
        );
        assert_eq!(owners(&owned, "n", "1", true), None);
        assert_eq!(owners(&owned, "n", "1", false), Some(vec![]));
        assert_eq!(owners(&owned, "n", "2", false), None, "somebody else's reference stays");
    }
}
