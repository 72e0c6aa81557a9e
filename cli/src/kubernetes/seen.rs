//! What the API server shows of a namespace: the four kinds, the nodes' pods, and what is asked for by name where something
//! is wrong.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use althing_kubernetes::names::{self, label};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, ConsortiumName, GroupName, Namespace, NodeName};
use anyhow::bail;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod, Secret};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::target::Scope;

/// One namespace.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The four kinds.
    pub manifests: NamespaceManifests,
    /// The pods of own nodes.
    pub pods: BTreeMap<NodeName, PodSeen>,
    /// What could not be looked at, and why.
    pub gaps: Vec<String>,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodSeen {
    /// Its phase.
    pub phase: String,
    /// Whether its container runs.
    pub is_running: bool,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Why its container waits or was not placed, as Kubernetes says it.
    pub waits: Option<String>,
    /// How often its container was started again.
    pub restarts: i32,
}

/// Whether an object that is asked for by name is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is, in this phase.
    There(String),
    /// It is not.
    Missing,
    /// It may not be asked for.
    Unknown(String),
}

/// Every namespace of the scope with an object of the four kinds.
pub(crate) async fn look(client: &Client, scope: &Scope) -> anyhow::Result<Vec<Seen>> {
    let ((consortiums, agencies), (groups, nodes)) = futures::try_join!(
        async { futures::try_join!(list::<Consortium>(client, scope), list::<Agency>(client, scope)) },
        async { futures::try_join!(list::<Group>(client, scope), list::<Node>(client, scope)) },
    )?;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    macro_rules! sort {
        ($objects:ident, $name:ident) => {
            for object in $objects {
                let Some(seen) = shelf(&mut seen, object.namespace()) else {
                    continue;
                };
                // What has another name than the schema accepts was made before it.
                if let Ok(name) = $name::new(object.name_any()) {
                    seen.manifests.$objects.insert(name, object);
                }
            }
        };
    }
    sort!(consortiums, ConsortiumName);
    sort!(agencies, AgencyName);
    sort!(groups, GroupName);
    sort!(nodes, NodeName);
    let of_nodes = ListParams::default().labels(&format!("{}={}", label::NAME, label::ALTHING_NODE));
    match scope.api::<Pod>(client).list(&of_nodes).await {
        Ok(pods) => {
            for pod in pods {
                let namespace = pod.namespace().unwrap_or_default();
                if let (Some(seen), Some(node)) = (seen.get_mut(&namespace), names::node_of_pod(&pod.name_any())) {
                    seen.pods.insert(node, pod_seen(&pod));
                }
            }
        }
        Err(error) => {
            let gap = format!("pods: {}", sentence(&error));
            seen.values_mut().for_each(|seen| seen.gaps.push(gap.clone()));
        }
    }
    Ok(seen.into_values().collect())
}

fn shelf(seen: &mut BTreeMap<String, Seen>, namespace: Option<String>) -> Option<&mut Seen> {
    let name = namespace?;
    let namespace = Namespace::new(name.clone()).ok()?;
    Some(seen.entry(name).or_insert_with(|| Seen {
        manifests: NamespaceManifests::new(namespace),
        pods: BTreeMap::new(),
        gaps: vec![],
    }))
}

async fn list<K>(client: &Client, scope: &Scope) -> anyhow::Result<Vec<K>>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let plural = K::plural(&());
    match scope.api::<K>(client).list(&ListParams::default()).await {
        Ok(found) => Ok(found.items),
        Err(kube::Error::Api(status)) if status.is_not_found() => bail!(
            "this cluster does not know {plural}.{}; install the definitions first: kubectl apply --server-side -f crds/manifests",
            K::group(&())
        ),
        Err(kube::Error::Api(status)) if status.is_forbidden() && *scope == Scope::All => {
            bail!("list {plural} of all namespaces: {}; name one with -n", status.message)
        }
        Err(error) => bail!("list {plural}: {}", sentence(&error)),
    }
}

/// An error of the API server as one sentence.
pub(crate) fn sentence(error: &kube::Error) -> String {
    let (mut text, mut source) = match error {
        kube::Error::Api(status) => return status.message.clone(),
        kube::Error::Service(cause) => (format!("the API server cannot be asked: {cause}"), cause.source()),
        other => (other.to_string(), std::error::Error::source(other)),
    };
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

fn pod_seen(pod: &Pod) -> PodSeen {
    let Some(status) = &pod.status else {
        return PodSeen::default();
    };
    let holds = |kind: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.any(|found| found.type_ == kind && found.status == "True")
    };
    let container = status.container_statuses.iter().flatten().next();
    let state = container.and_then(|container| container.state.as_ref());
    let waiting = state.and_then(|state| state.waiting.as_ref()).map(|waiting| {
        let reason = waiting.reason.clone().unwrap_or_default();
        match &waiting.message {
            Some(message) => format!("{reason}: {message}"),
            None => reason,
        }
    });
    let unplaced = status.conditions.iter().flatten().find_map(|found| {
        let is_unplaced = found.type_ == "PodScheduled" && found.status == "False";
        is_unplaced.then(|| found.message.clone()).flatten()
    });
    PodSeen {
        phase: status.phase.clone().unwrap_or_default(),
        is_running: state.is_some_and(|state| state.running.is_some()) && pod.metadata.deletion_timestamp.is_none(),
        is_ready: holds("Ready"),
        waits: waiting.or(unplaced),
        restarts: container.map_or(0, |container| container.restart_count),
    }
}

/// Whether the Secret is there. Its content is not read: only its name is asked for.
pub(crate) async fn secret(client: &Client, namespace: &str, name: &str) -> Presence {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    match api.get_metadata_opt(name).await {
        Ok(Some(_)) => Presence::There(String::new()),
        Ok(None) => Presence::Missing,
        Err(error) => Presence::Unknown(sentence(&error)),
    }
}

/// Whether the claim is there, and bound.
pub(crate) async fn claim(client: &Client, namespace: &str, name: &str) -> Presence {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    match api.get_opt(name).await {
        Ok(Some(claim)) => Presence::There(claim.status.and_then(|status| status.phase).unwrap_or_default()),
        Ok(None) => Presence::Missing,
        Err(error) => Presence::Unknown(sentence(&error)),
    }
}

/// The newest warnings about the objects of these names, newest first, each with the object it is about.
pub(crate) async fn warnings(client: &Client, namespace: &str, about: &[String], most: usize) -> Vec<String> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    // Whoever may not read events has the conditions still.
    let Ok(found) = api.list(&ListParams::default().fields("type=Warning")).await else {
        return vec![];
    };
    let is_about = |event: &&Event| {
        let object = &event.involved_object;
        // What this operator tells is in the conditions already.
        let is_ours = object.api_version.as_deref() == Some(althing_crds::API_VERSION);
        !is_ours && about.iter().any(|name| object.name.as_ref() == Some(name))
    };
    let mut events: Vec<&Event> = found.items.iter().filter(is_about).collect();
    events.sort_by_key(|event| std::cmp::Reverse(moment(event)));
    let text = |event: &Event| {
        let object = &event.involved_object;
        let [kind, name] = [&object.kind, &object.name].map(|part| part.clone().unwrap_or_default());
        let [reason, message] = [&event.reason, &event.message].map(|part| part.clone().unwrap_or_default());
        format!("{kind}/{name}: {reason}: {}", message.trim())
    };
    let mut texts: Vec<String> = events.into_iter().map(text).collect();
    texts.dedup();
    texts.truncate(most);
    texts
}

fn moment(event: &Event) -> Option<jiff::Timestamp> {
    let series = event
        .series
        .as_ref()
        .and_then(|series| series.last_observed_time.as_ref());
    let newest = series.or(event.event_time.as_ref()).map(|time| time.0);
    newest.or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
}
