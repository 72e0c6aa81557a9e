//! An agency's keys, its certificate by whoever keeps the chain key, and its applications' and administrators' certificates.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::{Attestation, SignedGenesis, SignedWishes};
use althing_types::{Address, NodeId};

use super::clients;
use super::external::{ExternalForm, external};
use super::{AgencyForm, ValidatedAgency};
use crate::controller::certificate::{self, Certificate, Wish};
use crate::controller::consortium::ChainFacts;
use crate::controller::key::{self, Evidence};
use crate::controller::{Context, Hold, Outcome, edition};
use crate::name::{AgencyName, ConsortiumName};
use crate::pki::{Profile, Request, Role, inspect, request};
use crate::plan::{AttestationOrder, CertificateOrder, Identity, KeyOrder, RequestOrder, Step};
use crate::status::{ObjectRef, Reason};

/// What has to be made before files can be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    /// Keys.
    pub keys: Vec<KeyOrder>,
    /// Requests.
    pub requests: Vec<RequestOrder>,
    /// Certificates.
    pub certificates: Vec<CertificateOrder>,
    /// Certificates that came from outside.
    pub kept: Vec<Step>,
    /// What agencies sign for others.
    pub attestations: Vec<AttestationOrder>,
}

/// An agency whose certificate is there.
#[derive(Clone, Debug, PartialEq)]
pub struct AgencyFacts {
    /// Its name.
    pub name: AgencyName,
    /// Its consortium.
    pub consortium: ConsortiumName,
    /// Its certificate.
    pub certificate: Certificate,
    /// Its account on the chain.
    pub governance_account: Address,
    /// Whether its keys are in this namespace.
    pub is_own: bool,
    /// Own: the certificate of its client authority, where it has one ([`crate::clients`]).
    pub client_authority: Option<Certificate>,
    /// Somebody else's: the newest attestation that was accepted.
    pub attestation: Option<Attestation>,
    /// Somebody else's: the genesis hashes it signed, all checked.
    pub genesis: Vec<SignedGenesis>,
    /// Somebody else's: what it asks for, all checked.
    pub wishes: Vec<SignedWishes>,
    /// What its sdk and admin certificates wait for, or why its manifest is refused and what was known before holds; its nodes
    /// do not wait with them.
    pub held: Option<Hold>,
}

/// Plans one agency. `accounts` learns the governance account as soon as it is known: a genesis needs no certificate.
pub fn plan(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chains: &BTreeMap<ConsortiumName, Outcome<ChainFacts>>,
    accounts: &mut BTreeMap<AgencyName, Address>,
    orders: &mut Orders,
) -> Outcome<AgencyFacts> {
    match &agency.form {
        AgencyForm::Own { certificate } => {
            let keys = own_keys(ctx, agency, orders)?;
            accounts.insert(agency.name.clone(), keys.governance_account);
            let chain = chain_of(agency, chains)?;
            // Two authorities that do not wait for each other.
            let authority = keys.clients.as_ref();
            let authority = authority.map(|key| clients::authority_certificate(ctx, agency, key, orders));
            let certificate = own_certificate(ctx, agency, chain, &keys, certificate.as_ref(), orders)?;
            let client_authority = authority.transpose()?;
            let issuer = clients::issuer(agency, &certificate, client_authority.as_ref());
            let leaves = [
                (Identity::Sdk(agency.name.clone()), Role::Sdk, keys.sdk),
                (Identity::Admin(agency.name.clone()), Role::Admin, keys.admin),
            ];
            let held = leaves
                .map(|(subject, role, key)| clients::leaf(ctx, agency, &issuer, (subject, role, key), orders).err());
            Ok(AgencyFacts {
                name: agency.name.clone(),
                consortium: agency.consortium.clone(),
                certificate,
                governance_account: keys.governance_account,
                is_own: true,
                client_authority,
                attestation: None,
                genesis: vec![],
                wishes: vec![],
                held: held.into_iter().flatten().next(),
            })
        }
        AgencyForm::External {
            certificate,
            request,
            governance_account,
        } => {
            let chain = chain_of(agency, chains)?;
            let form = ExternalForm {
                certificate: certificate.as_ref(),
                request: request.as_ref(),
                governance_account: *governance_account,
            };
            external(ctx, agency, chain, form, accounts, orders)
        }
    }
}

fn chain_of<'a>(
    agency: &ValidatedAgency,
    chains: &'a BTreeMap<ConsortiumName, Outcome<ChainFacts>>,
) -> Outcome<&'a ChainFacts> {
    match chains.get(&agency.consortium) {
        Some(Ok(chain)) => Ok(chain),
        Some(Err(_)) => Err(Hold::not_ready("spec.consortium", "Consortium", &agency.consortium)),
        None => Err(Hold::missing("spec.consortium", "Consortium", &agency.consortium)),
    }
}

struct OwnKeys {
    agency: NodeId,
    /// Of its client authority, where it has one.
    clients: Option<NodeId>,
    sdk: NodeId,
    admin: NodeId,
    governance_account: Address,
}

/// All keys of an agency; all missing ones are ordered at once.
fn own_keys(ctx: &Context<'_>, agency: &ValidatedAgency, orders: &mut Orders) -> Outcome<OwnKeys> {
    let facts = ctx.facts(&ObjectRef::Agency(agency.name.clone()));
    let recorded = facts.and_then(|facts| facts.governance_account);
    let recorded_key = facts.and_then(|facts| facts.certificate.as_deref());
    let recorded_key = recorded_key
        .and_then(|pem| Certificate::read(pem).ok())
        .and_then(|c| c.facts.public_key);
    let edition = || edition::of_consortium(ctx, agency.consortium.as_str());
    let name = || agency.name.clone();
    let identity = |identity: Identity, evidence: Evidence<NodeId>, orders: &mut Orders| {
        key::identity(ctx, &identity, edition(), &evidence, &mut orders.keys)
    };
    let certified = Evidence {
        found: node_evidence(ctx, agency),
        recorded: recorded_key,
    };
    let ca = identity(Identity::AgencyCa(name()), certified, orders);
    let seated = Evidence {
        found: seat_evidence(ctx, agency),
        recorded,
    };
    let governance = key::account(ctx, &Identity::Governance(name()), edition(), &seated, &mut orders.keys);
    let authority = ctx.manifests.client_authority(&agency.name);
    let authority = authority.map(|authority| identity(authority, clients::evidence(ctx, agency), orders));
    let sdk = identity(Identity::Sdk(name()), Evidence::default(), orders);
    let admin = identity(Identity::Admin(name()), Evidence::default(), orders);
    Ok(OwnKeys {
        agency: ca?,
        clients: authority.transpose()?,
        governance_account: governance?,
        sdk: sdk?,
        admin: admin?,
    })
}

/// Nodes that hold certificates under an agency's key prove that it exists.
fn node_evidence(ctx: &Context<'_>, agency: &ValidatedAgency) -> Option<String> {
    let nodes = ctx
        .manifests
        .nodes
        .iter()
        .filter(|(_, node)| node.spec.agency == agency.name.as_str());
    let mut certified = nodes.filter(|(name, _)| {
        ctx.identity(&Identity::Node((*name).clone()))
            .is_some_and(|observed| observed.certificate.is_some())
    });
    certified
        .next()
        .map(|(name, _)| format!("Node {name} has a certificate under it"))
}

/// A recorded genesis with a seat of the agency holds its account for ever.
fn seat_evidence(ctx: &Context<'_>, agency: &ValidatedAgency) -> Option<String> {
    let groups = ctx
        .manifests
        .groups
        .iter()
        .filter(|(name, _)| ctx.observed.genesis.contains_key(*name));
    let mut seated = groups.filter(|(_, group)| {
        let seats = group
            .spec
            .genesis
            .committee
            .iter()
            .flat_map(|committee| &committee.seats);
        seats.into_iter().any(|seat| seat.agency == agency.name.as_str())
    });
    seated
        .next()
        .map(|(name, _)| format!("the genesis of Group {name} names its account"))
}

fn own_certificate(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chain: &ChainFacts,
    keys: &OwnKeys,
    answer: Option<&Certificate>,
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let subject = Identity::AgencyCa(agency.name.clone());
    let Some(issuer) = &chain.issuer else {
        return match chain.consortium.registrar {
            Some(_) => kept_certificate(ctx, agency, chain),
            None => certificate_from_elsewhere(ctx, agency, chain, keys, answer, orders),
        };
    };
    let wish = Wish {
        subject,
        public_key: keys.agency,
        issuer: issuer.clone(),
        issuer_certificate: Some(&chain.issuing),
        profile: agency_profile(agency, keys.governance_account),
        common_name: agency.name.to_string(),
        dns_names: vec![],
        validity: Role::Agency.validity(),
        request: None,
    };
    certificate::ensure(ctx, &wish, &mut orders.certificates)
}

/// The certificate that is there: the chain certificate that signs now has lost its key, and the next one does not sign yet.
pub(super) fn kept_certificate(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chain: &ChainFacts,
) -> Outcome<Certificate> {
    let found = ctx.identity(&Identity::AgencyCa(agency.name.clone()));
    let found = found
        .and_then(|found| found.certificate.as_deref())
        .and_then(|pem| Certificate::read(pem).ok());
    let found = found.ok_or_else(|| {
        let text = format!(
            "the certificate waits for Consortium {}: {}",
            chain.consortium.name,
            chain.waiting.join("; ")
        );
        Hold::pending(Reason::RolloverWaits, text)
    })?;
    check_under_chain("the agency's certificate", &found, chain)?;
    within_dates(ctx, "the agency's certificate", &found)
}

pub(super) fn agency_profile(agency: &ValidatedAgency, account: Address) -> Profile {
    Profile {
        role: Role::Agency,
        organization: agency.consortium.to_string(),
        governance_account: Some(account),
    }
}

/// The chain key is elsewhere: a request goes out, `spec.certificate` is the answer.
fn certificate_from_elsewhere(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chain: &ChainFacts,
    keys: &OwnKeys,
    answer: Option<&Certificate>,
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let identity = Identity::AgencyCa(agency.name.clone());
    let made = ctx.identity(&identity).and_then(|observed| observed.request.as_deref());
    let fits =
        |request: &Request| request.public_key == keys.agency && request.governance_account == keys.governance_account;
    if !made
        .and_then(|pem| request::verify(pem).ok())
        .is_some_and(|request| fits(&request))
    {
        orders.requests.push(RequestOrder {
            identity: identity.clone(),
            common_name: agency.name.to_string(),
            organization: agency.consortium.to_string(),
            governance_account: keys.governance_account,
        });
    }
    let Some(answer) = answer else {
        let text = "status.certificateSigningRequest waits for the registrar; put its answer into spec.certificate";
        return Err(Hold::pending(Reason::AwaitingCertificate, text));
    };
    let field = "spec.certificate";
    check_under_chain(field, answer, chain)?;
    if answer.facts.public_key != Some(keys.agency) {
        return Err(Hold::field(
            field,
            "a certificate over another key",
            "the answer to status.certificateSigningRequest",
        ));
    }
    // An authority may leave the account out; then the agency's own signature over its bundle stands for it.
    let named = answer.facts.governance_account;
    if named.is_some_and(|account| account != keys.governance_account) {
        return Err(Hold::field(
            field,
            "another governance account",
            "the answer to status.certificateSigningRequest",
        ));
    }
    let kept = ctx
        .identity(&identity)
        .and_then(|observed| observed.certificate.as_deref())
        .and_then(|pem| Certificate::read(pem).ok());
    // The same certificate, whatever stands around it in either text.
    if kept.is_none_or(|kept| kept.facts.fingerprint != answer.facts.fingerprint) {
        orders.kept.push(Step::KeepCertificate {
            subject: identity,
            certificate: answer.pem.clone(),
        });
        return Err(Hold::pending(
            Reason::Progressing,
            "the agency's certificate is being kept",
        ));
    }
    within_dates(ctx, field, answer)
}

pub(super) fn within_dates(ctx: &Context<'_>, field: &str, certificate: &Certificate) -> Outcome<Certificate> {
    match certificate.facts.holds_at(ctx.now) {
        true => Ok(certificate.clone()),
        false => Err(Hold::wrong(
            Reason::CertificateExpired,
            format!(
                "{field}: holds from {} to {}; a new one is needed",
                certificate.facts.not_before, certificate.facts.not_after
            ),
        )),
    }
}

pub(super) fn check_under_chain(field: &str, certificate: &Certificate, chain: &ChainFacts) -> Outcome<()> {
    edition::check_certificate(field, &certificate.facts, chain.consortium.cryptography)?;
    let verify = |trusted: &Certificate| inspect::verify_issued_by(&certificate.pem, &trusted.pem);
    let mut errors = vec![];
    for trusted in &chain.trusted {
        match verify(trusted) {
            Ok(()) if certificate.facts.is_ca => return Ok(()),
            Ok(()) => {
                return Err(Hold::field(
                    field,
                    "a certificate that may not issue",
                    "an agency certificate",
                ));
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    let text = format!(
        "{field}: not under a trusted chain certificate of {}: {}",
        chain.consortium.name,
        errors.join("; ")
    );
    Err(Hold::wrong(Reason::CertificateInvalid, text))
}
