//! The chain key, once, and the chain certificate.

use althing_types::NodeId;

use super::{RegistrarMode, ValidatedConsortium};
use crate::controller::certificate::{self, Certificate, Wish};
use crate::controller::key::{self, Evidence};
use crate::controller::{Context, Hold, Outcome};
use crate::pki::{Profile, Role};
use crate::plan::{CertificateOrder, Identity, KeyOrder, PublicKey};
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
    /// Who signs agency certificates, when it is this namespace.
    pub issuer: Option<Identity>,
}

/// Plans the chain key and certificate.
pub fn plan(
    ctx: &Context<'_>,
    consortium: ValidatedConsortium,
    keys: &mut Vec<KeyOrder>,
    certificates: &mut Vec<CertificateOrder>,
) -> Outcome<ChainFacts> {
    let identity = Identity::ChainCa(consortium.name.clone());
    let own = match &consortium.registrar {
        None => None,
        Some(RegistrarMode::Managed { validity }) => {
            let public_key = chain_key(ctx, &consortium, &identity, keys)?;
            let wish = Wish {
                subject: identity.clone(),
                public_key,
                issuer: identity.clone(),
                issuer_certificate: None,
                profile: Profile {
                    role: Role::Chain,
                    organization: consortium.name.to_string(),
                    governance_account: None,
                },
                common_name: consortium.name.to_string(),
                dns_names: vec![],
                validity: *validity,
                request: None,
            };
            Some(certificate::ensure(ctx, &wish, certificates)?)
        }
        Some(RegistrarMode::Provided { secret_name }) => Some(provided(ctx, &identity, secret_name)?),
    };
    let issuer = own.is_some().then_some(identity);
    let issuing = match (&own, &consortium.issuing) {
        (Some(own), _) => Some(own.clone()),
        (None, Some(fingerprint)) => consortium
            .trusted
            .iter()
            .find(|c| c.facts.fingerprint == *fingerprint)
            .cloned(),
        (None, None) => consortium.trusted.first().cloned(),
    };
    let issuing =
        issuing.ok_or_else(|| Hold::field("spec.trust.certificates", "nothing", "at least one chain certificate"))?;
    let mut trusted = vec![issuing.clone()];
    for certificate in &consortium.trusted {
        if trusted
            .iter()
            .all(|known| known.facts.fingerprint != certificate.facts.fingerprint)
        {
            trusted.push(certificate.clone());
        }
    }
    Ok(ChainFacts {
        issuing,
        trusted,
        issuer,
        consortium,
    })
}

fn chain_key(
    ctx: &Context<'_>,
    consortium: &ValidatedConsortium,
    identity: &Identity,
    keys: &mut Vec<KeyOrder>,
) -> Outcome<NodeId> {
    let object = ObjectRef::Consortium(consortium.name.clone());
    let recorded = ctx.facts(&object).and_then(|facts| facts.certificate.as_deref());
    let recorded = recorded
        .and_then(|pem| Certificate::read(pem).ok())
        .and_then(|c| c.facts.public_key);
    // Agencies that hold certificates under a chain key prove that it exists, wherever it is now.
    let agencies = ctx.manifests.agencies.iter().find(|(name, agency)| {
        let has_certificate = |observed: &crate::plan::ObservedIdentity| observed.certificate.is_some();
        agency.spec.consortium == consortium.name.as_str()
            && ctx
                .identity(&Identity::AgencyCa((*name).clone()))
                .is_some_and(has_certificate)
    });
    let evidence = Evidence {
        found: agencies.map(|(name, _)| format!("Agency {name} has a certificate under it")),
        recorded: recorded.map(PublicKey::P256),
    };
    match key::ensure(ctx, identity, &evidence, keys)? {
        PublicKey::P256(public_key) => Ok(public_key),
        PublicKey::Account(_) => Err(Hold::wrong(
            Reason::KeyUnreadable,
            format!("the key of {identity} is of another curve"),
        )),
    }
}

/// The key pair that was bought elsewhere.
fn provided(ctx: &Context<'_>, identity: &Identity, secret_name: &str) -> Outcome<Certificate> {
    let observed = ctx.identity(identity);
    let pem = observed.and_then(|observed| observed.certificate.as_deref());
    let key = observed.and_then(|observed| observed.key.public());
    let (Some(pem), Some(key)) = (pem, key) else {
        let text = format!("spec.registrar.secretName: Secret {secret_name} with tls.key and tls.crt is not there yet");
        return Err(Hold::pending(Reason::ReferenceMissing, text));
    };
    let certificate = Certificate::read(pem).map_err(|error| {
        Hold::wrong(
            Reason::CertificateInvalid,
            format!("Secret {secret_name}, tls.crt: {error}"),
        )
    })?;
    match certificate.facts.public_key.map(PublicKey::P256) == Some(*key) && certificate.facts.is_ca {
        true => Ok(certificate),
        false => Err(Hold::wrong(
            Reason::CertificateInvalid,
            format!("Secret {secret_name}: tls.crt is not a certificate authority's over the P-256 key in tls.key"),
        )),
    }
}
