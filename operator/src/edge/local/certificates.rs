//! Certificates and requests, by the keys of this state directory.

use super::apply::private_key;
use super::{Layout, LocalError, durable, keys};
use crate::name::Namespace;
use crate::pki::{IssuerMaterial, PrivateKey, issue as issue_certificate, request as pki_request};
use crate::plan::{AttestationOrder, CertificateOrder, Identity, PublicKey, RequestOrder};

fn failed(what: &str, why: impl ToString) -> LocalError {
    LocalError::Certificate {
        what: what.to_owned(),
        why: why.to_string(),
    }
}

fn key(layout: &Layout, namespace: &Namespace, identity: &Identity) -> Result<PrivateKey, LocalError> {
    let pem = private_key(layout, namespace, identity)?;
    let path = layout.key(namespace, identity);
    PrivateKey::from_pem(identity.purpose(), &pem).map_err(|error| LocalError::Malformed {
        path,
        why: error.to_string(),
    })
}

/// Makes a certificate signing request, in PEM.
pub(super) fn request(layout: &Layout, namespace: &Namespace, order: &RequestOrder) -> Result<String, LocalError> {
    let what = format!("make the certificate request of {}", order.identity);
    let key = key(layout, namespace, &order.identity)?;
    pki_request::make(order, &key).map_err(|error| failed(&what, error))
}

/// Signs what an agency gives away; the record of it.
pub(super) fn attest(layout: &Layout, namespace: &Namespace, order: &AttestationOrder) -> Result<String, LocalError> {
    let what = format!("attest for {}", order.signer);
    let key = key(layout, namespace, &order.signer)?;
    let record = order.carried_out(&key).map_err(|error| failed(&what, error))?;
    Ok(record.to_text())
}

/// Issues a certificate, in PEM.
pub(super) fn issue(layout: &Layout, namespace: &Namespace, order: &CertificateOrder) -> Result<String, LocalError> {
    let what = format!("issue the certificate of {} by {}", order.subject, order.issuer);
    let issuer_key = key(layout, namespace, &order.issuer)?;
    let subject = subject(layout, namespace, order).map_err(|error| match error {
        SubjectError::Local(error) => error,
        SubjectError::Request(why) => failed(&what, why),
    })?;
    let issuer_certificate = match order.subject == order.issuer {
        true => None,
        false => {
            let path = layout.certificate(namespace, &order.issuer);
            let certificate = durable::read_text(&path)?;
            Some(certificate.ok_or_else(|| failed(&what, format!("{} is missing", path.display())))?)
        }
    };
    let issuer = IssuerMaterial {
        key: &issuer_key,
        certificate: issuer_certificate.as_deref(),
    };
    keys::with_entropy(&what, |entropy| issue_certificate(order, &subject, &issuer, entropy))?
        .map_err(|error| failed(&what, error))
}

enum SubjectError {
    Local(LocalError),
    Request(String),
}

/// The public key that is certified: of a request from elsewhere, else of the subject's own key.
fn subject(layout: &Layout, namespace: &Namespace, order: &CertificateOrder) -> Result<PublicKey, SubjectError> {
    match &order.request {
        Some(pem) => {
            let request = pki_request::verify(pem).map_err(|error| SubjectError::Request(error.to_string()))?;
            Ok(request.key())
        }
        None => key(layout, namespace, &order.subject)
            .map(|key| key.public())
            .map_err(SubjectError::Local),
    }
}
