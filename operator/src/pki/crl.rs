//! Certificate revocation lists (RFC 5280, 5): what an issuer no longer stands behind, for those who read certificates and no Consortium,
//! such as a proxy before the RPC port.

use jiff::Timestamp;
use p256::ecdsa::signature::Signer;
use x509_cert::Version;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::Encode;
use x509_cert::der::asn1::{OctetString, Uint};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{DynSignatureAlgorithmIdentifier, SignatureBitStringEncoding};
use x509_cert::time::Time;

use super::issue::{IssueError, IssuerMaterial, above};
use super::signer::{CertificateSigner, DerSignature};
use super::x509::{extension, moment, to_pem};
use crate::plan::Identity;

/// A list to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationOrder {
    /// Who signs it.
    pub issuer: Identity,
    /// The number of the list: a later one has a greater.
    pub number: u64,
    /// From when it holds.
    pub this_update: Timestamp,
    /// Until when there is a later one.
    pub next_update: Timestamp,
    /// What is revoked. A serial that is named twice stands once, with its earlier moment.
    pub revoked: Vec<Revoked>,
}

/// A certificate that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number in hex, as `spec.revocations.serials` and certificate facts have it.
    pub serial: String,
    /// Since when.
    pub at: Timestamp,
}

/// Signs a list. Returns PEM.
pub fn revoke(order: &RevocationOrder, issuer: &IssuerMaterial<'_>) -> Result<String, IssueError> {
    let signer = issuer.key.signer();
    let signer = signer.ok_or_else(|| IssueError::Account(order.issuer.to_string()))?;
    let above = above(&order.issuer, issuer.certificate.unwrap_or_default(), issuer.key)?;
    let updates = updates(order)?;
    sign(order, above, updates, &signer).map_err(|error| IssueError::Encoding {
        subject: format!("the revocation list of {}", order.issuer),
        why: error.to_string(),
    })
}

/// Not by the library's builder: that names the key of the issuer's issuer, and readers look for lists by the issuer's own.
fn sign(
    order: &RevocationOrder,
    (name, identifier): (Name, OctetString),
    (this_update, next_update): (Time, Time),
    signer: &CertificateSigner,
) -> x509_cert::builder::Result<String> {
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(identifier),
        ..AuthorityKeyIdentifier::default()
    };
    let number = CrlNumber(Uint::new(&order.number.to_be_bytes())?);
    let entries = entries(order)?;
    let list = TbsCertList::<Rfc5280> {
        version: Version::V2,
        signature: signer.signature_algorithm_identifier()?,
        issuer: name,
        this_update,
        next_update: Some(next_update),
        // What revokes nothing leaves them out (RFC 5280, 5.1.2.6).
        revoked_certificates: (!entries.is_empty()).then_some(entries),
        crl_extensions: Some(vec![extension(false, &authority)?, extension(false, &number)?]),
    };
    let signature: DerSignature = signer.try_sign(&list.to_der()?)?;
    let signed = CertificateList {
        signature_algorithm: list.signature.clone(),
        signature: signature.to_bitstring()?,
        tbs_cert_list: list,
    };
    Ok(to_pem(&signed)?)
}

fn updates(order: &RevocationOrder) -> Result<(Time, Time), IssueError> {
    match (moment(order.this_update), moment(order.next_update)) {
        (Some(this), Some(next)) if order.this_update < order.next_update => Ok((this, next)),
        _ => Err(IssueError::Validity {
            subject: format!("the revocation list of {}", order.issuer),
            from: order.this_update,
            to: order.next_update,
        }),
    }
}

fn entries(order: &RevocationOrder) -> x509_cert::der::Result<Vec<RevokedCert>> {
    let mut revoked: Vec<(String, Timestamp)> = order
        .revoked
        .iter()
        .map(|revoked| (revoked.serial.trim_start_matches('0').to_ascii_lowercase(), revoked.at))
        .collect();
    revoked.sort();
    revoked.dedup_by(|later, earlier| later.0 == earlier.0);
    let entry = |(serial, at): (String, Timestamp)| {
        let digits = format!("{}{serial}", if serial.len() % 2 == 0 { "" } else { "0" });
        // No certificate has the serial 0, and none a sign or a prefix.
        let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let bytes = is_hex.then(|| alloy_primitives::hex::decode(&digits).ok()).flatten();
        let bytes = bytes.ok_or(x509_cert::der::ErrorKind::Failed)?;
        let at = moment(at).ok_or(x509_cert::der::ErrorKind::DateTime)?;
        Ok(RevokedCert {
            serial_number: SerialNumber::new(&bytes)?,
            revocation_date: at,
            crl_entry_extensions: None,
        })
    };
    revoked.into_iter().map(entry).collect()
}
