//! The pod of a node: passes Pod Security `restricted`, and says nothing that changes while the node need not restart.

use std::collections::BTreeMap;
use std::iter;

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, ConfigMapProjection, Container, ContainerPort, HTTPGetAction, KeyToPath,
    PersistentVolumeClaimVolumeSource, PodAffinityTerm, PodAntiAffinity, PodSecurityContext, PodSpec, Probe,
    ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecretProjection, SecurityContext, Volume,
    VolumeMount, VolumeProjection, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::node::NodeParts;
use crate::names::{self, Mounted, label};

/// The names of a pod's ports.
pub(super) mod port {
    /// Node to node.
    pub(in crate::lower) const P2P: &str = "p2p";
    /// FISCO's channel protocol.
    pub(in crate::lower) const CHANNEL: &str = "channel";
    /// JSON-RPC.
    pub(in crate::lower) const RPC: &str = "rpc";
    /// Metrics and health.
    pub(in crate::lower) const METRICS: &str = "metrics";
}

/// The user and group of both images: nobody's.
const USER: i64 = 65532;
/// The node's own files; `althing_operator::plan::Folders::in_container` knows them too.
const CONFIG_FOLDER: &str = "/etc/althing";
/// The volume.
const DATA_FOLDER: &str = "/var/lib/althing";
/// What the group may read and nobody else: 0440. The files are root's; the pod reads them through `fsGroup`.
const GROUP_READS: i32 = 0o440;
/// Time for the last block to be committed and the databases to be closed.
const GRACE_SECONDS: i64 = 60;

const CONTAINER: &str = "node";
const CONFIG_VOLUME: &str = "config";
const DATA_VOLUME: &str = "data";

/// The pod.
pub(super) fn pod(node: &NodeParts<'_>, image: &str) -> PodSpec {
    PodSpec {
        service_account_name: Some(names::node(&node.process.node)),
        automount_service_account_token: Some(false),
        // A namespace with many Services would fill the environment with their addresses.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            // A ledger has many files: they are handed over once, not at every start.
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        affinity: node
            .family
            .consortium
            .as_ref()
            .map(|consortium| spread(consortium.as_str())),
        containers: vec![container(node, image)],
        volumes: Some(volumes(node)),
        ..PodSpec::default()
    }
}

/// Nodes of one consortium prefer different machines and, less, different zones: one machine lost should be one node lost.
/// By consortium and not by group, because joining a group makes no other pod.
fn spread(consortium: &str) -> Affinity {
    let apart = |weight, topology: &str| WeightedPodAffinityTerm {
        weight,
        pod_affinity_term: PodAffinityTerm {
            topology_key: topology.to_owned(),
            label_selector: Some(LabelSelector {
                match_labels: Some(BTreeMap::from([
                    (label::NAME.to_owned(), label::ALTHING_NODE.to_owned()),
                    (label::PART_OF.to_owned(), consortium.to_owned()),
                ])),
                match_expressions: None,
            }),
            ..PodAffinityTerm::default()
        },
    };
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![
                apart(100, "kubernetes.io/hostname"),
                apart(50, "topology.kubernetes.io/zone"),
            ]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn container(node: &NodeParts<'_>, image: &str) -> Container {
    let ports = node.process.ports;
    let named = |name: &str, number: u16| ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let mount = |volume: &str, folder: &str, read_only: Option<bool>| VolumeMount {
        name: volume.to_owned(),
        mount_path: folder.to_owned(),
        read_only,
        ..VolumeMount::default()
    };
    Container {
        name: CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(vec!["-c".to_owned(), format!("{CONFIG_FOLDER}/config.ini")]),
        ports: Some(vec![
            named(port::P2P, ports.p2p),
            named(port::CHANNEL, ports.channel),
            named(port::RPC, ports.rpc),
            named(port::METRICS, ports.metrics),
        ]),
        resources: Some(node.spec.resources.clone().unwrap_or_else(resources)),
        // Opening a large ledger after a crash takes a while: five minutes until the node must answer.
        startup_probe: Some(probe("/livez", 1, 300)),
        // A node that is slow is not dead, and a restart costs its group a vote: a minute of silence.
        liveness_probe: Some(probe("/livez", 10, 6)),
        // What the group waits for while its lease is held: seen soon. Ten seconds of silence, as others see it, are an end of it.
        readiness_probe: Some(probe("/readyz", 2, 5)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                add: None,
                drop: Some(vec!["ALL".to_owned()]),
            }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        // Why a node refused to start is its last line, which then stands in the pod's status.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(vec![
            mount(CONFIG_VOLUME, CONFIG_FOLDER, Some(true)),
            mount(DATA_VOLUME, DATA_FOLDER, None),
        ]),
        ..Container::default()
    }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(port::METRICS.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

/// What a node is given whose manifest says nothing: enough for a small ledger, and a bound.
fn resources() -> ResourceRequirements {
    let quantities = |cpu: &str, memory: &str| {
        Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity(cpu.to_owned())),
            ("memory".to_owned(), Quantity(memory.to_owned())),
        ]))
    };
    ResourceRequirements {
        requests: quantities("100m", "256Mi"),
        limits: quantities("2", "1Gi"),
        ..ResourceRequirements::default()
    }
}

/// How a certificate Secret's files are called in the folder; none where they are called as in the Secret, so that pods stay as they
/// are.
fn renamed(mounted: &Mounted) -> Option<Vec<KeyToPath>> {
    let files = mounted.public();
    let item = |(key, path): (&str, &str)| KeyToPath {
        key: key.to_owned(),
        path: path.to_owned(),
        ..KeyToPath::default()
    };
    let is_renamed = files.iter().any(|(key, path)| key != path);
    is_renamed.then(|| files.map(item).to_vec())
}

/// The Secrets with a certificate and with its key; of the latter exactly the key.
fn secrets(mounted: &Mounted) -> [VolumeProjection; 2] {
    let secret = |secret: String, items: Option<Vec<KeyToPath>>| VolumeProjection {
        secret: Some(SecretProjection {
            name: secret,
            items,
            optional: None,
        }),
        ..VolumeProjection::default()
    };
    let key = KeyToPath {
        key: names::KEY_FILE.to_owned(),
        path: mounted.key.to_owned(),
        mode: Some(GROUP_READS),
        ..KeyToPath::default()
    };
    [
        secret(
            names::certificate_secret(&mounted.identity).unwrap_or_default(),
            renamed(mounted),
        ),
        secret(names::key_secret(&mounted.identity), Some(vec![key])),
    ]
}

/// One folder of everything the node reads, and its volume. The ConfigMap is taken whole, so that a file more is no other pod.
fn volumes(node: &NodeParts<'_>) -> Vec<Volume> {
    let name = &node.process.node;
    let public = VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: names::config(name),
            ..ConfigMapProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let sources = iter::once(public)
        .chain(node.mounted.iter().flat_map(secrets))
        .collect();
    vec![
        Volume {
            name: CONFIG_VOLUME.to_owned(),
            projected: Some(ProjectedVolumeSource {
                default_mode: Some(GROUP_READS),
                sources: Some(sources),
                ..ProjectedVolumeSource::default()
            }),
            ..Volume::default()
        },
        Volume {
            name: DATA_VOLUME.to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: names::data(name),
                read_only: None,
            }),
            ..Volume::default()
        },
    ]
}
