//! Pods → processes: what each runs with, whether it lives, what stands in its way.

use std::collections::BTreeMap;

use althing_operator::name::{AgencyName, GroupName, NodeName};
use althing_operator::plan::report::NodeReport;
use althing_operator::plan::{
    DisruptionReason, Identity, ObservedProcess, Ports, ProcessGroup, ProcessState, PublicKey, Trouble, TroubleKind,
};
use althing_types::{B256, GroupId};
use kube::ResourceExt;

use super::{Seen, child};
use crate::child::ChildKind;
use crate::lower::PodProcess;
use crate::names;
use crate::world::{Item, Kind, PodFacts};

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
        let Some(PublicKey::P256(node_id)) = key.public() else {
            return None;
        };
        Some(PodProcess {
            namespace: self.seen.manifests.namespace.clone(),
            node: node.clone(),
            agency: AgencyName::new(manifest.spec.agency.as_str()).ok()?,
            node_id: *node_id,
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
        if let Some(NodeReport { groups, .. }) = self.seen.reports.get(node)
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
        let pod = self.pod(node)?;
        if let Some(why) = &pod.unschedulable {
            let kind = match self.is_volume_waiting(node) {
                true => TroubleKind::VolumeCannotBind,
                false => TroubleKind::Unschedulable,
            };
            return Some(Trouble {
                kind,
                message: why.clone(),
            });
        }
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

    fn is_volume_waiting(&self, node: &NodeName) -> bool {
        let claim = child(self.seen.shelf, ChildKind::PersistentVolumeClaim, &names::data(node));
        let phase = claim
            .as_ref()
            .and_then(|claim| claim.pointer("/status/phase")?.as_str().map(str::to_owned));
        claim.is_none() || phase.as_deref() != Some("Bound")
    }
}

/// A container that waits or has ended is proven stopped; one that was running when it was last heard of is not.
const fn state(pod: &PodFacts) -> ProcessState {
    match (pod.is_running, pod.is_ready && !pod.is_leaving) {
        (true, true) => ProcessState::Ready,
        (true, false) => ProcessState::Running,
        (false, _) => ProcessState::Stopped,
    }
}
