//! Where load balancers answer. An agency signs the addresses its manifests name: what a cluster gave is only told.

use althing_crds::v1alpha1::{Node, ServiceType};
use althing_kubernetes::names;
use althing_operator::name::NodeName;
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};

/// Where load balancers answer whose addresses no manifest names. Whoever may not read Services is told without.
pub(super) async fn offered<'a>(
    client: &Client,
    namespace: &str,
    nodes: impl Iterator<Item = (&'a NodeName, &'a Node)>,
) -> Vec<String> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let mut notes = vec![];
    for (name, node) in nodes {
        let p2p = node.spec.p2p.as_ref();
        let is_balanced =
            p2p.is_some_and(|p2p| p2p.service == Some(ServiceType::LoadBalancer) && p2p.advertise.is_none());
        if !is_balanced {
            continue;
        }
        let service = api.get_opt(&names::external_service(name)).await.ok().flatten();
        if let Some(address) = service.as_ref().and_then(balanced_at) {
            notes.push(format!(
                "Node/{name}: its load balancer answers at {address}: spec.p2p.advertise: \"{address}\""
            ));
        }
    }
    notes
}

/// The name or address a load balancer gave a Service, with the Service's first port.
fn balanced_at(service: &Service) -> Option<String> {
    let port = service.spec.as_ref()?.ports.as_ref()?.first()?.port;
    let ingress = service
        .status
        .as_ref()?
        .load_balancer
        .as_ref()?
        .ingress
        .as_ref()?
        .first()?;
    match (&ingress.hostname, &ingress.ip) {
        (Some(host), _) => Some(format!("{host}:{port}")),
        (None, Some(address)) if address.contains(':') => Some(format!("[{address}]:{port}")),
        (None, Some(address)) => Some(format!("{address}:{port}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_load_balancer_answers_at_its_name_else_at_its_address() {
        let service = |ingress: Value| {
            let service = json!({
                "spec": {"ports": [{"name": "p2p", "port": 30300}]}, "status": {"loadBalancer": {"ingress": [ingress]}},
            });
            balanced_at(&serde_json::from_value(service).unwrap())
        };
        let name = service(json!({"hostname": "lb.example", "ip": "192.0.2.7"}));
        assert_eq!(name.as_deref(), Some("lb.example:30300"));
        assert_eq!(service(json!({"ip": "192.0.2.7"})).as_deref(), Some("192.0.2.7:30300"));
        assert_eq!(
            service(json!({"ip": "2001:db8::7"})).as_deref(),
            Some("[2001:db8::7]:30300")
        );
        assert_eq!(service(json!({})), None);
    }
}
