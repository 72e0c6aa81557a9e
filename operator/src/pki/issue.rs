//! Issuing: a certificate order and two keys → a certificate in PEM.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, SanType, SerialNumber,
};

use super::inspect::{self, InspectError};
use super::key::{PrivateKey, SubjectKey};
use super::profile::{Profile, Role};
use crate::plan::{CertificateOrder, PublicKey};

/// The URI under which an agency's certificate and request name its governance account, before the `0x…` address.
pub(super) const GOVERNANCE_URI: &str = "urn:althing:governance:";
/// Bytes of a serial number; RFC 5280 allows 20, the first bit stays 0.
const SERIAL_BYTES: usize = 16;

/// Why a certificate cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// An account's key signs no certificates.
    #[error("{0} cannot sign certificates: its key is no P-256 key")]
    WrongCurve(String),
    /// The issuer's certificate cannot be read.
    #[error("the certificate of {issuer}: {source}")]
    Issuer {
        /// The issuer.
        issuer: String,
        /// Why.
        source: InspectError,
    },
    /// The issuer's certificate is of another key.
    #[error("the certificate of {0} belongs to another key than the one that would sign")]
    IssuerKey(String),
    /// The validity ends before it begins.
    #[error("the certificate of {subject} would hold from {from} to {to}")]
    Validity {
        /// The subject.
        subject: String,
        /// Its begin.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
    },
    /// A name that no certificate can carry.
    #[error("the certificate of {subject} cannot be written: {why}")]
    Encoding {
        /// The subject.
        subject: String,
        /// Why.
        why: String,
    },
}

/// Who signs.
#[derive(Debug)]
pub struct IssuerMaterial<'a> {
    /// Its key.
    pub key: &'a PrivateKey,
    /// Its certificate in PEM; none when the order is self-signed.
    pub certificate: Option<&'a str>,
}

/// Issues the certificate: `subject` is the public half of the subject's key, serials come from `entropy`. Returns PEM.
pub fn issue(
    order: &CertificateOrder,
    subject: &PublicKey,
    issuer: &IssuerMaterial<'_>,
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<String, IssueError> {
    let encoding = |e: rcgen::Error| IssueError::Encoding {
        subject: order.subject.to_string(),
        why: e.to_string(),
    };
    let PublicKey::P256(subject_id) = subject else {
        return Err(IssueError::WrongCurve(order.subject.to_string()));
    };
    let signer = issuer
        .key
        .signer()
        .ok_or_else(|| IssueError::WrongCurve(order.issuer.to_string()))?;
    let mut params = params(order).map_err(encoding)?;
    let mut serial = [0; SERIAL_BYTES];
    entropy(&mut serial);
    // Positive and of full length, whatever the draw.
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let Some(certificate) = issuer.certificate else {
        return params.self_signed(&signer).map(|c| c.pem()).map_err(encoding);
    };
    let facts = inspect::first(certificate).map_err(|source| IssueError::Issuer {
        issuer: order.issuer.to_string(),
        source,
    })?;
    if facts.public_key.map(PublicKey::P256) != Some(issuer.key.public()) {
        return Err(IssueError::IssuerKey(order.issuer.to_string()));
    }
    params.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_pem(certificate, signer).map_err(encoding)?;
    params
        .signed_by(&SubjectKey::new(subject_id), &issuer)
        .map(|c| c.pem())
        .map_err(encoding)
}

fn params(order: &CertificateOrder) -> Result<CertificateParams, rcgen::Error> {
    let mut params = subject_params(&order.profile, &order.common_name, &order.dns_names)?;
    let moment = |at: Timestamp| time::OffsetDateTime::from_unix_timestamp(at.as_second());
    match (moment(order.not_before), moment(order.not_after)) {
        (Ok(from), Ok(to)) if from < to => (params.not_before, params.not_after) = (from, to),
        _ => return Err(rcgen::Error::Time),
    }
    Ok(params)
}

/// The part of a certificate that a request may ask for too.
pub(super) fn subject_params(
    profile: &Profile,
    common_name: &str,
    dns_names: &[String],
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(dns_names.to_vec())?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, profile.organization.as_str());
    name.push(DnType::OrganizationalUnitName, profile.role.as_str());
    params.distinguished_name = name;
    if let Some(account) = &profile.governance_account {
        params
            .subject_alt_names
            .push(SanType::URI(format!("{GOVERNANCE_URI}{account:#x}").try_into()?));
    }
    use KeyUsagePurpose::{ContentCommitment, CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
    let leaf = vec![DigitalSignature, ContentCommitment, KeyEncipherment];
    (params.is_ca, params.key_usages) = match profile.role {
        Role::Chain => (IsCa::Ca(BasicConstraints::Constrained(1)), vec![KeyCertSign, CrlSign]),
        Role::Agency => (
            IsCa::Ca(BasicConstraints::Constrained(0)),
            vec![KeyCertSign, CrlSign, DigitalSignature],
        ),
        Role::Node | Role::Sdk | Role::Admin => (IsCa::ExplicitNoCa, leaf),
    };
    params.extended_key_usages = match profile.role {
        Role::Chain | Role::Agency => vec![],
        // A node is server and client of every other node.
        Role::Node => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        Role::Sdk | Role::Admin => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    Ok(params)
}
