//! The chain keys, each once, and their certificates.

use althing_types::NodeId;
use jiff::SignedDuration;

use super::rollover::rollover;
use super::{RegistrarMode, ValidatedConsortium};
use crate::controller::certificate::{self, Certificate, Wish};
use crate::controller::key::{self, Evidence};
use crate::controller::{Context, Hold, Outcome, edition};
use crate::name::ChainKeyName;
use crate::pki::{Profile, Role, inspect};
use crate::plan::{CertificateOrder, Identity, KeyOrder};
use crate::status::{ObjectRef, Reason};

/// A consortium whose chain certificate is there.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainFacts {
    /// The consortium.
    pub consortium: ValidatedConsortium,
    /// The chain certificate that signs now.
    pub issuing: Certificate,
    /// Every chain certificate that is trusted, each once, the issuing one first.
    pub trusted: Vec<Certificate>,
    /// Whose key signs agency certificates, when it is this namespace's. None in the registrar's namespace too, while the certificate
    /// that signs is one whose key a person has already replaced.
    pub issuer: Option<Identity>,
    /// What a rollover of the chain certificate waits for, in words.
    pub waiting: Vec<String>,
}

/// Plans the chain keys and certificates.
pub fn plan(
    ctx: &Context<'_>,
    consortium: ValidatedConsortium,
    keys: &mut Vec<KeyOrder>,
    certificates: &mut Vec<CertificateOrder>,
) -> Outcome<ChainFacts> {
    let mut waiting = vec![];
    let mut own = vec![];
    for (identity, certificate) in own_certificates(ctx, &consortium, keys, certificates) {
        match certificate {
            Ok(certificate) => own.push((identity, certificate)),
            // What is there goes on without it.
            Err(hold) => waiting.push(hold),
        }
    }
    if own.is_empty() && !waiting.is_empty() {
        return Err(waiting.remove(0));
    }
    let current: Vec<Certificate> = own.iter().map(|(_, certificate)| certificate.clone()).collect();
    let rollover = rollover(ctx, &consortium, &current, &former(ctx, &consortium))?;
    let issuing = rollover.trusted.first().cloned();
    let issuing =
        issuing.ok_or_else(|| Hold::field("spec.trust.certificates", "nothing", "at least one chain certificate"))?;
    let mut signers = own.into_iter();
    let issuer = signers.find(|(_, certificate)| certificate.facts.fingerprint == issuing.facts.fingerprint);
    let waiting = waiting.into_iter().map(|hold| match hold {
        Hold::Pending(obstacle) | Hold::Wrong(obstacle) => obstacle.message,
    });
    Ok(ChainFacts {
        issuing,
        issuer: issuer.map(|(identity, _)| identity),
        waiting: waiting.chain(rollover.waiting).collect(),
        trusted: rollover.trusted,
        consortium,
    })
}

/// The certificates of the chain keys that the spec names, in its order.
fn own_certificates(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    keys: &mut Vec<KeyOrder>,
    certificates: &mut Vec<CertificateOrder>,
) -> Vec<(Identity, Outcome<Certificate>)> {
    match &consortium.registrar {
        None => vec![],
        Some(RegistrarMode::Managed {
            validity,
            keys: numbers,
        }) => {
            let identities = numbers.iter().map(|number| chain_ca(consortium, *number));
            let made = identities.map(|identity| {
                let certificate = managed(ctx, consortium, &identity, *validity, keys, certificates);
                (identity, certificate)
            });
            made.collect()
        }
        Some(RegistrarMode::Provided { secret_name }) => {
            let identity = chain_ca(consortium, 1);
            let certificate = provided(ctx, consortium, &identity, secret_name);
            vec![(identity, certificate)]
        }
    }
}

fn chain_ca(consortium: &ValidatedConsortium, number: u16) -> Identity {
    Identity::ChainCa(ChainKeyName::new(consortium.name.clone(), number))
}

fn managed(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    identity: &Identity,
    validity: SignedDuration,
    keys: &mut Vec<KeyOrder>,
    certificates: &mut Vec<CertificateOrder>,
) -> Outcome<Certificate> {
    let wish = Wish {
        subject: identity.clone(),
        public_key: chain_key(ctx, consortium, identity, keys)?,
        issuer: identity.clone(),
        issuer_certificate: None,
        profile: Profile {
            role: Role::Chain,
            organization: consortium.name.to_string(),
            governance_account: None,
        },
        common_name: consortium.name.to_string(),
        dns_names: vec![],
        validity,
        request: None,
    };
    certificate::ensure(ctx, &wish, certificates)
}

/// The certificates of managed keys that the spec names no more.
fn former(ctx: &Context<'_>, consortium: &ValidatedConsortium) -> Vec<Certificate> {
    let Some(RegistrarMode::Managed { keys, .. }) = &consortium.registrar else {
        return vec![];
    };
    let older = 1..keys.last().copied().unwrap_or(1);
    let older = older.filter(|number| !keys.contains(number));
    let read = |number| Certificate::read(certificate_of(ctx, &chain_ca(consortium, number))?).ok();
    older.filter_map(read).collect()
}

/// The certificates of every chain key but one.
fn chain_certificates(ctx: &Context<'_>, consortium: &ValidatedConsortium, but: &Identity) -> Vec<Certificate> {
    let is_chain = |identity: &Identity| matches!(identity, Identity::ChainCa(_));
    // Chain keys are the first of all identities.
    let chains = ctx.observed.identities.keys().take_while(|identity| is_chain(identity));
    let others = chains.filter(|identity| match identity {
        Identity::ChainCa(key) => *key.consortium() == consortium.name && *identity != but,
        _ => false,
    });
    others
        .filter_map(|other| Certificate::read(certificate_of(ctx, other)?).ok())
        .collect()
}

fn certificate_of<'a>(ctx: &Context<'a>, identity: &Identity) -> Option<&'a str> {
    ctx.identity(identity)?.certificate.as_deref()
}

fn chain_key(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    identity: &Identity,
    keys: &mut Vec<KeyOrder>,
) -> Outcome<NodeId> {
    let others: Vec<Certificate> = chain_certificates(ctx, consortium, identity);
    let object = ObjectRef::Consortium(consortium.name.clone());
    let recorded = ctx.facts(&object).and_then(|facts| facts.certificate.as_deref());
    let recorded = recorded
        .and_then(|pem| Certificate::read(pem).ok())
        .and_then(|c| c.facts.public_key)
        .filter(|key| others.iter().all(|other| other.facts.public_key != Some(*key)));
    // Agencies that hold certificates under a chain key prove that it exists, wherever it is now.
    let is_under_another = |pem: &str| {
        let mut others = others.iter();
        others.any(|other| inspect::verify_issued_by(pem, &other.pem).is_ok())
    };
    let agencies = ctx.manifests.agencies.iter().find(|(name, agency)| {
        agency.spec.consortium == consortium.name.as_str()
            && certificate_of(ctx, &Identity::AgencyCa((*name).clone())).is_some_and(|pem| !is_under_another(pem))
    });
    let evidence = Evidence {
        found: agencies.map(|(name, _)| format!("Agency {name} has a certificate under it")),
        recorded,
    };
    key::identity(ctx, identity, Ok(consortium.cryptography), &evidence, keys)
}

/// The key pair that was bought elsewhere.
fn provided(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    identity: &Identity,
    secret_name: &str,
) -> Outcome<Certificate> {
    let observed = ctx.identity(identity);
    let pem = observed.and_then(|observed| observed.certificate.as_deref());
    let key = observed.and_then(|observed| observed.key.public());
    let (Some(pem), Some(key)) = (pem, key) else {
        let text = format!("spec.registrar.secretName: Secret {secret_name} with tls.key and tls.crt is not there yet");
        return Err(Hold::pending(Reason::ReferenceMissing, text));
    };
    let what = |file: &str| format!("Secret {secret_name}, {file}");
    edition::check_key(&what("tls.key"), key.kind(), identity.kind(), consortium.cryptography)?;
    let certificate = Certificate::read(pem)
        .map_err(|error| Hold::wrong(Reason::CertificateInvalid, format!("{}: {error}", what("tls.crt"))))?;
    edition::check_certificate(&what("tls.crt"), &certificate.facts, consortium.cryptography)?;
    match certificate.facts.key() == Some(*key) && certificate.facts.is_ca {
        true => Ok(certificate),
        false => Err(Hold::wrong(
            Reason::CertificateInvalid,
            format!("Secret {secret_name}: tls.crt is not a certificate authority's over the key in tls.key"),
        )),
    }
}
