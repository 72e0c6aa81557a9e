//! Somebody else's agency: public facts, accepted when its key stands behind them.

use std::collections::BTreeMap;

use althing_crds::v1alpha1::ExternalAgency;
use althing_types::Address;

use super::ValidatedAgency;
use super::plan::{AgencyFacts, Orders, agency_profile, check_under_chain, kept_certificate, within_dates};
use crate::controller::attestation::{self, Before, Statement};
use crate::controller::certificate::{self, Certificate, Wish};
use crate::controller::consortium::ChainFacts;
use crate::controller::{Context, Hold, Outcome, edition};
use crate::name::AgencyName;
use crate::pki::{Request, Role};
use crate::plan::Identity;
use crate::status::{Facts, ObjectRef, Reason};

/// What a manifest says of somebody else's agency.
#[derive(Clone, Copy)]
pub(super) struct ExternalForm<'a> {
    pub(super) certificate: Option<&'a Certificate>,
    pub(super) request: Option<&'a (Request, String)>,
    pub(super) governance_account: Option<Address>,
}

/// Somebody else's agency: its certificate is checked, or its request is answered when it was admitted. The registrar goes on answering
/// an admitted request beside the certificate: what it issues anew is told until the agency has taken it home.
pub(super) fn external(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chain: &ChainFacts,
    form: ExternalForm<'_>,
    accounts: &mut BTreeMap<AgencyName, Address>,
    orders: &mut Orders,
) -> Outcome<AgencyFacts> {
    let is_admitted = |request: &Request| {
        let admitted = chain.consortium.admitted.get(&agency.name);
        chain.issuer.is_some() && admitted == Some(&request.fingerprint)
    };
    let certificate = match (form.certificate, form.request) {
        (told, Some((request, pem))) if told.is_none() || is_admitted(request) => {
            answer(ctx, agency, chain, request, pem, orders)?
        }
        (Some(certificate), _) => {
            check_under_chain("spec.external.certificate", certificate, chain)?;
            within_dates(ctx, "spec.external.certificate", certificate)?
        }
        (None, _) => {
            return Err(Hold::field(
                "spec.external",
                "neither",
                "certificate or certificateSigningRequest",
            ));
        }
    };
    let facts = match accepted(ctx, agency, certificate, form.governance_account) {
        Ok(facts) => facts,
        Err(hold) => in_force(ctx, agency, chain, hold)?,
    };
    accounts.insert(agency.name.clone(), facts.governance_account);
    Ok(facts)
}

/// The facts of an agency, when its own key stands behind them.
fn accepted(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    certificate: Certificate,
    stated: Option<Address>,
) -> Outcome<AgencyFacts> {
    let governance_account = match (certificate.facts.governance_account, stated) {
        (Some(signed), Some(stated)) if signed != stated => {
            let found = format!("{stated:#x}");
            let accepted = format!("{signed:#x}, which the agency's certificate names");
            return Err(Hold::field("spec.external.governanceAccount", found, &accepted));
        }
        (Some(account), _) | (None, Some(account)) => account,
        (None, None) => {
            return Err(Hold::field(
                "spec.external.governanceAccount",
                "nothing",
                "0x and 40 hex digits",
            ));
        }
    };
    let object = ctx.manifests.agencies.get(&agency.name);
    let external = object.and_then(|object| object.spec.external.as_ref());
    if let Some(external) = external {
        check_attested(ctx, agency, external, &certificate)?;
    }
    Ok(AgencyFacts {
        name: agency.name.clone(),
        consortium: agency.consortium.clone(),
        certificate,
        governance_account,
        is_own: false,
        client_authority: None,
        attestation: external.and_then(|external| external.attestation.clone()),
        genesis: external.map(|external| external.genesis.clone()).unwrap_or_default(),
        wishes: external.map(|external| external.wishes.clone()).unwrap_or_default(),
        held: None,
    })
}

/// Everything that the agency's key has to stand behind.
fn check_attested(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    external: &ExternalAgency,
    certificate: &Certificate,
) -> Outcome<()> {
    let known = ctx.facts(&ObjectRef::Agency(agency.name.clone()));
    let key = certificate.facts.key();
    let known_key = known.and_then(known_certificate).and_then(|it| it.facts.key());
    if let Some(known) = known_key.filter(|known| Some(*known) != key) {
        let text = format!(
            "Agency/{}: spec.external.certificate: found a certificate over another key; accepted: one over the key that is known under this name, {}…. Two agencies claim one name, or this bundle is not the agency's",
            agency.name,
            known.node_id().map(|id| id.short()).unwrap_or_default()
        );
        return Err(Hold::wrong(Reason::KeyMismatch, text));
    }
    // First contact: the request was confirmed by its fingerprint, and no certificate existed to sign under.
    let newest = known.and_then(|facts| facts.attestation.as_ref());
    let is_first = external.certificate.is_none() && external.attestation.is_none() && newest.is_none();
    if !is_first {
        let before = Before { key, newest };
        let statement = Statement::agency(agency.name.as_str(), agency.consortium.as_str(), external);
        attestation::check(attestation::FIELD, external.attestation.as_ref(), &statement, before)?;
    }
    attestation::check_genesis(&external.genesis, key)?;
    let owner = |node: &str| Some(ctx.manifests.nodes.get(node)?.spec.agency.as_str());
    attestation::check_wishes(agency.name.as_str(), &external.wishes, key, owner)
}

fn known_certificate(known: &Facts) -> Option<Certificate> {
    Certificate::read(known.certificate.as_deref()?).ok()
}

/// What was accepted last stays in force beside a manifest that is refused: a Git revert, or a swapped account, takes nobody's
/// voice or nodes away.
fn in_force(ctx: &Context<'_>, agency: &ValidatedAgency, chain: &ChainFacts, hold: Hold) -> Outcome<AgencyFacts> {
    let known = ctx.facts(&ObjectRef::Agency(agency.name.clone()));
    let certificate = known.and_then(known_certificate);
    // The chain key signed the account in the certificate; a status is open to whoever may write it.
    let account = certificate.as_ref().and_then(|it| it.facts.governance_account);
    let account = account.or_else(|| known?.governance_account);
    let (Some(certificate), Some(governance_account)) = (certificate, account) else {
        return Err(hold);
    };
    check_under_chain("status.certificate", &certificate, chain)?;
    Ok(AgencyFacts {
        name: agency.name.clone(),
        consortium: agency.consortium.clone(),
        certificate,
        governance_account,
        is_own: false,
        client_authority: None,
        attestation: known.and_then(|facts| facts.attestation.clone()),
        genesis: vec![],
        wishes: vec![],
        held: Some(hold),
    })
}

/// Signs the request of an admitted agency.
fn answer(
    ctx: &Context<'_>,
    agency: &ValidatedAgency,
    chain: &ChainFacts,
    request: &Request,
    pem: &str,
    orders: &mut Orders,
) -> Outcome<Certificate> {
    let Some(issuer) = &chain.issuer else {
        if chain.consortium.registrar.is_some() {
            return kept_certificate(ctx, agency, chain);
        }
        let text = "spec.external has a request and no certificate yet; the registrar is elsewhere";
        return Err(Hold::pending(Reason::AwaitingCertificate, text));
    };
    match chain.consortium.admitted.get(&agency.name) {
        Some(fingerprint) if *fingerprint == request.fingerprint => {}
        admitted => {
            let found = admitted.map_or_else(
                || "nobody".to_owned(),
                |fingerprint| format!("fingerprint {fingerprint}"),
            );
            let text = format!(
                "spec.registrar.admit of Consortium {} admits {found}; the request of {} has fingerprint {}: confirm it over another channel, then admit it",
                chain.consortium.name, agency.name, request.fingerprint
            );
            return Err(Hold::pending(Reason::AwaitingCertificate, text));
        }
    }
    if request.common_name != agency.name.as_str() {
        let found = format!("a request of {:?}", request.common_name);
        let accepted = format!("one of {}", agency.name);
        return Err(Hold::field("spec.external.certificateSigningRequest", found, &accepted));
    }
    let field = "spec.external.certificateSigningRequest";
    edition::check_request(field, request, chain.consortium.cryptography)?;
    let wish = Wish {
        subject: Identity::AgencyCa(agency.name.clone()),
        public_key: request.public_key,
        issuer: issuer.clone(),
        issuer_certificate: Some(&chain.issuing),
        profile: agency_profile(agency, request.governance_account),
        common_name: request.common_name.clone(),
        dns_names: vec![],
        validity: Role::Agency.validity(),
        request: Some(pem.to_owned()),
    };
    certificate::ensure(ctx, &wish, &mut orders.certificates)
}
