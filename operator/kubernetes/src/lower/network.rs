//! NetworkPolicy of a node: p2p open to all, because TLS decides there; everything else by label.
//!
//! Outgoing traffic is not restricted: a node dials addresses that other agencies choose, and resolves names.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::node::{NodeParts, spec};
use crate::child::{Child, ChildKind, Fate};
use crate::names::{self, label};

/// Who may reach the node. Ports are numbers, which every network plugin understands.
pub(super) fn policy(node: &NodeParts<'_>) -> Child {
    let ports = node.process.ports;
    let policy = NetworkPolicySpec {
        pod_selector: Some(matching(names::pod_selector(&node.process.node))),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: Some(vec![
            NetworkPolicyIngressRule {
                ports: Some(vec![tcp(ports.p2p)]),
                from: None,
            },
            NetworkPolicyIngressRule {
                ports: Some([ports.rpc, ports.channel, ports.metrics].map(tcp).to_vec()),
                from: Some(vec![clients(), operators()]),
            },
        ]),
        egress: None,
    };
    node.family.child(
        ChildKind::NetworkPolicy,
        names::node(&node.process.node),
        Fate::Goes,
        spec(&policy),
    )
}

/// Pods of the same namespace that are labelled as clients.
fn clients() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(matching(one(label::CLIENT, "true"))),
        ..NetworkPolicyPeer::default()
    }
}

/// Operators, wherever they run: they ask before they disturb.
fn operators() -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(matching(one(label::NAME, label::ALTHING_OPERATOR))),
        ..NetworkPolicyPeer::default()
    }
}

fn one(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn matching(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels),
        match_expressions: None,
    }
}

fn tcp(port: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(port))),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}
