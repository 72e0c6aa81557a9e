//! Statuses, and the events that tell their transitions.

use std::time::Duration;

use althing_operator::status::ObjectStatus;
use futures::{StreamExt, stream};
use tracing::warn;

use super::look::{Look, Picture};
use crate::apply::Target;
use crate::status::{StatusWrite, outdated};
use crate::world::Kind;

/// Statuses on their way at the same time.
const SIDE_BY_SIDE: usize = 8;
/// When a status that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Writes the statuses that are not there yet, and tells their transitions. None depends on another.
pub(super) async fn write(look: &Look<'_>, picture: &Picture, statuses: &[ObjectStatus]) {
    let mut writes = outdated(&picture.gathered.manifests, statuses);
    writes.retain(|write| !picture.gathered.leaving.contains(&write.object));
    let writes = writes.iter().map(|write| one(look, picture, statuses, write));
    let writes = stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(SIDE_BY_SIDE);
    writes.collect::<()>().await;
}

/// Writes one status, then tells what it changed.
async fn one(look: &Look<'_>, picture: &Picture, statuses: &[ObjectStatus], write: &StatusWrite) {
    let namespace = look.namespace.as_str();
    let target = Target::of(Kind::from(&write.object));
    let name = write.object.name();
    if let Err(error) = look.context.writer.status(namespace, &target, name, &write.body).await {
        warn!(%namespace, object = %write.object, "{error}");
        look.context.metrics.failed("Status", error.reason());
        look.context.queue.push_after(namespace, RETRY);
        return;
    }
    look.context.metrics.wrote();
    let of_it = |status: &&ObjectStatus| status.object == write.object;
    let before = picture.observed.statuses.iter().find(of_it);
    if let Some(after) = statuses.iter().find(of_it) {
        let metadata = picture.gathered.manifests.metadata(&write.object);
        let uid = metadata
            .and_then(|metadata| metadata.uid.as_deref())
            .unwrap_or_default();
        look.context.events.tell(namespace, uid, before, after).await;
    }
}
