//! Secrets with certificates: public, but together with what they are used with. Keys are Secrets of their own, so that a
//! renewal never touches one.

use std::collections::BTreeMap;

use althing_operator::plan::Identity;
use k8s_openapi::ByteString;
use serde_json::{Map, json as value};

use super::Lowering;
use super::node::{NodeParts, json};
use crate::child::{Child, ChildKind, Family, Fate};
use crate::names;

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

/// A node's certificate and those it trusts, as the plan rendered them.
pub(super) fn of_node(node: &NodeParts<'_>) -> Child {
    let files = names::node_files(node.identity_files).into_iter();
    let data = files.filter_map(|(key, name)| Some((key, (*node.texts.get(name)?).to_owned())));
    let data = data.collect();
    let identity = Identity::Node(node.process.node.clone());
    let name = names::certificate_secret(&identity).unwrap_or_default();
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
            .filter(|(identity, _)| !matches!(identity, Identity::Node(_)));
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
        let trusted = family.consortium.as_ref().and_then(|name| self.desired.trust.get(name));
        let trusted = trusted.map(|trusted| bundle(trusted.iter().map(|pem| leaf(pem))));
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

    /// The certificate that is sent along with a leaf: its agency's. Chain certificates are not sent, but trusted.
    fn issuer(&self, identity: &Identity) -> Option<&str> {
        let agency = match identity {
            Identity::Sdk(agency) | Identity::Admin(agency) => agency.clone(),
            Identity::Node(node) => {
                let agency = &self.manifests.nodes.get(node)?.spec.agency;
                let (agency, _) = self.manifests.agencies.get_key_value(agency.as_str())?;
                agency.clone()
            }
            _ => return None,
        };
        Some(leaf(
            self.identities
                .get(&Identity::AgencyCa(agency))?
                .certificate
                .as_deref()?,
        ))
    }
}

fn bundle<'a>(certificates: impl Iterator<Item = &'a str>) -> String {
    certificates.map(|pem| format!("{}\n", pem.trim())).collect()
}
