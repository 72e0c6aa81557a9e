//! Certificate signing requests: for an agency whose chain key is elsewhere.
//!
//! The request carries the agency's governance account, so that the registrar's signature covers it: whoever swaps the account
//! in a bundle breaks the certificate (GOVERNANCE.md 3).

use althing_crypto::verify_signed;
use althing_types::genesis::Cryptography;
use althing_types::{Address, NodeId};
use x509_cert::builder::Builder;
use x509_cert::request::RequestBuilder;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use super::inspect::{identity_of, sha256_hex};
use super::key::PrivateKey;
use super::profile::{Profile, Role};
use super::signer::DerSignature;
use super::x509::{Contents, GOVERNANCE_URI, name, to_pem};
use crate::plan::{PublicKey, RequestOrder};

/// Bytes a request may have in PEM.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Why a request cannot be made or is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The key is an account's, or a name cannot be encoded.
    #[error("the request cannot be made: {0}")]
    Make(String),
    /// Not one PEM block with a request.
    #[error("not a certificate signing request in PEM: {0}")]
    Malformed(String),
    /// Its signature is not by its own key.
    #[error("the request is not signed by the key it names")]
    Signature,
    /// It lacks or repeats something.
    #[error("the request's {field} is {found}; accepted: {accepted}")]
    Content {
        /// Which part.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        accepted: &'static str,
    },
}

/// A request that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The agency's name in it.
    pub common_name: String,
    /// The agency's key.
    pub public_key: NodeId,
    /// The edition whose identities have such keys.
    pub cryptography: Cryptography,
    /// Its account on the chain.
    pub governance_account: Address,
    /// SHA-256 of its DER, 64 hex digits: what the registrar's `admit` names.
    pub fingerprint: String,
}

impl Request {
    /// The agency's key, with its edition.
    pub const fn key(&self) -> PublicKey {
        PublicKey::Identity(self.cryptography, self.public_key)
    }
}

/// Makes a request, signed by the agency's key. Returns PEM.
pub fn make(order: &RequestOrder, key: &PrivateKey) -> Result<String, RequestError> {
    let signer = key
        .signer()
        .ok_or_else(|| RequestError::Make("the key is an account's and signs no requests".to_owned()))?;
    let profile = Profile {
        role: Role::Agency,
        organization: order.organization.clone(),
        governance_account: Some(order.governance_account),
    };
    let contents = Contents {
        profile: &profile,
        dns_names: &[],
    };
    let make = || {
        let mut request = RequestBuilder::new(name(&profile, &order.common_name)?)?;
        request.add_extension(contents.usage()?)?;
        if let Some(names) = contents.names()? {
            request.add_extension(names)?;
        }
        request.add_extension(contents.constraints()?)?;
        let request = request.build::<_, DerSignature>(&signer)?;
        to_pem(&request).map_err(x509_cert::builder::Error::from)
    };
    make().map_err(|error| RequestError::Make(error.to_string()))
}

/// Reads and verifies a request.
pub fn verify(text: &str) -> Result<Request, RequestError> {
    if text.len() > REQUEST_BYTES_MAX {
        return Err(RequestError::Malformed(format!(
            "{} bytes, at most {REQUEST_BYTES_MAX}",
            text.len()
        )));
    }
    let malformed = |e: &dyn std::fmt::Display| RequestError::Malformed(e.to_string());
    let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).map_err(|e| malformed(&e))?;
    if pem.label != "CERTIFICATE REQUEST" {
        return Err(RequestError::Malformed(format!("found a {} block", pem.label)));
    }
    let (rest, request) = X509CertificationRequest::from_der(&pem.contents).map_err(|e| malformed(&e))?;
    if !rest.is_empty() {
        return Err(RequestError::Malformed(format!("{} bytes follow it", rest.len())));
    }
    let key = &request.certification_request_info.subject_pki;
    verify_signed(&pem.contents, key.raw).map_err(|_| RequestError::Signature)?;
    let subject = &request.certification_request_info.subject;
    let mut names = subject.iter_common_name().filter_map(|name| name.as_str().ok());
    let (Some(common_name), None) = (names.next(), names.next()) else {
        let found = subject.to_string();
        return Err(RequestError::Content {
            field: "subject",
            found,
            accepted: "exactly one common name",
        });
    };
    let (cryptography, public_key) = identity_of(key.raw).ok_or_else(|| RequestError::Content {
        field: "key",
        found: format!("{} bytes", key.subject_public_key.data.len()),
        accepted: "an uncompressed point of P-256 or of SM2",
    })?;
    Ok(Request {
        common_name: common_name.to_owned(),
        public_key,
        cryptography,
        governance_account: governance_account(&request)?,
        fingerprint: sha256_hex(&pem.contents),
    })
}

fn governance_account(request: &X509CertificationRequest<'_>) -> Result<Address, RequestError> {
    let names = request
        .requested_extensions()
        .into_iter()
        .flatten()
        .filter_map(|extension| match extension {
            ParsedExtension::SubjectAlternativeName(names) => Some(names.general_names.iter()),
            _ => None,
        });
    let mut accounts = names.flatten().filter_map(account_of);
    match (accounts.next(), accounts.next()) {
        (Some(account), None) => Ok(account),
        (first, _) => Err(RequestError::Content {
            field: "governance account",
            found: if first.is_some() { "given twice" } else { "absent" }.to_owned(),
            accepted: "one alternative name urn:althing:governance:0x…",
        }),
    }
}

/// The account an alternative name carries.
pub(super) fn account_of(name: &GeneralName<'_>) -> Option<Address> {
    match name {
        GeneralName::URI(uri) => uri.strip_prefix(GOVERNANCE_URI)?.parse().ok(),
        _ => None,
    }
}
