//! One watched object, cut down to what is asked of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use althing_crds::v1alpha1::{Agency, Consortium, Group, Node};
use althing_operator::status::ObjectRef;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::{DynamicObject, ObjectMeta};

use super::warning::WarningFacts;

use crate::child::ChildKind;
use crate::names;

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Consortium.
    Consortium,
    /// Agency.
    Agency,
    /// Group.
    Group,
    /// Node.
    Node,
    /// A child that is compared as a whole.
    Child(ChildKind),
    /// A Secret, by its metadata.
    Secret,
    /// A pod of a node.
    Pod,
    /// What a controller could not do for a child of this kind.
    Warning(ChildKind),
}

impl From<&ObjectRef> for Kind {
    fn from(object: &ObjectRef) -> Self {
        match object {
            ObjectRef::Consortium(_) => Self::Consortium,
            ObjectRef::Agency(_) => Self::Agency,
            ObjectRef::Group(_) => Self::Group,
            ObjectRef::Node(_) => Self::Node,
        }
    }
}

/// A manifest as the API server holds it, or why it cannot be read.
pub type Manifest<K> = Result<Box<K>, String>;

/// What is kept of an object.
#[derive(Clone, Debug)]
pub enum Item {
    /// A Consortium.
    Consortium(Manifest<Consortium>),
    /// An Agency.
    Agency(Manifest<Agency>),
    /// A Group.
    Group(Manifest<Group>),
    /// A Node.
    Node(Manifest<Node>),
    /// A child: the JSON text of the object, because that is a fraction of its parsed size; of a StatefulSet also what its
    /// controller says.
    Child(ChildKind, Box<str>, Option<StatefulSetFacts>),
    /// A Secret's metadata.
    Secret(SecretFacts),
    /// A pod.
    Pod(Box<PodFacts>),
    /// The newest warning about a child of this kind; its entry has the child's name and the event's uid and version.
    Warning(ChildKind, WarningFacts),
}

/// One object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its version. Comparable as a number since Kubernetes 1.35; where it is none, the newest to arrive wins.
    pub resource_version: String,
    /// The rest.
    pub item: Item,
}

impl Entry {
    /// Of an object with this metadata.
    pub fn of(metadata: &ObjectMeta, item: Item) -> Self {
        Self {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            item,
        }
    }

    /// What kind of object it is.
    pub const fn kind(&self) -> Kind {
        match &self.item {
            Item::Consortium(_) => Kind::Consortium,
            Item::Agency(_) => Kind::Agency,
            Item::Group(_) => Kind::Group,
            Item::Node(_) => Kind::Node,
            Item::Child(kind, _, _) => Kind::Child(*kind),
            Item::Secret(_) => Kind::Secret,
            Item::Pod(_) => Kind::Pod,
            Item::Warning(kind, _) => Kind::Warning(*kind),
        }
    }

    pub(super) fn is_newer_than(&self, known: &Self) -> bool {
        let number = |entry: &Self| entry.resource_version.parse::<u64>().ok();
        match (number(self), number(known)) {
            (Some(new), Some(old)) => new > old,
            _ => self.resource_version != known.resource_version,
        }
    }
}

/// A Secret without its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretFacts {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its owners.
    pub owners: Vec<OwnerReference>,
    /// Whether it is being deleted.
    pub is_leaving: bool,
}

impl SecretFacts {
    /// Read from its metadata.
    pub fn of(metadata: &ObjectMeta) -> Self {
        Self {
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            owners: metadata.owner_references.clone().unwrap_or_default(),
            is_leaving: metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The entry of a child. Managed fields are cut away, and the status of all but a volume claim: they are large and nobody asks
/// for them.
pub fn child_entry(kind: ChildKind, mut object: DynamicObject, facts: Option<StatefulSetFacts>) -> Option<Entry> {
    object.metadata.managed_fields = None;
    if kind != ChildKind::PersistentVolumeClaim
        && let Some(map) = object.data.as_object_mut()
    {
        map.remove("status");
    }
    let text = serde_json::to_string(&object).ok()?.into_boxed_str();
    Some(Entry::of(&object.metadata, Item::Child(kind, text, facts)))
}

/// Whether the StatefulSet controller has seen the newest template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatefulSetFacts {
    /// Only then does a deleted pod come back with that template.
    pub is_observed: bool,
}

impl StatefulSetFacts {
    /// Read from the object.
    pub fn of(set: &StatefulSet) -> Self {
        let observed = set.status.as_ref().and_then(|status| status.observed_generation);
        Self {
            is_observed: observed.is_some() && observed >= set.metadata.generation,
        }
    }
}

/// A pod, cut down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// The node it runs.
    pub node: Option<String>,
    /// When it was made.
    pub made: Option<Timestamp>,
    /// The annotation that says what it runs with.
    pub process: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The machine it runs on.
    pub machine: Option<String>,
    /// Whether it is being deleted.
    pub is_leaving: bool,
    /// Whether its container runs, as far as the kubelet has said.
    pub is_running: bool,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Why its container waits or ended: reason and message.
    pub waiting: Option<(String, String)>,
    /// The image of its container.
    pub image: Option<String>,
    /// How its container ended last, if it did.
    pub ended: Option<String>,
    /// Why it has no machine.
    pub unschedulable: Option<String>,
}

impl PodFacts {
    /// Read from the object.
    pub fn of(pod: &Pod) -> Self {
        let status = pod.status.clone().unwrap_or_default();
        let condition = |kind: &str| {
            let conditions = status.conditions.iter().flatten();
            conditions
                .into_iter()
                .find(|condition| condition.type_ == kind)
                .cloned()
        };
        let container: Option<&ContainerStatus> = status.container_statuses.iter().flatten().next();
        let state = container.and_then(|container| container.state.as_ref());
        let annotations = pod.metadata.annotations.as_ref();
        let scheduled = condition("PodScheduled").filter(|scheduled| scheduled.status == "False");
        Self {
            node: pod
                .metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get(names::label::NODE))
                .cloned(),
            made: pod.metadata.creation_timestamp.as_ref().map(|made| made.0),
            process: annotations
                .and_then(|annotations| annotations.get(names::annotation::PROCESS))
                .cloned(),
            address: status.pod_ip.as_deref().and_then(|ip| ip.parse().ok()),
            machine: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
            is_leaving: pod.metadata.deletion_timestamp.is_some(),
            is_running: state.is_some_and(|state| state.running.is_some()),
            is_ready: condition("Ready").is_some_and(|ready| ready.status == "True"),
            waiting: state.and_then(waiting),
            image: container.map(|container| container.image.clone()),
            ended: container.and_then(ended),
            unschedulable: scheduled.map(|scheduled| scheduled.message.unwrap_or_default()),
        }
    }
}

/// The last end of a container, in words that stay the same while it ends in the same way again and again.
fn ended(container: &ContainerStatus) -> Option<String> {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    let ended = states
        .into_iter()
        .flatten()
        .find_map(|state| state.terminated.as_ref())?;
    let reason = ended.reason.as_deref().unwrap_or("ended");
    Some(format!("{reason}, exit code {}", ended.exit_code))
}

fn waiting(state: &k8s_openapi::api::core::v1::ContainerState) -> Option<(String, String)> {
    if let Some(waiting) = &state.waiting {
        return Some((
            waiting.reason.clone().unwrap_or_default(),
            waiting.message.clone().unwrap_or_default(),
        ));
    }
    let ended = state.terminated.as_ref()?;
    let message = ended
        .message
        .clone()
        .unwrap_or_else(|| format!("exit code {}", ended.exit_code));
    Some((ended.reason.clone().unwrap_or_default(), message))
}
