//! The pods of nodes: which are away at every moment, which were replaced and in what order, and whether any was touched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{B256, keccak256};
use anyhow::{Context, ensure};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::Case;

/// The selector of the pods of nodes.
const NODES: &str = "app.kubernetes.io/name=althing-node";

/// One node's pod and its StatefulSet, as far as a restart or a change of either would show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The pod's uid.
    pub pod: String,
    /// How often its container was restarted.
    pub restarts: i32,
    /// The generation of the StatefulSet: it moves with its spec.
    pub generation: i64,
    /// A digest of everything of the StatefulSet but its status: it moves with every write of anybody but its controller.
    pub written: B256,
}

/// The footprints of all nodes of the case's namespace, by node. Equal ones mean that nothing was touched between.
pub async fn footprints(case: &Case) -> anyhow::Result<BTreeMap<String, Footprint>> {
    let sets = case.api::<StatefulSet>().list(&ListParams::default()).await?;
    let pods = pods(case).await?;
    let footprint = |set: StatefulSet| {
        let name = set.metadata.name.clone().context("a name")?;
        let pod = pods.get(&name).with_context(|| format!("{name} has no pod"))?;
        let footprint = Footprint {
            pod: uid(pod),
            restarts: restarts(pod),
            generation: set.metadata.generation.unwrap_or_default(),
            written: written(set)?,
        };
        Ok((name, footprint))
    };
    sets.items.into_iter().map(footprint).collect()
}

/// The digest of a StatefulSet without its status. Its version is no use: it moves when a pod is late with a probe.
fn written(mut set: StatefulSet) -> anyhow::Result<B256> {
    set.status = None;
    set.metadata.resource_version = None;
    let managers = set.metadata.managed_fields.iter_mut();
    managers.for_each(|managers| managers.retain(|manager| manager.subresource.is_none()));
    Ok(keccak256(serde_json::to_vec(&set)?))
}

/// The pods of nodes, by node.
pub async fn pods(case: &Case) -> anyhow::Result<BTreeMap<String, Pod>> {
    let pods = case.api::<Pod>().list(&ListParams::default().labels(NODES)).await?;
    Ok(pods.items.into_iter().map(|pod| (node_of(&pod), pod)).collect())
}

/// The node of a pod.
fn node_of(pod: &Pod) -> String {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    name.strip_suffix("-0").unwrap_or(name).to_owned()
}

/// A pod's uid.
pub fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().map(|status| status.restart_count).sum()
}

/// Whether a pod does its work: ready, and not being deleted.
pub fn is_up(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    pod.metadata.deletion_timestamp.is_none()
        && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Watches the pods of nodes, event by event.
#[derive(Debug)]
pub struct PodWatch {
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<PodHistory>>,
}

/// What it saw.
#[derive(Clone, Debug, Default)]
pub struct PodHistory {
    /// The nodes whose pods were deleted, in order, each as often as it was.
    pub replaced: Vec<String>,
    /// The largest set of nodes that were away at one moment.
    pub away: Vec<String>,
}

impl PodHistory {
    /// No two nodes were away at one moment.
    pub fn one_at_a_time(&self) -> anyhow::Result<()> {
        ensure!(self.away.len() <= 1, "away at one moment: {}", self.away.join(", "));
        Ok(())
    }
}

impl PodWatch {
    /// Begins to watch; all pods of nodes must be up.
    pub async fn start(case: &Case) -> anyhow::Result<Self> {
        Self::over(&[case]).await
    }

    /// Begins to watch several namespaces, whose nodes have different names, as if they were one.
    pub async fn over(cases: &[&Case]) -> anyhow::Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, told) = watch::channel(false);
        let mut watches = vec![];
        for case in cases {
            let api = case.api::<Pod>();
            let listed = api.list(&ListParams::default().labels(NODES)).await?;
            for pod in &listed.items {
                ensure!(is_up(pod), "{} is not up before anything happens", node_of(pod));
                looked(&seen, |seen| seen.take(pod));
            }
            let version = listed.metadata.resource_version.context("a version of the list")?;
            watches.push(follow(api, version, Arc::clone(&seen), told.clone()));
        }
        let task = tokio::spawn(async move {
            try_join_all(watches).await?;
            Ok(looked(&seen, |seen| seen.history.clone()))
        });
        Ok(Self { stop, task })
    }

    /// Ends the watch.
    pub async fn finish(self) -> anyhow::Result<PodHistory> {
        self.stop.send_replace(true);
        self.task.await.context("the watch of the pods")?
    }
}

/// What is known of the pods at one moment.
#[derive(Debug, Default)]
struct Seen {
    pods: BTreeMap<String, (String, bool)>,
    history: PodHistory,
}

impl Seen {
    fn take(&mut self, pod: &Pod) {
        let (node, uid) = (node_of(pod), uid(pod));
        self.pods.insert(node, (uid, is_up(pod)));
        self.look();
    }

    fn lose(&mut self, pod: &Pod) {
        let node = node_of(pod);
        if let Some((known, is_up)) = self.pods.get_mut(&node)
            && *known == uid(pod)
        {
            *is_up = false;
            self.history.replaced.push(node);
        }
        self.look();
    }

    fn look(&mut self) {
        let away = self.pods.iter().filter(|(_, (_, is_up))| !is_up);
        let away: Vec<String> = away.map(|(node, _)| node.clone()).collect();
        if away.len() > self.history.away.len() {
            self.history.away = away;
        }
    }
}

fn looked<T>(seen: &Mutex<Seen>, look: impl FnOnce(&mut Seen) -> T) -> T {
    look(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Follows from a version on. A watch that ends goes on where it ended; one that was lost is an error, because what happened
/// meanwhile would not have been seen.
async fn follow(
    api: Api<Pod>,
    mut version: String,
    seen: Arc<Mutex<Seen>>,
    mut told: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let parameters = WatchParams::default().labels(NODES);
    loop {
        let mut events = api.watch(&parameters, &version).await?.boxed();
        loop {
            let event = tokio::select! {
                event = events.try_next() => event,
                _ = told.changed() => return Ok(()),
            };
            let pod = match event {
                Ok(Some(WatchEvent::Added(pod) | WatchEvent::Modified(pod))) => {
                    looked(&seen, |seen| seen.take(&pod));
                    pod
                }
                Ok(Some(WatchEvent::Deleted(pod))) => {
                    looked(&seen, |seen| seen.lose(&pod));
                    pod
                }
                Ok(Some(WatchEvent::Bookmark(bookmark))) => {
                    version = bookmark.metadata.resource_version;
                    continue;
                }
                Ok(Some(WatchEvent::Error(error))) => return Err(anyhow::anyhow!("the watch of the pods: {error}")),
                Ok(None) | Err(_) => break,
            };
            version = pod.metadata.resource_version.unwrap_or(version);
        }
    }
}
