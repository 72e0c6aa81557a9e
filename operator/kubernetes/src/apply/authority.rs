//! Keys and certificates, made from the system's randomness and the keys of this namespace.
//!
//! Invariant: a private key is in memory while it signs, and nowhere else but in its Secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use althing_operator::edge::entropy::with_entropy;
use althing_operator::pki::{IssuerMaterial, PrivateKey, issue, request};
use althing_operator::plan::{
    AttestationOrder, CertificateOrder, Identity, KeyKind, Observed, PublicKey, RequestOrder,
};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{WriteError, Writer};
use crate::secrets::{self, KeyPlace};

/// Signs for one namespace during one look at it.
#[derive(Debug)]
pub(super) struct Authority<'a> {
    writer: &'a Writer,
    namespace: &'a str,
    observed: &'a Observed,
    places: &'a BTreeMap<Identity, KeyPlace>,
    keys: Mutex<BTreeMap<Identity, Arc<PrivateKey>>>,
}

impl<'a> Authority<'a> {
    pub(super) fn new(
        writer: &'a Writer,
        namespace: &'a str,
        observed: &'a Observed,
        places: &'a BTreeMap<Identity, KeyPlace>,
    ) -> Self {
        Self {
            writer,
            namespace,
            observed,
            places,
            keys: Mutex::default(),
        }
    }

    /// The private key of an identity. Read once for all certificates of this look.
    async fn key(&self, what: &str, identity: &Identity) -> Result<Arc<PrivateKey>, WriteError> {
        let mut keys = self.keys.lock().await;
        if let Some(key) = keys.get(identity) {
            return Ok(Arc::clone(key));
        }
        let missing = |why: String| WriteError::Missing {
            what: what.to_owned(),
            why,
        };
        let place = self.places.get(identity);
        let name = &place
            .ok_or_else(|| missing(format!("the key of {identity} is not this namespace's")))?
            .secret;
        let secret = self.writer.secret(self.namespace, name).await?;
        let secret = secret.ok_or_else(|| missing(format!("Secret {name} is gone")))?;
        let key = secrets::private_key(identity, &secret).map_err(|why| missing(format!("Secret {name}: {why}")))?;
        let key = Arc::new(key);
        keys.insert(identity.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// Issues a certificate, in PEM.
    pub(super) async fn issue(&self, order: &CertificateOrder) -> Result<String, WriteError> {
        let what = format!("issue the certificate of {} by {}", order.subject, order.issuer);
        let failed = |why: String| WriteError::Missing {
            what: what.clone(),
            why,
        };
        let key = self.key(&what, &order.issuer).await?;
        let subject = self.subject(order).map_err(failed)?;
        let above = match order.subject == order.issuer {
            true => None,
            false => {
                let found = self
                    .observed
                    .identities
                    .get(&order.issuer)
                    .and_then(|found| found.certificate.clone());
                Some(found.ok_or_else(|| failed(format!("there is no certificate of {}", order.issuer)))?)
            }
        };
        let issuer = IssuerMaterial {
            key: &key,
            certificate: above.as_deref(),
        };
        let issued = with_entropy(|entropy| issue(order, &subject, &issuer, entropy));
        let issued = issued.map_err(|error| failed(error.to_string()))?;
        issued.map_err(|error| failed(error.to_string()))
    }

    /// The public key that is certified: of a request from elsewhere, else of the subject's own key.
    fn subject(&self, order: &CertificateOrder) -> Result<PublicKey, String> {
        match &order.request {
            Some(pem) => {
                let request = request::verify(pem).map_err(|error| error.to_string())?;
                Ok(request.key())
            }
            None => {
                let found = self.observed.identities.get(&order.subject);
                let key = found.and_then(|found| found.key.public());
                key.copied()
                    .ok_or_else(|| format!("the key of {} is not there", order.subject))
            }
        }
    }

    /// Signs what an agency gives away; the record of it.
    pub(super) async fn attest(&self, order: &AttestationOrder) -> Result<String, WriteError> {
        let what = format!("attest for {}", order.signer);
        let key = self.key(&what, &order.signer).await?;
        let record = order.carried_out(&key).map_err(|error| WriteError::Missing {
            what,
            why: error.to_string(),
        })?;
        Ok(record.to_text())
    }

    /// Makes a certificate signing request.
    pub(super) async fn request(&self, order: &RequestOrder) -> Result<String, WriteError> {
        let what = format!("make the certificate request of {}", order.identity);
        let key = self.key(&what, &order.identity).await?;
        request::make(order, &key).map_err(|error| WriteError::Missing {
            what,
            why: error.to_string(),
        })
    }
}

/// A new private key in PEM.
pub(super) fn new_key(kind: KeyKind) -> Result<Zeroizing<String>, String> {
    let key = with_entropy(|entropy| PrivateKey::generate(kind, entropy)).map_err(|error| error.to_string())?;
    key.map(|key| key.to_pem()).map_err(|error| error.to_string())
}
