//! What is signed here for others: by own agencies themselves, their nodes, the genesis of the groups they take part in and what they
//! ask for there; by the chain key the list of what is no longer trusted.

mod trust;
mod wishes;

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{
    AgencyTrust, Attestation, ExternalAgency, ExternalNode, Revocations, ServiceType, SignedWishes,
};
use althing_types::config::PeerAddress;

use crate::controller::Context;
use crate::controller::agency::{AgencyFacts, Orders};
use crate::controller::attestation::{Signing, Statement};
use crate::controller::consortium::{ChainFacts, revocations_message};
use crate::controller::group::GroupFacts;
use crate::controller::node::{NodeFacts, OwnNode, OwnSettings};
use crate::name::{AgencyName, ConsortiumName, GroupName, NodeName};
use crate::namespace::Findings;
use crate::plan::Identity;
use crate::status::ObjectRef;

/// What is signed, as it is now; what is still to be signed is missing.
#[derive(Debug, Default)]
pub(crate) struct Signed {
    /// With what their nodes trust.
    pub(crate) agencies: BTreeMap<AgencyName, (Attestation, Option<AgencyTrust>)>,
    pub(crate) nodes: BTreeMap<NodeName, Attestation>,
    pub(crate) groups: BTreeMap<GroupName, BTreeMap<AgencyName, Attestation>>,
    /// What own agencies without a seat ask for.
    pub(crate) wishes: BTreeMap<GroupName, BTreeMap<AgencyName, SignedWishes>>,
    /// Where others dial own nodes.
    pub(crate) addresses: BTreeMap<NodeName, String>,
    /// The registrar's lists, as other namespaces take them.
    pub(crate) revocations: BTreeMap<ConsortiumName, Revocations>,
}

/// Where an own node is dialled inside its cluster or on its machine, or where its manifest says.
pub(crate) fn dialled_at(ctx: &Context<'_>, node: &NodeName, settings: &OwnSettings) -> Option<String> {
    match &settings.advertise {
        Some(address) => Some(address.to_string()),
        None => {
            let endpoint = ctx.placement.get(node)?;
            let address = PeerAddress::new(&endpoint.advertise, endpoint.ports.p2p);
            Some(address.ok()?.to_string())
        }
    }
}

/// Where others dial an own node. Behind a node port or a load balancer only its manifest knows.
fn given_address(ctx: &Context<'_>, node: &NodeName, settings: &OwnSettings) -> Option<String> {
    let p2p = ctx
        .manifests
        .nodes
        .get(node)
        .and_then(|object| object.spec.p2p.as_ref());
    let is_inside = matches!(p2p.and_then(|p2p| p2p.service), None | Some(ServiceType::ClusterIP));
    match is_inside || settings.advertise.is_some() {
        true => dialled_at(ctx, node, settings),
        false => None,
    }
}

impl Findings {
    /// Orders the signatures that are missing, and keeps those that are there.
    pub(crate) fn sign(&mut self, ctx: &Context<'_>, orders: &mut Orders) {
        let mut signed = Signed::default();
        let own = self.agencies.values().flatten().filter(|agency| agency.is_own);
        for agency in own {
            let mut signing = signing_of(ctx, Identity::AgencyCa(agency.name.clone()));
            sign_agency(ctx, agency, &mut signing, &mut signed);
            for node in self.nodes.values().flatten().filter(|node| node.agency == agency.name) {
                if let Some(own) = &node.own {
                    sign_node(ctx, node, own, &mut signing, &mut signed);
                }
            }
            for group in self
                .groups
                .values()
                .flatten()
                .filter(|group| self.takes_part(ctx, agency, group))
            {
                sign_genesis(ctx, agency, group, &mut signing, &mut signed);
                let chain = self.chains(ctx).find(|(known, _)| known.group.name == group.group.name);
                let chain = chain.map(|(_, chain)| &chain.view.governance);
                wishes::sign(ctx, agency, group, chain, &mut signing, &mut signed);
            }
            orders.attestations.extend(signing.order());
        }
        for chain in self.chains.values().flatten() {
            if let Some(signer) = &chain.issuer {
                let mut signing = signing_of(ctx, signer.clone());
                sign_revocations(ctx, chain, &mut signing, &mut signed);
                orders.attestations.extend(signing.order());
            }
        }
        self.signed = signed;
    }

    /// An agency speaks about a group in which it has a seat or a node, or is to have one.
    fn takes_part(&self, ctx: &Context<'_>, agency: &AgencyFacts, group: &GroupFacts) -> bool {
        let Some(object) = ctx.manifests.groups.get(&group.group.name) else {
            return false;
        };
        let (genesis, agreed) = (&object.spec.genesis, object.spec.agreed.as_ref());
        let seats = genesis.committee.iter().flat_map(|committee| &committee.seats);
        let wished = agreed.into_iter().flat_map(|agreed| &agreed.committee);
        let wished = wished.filter(|seat| seat.weight > 0).map(|seat| &seat.agency);
        let mut seats = seats.map(|seat| &seat.agency).chain(wished);
        let mut members = group.group.members.iter();
        seats.any(|seat| seat == agency.name.as_str())
            || members.any(|node| {
                let node = ctx.manifests.nodes.get(node);
                node.is_some_and(|node| node.spec.agency == agency.name.as_str())
            })
    }
}

fn signing_of(ctx: &Context<'_>, signer: Identity) -> Signing {
    let record = ctx.identity(&signer).and_then(|found| found.attestations.as_deref());
    Signing::new(signer, record)
}

fn sign_revocations(ctx: &Context<'_>, chain: &ChainFacts, signing: &mut Signing, signed: &mut Signed) {
    let consortium = &chain.consortium;
    let object = ctx.manifests.consortiums.get(&consortium.name);
    let Some(list) = object.and_then(|object| object.spec.revocations.as_ref()) else {
        return;
    };
    let message = revocations_message(list, &consortium.revocations);
    let subject = ObjectRef::Consortium(consortium.name.clone()).to_string();
    if let Some(signature) = signing.sign(subject, list.sequence, message) {
        let list = Revocations {
            signature: Some(signature),
            ..list.clone()
        };
        signed.revocations.insert(consortium.name.clone(), list);
    }
}

fn sign_agency(ctx: &Context<'_>, agency: &AgencyFacts, signing: &mut Signing, signed: &mut Signed) {
    let identity = ctx.identity(&Identity::AgencyCa(agency.name.clone()));
    let mut external = ExternalAgency {
        certificate: Some(agency.certificate.pem.clone()),
        certificate_signing_request: identity.and_then(|found| found.request.clone()),
        governance_account: Some(agency.governance_account.to_string()),
        trust: None,
        attestation: None,
        genesis: vec![],
        wishes: vec![],
    };
    external.trust = trust::trust(ctx, agency, &external, signing);
    let statement = Statement::agency(agency.name.as_str(), agency.consortium.as_str(), &external);
    let known = ctx.facts(&ObjectRef::Agency(agency.name.clone()));
    let attestation = signing.attest(&statement, known.and_then(|facts| facts.attestation.as_ref()));
    signed
        .agencies
        .extend(attestation.map(|it| (agency.name.clone(), (it, external.trust))));
}

fn sign_node(ctx: &Context<'_>, node: &NodeFacts, own: &OwnNode, signing: &mut Signing, signed: &mut Signed) {
    let external = ExternalNode {
        node_id: Some(node.node_id.to_string()),
        address: given_address(ctx, &node.name, &own.settings),
        certificate: Some(own.certificate.pem.clone()),
        attestation: None,
    };
    let statement = Statement::node(node.name.as_str(), node.agency.as_str(), &external);
    let known = ctx.facts(&ObjectRef::Node(node.name.clone()));
    let attestation = signing.attest(&statement, known.and_then(|facts| facts.attestation.as_ref()));
    signed.nodes.extend(attestation.map(|it| (node.name.clone(), it)));
    signed
        .addresses
        .extend(external.address.map(|address| (node.name.clone(), address)));
}

fn sign_genesis(
    ctx: &Context<'_>,
    agency: &AgencyFacts,
    group: &GroupFacts,
    signing: &mut Signing,
    signed: &mut Signed,
) {
    let (name, hash) = (&group.group.name, group.genesis.hash.to_string());
    let known = ctx.facts(&ObjectRef::Group(name.clone()));
    let known = known.and_then(|facts| facts.attestations.get(&agency.name));
    if let Some(attestation) = signing.attest(&Statement::genesis(name.as_str(), &hash), known) {
        let of_group = signed.groups.entry(name.clone()).or_default();
        of_group.insert(agency.name.clone(), attestation);
    }
}
