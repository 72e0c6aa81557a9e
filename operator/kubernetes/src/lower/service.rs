//! Services of a node: one for other nodes, one for clients, and one for other clusters where its manifest asks for it.
//!
//! The IP family is left to the cluster: `PreferDualStack` would give a Service a second address that nodes, which listen on
//! one family, do not answer.

use althing_crds::v1alpha1::ServiceType;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::node::{NodeParts, spec};
use super::pod::port;
use crate::child::{Child, ChildKind, Fate};
use crate::names;

const CLUSTER_IP: &str = "ClusterIP";

/// The headless Service other nodes dial. It names the pod before it is ready: a node becomes ready by being dialled.
pub(super) fn p2p(node: &NodeParts<'_>) -> Child {
    let service = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        ports: Some(vec![service_port(port::P2P, node.process.ports.p2p)]),
        ..common(node, CLUSTER_IP)
    };
    child(node, names::p2p_service(&node.process.node), &service)
}

/// The Service of clients: only a node in sync answers through it.
pub(super) fn clients(node: &NodeParts<'_>) -> Child {
    let ports = node.process.ports;
    let service = ServiceSpec {
        ports: Some(vec![
            service_port(port::RPC, ports.rpc),
            service_port(port::CHANNEL, ports.channel),
            service_port(port::METRICS, ports.metrics),
        ]),
        ..common(node, CLUSTER_IP)
    };
    child(node, names::node(&node.process.node), &service)
}

/// The Service through which other clusters dial the node, where its manifest asks for one. Every machine passes the traffic
/// on (`Cluster`): who dials is known by certificate, not by address, and the pod may be on any machine.
pub(super) fn external(node: &NodeParts<'_>) -> Option<Child> {
    let kind = match node.spec.p2p.as_ref()?.service? {
        ServiceType::ClusterIP => return None,
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
    };
    let service = ServiceSpec {
        external_traffic_policy: Some("Cluster".to_owned()),
        publish_not_ready_addresses: Some(true),
        ports: Some(vec![service_port(port::P2P, node.process.ports.p2p)]),
        ..common(node, kind)
    };
    Some(child(node, names::external_service(&node.process.node), &service))
}

fn common(node: &NodeParts<'_>, kind: &str) -> ServiceSpec {
    ServiceSpec {
        type_: Some(kind.to_owned()),
        selector: Some(names::pod_selector(&node.process.node)),
        session_affinity: Some("None".to_owned()),
        ..ServiceSpec::default()
    }
}

/// The pod's port is found by its name: a pod that still waits for its restart listens where its own template says.
fn service_port(name: &str, number: u16) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}

fn child(node: &NodeParts<'_>, name: String, service: &ServiceSpec) -> Child {
    node.family.child(ChildKind::Service, name, Fate::Goes, spec(service))
}
