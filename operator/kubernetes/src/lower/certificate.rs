//! Secrets with certificates: public, but together with what they are used with. Keys are Secrets of their own, so that a
//! renewal never touches one.

use std::collections::BTreeMap;
use std::iter;

use althing_operator::name::AgencyName;
use althing_operator::plan::Identity;
use althing_operator::status::ObjectRef;
use k8s_openapi::ByteString;
use serde_json::{Map, json as value};

use super::Lowering;
use super::node::{NodeParts, json};
use crate::child::{Child, ChildKind, Family, Fate};
use crate::names::{self, Mounted};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The first certificate of a PEM text: the leaf of a certificate Secret, which also holds who issued it. A text without a
/// certificate is given back as it is: whoever reads it says what is wrong with it.
pub fn leaf(pem: &str) -> &str {
    let first = || {
        let from = pem.find(BEGIN)?;
        let length = pem.get(from..)?.find(END)? + END.len();
        pem.get(from..from + length)
    };
    first().unwrap_or(pem)
}

/// A certificate of a node and those it trusts, as the plan rendered them.
pub(super) fn mounted(node: &NodeParts<'_>, mounted: &Mounted) -> Child {
    let files = mounted.public().into_iter();
    let data = files.filter_map(|(key, path)| Some((key, (*node.texts.get(path)?).to_owned())));
    let data = data.collect();
    let name = names::certificate_secret(&mounted.identity).unwrap_or_default();
    secret(&node.family, name, Fate::Goes, data)
}

fn secret(family: &Family<'_>, name: String, fate: Fate, data: BTreeMap<&str, String>) -> Child {
    let data: BTreeMap<_, _> = data
        .into_iter()
        .map(|(name, text)| (name, ByteString(text.into_bytes())))
        .collect();
    let content = Map::from_iter([("type".to_owned(), value!("Opaque")), ("data".to_owned(), json(&data))]);
    family.child(ChildKind::Secret, name, fate, content)
}

impl Lowering<'_> {
    /// The certificates of the consortiums and agencies of the namespace, as they were observed.
    pub(super) fn certificates(&self) -> Vec<Child> {
        let observed = self
            .identities
            .iter()
            .filter(|(identity, _)| !matches!(identity, Identity::Node(_) | Identity::Listener(_)));
        observed
            .filter(|(_, found)| found.certificate.is_some() || found.request.is_some())
            .filter_map(|(identity, found)| {
                self.certificate(identity, found.certificate.as_deref(), found.request.as_deref())
            })
            .collect()
    }

    /// The Secret that keeps the certificate of an identity, its request, or both. What issues or keeps a certificate writes
    /// it in this form, so that lowering it again changes nothing. None for what has no such Secret: a governance account, a
    /// chain key that was bought elsewhere, and identities whose owner is gone.
    pub fn certificate(&self, identity: &Identity, certificate: Option<&str>, request: Option<&str>) -> Option<Child> {
        let name = names::certificate_secret(identity)?;
        let family = self.family(&names::owner_of(identity))?;
        if let Identity::ChainCa(key) = identity {
            let object = self.manifests.consortiums.get(key.consortium())?;
            object.spec.registrar.as_ref()?.managed.as_ref()?;
        }
        let mut data = BTreeMap::new();
        if let Some(leaf) = certificate.map(leaf) {
            let issuer = self.issuer(identity);
            let chain = [Some(leaf), issuer].into_iter().flatten();
            data.insert(names::certificate_file(identity), bundle(chain));
        }
        let trusted = self.trusted(identity, certificate, &family);
        // While a consortium is held nothing is known of what it trusts, and clients keep what they have.
        let trusted = trusted.or_else(|| self.identities.get(identity)?.trusted.clone());
        if let Some(trusted) = trusted {
            data.insert(names::TRUST_FILE, trusted);
        }
        if let Some(request) = request {
            data.insert(names::REQUEST_FILE, request.to_owned());
        }
        // The chain certificate is what others have pinned: it stays with its key.
        let fate = match identity {
            Identity::ChainCa(_) => Fate::Stays,
            _ => Fate::Goes,
        };
        Some(secret(&family, name, fate, data))
    }

    /// What whoever uses a certificate trusts: its client authority where it has one, else the chain's.
    fn trusted(&self, identity: &Identity, certificate: Option<&str>, family: &Family<'_>) -> Option<String> {
        let authority = match identity {
            Identity::ClientAuthority(_) => return certificate.map(|own| bundle(iter::once(leaf(own)))),
            Identity::ChainCa(_) | Identity::AgencyCa(_) | Identity::Node(_) => None,
            _ => self
                .agency(identity)
                .and_then(|agency| self.manifests.client_authority(agency)),
        };
        match authority {
            Some(authority) => {
                let authority = self.identities.get(&authority)?.certificate.as_deref()?;
                Some(bundle(iter::once(leaf(authority))))
            }
            None => {
                let trusted = self.desired.trust.get(family.consortium.as_ref()?)?;
                Some(bundle(trusted.iter().map(|pem| leaf(pem))))
            }
        }
    }

    /// The certificate that is sent along with a leaf: its agency's. Roots are not sent, but trusted.
    fn issuer(&self, identity: &Identity) -> Option<&str> {
        let agency = self.agency(identity)?;
        let is_under_agency = match identity {
            Identity::Sdk(_) | Identity::Admin(_) => self.manifests.client_authority(agency).is_none(),
            Identity::Node(_) => true,
            _ => false,
        };
        let issuer = self.identities.get(&Identity::AgencyCa(agency.clone()));
        Some(leaf(issuer.filter(|_| is_under_agency)?.certificate.as_deref()?))
    }

    /// The agency that an identity belongs to.
    fn agency(&self, identity: &Identity) -> Option<&AgencyName> {
        let name = match names::owner_of(identity) {
            ObjectRef::Agency(name) => name.to_string(),
            ObjectRef::Node(name) => self.manifests.nodes.get(&name)?.spec.agency.clone(),
            ObjectRef::Consortium(_) | ObjectRef::Group(_) => return None,
        };
        let (agency, _) = self.manifests.agencies.get_key_value(name.as_str())?;
        Some(agency)
    }
}

fn bundle<'a>(certificates: impl Iterator<Item = &'a str>) -> String {
    certificates.map(|pem| format!("{}\n", pem.trim())).collect()
}
