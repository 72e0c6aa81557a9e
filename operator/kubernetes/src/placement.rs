//! Where nodes stand in a cluster: every node alike, behind names of its own.

use althing_crds::v1alpha1::Node;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{Namespace, NodeName};
use althing_operator::plan::{Endpoint, Folders, LogTarget, Placement, Ports, RpcSecurity};

use crate::names;

/// All addresses of a pod.
const EVERY_ADDRESS: &str = "0.0.0.0";

/// What the operator was started with, as far as children depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The image of nodes whose manifest names none, when they are made.
    pub node_image: String,
    /// The DNS domain of the cluster, such as `cluster.local`.
    pub cluster_domain: String,
}

/// The endpoints of the own nodes of a namespace. Pure: nothing is chosen that could move later.
pub fn placement(manifests: &NamespaceManifests, settings: &Settings) -> Placement {
    let own = manifests.nodes.iter().filter(|(_, node)| node.spec.external.is_none());
    own.map(|(name, node)| (name.clone(), endpoint(&manifests.namespace, name, node, settings)))
        .collect()
}

fn endpoint(namespace: &Namespace, name: &NodeName, node: &Node, settings: &Settings) -> Endpoint {
    let services = [names::node(name), names::p2p_service(name)];
    let domain = &settings.cluster_domain;
    let forms = |service: &String| {
        [
            service.clone(),
            format!("{service}.{namespace}"),
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.{domain}"),
        ]
    };
    Endpoint {
        p2p_listen: EVERY_ADDRESS.to_owned(),
        client_listen: EVERY_ADDRESS.to_owned(),
        advertise: format!("{}.{namespace}.svc.{domain}", names::p2p_service(name)),
        ports: ports(node),
        folders: Folders::in_container(),
        dns_names: services.iter().flat_map(forms).collect(),
        rpc_security: RpcSecurity::Tls,
        log: LogTarget::Console,
        container: true,
    }
}

/// The ports of the manifest, or those every node of a cluster has.
fn ports(node: &Node) -> Ports {
    let spec = &node.spec;
    // The schema holds ports to 1 to 65535 already.
    let port = |wished: Option<i32>, first| wished.and_then(|number| u16::try_from(number).ok()).unwrap_or(first);
    let first = Ports::FIRST;
    Ports {
        p2p: port(spec.p2p.as_ref().and_then(|p2p| p2p.port), first.p2p),
        channel: port(spec.channel.as_ref().and_then(|channel| channel.port), first.channel),
        rpc: port(spec.rpc.as_ref().and_then(|rpc| rpc.port), first.rpc),
        metrics: port(spec.metrics.as_ref().and_then(|metrics| metrics.port), first.metrics),
    }
}

#[cfg(test)]
mod tests {
    use althing_crds::v1alpha1::{ExternalNode, NodeListener, NodeSpec};

    use super::*;

    fn name(text: &str) -> NodeName {
        NodeName::new(text).unwrap()
    }

    fn settings() -> Settings {
        Settings {
            node_image: "node:1".to_owned(),
            cluster_domain: "cluster.local".to_owned(),
        }
    }

    #[test]
    fn every_own_node_has_the_same_ports_and_a_name_of_its_own() {
        let mut manifests = NamespaceManifests::new(Namespace::new("trade").unwrap());
        let mut spec = NodeSpec::of("a");
        spec.rpc = Some(NodeListener { port: Some(9000) });
        manifests.nodes.insert(name("node-0"), Node::new("node-0", spec));
        manifests
            .nodes
            .insert(name("node-1"), Node::new("node-1", NodeSpec::of("a")));
        let placement = placement(&manifests, &settings());
        let first = &placement[&name("node-0")];
        assert_eq!(first.advertise, "node-0-p2p.trade.svc.cluster.local");
        assert_eq!(
            first.ports,
            Ports {
                rpc: 9000,
                ..Ports::FIRST
            }
        );
        assert_eq!(placement[&name("node-1")].ports, Ports::FIRST);
        assert_eq!(
            first.dns_names,
            [
                "node-0",
                "node-0.trade",
                "node-0.trade.svc",
                "node-0.trade.svc.cluster.local",
                "node-0-p2p",
                "node-0-p2p.trade",
                "node-0-p2p.trade.svc",
                "node-0-p2p.trade.svc.cluster.local",
            ]
        );
        assert!(first.container && first.rpc_security == RpcSecurity::Tls);
    }

    #[test]
    fn somebody_elses_node_has_no_place_here() {
        let mut manifests = NamespaceManifests::new(Namespace::new("trade").unwrap());
        let mut spec = NodeSpec::of("b");
        spec.external = Some(ExternalNode {
            node_id: None,
            address: None,
            certificate: None,
            attestation: None,
        });
        manifests.nodes.insert(name("theirs"), Node::new("theirs", spec));
        assert!(placement(&manifests, &settings()).is_empty());
    }
}
