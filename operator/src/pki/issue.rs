//! Issuing: a certificate order and two keys → a certificate in PEM. The issuer's key decides the edition.

use jiff::Timestamp;
use x509_cert::SubjectPublicKeyInfo;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::asn1::OctetString;
use x509_cert::der::{Decode, referenced::OwnedToRef};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use super::inspect::{self, InspectError};
use super::key::PrivateKey;
use super::signer::{DerSignature, VerifyingKey};
use super::x509::{CertificateContents, Contents, key_identifier, moment, name, to_pem};
use crate::plan::{CertificateOrder, Identity, KeyKind, PublicKey};

/// Bytes of a serial number; RFC 5280 allows 20, the first bit stays 0.
const SERIAL_BYTES: usize = 16;

/// Why a certificate or a revocation list cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// An account's key signs no certificates, and none are issued over it.
    #[error("{0} can neither sign certificates nor be certified: its key is an account's")]
    Account(String),
    /// Two editions in one chain.
    #[error(
        "the certificate of {subject} by {issuer} would be over {found}; accepted: {accepted}, because the issuer's is one and a chain is of one edition. Make it over {accepted}"
    )]
    Edition {
        /// The subject.
        subject: String,
        /// The issuer.
        issuer: String,
        /// The kind of the subject's key.
        found: KeyKind,
        /// The kind of the issuer's.
        accepted: KeyKind,
    },
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
    /// The validity ends before it begins, or no certificate can carry it.
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
    let encoding = |why: String| IssueError::Encoding {
        subject: order.subject.to_string(),
        why,
    };
    let signer = issuer.key.signer();
    let signer = signer.ok_or_else(|| IssueError::Account(order.issuer.to_string()))?;
    let key = certified(order, subject, issuer.key.kind())?;
    let above = issuer
        .certificate
        .map(|pem| above(&order.issuer, pem, issuer.key))
        .transpose()?;
    let contents = CertificateContents {
        subject: name(&order.profile, &order.common_name).map_err(|e| encoding(e.to_string()))?,
        issuer: above,
        contents: Contents {
            profile: &order.profile,
            dns_names: &order.dns_names,
        },
    };
    let key = SubjectPublicKeyInfo::from_key(&key).map_err(|e| encoding(e.to_string()))?;
    let serial = serial(entropy).map_err(|e| encoding(e.to_string()))?;
    let made = CertificateBuilder::new(contents, serial, validity(order)?, key)
        .and_then(|builder| builder.build::<_, DerSignature>(&signer))
        .map_err(|e| encoding(e.to_string()))?;
    to_pem(&made).map_err(|e| encoding(e.to_string()))
}

/// The subject's key, when it is an identity of the issuer's edition.
fn certified(order: &CertificateOrder, subject: &PublicKey, issuer: KeyKind) -> Result<VerifyingKey, IssueError> {
    if subject.kind().purpose() != issuer.purpose() {
        return Err(IssueError::Account(order.subject.to_string()));
    }
    if subject.kind() != issuer {
        return Err(IssueError::Edition {
            subject: order.subject.to_string(),
            issuer: order.issuer.to_string(),
            found: subject.kind(),
            accepted: issuer,
        });
    }
    VerifyingKey::of(subject).ok_or_else(|| IssueError::Encoding {
        subject: order.subject.to_string(),
        why: "its public key is no point of its curve".to_owned(),
    })
}

/// The issuer's name as its certificate has it, byte for byte, and how it names its key.
pub(super) fn above(issuer: &Identity, pem: &str, key: &PrivateKey) -> Result<(Name, OctetString), IssueError> {
    let issuer = issuer.to_string();
    let wrong = |source| IssueError::Issuer {
        issuer: issuer.clone(),
        source,
    };
    let certificate = inspect::authority(pem).map_err(wrong)?;
    if certificate.facts.key() != Some(key.public()) {
        return Err(IssueError::IssuerKey(issuer));
    }
    let malformed = |e: x509_cert::der::Error| wrong(InspectError::Malformed(e.to_string()));
    let name = Name::from_der(&certificate.subject).map_err(malformed)?;
    let identifier = match &certificate.key_identifier {
        Some(identifier) => OctetString::new(identifier.as_slice()),
        None => {
            let own = VerifyingKey::of(&key.public()).and_then(|key| SubjectPublicKeyInfo::from_key(&key).ok());
            let own = own.ok_or_else(|| IssueError::IssuerKey(issuer.clone()))?;
            key_identifier(own.owned_to_ref())
        }
    };
    Ok((name, identifier.map_err(malformed)?))
}

fn validity(order: &CertificateOrder) -> Result<Validity, IssueError> {
    match (moment(order.not_before), moment(order.not_after)) {
        (Some(from), Some(to)) if order.not_before < order.not_after => Ok(Validity::new(from, to)),
        _ => Err(IssueError::Validity {
            subject: order.subject.to_string(),
            from: order.not_before,
            to: order.not_after,
        }),
    }
}

/// Positive and of full length, whatever the draw.
fn serial(entropy: &mut dyn FnMut(&mut [u8])) -> x509_cert::der::Result<SerialNumber> {
    let mut serial = [0; SERIAL_BYTES];
    entropy(&mut serial);
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    SerialNumber::new(&serial)
}
