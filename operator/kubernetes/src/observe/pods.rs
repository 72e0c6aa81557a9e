//! Pods → processes: what each runs with, whether it lives, what stands in its way.

use std::collections::BTreeMap;

use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::plan::report::NodeReport;
use althing_operator::plan::{
    DisruptionReason, Identity, ObservedProcess, Ports, ProcessGroup, ProcessState, Trouble, TroubleKind,
};
use althing_types::{B256, GroupId};
use kube::ResourceExt;
use serde_json::Value;

use super::{Seen, child};
use crate::child::ChildKind;
use crate::lower::PodProcess;
use crate::names;
use crate::world::{Item, Kind, PodFacts, WarningFacts};

pub(super) struct Pods<'a> {
    pub(super) seen: &'a Seen<'a>,
    pub(super) groups: &'a BTreeMap<GroupId, GroupName>,
}

impl Pods<'_> {
    fn pod(&self, node: &NodeName) -> Option<&PodFacts> {
        match &self.seen.shelf.get(&(Kind::Pod, names::pod(node)))?.item {
            Item::Pod(pod) => Some(pod),
            _ => None,
        }
    }

    /// Nodes that have a pod. A node without one is simply not there yet, or again: it may always be started.
    pub(super) fn processes(&self) -> BTreeMap<NodeName, ObservedProcess> {
        let nodes = self.seen.manifests.nodes.keys();
        let processes = nodes.filter_map(|node| {
            let pod = self.pod(node)?;
            let found = pod.process.as_deref().and_then(|text| PodProcess::read(text).ok());
            let found = found.or_else(|| self.unknown(node))?;
            let process = found.with_groups(self.running_groups(node));
            Some((
                node.clone(),
                ObservedProcess {
                    process,
                    state: state(pod),
                },
            ))
        });
        processes.collect()
    }

    /// What a pod runs with whose annotation somebody took away or spoilt: something else than is wanted, so that it is replaced,
    /// and replaced as a node that runs.
    fn unknown(&self, node: &NodeName) -> Option<PodProcess> {
        let manifest = self.seen.manifests.nodes.get(node)?;
        let key = self.seen.contents.keys.get(&Identity::Node(node.clone()))?;
        let node_id = key.public()?.node_id()?;
        Some(PodProcess {
            namespace: self.seen.manifests.namespace.clone(),
            node: node.clone(),
            agency: AgencyName::new(manifest.spec.agency.as_str()).ok()?,
            node_id,
            ports: Ports::FIRST,
            container: None,
            restart_digest: B256::ZERO,
        })
    }

    /// The groups a node runs: as it says itself, else as its files say.
    fn running_groups(&self, node: &NodeName) -> Vec<ProcessGroup> {
        let named = |id: GroupId, settings_digest: B256| {
            let name = self.groups.get(&id)?.clone();
            Some(ProcessGroup {
                id,
                name,
                settings_digest,
            })
        };
        if let Some(NodeReport { groups, .. }) = self.seen.heard.reports.get(node)
            && !groups.is_empty()
        {
            let groups = groups.iter();
            return groups
                .filter_map(|(id, group)| named(*id, group.settings_digest?))
                .collect();
        }
        let config = child(self.seen.shelf, ChildKind::ConfigMap, &names::config(node));
        let data = config.as_ref().and_then(|config| config.pointer("/data")?.as_object());
        let settings = data.into_iter().flatten().filter_map(|(file, text)| {
            let number = file.strip_prefix("group.")?.strip_suffix(".ini")?;
            let id = GroupId::try_from(number.parse::<u32>().ok()?).ok()?;
            named(id, alloy_primitives::keccak256(text.as_str().unwrap_or_default()))
        });
        let mut groups: Vec<_> = settings.collect();
        groups.sort_by_key(|group| group.id);
        groups
    }

    /// Nodes on machines that are to be drained, and nodes whose manifests ask for it.
    pub(super) fn wishes(&self) -> BTreeMap<NodeName, DisruptionReason> {
        let asked = |node: &NodeName| {
            let manifest = self.seen.manifests.nodes.get(node);
            let by_manifest = manifest.is_some_and(|node| node.annotations().contains_key(names::annotation::EVICT));
            let machine = self.pod(node).and_then(|pod| pod.machine.as_deref());
            by_manifest || machine.is_some_and(|machine| self.seen.cordoned.contains(machine))
        };
        let nodes = self.seen.manifests.nodes.keys().filter(|node| asked(node));
        nodes
            .map(|node| (node.clone(), DisruptionReason::MachineDrained))
            .collect()
    }

    pub(super) fn troubles(&self) -> BTreeMap<NodeName, Trouble> {
        let nodes = self.seen.manifests.nodes.keys();
        nodes
            .filter_map(|node| Some((node.clone(), self.trouble(node)?)))
            .collect()
    }

    fn trouble(&self, node: &NodeName) -> Option<Trouble> {
        match self.pod(node) {
            None => self.refused(node),
            Some(pod) if pod.machine.is_none() => self.unplaced(node, pod),
            Some(pod) => stuck(pod),
        }
    }

    /// Of a pod that is not there: why the API server does not let it be made, as the StatefulSet's controller was told.
    fn refused(&self, node: &NodeName) -> Option<Trouble> {
        let warning = self.warning(ChildKind::StatefulSet, &names::node(node))?;
        Some(Trouble {
            kind: TroubleKind::PodRefused,
            message: warning.message.clone(),
        })
    }

    /// Of a pod without a machine: what the scheduler says. Volumes are often bound only when their pod has a machine, so that a
    /// claim that waits is no sign; where the scheduler speaks of volumes or is silent, the claim's own warning is the cause.
    fn unplaced(&self, node: &NodeName, pod: &PodFacts) -> Option<Trouble> {
        let why = pod.unschedulable.as_deref();
        if let Some(why) = why.filter(|why| !speaks_of_volumes(why)) {
            return Some(Trouble {
                kind: TroubleKind::Unschedulable,
                message: why.to_owned(),
            });
        }
        let claim = self.unbound(node).map(|warning| warning.message.as_str());
        Some(Trouble {
            kind: TroubleKind::VolumeCannotBind,
            message: claim.or(why)?.to_owned(),
        })
    }

    /// The warning about a node's claim, as long as it is not bound.
    fn unbound(&self, node: &NodeName) -> Option<&WarningFacts> {
        let name = names::data(node);
        let claim = child(self.seen.shelf, ChildKind::PersistentVolumeClaim, &name)?;
        let phase = claim.pointer("/status/phase").and_then(Value::as_str);
        self.warning(ChildKind::PersistentVolumeClaim, &name)
            .filter(|_| phase != Some("Bound"))
    }

    /// The warning about a child that is there; not that about one of its name before it.
    fn warning(&self, kind: ChildKind, name: &str) -> Option<&WarningFacts> {
        let of = |kind: Kind| self.seen.shelf.get(&(kind, name.to_owned()));
        match &of(Kind::Warning(kind))?.item {
            Item::Warning(_, warning) if warning.child == of(Kind::Child(kind))?.uid => Some(warning),
            _ => None,
        }
    }
}

/// How the scheduler words that volumes are in the way. Room on a machine's own disk (`ephemeral-storage`) is none of them.
const OF_VOLUMES: [&str; 4] = ["volume", "pvc", "storageclass", "free storage"];

fn speaks_of_volumes(message: &str) -> bool {
    let message = message.to_lowercase();
    OF_VOLUMES.iter().any(|words| message.contains(words))
}

/// Why the container of a pod that has a machine does not run.
fn stuck(pod: &PodFacts) -> Option<Trouble> {
    let (reason, message) = pod.waiting.as_ref()?;
    let kind = match reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" => {
            TroubleKind::ImageCannotBePulled
        }
        "CrashLoopBackOff" | "Error" | "OOMKilled" | "StartError" => TroubleKind::ContainerCrashes,
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => TroubleKind::PodRefused,
        _ => return None,
    };
    let message = match (kind, &pod.ended) {
        // The kubelet words its waiting differently at every try; what does not change is enough.
        (TroubleKind::ImageCannotBePulled, _) => pod.image.as_deref().unwrap_or("its image").to_owned(),
        (TroubleKind::ContainerCrashes, Some(ended)) => ended.clone(),
        _ if message.is_empty() => reason.clone(),
        _ => format!("{reason}: {message}"),
    };
    Some(Trouble { kind, message })
}

/// A container that waits or has ended is proven stopped; one that was running when it was last heard of is not.
const fn state(pod: &PodFacts) -> ProcessState {
    match (pod.is_running, pod.is_ready && !pod.is_leaving) {
        (true, true) => ProcessState::Ready,
        (true, false) => ProcessState::Running,
        (false, _) => ProcessState::Stopped,
    }
}
