//! From a change of one manifest to the change of its child.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, WatchEvent, WatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::json;

use super::place::MANAGER;
use super::shape::{Shape, resource};

/// A watch over one ConfigMap.
type Seen = BoxStream<'static, kube::Result<WatchEvent<ConfigMap>>>;

/// How long one change may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Changes nodes, `side_by_side` at a time all the time, each once and spread over the namespaces; how long each took until
/// its ConfigMap held the change.
///
/// What is changed is a node's list of those it never lets in, which a running node takes up by itself: so nothing but the
/// operator's own work is in the figure.
pub(super) async fn times(
    client: &Client,
    shape: &Shape,
    samples: usize,
    side_by_side: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut nodes = shape.nodes();
    // First those with the same number: one namespace after the other.
    nodes.sort_by_key(|(namespace, name)| (name.clone(), namespace.clone()));
    let times = Mutex::new(vec![]);
    let some = nodes.iter().cycle().take(samples).enumerate();
    stream::iter(some.map(Ok))
        .try_for_each_concurrent(side_by_side, |(number, (namespace, node))| {
            let times = &times;
            async move {
                let change = tokio::time::timeout(PATIENCE, change(client, number, namespace, node)).await;
                let took = change.with_context(|| format!("{namespace}/{node}: not within {PATIENCE:?}"))??;
                times
                    .lock()
                    .map_err(|_| anyhow::anyhow!("a change has panicked"))?
                    .push(took);
                Ok(())
            }
        })
        .await
        .map_err(|error: anyhow::Error| error)?;
    Ok(times.into_inner()?)
}

async fn change(client: &Client, number: usize, namespace: &str, node: &str) -> anyhow::Result<Duration> {
    let name = format!("{node}-config");
    let children: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let version = children.get(&name).await?.metadata.resource_version.unwrap_or_default();
    let only = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut seen = children.watch(&only, &version).await?.boxed();
    let stranger = format!("{:0128x}", number + 1);
    let nodes: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource("Node", "ledgernodes"));
    let patch = json!({ "spec": { "p2p": { "deny": [stranger] } } });
    let parameters = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let begin = Instant::now();
    nodes.patch(node, &parameters, &Patch::Merge(&patch)).await?;
    while !arrives(&mut seen, &stranger).await? {
        // A watch may end at any time, and is begun again from what is there.
        let child = children.get(&name).await?;
        if holds(&child, &stranger) {
            break;
        }
        let version = child.metadata.resource_version.unwrap_or_default();
        seen = children.watch(&only, &version).await?.boxed();
    }
    Ok(begin.elapsed())
}

/// True when the change is seen, false when the watch ends before.
async fn arrives(seen: &mut Seen, stranger: &str) -> anyhow::Result<bool> {
    while let Some(event) = seen.try_next().await? {
        if let WatchEvent::Modified(child) = event
            && holds(&child, stranger)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(child: &ConfigMap, text: &str) -> bool {
    child.data.iter().flatten().any(|(_, file)| file.contains(text))
}
