//! What an agency's clients and its nodes' listeners show each other ([`crate::clients`]): by its own key, or by its client authority's.

use althing_types::NodeId;

use super::ValidatedAgency;
use super::plan::Orders;
use crate::controller::certificate::{self, Certificate, Issuer, Wish};
use crate::controller::key::Evidence;
use crate::controller::{Context, Outcome};
use crate::pki::{Profile, Role};
use crate::plan::Identity;
use crate::status::ObjectRef;

/// The client authority where there is one, else the agency.
pub(super) fn issuer<'a>(
    agency: &ValidatedAgency,
    own: &'a Certificate,
    authority: Option<&'a Certificate>,
) -> Issuer<'a> {
    let name = agency.name.clone();
    match authority {
        Some(certificate) => Issuer {
            identity: Identity::ClientAuthority(name),
            certificate,
        },
        None => Issuer {
            identity: Identity::AgencyCa(name),
            certificate: own,
        },
    }
}

/// What says that the key of a client authority has existed: its certificate in the status, and what was certified under it.
pub(super) fn evidence(ctx: &Context<'_>, agency: &ValidatedAgency) -> Evidence<NodeId> {
    let recorded = ctx.facts(&ObjectRef::Agency(agency.name.clone()));
    let recorded = recorded.and_then(|facts| Certificate::read(facts.client_authority.as_deref()?).ok());
    let own = [Identity::Sdk, Identity::Admin].map(|kind| kind(agency.name.clone()));
    let nodes = ctx.manifests.nodes.iter();
    let nodes = nodes.filter(|(_, node)| node.spec.agency == agency.name.as_str());
    let listeners = nodes.map(|(name, _)| Identity::Listener(name.clone()));
    let mut certified = own.into_iter().chain(listeners).filter(|identity| {
        let found = ctx.identity(identity);
        found.is_some_and(|found| found.certificate.is_some())
    });
    Evidence {
        found: certified.next().map(|it| format!("{it} has a certificate under it")),
        recorded: recorded.and_then(|certificate| certificate.facts.public_key),
    }
}

/// The certificate that a client authority signs for itself. It is renewed over the same key, so that clients that trust the one before
/// trust what is under this one.
pub(super) fn authority_certificate(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    key: &NodeId,
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let identity = Identity::ClientAuthority(agency.name.clone());
    let wish = Wish {
        subject: identity.clone(),
        public_key: *key,
        issuer: identity,
        issuer_certificate: None,
        profile: profile(agency, Role::ClientAuthority),
        common_name: agency.name.to_string(),
        dns_names: vec![],
        validity: Role::ClientAuthority.validity(),
        request: None,
    };
    certificate::ensure(ctx, &wish, &mut orders.certificates)
}

/// The certificate of applications or administrators.
pub(super) fn leaf(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    issuer: &Issuer<'_>,
    (subject, role, public_key): (Identity, Role, NodeId),
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let wish = Wish {
        subject,
        public_key,
        issuer: issuer.identity.clone(),
        issuer_certificate: Some(issuer.certificate),
        profile: profile(agency, role),
        common_name: format!("{}-{}", agency.name, role.as_str()),
        dns_names: vec![],
        validity: role.validity(),
        request: None,
    };
    certificate::ensure(ctx, &wish, &mut orders.certificates)
}

fn profile(agency: &ValidatedAgency, role: Role) -> Profile {
    Profile {
        role,
        organization: agency.consortium.to_string(),
        governance_account: None,
    }
}
