//! Reading certificates: who, by whom, for what, until when. Every byte is from outside.

use std::collections::BTreeSet;

use althing_crypto::{CertifiedKey, Curve, SignedError, verify_signed};
use althing_types::genesis::Cryptography;
use althing_types::{Address, B256, NodeId};
use jiff::Timestamp;
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::x509::X509Name;

use super::profile::Role;
use super::request::account_of;
use crate::plan::{KeyKind, KeyPurpose, PublicKey};

/// Bytes a certificate file may have.
pub const CERTIFICATE_FILE_BYTES_MAX: usize = 64 * 1024;
/// Certificates a file may have.
pub const CERTIFICATES_MAX: usize = 16;

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Not PEM, or not a certificate in it.
    #[error("not a certificate in PEM: {0}")]
    Malformed(String),
    /// Too long, or too many.
    #[error("{found} {unit}; at most {accepted} are accepted")]
    TooMuch {
        /// How much.
        found: usize,
        /// Of what.
        unit: &'static str,
        /// The bound.
        accepted: usize,
    },
    /// Issued by somebody else than claimed.
    #[error("issued by {found:?}, not by {accepted:?}")]
    Issuer {
        /// Who the certificate names.
        found: String,
        /// Who was expected.
        accepted: String,
    },
    /// The signature is not by the issuer's key.
    #[error("it is not signed with the key of {issuer:?}: {why}")]
    Signature {
        /// The issuer.
        issuer: String,
        /// What is wrong with the signature.
        why: SignedError,
    },
    /// Its key is of another edition than its issuer's.
    #[error(
        "it is over {found}; accepted: {accepted}, because {issuer:?}, which signed it, has one: a chain is of one edition. Have it issued over {accepted}"
    )]
    Edition {
        /// The issuer.
        issuer: String,
        /// What it is over, in words.
        found: String,
        /// What it should be over, in words.
        accepted: String,
    },
    /// The issuer may not issue.
    #[error("{0:?} is no certificate authority")]
    NoAuthority(String),
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// The subject's common name.
    pub common_name: String,
    /// The subject's organisation.
    pub organization: String,
    /// The role its OU names; none when it names no known one.
    pub role: Option<Role>,
    /// The issuer's common name.
    pub issuer_common_name: String,
    /// The serial number, lower-case hex without leading zeros.
    pub serial: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// The public key, when it is an uncompressed point of P-256 or SM2; of a node it is the nodeID.
    pub public_key: Option<NodeId>,
    /// The edition whose identities have such keys.
    pub cryptography: Option<Cryptography>,
    /// DNS names, in order.
    pub dns_names: Vec<String>,
    /// Of an agency: its account on the chain.
    pub governance_account: Option<Address>,
    /// SHA-256 of the DER, 64 hex digits.
    pub fingerprint: String,
}

impl CertificateFacts {
    /// Whether the moment is within its dates.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// The key it is over, when it can be an identity's.
    pub fn key(&self) -> Option<PublicKey> {
        Some(PublicKey::Identity(self.cryptography?, self.public_key?))
    }

    /// What it is over, for the middle of a sentence.
    pub fn key_in_words(&self) -> String {
        match self.key() {
            Some(key) => key.kind().to_string(),
            None => "a key of another kind".to_owned(),
        }
    }
}

/// Every certificate of a PEM file, in order; at least one.
pub fn all(text: &str) -> Result<Vec<CertificateFacts>, InspectError> {
    blocks(text)?
        .iter()
        .map(|pem| Ok(facts(&parse(pem)?, &pem.contents)))
        .collect()
}

/// The first certificate of a PEM file.
pub fn first(text: &str) -> Result<CertificateFacts, InspectError> {
    let blocks = blocks(text)?;
    let pem = blocks
        .first()
        .ok_or_else(|| InspectError::Malformed("no certificate".to_owned()))?;
    Ok(facts(&parse(pem)?, &pem.contents))
}

/// Checks that the first certificate of `subject` was issued by the first of `issuer`: names, authority, edition and signature. Dates
/// are the caller's business.
pub fn verify_issued_by(subject: &str, issuer: &str) -> Result<(), InspectError> {
    let (subject, issuer) = (blocks(subject)?, blocks(issuer)?);
    let (Some(subject_pem), Some(issuer)) = (subject.first(), issuer.first()) else {
        return Err(InspectError::Malformed("no certificate".to_owned()));
    };
    let (subject, issuer) = (parse(subject_pem)?, parse(issuer)?);
    let issuer_name = common_name(issuer.subject());
    if subject.issuer().as_raw() != issuer.subject().as_raw() {
        return Err(InspectError::Issuer {
            found: common_name(subject.issuer()),
            accepted: issuer_name,
        });
    }
    if !issuer.is_ca() {
        return Err(InspectError::NoAuthority(issuer_name));
    }
    check_edition(&subject, &issuer)?;
    verify_signed(&subject_pem.contents, issuer.public_key().raw).map_err(|why| InspectError::Signature {
        issuer: issuer_name,
        why,
    })
}

/// An SM2 key is certified by SM2 keys alone, and these certify nothing else.
fn check_edition(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Result<(), InspectError> {
    let edition = |certificate: &X509Certificate<'_>| key_of(certificate).map(|(cryptography, _)| cryptography);
    let (found, accepted) = (edition(subject), edition(issuer));
    let is_sm = |edition| edition == Some(Cryptography::Sm);
    if is_sm(found) == is_sm(accepted) {
        return Ok(());
    }
    let words = |edition: Option<Cryptography>| match edition {
        Some(cryptography) => KeyKind::new(KeyPurpose::Identity, cryptography).to_string(),
        None => "a key of another kind".to_owned(),
    };
    Err(InspectError::Edition {
        issuer: common_name(issuer.subject()),
        found: words(found),
        accepted: words(accepted),
    })
}

/// What an issuer's certificate gives to those that it signs.
pub(super) struct Authority {
    pub(super) facts: CertificateFacts,
    /// Its name in DER.
    pub(super) subject: Vec<u8>,
    /// How it names its key, where it does.
    pub(super) key_identifier: Option<Vec<u8>>,
}

/// Reads the first certificate of a PEM file as an issuer's.
pub(super) fn authority(text: &str) -> Result<Authority, InspectError> {
    let blocks = blocks(text)?;
    let pem = blocks
        .first()
        .ok_or_else(|| InspectError::Malformed("no certificate".to_owned()))?;
    let certificate = parse(pem)?;
    let key_identifier = certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        });
    Ok(Authority {
        facts: facts(&certificate, &pem.contents),
        subject: certificate.subject().as_raw().to_vec(),
        key_identifier,
    })
}

/// SHA-256 over a set of certificates, as a node tells its peers: in ascending byte order, each after its length (4 bytes,
/// big-endian), each once. What is no certificate is not counted.
pub fn trust_hash<'p>(pems: impl Iterator<Item = &'p str>) -> B256 {
    let ders = pems.filter_map(|pem| Some(blocks(pem).ok()?.first()?.contents.clone()));
    let ders: BTreeSet<Vec<u8>> = ders.collect();
    let mut bytes = vec![];
    for der in ders {
        bytes.extend(u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(der);
    }
    sha256_hex(&bytes).parse().unwrap_or_default()
}

fn blocks(text: &str) -> Result<Vec<Pem>, InspectError> {
    if text.len() > CERTIFICATE_FILE_BYTES_MAX {
        return Err(InspectError::TooMuch {
            found: text.len(),
            unit: "bytes",
            accepted: CERTIFICATE_FILE_BYTES_MAX,
        });
    }
    let blocks: Vec<Pem> = Pem::iter_from_buffer(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| InspectError::Malformed(e.to_string()))?;
    match blocks.len() {
        0 => Err(InspectError::Malformed("no PEM block".to_owned())),
        found if found > CERTIFICATES_MAX => Err(InspectError::TooMuch {
            found,
            unit: "certificates",
            accepted: CERTIFICATES_MAX,
        }),
        _ => Ok(blocks),
    }
}

fn parse(pem: &Pem) -> Result<X509Certificate<'_>, InspectError> {
    if pem.label != "CERTIFICATE" {
        return Err(InspectError::Malformed(format!("found a {} block", pem.label)));
    }
    pem.parse_x509().map_err(|e| InspectError::Malformed(e.to_string()))
}

fn facts(certificate: &X509Certificate<'_>, der: &[u8]) -> CertificateFacts {
    let subject = certificate.subject();
    let text = |mut values: Box<dyn Iterator<Item = &str> + '_>| values.next().unwrap_or_default().to_owned();
    let unit = text(Box::new(
        subject.iter_organizational_unit().filter_map(|unit| unit.as_str().ok()),
    ));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<&GeneralName<'_>> = names
        .iter()
        .flat_map(|names| names.value.general_names.iter())
        .collect();
    let key = key_of(certificate);
    let moment = |at: i64| Timestamp::from_second(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
    CertificateFacts {
        common_name: common_name(subject),
        organization: text(Box::new(
            subject.iter_organization().filter_map(|name| name.as_str().ok()),
        )),
        role: Role::from_unit(&unit),
        issuer_common_name: common_name(certificate.issuer()),
        serial: certificate.serial.to_str_radix(16),
        not_before: moment(certificate.validity().not_before.timestamp()),
        not_after: moment(certificate.validity().not_after.timestamp()),
        is_ca: certificate.is_ca(),
        public_key: key.map(|(_, id)| id),
        cryptography: key.map(|(cryptography, _)| cryptography),
        dns_names: names.iter().filter_map(|name| dns_name(name)).collect(),
        governance_account: names.iter().find_map(|name| account_of(name)),
        fingerprint: sha256_hex(der),
    }
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    }
}

fn common_name(name: &X509Name<'_>) -> String {
    name.iter_common_name()
        .find_map(|name| name.as_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn key_of(certificate: &X509Certificate<'_>) -> Option<(Cryptography, NodeId)> {
    identity_of(certificate.public_key().raw)
}

/// The identity that a SubjectPublicKeyInfo is of.
pub(super) fn identity_of(key: &[u8]) -> Option<(Cryptography, NodeId)> {
    let key = CertifiedKey::read(key)?;
    let cryptography = match key.curve {
        Curve::P256 => Cryptography::Standard,
        Curve::Sm2 => Cryptography::Sm,
    };
    Some((cryptography, NodeId::new(key.point)))
}

/// SHA-256 in lower-case hex.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
