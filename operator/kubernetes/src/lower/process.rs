//! What a pod runs with, written on the pod, so that it can be read back from there.

use althing_operator::name::{AgencyName, Namespace, NodeName};
use althing_operator::plan::{Container, Ports, Process, ProcessGroup};
use althing_types::{B256, NodeId};
use serde::{Deserialize, Serialize};

/// A [`Process`] without its groups: those a running node takes up from its files, so that they are asked from the node
/// itself and never make another pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodProcess {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub node: NodeName,
    /// Its agency.
    pub agency: AgencyName,
    /// Its identity.
    pub node_id: NodeId,
    /// Where it listens.
    pub ports: Ports,
    /// Its container, as its manifest wishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Digest of what it reads only at its start.
    pub restart_digest: B256,
}

impl PodProcess {
    /// What a pod of this process runs with.
    pub fn of(process: &Process) -> Self {
        Self {
            namespace: process.namespace.clone(),
            node: process.node.clone(),
            agency: process.agency.clone(),
            node_id: process.node_id,
            ports: process.ports,
            container: process.container.clone(),
            restart_digest: process.restart_digest,
        }
    }

    /// Reads the annotation of a pod.
    pub fn read(annotation: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(annotation)
    }

    /// The text of the annotation: the same for equal values.
    pub fn to_annotation(&self) -> String {
        // Every field is a name, a number or a text: writing them has no failure.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The process, with the groups the node says it runs.
    pub fn with_groups(self, groups: Vec<ProcessGroup>) -> Process {
        Process {
            namespace: self.namespace,
            node: self.node,
            agency: self.agency,
            node_id: self.node_id,
            ports: self.ports,
            groups,
            container: self.container,
            restart_digest: self.restart_digest,
        }
    }
}
