//! Statuses, and the events that tell their transitions.

use std::time::Duration;

use althing_operator::manifest::NamespaceManifests;
use althing_operator::status::{ObjectRef, ObjectStatus};
use kube::api::ObjectMeta;
use tracing::warn;

use super::look::{Look, Picture};
use crate::apply::Target;
use crate::names::kind_and_name;
use crate::status::outdated;
use crate::world::Kind;

/// When a status that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Writes the statuses that are not there yet, and tells their transitions.
pub(super) async fn write(look: &Look<'_>, picture: &Picture, statuses: &[ObjectStatus]) {
    let namespace = look.namespace.as_str();
    let manifests = &picture.gathered.manifests;
    for write in outdated(manifests, statuses) {
        if picture.gathered.leaving.contains(&write.object) {
            continue;
        }
        let target = Target::of(kind(&write.object));
        let (_, name) = kind_and_name(&write.object);
        match look.context.writer.status(namespace, &target, name, &write.body).await {
            Ok(()) => {
                look.context.metrics.wrote();
                let of_it = |status: &&ObjectStatus| status.object == write.object;
                let before = picture.observed.statuses.iter().find(of_it);
                if let Some(after) = statuses.iter().find(of_it) {
                    let uid = metadata(manifests, &write.object).and_then(|metadata| metadata.uid.clone());
                    look.context
                        .events
                        .tell(namespace, &uid.unwrap_or_default(), before, after)
                        .await;
                }
            }
            Err(error) => {
                warn!(%namespace, object = %write.object, "{error}");
                look.context.metrics.failed("Status", error.reason());
                look.context.queue.push_after(namespace, RETRY);
            }
        }
    }
}

const fn kind(object: &ObjectRef) -> Kind {
    match object {
        ObjectRef::Consortium(_) => Kind::Consortium,
        ObjectRef::Agency(_) => Kind::Agency,
        ObjectRef::Group(_) => Kind::Group,
        ObjectRef::Node(_) => Kind::Node,
    }
}

fn metadata<'a>(manifests: &'a NamespaceManifests, object: &ObjectRef) -> Option<&'a ObjectMeta> {
    match object {
        ObjectRef::Consortium(name) => manifests.consortiums.get(name).map(|object| &object.metadata),
        ObjectRef::Agency(name) => manifests.agencies.get(name).map(|object| &object.metadata),
        ObjectRef::Group(name) => manifests.groups.get(name).map(|object| &object.metadata),
        ObjectRef::Node(name) => manifests.nodes.get(name).map(|object| &object.metadata),
    }
}
