//! The public facts of an own agency or node, as its agency's key stands behind them.

use althing_crds::v1alpha1::{Agency, Attestation, ExternalAgency, ExternalNode, Node, ServiceType};
use althing_operator::controller::Hold;
use althing_operator::controller::attestation::{self, Before, Statement};
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::NodeName;
use althing_operator::pki::inspect;

/// Whether the key of an agency's certificate signed what its status says of an object.
fn stood_behind(
    certificate: Option<&str>,
    attestation: Option<&Attestation>,
    statement: &Statement<'_>,
) -> Result<(), String> {
    let key = certificate.and_then(|pem| inspect::first(pem).ok()?.key());
    let before = Before { key, newest: None };
    let checked = attestation::check("status.attestation", attestation, statement, before);
    checked.map_err(|(Hold::Pending(obstacle) | Hold::Wrong(obstacle))| obstacle.message)
}

/// An agency as its own key stands behind it; before it has a certificate, its request.
pub(super) fn external_agency(name: &str, agency: &Agency) -> Result<ExternalAgency, String> {
    let nothing = || "it has neither certificate nor request yet".to_owned();
    let status = agency.status.as_ref().ok_or_else(nothing)?;
    let certificate = status.certificate.clone();
    let external = ExternalAgency {
        attestation: status.attestation.clone().filter(|_| certificate.is_some()),
        certificate,
        certificate_signing_request: status.certificate_signing_request.clone(),
        governance_account: status.governance_account.clone(),
        trust: status.trust.clone(),
        genesis: vec![],
        wishes: vec![],
    };
    if external.certificate.is_none() {
        return match external.certificate_signing_request {
            Some(_) => Ok(external),
            None => Err(nothing()),
        };
    }
    let statement = Statement::agency(name, &agency.spec.consortium, &external);
    stood_behind(
        external.certificate.as_deref(),
        external.attestation.as_ref(),
        &statement,
    )?;
    Ok(external)
}

/// A node as its agency's key stands behind it.
pub(super) fn external_node(
    manifests: &NamespaceManifests,
    name: &NodeName,
    node: &Node,
) -> Result<ExternalNode, String> {
    let status = node.status.as_ref().filter(|status| status.node_id.is_some());
    let status = status.ok_or_else(|| "it has no nodeID yet".to_owned())?;
    let external = ExternalNode {
        node_id: status.node_id.clone(),
        address: status.address.clone(),
        certificate: status.certificate.clone(),
        attestation: status.attestation.clone(),
    };
    let agency = manifests.agencies.get(node.spec.agency.as_str());
    let agency = agency.and_then(|agency| agency.status.as_ref()?.certificate.as_deref());
    let statement = Statement::node(name.as_str(), &node.spec.agency, &external);
    stood_behind(agency, external.attestation.as_ref(), &statement)?;
    Ok(external)
}

/// Why a node has no address to give.
pub(super) fn unknown_address(node: &Node) -> &'static str {
    match node.spec.p2p.as_ref().and_then(|p2p| p2p.service) {
        Some(ServiceType::NodePort) => "a NodePort has an address on every machine; say which in spec.p2p.advertise",
        Some(ServiceType::LoadBalancer) => {
            "its agency signs the address; put that of the load balancer into spec.p2p.advertise"
        }
        None | Some(ServiceType::ClusterIP) => "it has no place to listen at yet",
    }
}
