//! What is known of the fields of Kubernetes objects: which lists are maps by key, which maps are closed, which texts are
//! quantities. Source: the OpenAPI definitions (`x-kubernetes-list-map-keys`, `x-kubernetes-map-type`) and the defaults the
//! API server fills in.

use crate::child::ChildKind;

/// The keys by which the elements of a list are matched; none where a list is compared as it stands.
pub(super) fn list_keys(kind: ChildKind, path: &str) -> Option<&'static [&'static str]> {
    let field = path.rsplit('.').next().unwrap_or(path);
    match (kind, field) {
        (_, "ownerReferences") => Some(&["uid"]),
        (ChildKind::Service, "ports") => Some(&["port", "protocol"]),
        (ChildKind::StatefulSet, "ports") => Some(&["containerPort", "protocol"]),
        (ChildKind::StatefulSet, "containers" | "initContainers" | "volumes" | "env") => Some(&["name"]),
        (ChildKind::StatefulSet, "volumeMounts") => Some(&["mountPath"]),
        _ => None,
    }
}

/// What becomes of keys or elements that are there and not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extras {
    /// Others may have their say here.
    Tolerated,
    /// They are drift, but for these, which the API server or an administrator fills in.
    Drift(&'static [&'static str]),
}

/// Pod fields that the API server fills in, or that are an administrator's choice of machines and registries.
const POD: &[&str] = &[
    "dnsPolicy",
    "imagePullSecrets",
    "preemptionPolicy",
    "priorityClassName",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "serviceAccount",
    "tolerations",
];
const SERVICE: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "clusterIP",
    "clusterIPs",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "trafficDistribution",
];
const CONTAINER: &[&str] = &["terminationMessagePath"];
const PROBE: &[&str] = &["initialDelaySeconds", "successThreshold"];
const TEMPLATE: &str = "spec.template.spec";

/// What becomes of extras of the map or list at this path.
pub(super) fn extras(kind: ChildKind, path: &str) -> Extras {
    match kind {
        ChildKind::Secret | ChildKind::ConfigMap if path == "data" => Extras::Drift(&[]),
        ChildKind::Service if path == "spec" => Extras::Drift(SERVICE),
        ChildKind::Service if path == "spec.ports[]" => Extras::Drift(&["appProtocol", "nodePort"]),
        ChildKind::Service if path.starts_with("spec.") => Extras::Drift(&[]),
        ChildKind::NetworkPolicy | ChildKind::PodDisruptionBudget if path.starts_with("spec") => Extras::Drift(&[]),
        ChildKind::StatefulSet if path == "spec.selector.matchLabels" || path == "spec.updateStrategy" => {
            Extras::Drift(&[])
        }
        ChildKind::StatefulSet if path.starts_with(TEMPLATE) => Extras::Drift(of_template(path)),
        _ => Extras::Tolerated,
    }
}

fn of_template(path: &str) -> &'static [&'static str] {
    let below = path.strip_prefix(TEMPLATE).unwrap_or(path);
    match below {
        "" => POD,
        ".containers[]" => CONTAINER,
        ".containers[].startupProbe" | ".containers[].livenessProbe" | ".containers[].readinessProbe" => PROBE,
        _ if below.ends_with("Probe.httpGet") => &["scheme"],
        ".containers[].resources.limits" | ".containers[].resources.requests" => &["ephemeral-storage"],
        _ => &[],
    }
}

/// Whether the text at this path is a quantity.
pub(super) fn is_quantity(path: &str) -> bool {
    path.contains("resources.limits.") || path.contains("resources.requests.")
}

/// Fields that name the object and are never compared.
pub(super) fn is_identity(path: &str) -> bool {
    matches!(path, "apiVersion" | "kind" | "metadata.name" | "metadata.namespace")
}
