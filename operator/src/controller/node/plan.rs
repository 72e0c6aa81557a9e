//! A node's key, once, and its certificate by its agency.

use std::collections::BTreeMap;
use std::iter;

use althing_types::NodeId;

use super::{NodeForm, OwnSettings, ValidatedNode};
use crate::controller::agency::{AgencyFacts, Orders};
use crate::controller::certificate::{self, Certificate, Issuer, Wish};
use crate::controller::key::{self, Evidence};
use crate::controller::{Context, Hold, Outcome, edition};
use crate::name::{AgencyName, NodeName};
use crate::pki::{Profile, Role};
use crate::plan::{Endpoint, Identity, RpcSecurity};
use crate::status::{ObjectRef, Reason};

/// A node that is known: its identity, and what is needed to run it when it is this namespace's.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFacts {
    /// Its name.
    pub name: NodeName,
    /// Its agency.
    pub agency: AgencyName,
    /// Its identity.
    pub node_id: NodeId,
    /// This namespace's part.
    pub own: Option<OwnNode>,
}

/// What an own node runs with.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnNode {
    /// Its certificate.
    pub certificate: Certificate,
    /// Its agency's certificate.
    pub agency_certificate: Certificate,
    /// What its listener shows clients, where that is not the node's certificate ([`crate::clients`]).
    pub listener: Option<Listener>,
    /// Where it stands.
    pub endpoint: Endpoint,
    /// What its manifest says.
    pub settings: OwnSettings,
}

/// The listener of a node whose clients know it by other certificates than its peers do.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Its certificate.
    pub certificate: Certificate,
    /// The certificate of the agency's client authority, which issued it and those of clients.
    pub authority: Certificate,
}

/// The identity of a node, as soon as it is known: a genesis needs no certificate.
pub fn identity(ctx: &Context<'_>, node: &ValidatedNode, orders: &mut Orders) -> Outcome<NodeId> {
    match &node.form {
        NodeForm::External { node_id, .. } => node_id.ok_or_else(|| {
            Hold::pending(
                Reason::ReferenceMissing,
                "spec.external: neither nodeId nor certificate is given yet",
            )
        }),
        NodeForm::Own(_) => {
            let recorded = ctx
                .facts(&ObjectRef::Node(node.name.clone()))
                .and_then(|facts| facts.node_id);
            let evidence = Evidence {
                found: evidence(ctx, node),
                recorded,
            };
            let identity = Identity::Node(node.name.clone());
            let edition = edition::of_agency(ctx, node.agency.as_str());
            key::identity(ctx, &identity, edition, &evidence, &mut orders.keys)
        }
    }
}

/// What speaks of a node's key without holding it.
fn evidence(ctx: &Context<'_>, node: &ValidatedNode) -> Option<String> {
    if ctx.observed.data.contains(&node.name) {
        return Some("its data is there".to_owned());
    }
    if ctx.observed.processes.contains_key(&node.name) {
        return Some("it has run".to_owned());
    }
    let mut groups = ctx.manifests.groups.iter().filter(|(name, group)| {
        ctx.observed.genesis.contains_key(*name) && group.spec.genesis.sealers.iter().any(|s| s == node.name.as_str())
    });
    groups
        .next()
        .map(|(name, _)| format!("the genesis of Group {name} names it"))
}

/// The agency of a node, when it is ready.
pub(super) fn agency_of<'a>(
    node: &ValidatedNode,
    agencies: &'a BTreeMap<AgencyName, Outcome<AgencyFacts>>,
) -> Outcome<&'a AgencyFacts> {
    match agencies.get(&node.agency) {
        Some(Ok(agency)) => Ok(agency),
        Some(Err(_)) => Err(Hold::not_ready("spec.agency", "Agency", &node.agency)),
        None => Err(Hold::missing("spec.agency", "Agency", &node.agency)),
    }
}

/// Plans one node whose identity is known; somebody else's has been accepted before.
pub fn plan(
    ctx: &Context<'_>,
    node: &ValidatedNode,
    node_id: NodeId,
    agencies: &BTreeMap<AgencyName, Outcome<AgencyFacts>>,
    orders: &mut Orders,
) -> Outcome<NodeFacts> {
    let agency = agency_of(node, agencies)?;
    let facts = |own| NodeFacts {
        name: node.name.clone(),
        agency: node.agency.clone(),
        node_id,
        own,
    };
    let settings = match &node.form {
        NodeForm::External { .. } => return Ok(facts(None)),
        NodeForm::Own(settings) => settings,
    };
    if !agency.is_own {
        let text = format!(
            "spec.agency: Agency {} is somebody else's; its nodes need spec.external",
            node.agency
        );
        return Err(Hold::wrong(Reason::InvalidSpec, text));
    }
    let endpoint = ctx
        .placement
        .get(&node.name)
        .cloned()
        .ok_or_else(|| Hold::pending(Reason::DependencyNotReady, "the node has no place to listen at yet"))?;
    let by_agency = Issuer {
        identity: Identity::AgencyCa(node.agency.clone()),
        certificate: &agency.certificate,
    };
    let subject = Identity::Node(node.name.clone());
    let certificate = leaf(ctx, agency, &endpoint, (subject, node_id), &by_agency, orders);
    let listener = listener(ctx, node, agency, &endpoint, orders);
    let (certificate, listener) = (certificate?, listener.transpose()?);
    Ok(facts(Some(OwnNode {
        certificate,
        agency_certificate: agency.certificate.clone(),
        listener,
        endpoint,
        settings: settings.clone(),
    })))
}

/// The listener's own key and certificate; none where the node's serve clients, or clients are served in plain.
fn listener(
    ctx: &Context<'_>,
    node: &ValidatedNode,
    agency: &AgencyFacts,
    endpoint: &Endpoint,
    orders: &mut Orders,
) -> Option<Outcome<Listener>> {
    let authority = agency.client_authority.as_ref();
    let authority = authority.filter(|_| endpoint.rpc_security == RpcSecurity::Tls)?;
    let subject = Identity::Listener(node.name.clone());
    let edition = edition::of_agency(ctx, node.agency.as_str());
    let key = key::identity(ctx, &subject, edition, &Evidence::default(), &mut orders.keys);
    let issuer = Issuer {
        identity: Identity::ClientAuthority(node.agency.clone()),
        certificate: authority,
    };
    let certificate = key.and_then(|key| leaf(ctx, agency, endpoint, (subject, key), &issuer, orders));
    Some(certificate.map(|certificate| Listener {
        certificate,
        authority: authority.clone(),
    }))
}

/// A certificate with the names that the node is reached by.
fn leaf(
    ctx: &Context<'_>,
    agency: &AgencyFacts,
    endpoint: &Endpoint,
    (subject, public_key): (Identity, NodeId),
    issuer: &Issuer<'_>,
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let name = subject.owner().to_owned();
    let others = endpoint.dns_names.iter().filter(|other| **other != name);
    let dns_names = iter::once(&name).chain(others).cloned().collect();
    let wish = Wish {
        subject,
        public_key,
        issuer: issuer.identity.clone(),
        issuer_certificate: Some(issuer.certificate),
        profile: Profile {
            role: Role::Node,
            organization: agency.consortium.to_string(),
            governance_account: None,
        },
        common_name: name,
        dns_names,
        validity: Role::Node.validity(),
        request: None,
    };
    certificate::ensure(ctx, &wish, &mut orders.certificates)
}
