//! PersistentVolumeClaim of a node: an object of its own, so that it can grow and outlive everything else.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolumeClaimSpec, VolumeResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::node::{NodeParts, spec};
use super::quantity;
use crate::child::{Child, ChildKind};
use crate::names;

/// The size of a volume whose manifest names none.
const SIZE: &str = "10Gi";

/// The claim. One pod at a time may mount it, which is the last guard against an identity that runs twice.
pub(super) fn claim(node: &NodeParts<'_>) -> Child {
    let storage = node.spec.storage.as_ref();
    let claim = PersistentVolumeClaimSpec {
        access_modes: Some(vec!["ReadWriteOncePod".to_owned()]),
        // Written when the claim is made; the schema lets nobody change it.
        storage_class_name: storage.and_then(|storage| storage.storage_class_name.clone()),
        resources: Some(VolumeResourceRequirements {
            requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size(node)))])),
            ..VolumeResourceRequirements::default()
        }),
        ..PersistentVolumeClaimSpec::default()
    };
    node.family.child(
        ChildKind::PersistentVolumeClaim,
        names::data(&node.process.node),
        node.fate_of_data(),
        spec(&claim),
    )
}

/// The size the manifest asks for, or the one it has: a volume never shrinks.
fn size(node: &NodeParts<'_>) -> String {
    let wished = node.spec.storage.as_ref().and_then(|storage| storage.size.as_deref());
    let wished = wished.unwrap_or(SIZE);
    match node.lowering.live.volume_sizes.get(&node.process.node) {
        Some(live) if quantity::compare(wished, live) != Some(Ordering::Greater) => live.clone(),
        _ => wished.to_owned(),
    }
}
