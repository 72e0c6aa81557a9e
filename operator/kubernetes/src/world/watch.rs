//! The watches: label-selected, Secrets as metadata, manifests guarded so that one that cannot be read stalls no other.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use futures::{StreamExt, TryStream, TryStreamExt};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{
    ConfigMap, Node as Machine, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::warn;

use super::World;
use super::item::{Entry, Item, Kind, Manifest, PodFacts, SecretFacts, StatefulSetFacts, child_entry};
use super::warning::{HEARD, warning};
use crate::child::ChildKind;
use crate::driver::Queue;
use crate::names::label;

/// The watches of one operator.
#[derive(Debug)]
pub struct Watching {
    /// The tasks; they end only when they are dropped.
    pub tasks: JoinSet<()>,
    /// Watches that have not had their first complete list.
    outstanding: Arc<AtomicUsize>,
    /// Told of each first list.
    first_list: Arc<Notify>,
}

impl Watching {
    /// Returns when every watch has had its first complete list: before, what is not seen may still be there.
    pub async fn listed(&self) {
        while self.outstanding.load(Ordering::Acquire) > 0 {
            self.first_list.notified().await;
        }
    }

    /// A view for the readiness probe: how many watches have not had their first complete list.
    pub fn outstanding(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.outstanding)
    }
}

/// What is watched beside the namespaces, and for how long at a time.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Whether the cluster's machines are watched.
    pub machines: bool,
    /// Seconds after which a watch is begun anew.
    pub seconds: u32,
}

/// Starts every watch: over all namespaces, or over each of the given ones.
pub fn start(
    client: &Client,
    namespaces: &[String],
    extent: &Extent,
    world: &Arc<World>,
    queue: &Arc<Queue>,
) -> Watching {
    let mut starter = Starter {
        client: client.clone(),
        seconds: extent.seconds,
        world: Arc::clone(world),
        queue: Arc::clone(queue),
        watching: Watching {
            tasks: JoinSet::new(),
            outstanding: Arc::default(),
            first_list: Arc::default(),
        },
    };
    let scopes = match namespaces {
        [] => vec![None],
        list => list.iter().cloned().map(Some).collect(),
    };
    for scope in scopes {
        starter.scope(scope.as_deref());
    }
    if extent.machines {
        starter.machines();
    }
    starter.watching
}

struct Starter {
    client: Client,
    seconds: u32,
    world: Arc<World>,
    queue: Arc<Queue>,
    watching: Watching,
}

impl Starter {
    fn scope(&mut self, scope: Option<&str>) {
        self.manifests::<Consortium>(scope, Kind::Consortium, Item::Consortium);
        self.manifests::<Agency>(scope, Kind::Agency, Item::Agency);
        self.manifests::<Group>(scope, Kind::Group, Item::Group);
        self.manifests::<Node>(scope, Kind::Node, Item::Node);
        self.children::<ServiceAccount>(scope, ChildKind::ServiceAccount);
        self.children::<Service>(scope, ChildKind::Service);
        self.children::<ConfigMap>(scope, ChildKind::ConfigMap);
        self.children::<PersistentVolumeClaim>(scope, ChildKind::PersistentVolumeClaim);
        self.children::<NetworkPolicy>(scope, ChildKind::NetworkPolicy);
        self.children::<PodDisruptionBudget>(scope, ChildKind::PodDisruptionBudget);
        let api = self.api::<StatefulSet>(scope);
        self.watch(
            scope,
            Kind::Child(ChildKind::StatefulSet),
            watcher(api, self.owned()),
            stateful_set,
        );
        let api = self.api::<PartialObjectMeta<Secret>>(scope);
        self.watch(scope, Kind::Secret, watcher(api, self.owned()), |secret| {
            Some(Entry::of(
                &secret.metadata,
                Item::Secret(SecretFacts::of(&secret.metadata)),
            ))
        });
        let api = self.api::<Pod>(scope);
        self.watch(scope, Kind::Pod, watcher(api, self.owned()), |pod: &Pod| {
            Some(Entry::of(&pod.metadata, Item::Pod(Box::new(PodFacts::of(pod)))))
        });
        for (reason, kind) in HEARD {
            let fields = format!("reason={reason},regarding.kind={}", kind.kind());
            let stream = watcher(self.api::<Event>(scope), self.all().fields(&fields));
            self.watch(scope, Kind::Warning(kind), stream, move |event| warning(kind, event));
        }
    }

    fn all(&self) -> watcher::Config {
        watcher::Config::default().timeout(self.seconds)
    }

    fn owned(&self) -> watcher::Config {
        self.all().labels(&format!("{}={}", label::MANAGED_BY, label::ALTHING))
    }

    fn api<K>(&self, scope: Option<&str>) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match scope {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    fn manifests<K>(&mut self, scope: Option<&str>, kind: Kind, item: fn(Manifest<K>) -> Item)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + Debug
            + Send
            + Sync
            + 'static,
    {
        let api = self.api::<DeserializeGuard<K>>(scope);
        self.watch(
            scope,
            kind,
            watcher(api, self.all()),
            move |object: &DeserializeGuard<K>| {
                let manifest = object.0.clone().map(Box::new).map_err(|error| error.error);
                Some(Entry::of(object.meta(), item(manifest)))
            },
        );
    }

    fn children<K>(&mut self, scope: Option<&str>, kind: ChildKind)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Serialize
            + Clone
            + Debug
            + Send
            + Sync
            + 'static,
    {
        let api = self.api::<K>(scope);
        self.watch(
            scope,
            Kind::Child(kind),
            watcher(api, self.owned()),
            move |object: &K| child(kind, object, None),
        );
    }

    /// One watch: into the world, and the namespace into the queue.
    fn watch<K, S>(
        &mut self,
        scope: Option<&str>,
        kind: Kind,
        stream: S,
        read: impl Fn(&K) -> Option<Entry> + Send + 'static,
    ) where
        K: Resource<DynamicType = ()> + Send + 'static,
        S: TryStream<Ok = watcher::Event<K>, Error = watcher::Error> + Send + 'static,
    {
        self.watching.outstanding.fetch_add(1, Ordering::AcqRel);
        let mut first = Some((
            Arc::clone(&self.watching.outstanding),
            Arc::clone(&self.watching.first_list),
        ));
        let (world, queue) = (Arc::clone(&self.world), Arc::clone(&self.queue));
        let scope = scope.map(str::to_owned);
        self.watching.tasks.spawn(async move {
            let mut listed = BTreeSet::new();
            let mut stream = Box::pin(stream.into_stream().default_backoff());
            while let Some(event) = stream.next().await {
                match event {
                    Ok(watcher::Event::Init) => listed.clear(),
                    Ok(watcher::Event::InitApply(object)) => {
                        let entry = read(&object);
                        listed.insert((object.namespace().unwrap_or_default(), kept_as(&object, entry.as_ref())));
                        take_in(&world, &queue, &object, entry);
                    }
                    Ok(watcher::Event::InitDone) => {
                        for namespace in world.retain(scope.as_deref(), kind, &listed) {
                            queue.push(&namespace);
                        }
                        if let Some((outstanding, told)) = first.take() {
                            outstanding.fetch_sub(1, Ordering::AcqRel);
                            told.notify_one();
                        }
                    }
                    Ok(watcher::Event::Apply(object)) => take_in(&world, &queue, &object, read(&object)),
                    Ok(watcher::Event::Delete(object)) => {
                        let namespace = object.namespace().unwrap_or_default();
                        let name = kept_as(&object, read(&object).as_ref());
                        if world.remove(&namespace, kind, &name, object.uid().as_deref()) {
                            queue.push(&namespace);
                        }
                    }
                    Err(error) => warn!(?kind, "a watch was interrupted and goes on: {error}"),
                }
            }
        });
    }

    /// Machines are only asked whether they are cordoned: before a drain, the budget of one node at a time is opened.
    fn machines(&mut self) {
        let stream = watcher(cluster_api::<Machine>(&self.client), self.all());
        let (world, queue) = (Arc::clone(&self.world), Arc::clone(&self.queue));
        self.watching.tasks.spawn(async move {
            let mut stream = Box::pin(stream.default_backoff());
            while let Some(event) = stream.next().await {
                let (machine, gone) = match event {
                    Ok(watcher::Event::Apply(machine) | watcher::Event::InitApply(machine)) => (machine, false),
                    Ok(watcher::Event::Delete(machine)) => (machine, true),
                    Ok(_) => continue,
                    Err(error) => {
                        warn!("the watch over machines was interrupted and goes on: {error}");
                        continue;
                    }
                };
                let spec = machine.spec.clone().unwrap_or_default();
                let name = machine.name_any();
                if world.set_cordoned(&name, !gone && spec.unschedulable.unwrap_or_default()) {
                    world
                        .namespaces_on(&name)
                        .iter()
                        .for_each(|namespace| queue.push(namespace));
                }
            }
        });
    }
}

fn cluster_api<K: Resource<Scope = ClusterResourceScope, DynamicType = ()>>(client: &Client) -> Api<K> {
    Api::all(client.clone())
}

/// The name under which the world keeps an object: its own, or that of the child it is about.
fn kept_as<K: Resource<DynamicType = ()>>(object: &K, entry: Option<&Entry>) -> String {
    entry.map_or_else(|| object.name_any(), |entry| entry.name.clone())
}

fn take_in<K: Resource<DynamicType = ()>>(world: &World, queue: &Queue, object: &K, entry: Option<Entry>) {
    let namespace = object.namespace().unwrap_or_default();
    if let Some(entry) = entry
        && world.put(&namespace, entry)
    {
        queue.push(&namespace);
    }
}

fn stateful_set(set: &StatefulSet) -> Option<Entry> {
    child(ChildKind::StatefulSet, set, Some(StatefulSetFacts::of(set)))
}

fn child<K: Serialize>(kind: ChildKind, object: &K, facts: Option<StatefulSetFacts>) -> Option<Entry> {
    let object = serde_json::from_value(serde_json::to_value(object).ok()?).ok()?;
    child_entry(kind, object, facts)
}
