//! Node: one running ledger process with one identity.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Attestation, DeletionPolicy};

/// One running ledger process with one identity.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "althing.dev",
    version = "v1alpha1",
    kind = "Node",
    plural = "ledgernodes",
    singular = "ledgernode",
    shortname = "lnode",
    category = "althing",
    namespaced,
    status = "NodeStatus",
    derive = "PartialEq",
    cel,
    doc = "One running ledger process with one identity.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"),
    printcolumn(name = "Agency", type_ = "string", json_path = ".spec.agency", description = "Its agency"),
    printcolumn(name = "Groups", type_ = "string", json_path = ".status.groups", description = "The groups it takes part in"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether this namespace's part is done"),
    printcolumn(name = "In sync", type_ = "string", json_path = ".status.conditions[?(@.type==\"InSync\")].status", description = "Whether it is in sync and connected"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", description = "Why it is or is not ready"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.certificateNotAfter", description = "End of its certificate", priority = "1"),
    printcolumn(name = "Node ID", type_ = "string", json_path = ".status.nodeId", description = "Its public key", priority = "1"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", description = "What is done, waited for or wrong", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "Time since it was made")
)]
#[x_kube(
    validation = Rule::new("self.agency == oldSelf.agency").message("spec.agency is immutable: the node's certificate is the agency's"),
    validation = Rule::new("has(self.external) == has(oldSelf.external)")
        .message("spec.external: an own node cannot become somebody else's, nor the other way round"),
    validation = Rule::new("!has(self.external) || !has(oldSelf.external) || !has(oldSelf.external.nodeId) || (has(self.external.nodeId) && self.external.nodeId == oldSelf.external.nodeId)")
        .message("spec.external.nodeId is written once: another key is another node"),
    validation = Rule::new("!has(self.external) || !(has(self.image) || has(self.resources) || has(self.storage) || has(self.p2p) || has(self.rpc) || has(self.channel) || has(self.metrics) || has(self.log) || has(self.deletionPolicy))")
        .message("spec.external excludes image, resources, storage, p2p, rpc, channel, metrics, log and deletionPolicy: they belong to an own node"),
    validation = Rule::new("!has(oldSelf.storage) || !has(oldSelf.storage.engine) || (has(self.storage) && has(self.storage.engine) && self.storage.engine == oldSelf.storage.engine)")
        .message("spec.storage.engine is immutable: the data is in its format"),
    validation = Rule::new("!has(oldSelf.storage) || !has(oldSelf.storage.storageClassName) || (has(self.storage) && has(self.storage.storageClassName) && self.storage.storageClassName == oldSelf.storage.storageClassName)")
        .message("spec.storage.storageClassName is immutable: a volume cannot change its class"),
)]
#[serde(rename_all = "camelCase")]
pub struct NodeSpec {
    /// The Agency of this namespace whose node it is. Immutable.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub agency: String,
    /// The container image; the operator's own version unless given. Without meaning on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// What the container asks for. Without meaning on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Where the ledger's data lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<NodeStorage>,
    /// Node to node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p2p: Option<NodeP2p>,
    /// JSON-RPC over HTTP and WebSocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpc: Option<NodeListener>,
    /// FISCO's channel protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<NodeListener>,
    /// Metrics and health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<NodeListener>,
    /// What the node writes about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<NodeLog>,
    /// What happens to the key and the data when this manifest is deleted; `Retain` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Somebody else's node: public facts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalNode>,
}

impl NodeSpec {
    /// A node of this agency with every default.
    pub fn of(agency: impl Into<String>) -> Self {
        Self {
            agency: agency.into(),
            image: None,
            resources: None,
            storage: None,
            p2p: None,
            rpc: None,
            channel: None,
            metrics: None,
            log: None,
            deletion_policy: None,
            external: None,
        }
    }
}

/// Where the ledger's data lies.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NodeStorage {
    /// The size of the volume, such as `20Gi`; it can grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = "^[0-9]{1,15}(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$")
    )]
    pub size: Option<String>,
    /// The storage class of the volume; the cluster's default unless given. Written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// The engine; `RocksDB` unless given. Written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<StorageEngine>,
}

/// The storage engine.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageEngine {
    /// RocksDB, one database per group.
    RocksDB,
}

/// Node to node.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NodeP2p {
    /// The port; 30300 unless given (on one machine 30300 plus the node's place).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// The type of the Service other agencies reach it through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceType>,
    /// The `host:port` other agencies dial; the Service's own address unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 3, max = 261),
        regex(pattern = "^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")
    )]
    pub advertise: Option<String>,
    /// NodeIDs that are never let in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(equal = 128), regex(pattern = "^[0-9a-fA-F]{128}$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub deny: Vec<String>,
    /// When not empty: the only nodeIDs that are let in. `deny` goes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(equal = 128), regex(pattern = "^[0-9a-fA-F]{128}$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allow: Vec<String>,
}

/// The type of a Service.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    /// Inside the cluster.
    ClusterIP,
    /// A port of every machine.
    NodePort,
    /// A load balancer.
    LoadBalancer,
}

/// A port clients connect to.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NodeListener {
    /// The port; rpc 8545, channel 20200, metrics 9545 unless given (on one machine plus the node's place).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// What the node writes about itself.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NodeLog {
    /// The least important level written; `Info` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Megabytes of one log file before the next is begun; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_file_size_mb: Option<i32>,
}

/// How much is written.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// For finding faults.
    Debug,
    /// What happens.
    Info,
    /// What may go wrong.
    Warning,
    /// What went wrong.
    Error,
}

/// The public facts of somebody else's node.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ExternalNode {
    /// Its public key, 128 hex digits. Written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 128), regex(pattern = "^[0-9a-fA-F]{128}$"))]
    pub node_id: Option<String>,
    /// The `host:port` it is dialled at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 3, max = 261),
        regex(pattern = "^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):[0-9]{1,5}$")
    )]
    pub address: Option<String>,
    /// Its certificate in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 16384))]
    pub certificate: Option<String>,
    /// Its agency's signature over these facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
}

/// What is known of a node.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The generation this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, CertificatesValid, InSync.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// Its public key, 128 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub node_id: Option<String>,
    /// The names of the groups it takes part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024))]
    pub groups: Vec<String>,
    /// The last moment of its certificate, or of its listener's where that is sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_not_after: Option<Time>,
    /// The `host:port` at which others dial it; of somebody else's node the one that was accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 261))]
    pub address: Option<String>,
    /// Its certificate in PEM; of somebody else's node the one that was accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub certificate: Option<String>,
    /// Own node: its agency's signature over its public facts. Somebody else's: the newest that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
}
