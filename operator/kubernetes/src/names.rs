//! What the children of an object are called, and how they are labelled.
//!
//! Names come from checked names ([`althing_operator::name`]), so a child's name is a DNS label without looking again. Two
//! owners can still want one name (Node `a-ca` and Agency `a` both a Secret `a-ca-key`): [`crate::diff`] finds that and
//! overwrites neither.

use std::collections::BTreeMap;
use std::iter;

use althing_operator::clients::ListenerFiles;
use althing_operator::manifest::NamespaceManifests;
use althing_operator::name::{AgencyName, ChainKeyName, ConsortiumName, GroupName, NodeName};
use althing_operator::plan::Identity;
use althing_operator::status::ObjectRef;
use althing_types::config::IdentityFiles;
use althing_types::genesis::Cryptography;

/// The field manager of everything this operator writes.
pub const MANAGER: &str = "althing-operator";

/// Keys of labels, and their fixed values.
pub mod label {
    /// Who keeps an object; [`ALTHING`] on everything the operator made. Watches select by it.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    /// What an object belongs to: `althing-node`, `althing-agency`, `althing-consortium`, `althing-group`.
    pub const NAME: &str = "app.kubernetes.io/name";
    /// The owner's name.
    pub const INSTANCE: &str = "app.kubernetes.io/instance";
    /// The consortium.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
    /// The owner's kind.
    pub const KIND: &str = "althing.dev/kind";
    /// The owner's name.
    pub const OWNER: &str = "althing.dev/owner";
    /// On pods of nodes: the node.
    pub const NODE: &str = "althing.dev/node";
    /// On pods of nodes: the agency.
    pub const AGENCY: &str = "althing.dev/agency";
    /// On pods of applications: `true` lets them reach RPC, channel and metrics of the nodes of their namespace.
    pub const CLIENT: &str = "althing.dev/client";
    /// The value of [`MANAGED_BY`].
    pub const ALTHING: &str = "althing";
    /// The value of [`NAME`] on pods of nodes.
    pub const ALTHING_NODE: &str = "althing-node";
    /// The value of [`NAME`] on the operator's own pods.
    pub const ALTHING_OPERATOR: &str = "althing-operator";
}

/// Keys of annotations.
pub mod annotation {
    /// On a node's pods: what the pod runs with, as JSON ([`crate::lower::PodProcess`]).
    pub const PROCESS: &str = "althing.dev/process";
    /// On a node's StatefulSet whose manifest names no image: the one chosen for it, which stays when the operator's default
    /// moves on.
    pub const IMAGE: &str = "althing.dev/image";
    /// On a Node: its machine is being drained, where machines cannot be read.
    pub const EVICT: &str = "althing.dev/evict";
    /// On a Node or Group: a live one may be deleted.
    pub const ALLOW_DELETE: &str = althing_crds::ALLOW_DELETE_ANNOTATION;
}

/// The key under which a key Secret holds the PKCS#8 PEM.
pub const KEY_FILE: &str = "key.pem";
/// The key under which a certificate Secret holds the trusted chain certificates.
pub const TRUST_FILE: &str = "ca.crt";
/// The key under which the certificate Secrets of a node and of its listener hold the certificate.
pub const NODE_CERTIFICATE_FILE: &str = "node.crt";
/// The key under which an agency's certificate Secret holds its certificate signing request.
pub const REQUEST_FILE: &str = "tls.csr";
/// The key under which a genesis ConfigMap holds the canonical document.
pub const GENESIS_FILE: &str = "genesis.json";
/// The key under which a ConfigMap holds what an agency signed.
pub const ATTESTATIONS_FILE: &str = "attestations.json";
/// Ends the name of a node's ConfigMap.
pub const CONFIG_SUFFIX: &str = "-config";
/// Ends the name of a node's volume claim.
pub const DATA_SUFFIX: &str = "-data";
/// Ends the name of a group's genesis ConfigMap.
pub const GENESIS_SUFFIX: &str = "-genesis";

/// The ConfigMap with the record of what an identity's key signed for others; only agencies and the registrar sign.
pub fn attestations(signer: &Identity) -> Option<String> {
    match signer {
        Identity::AgencyCa(name) => Some(format!("{name}-attestations")),
        // The dot keeps it apart from an agency's of the same name.
        Identity::ChainCa(key) => Some(format!("{}-attestations.{}", key.consortium(), key.number())),
        _ => None,
    }
}

/// The StatefulSet, ServiceAccount, client Service, PodDisruptionBudget and NetworkPolicy of a node.
pub fn node(node: &NodeName) -> String {
    node.to_string()
}

/// The pod of a node.
pub fn pod(node: &NodeName) -> String {
    format!("{node}-0")
}

/// The node whose pod has this name, if it can be one.
pub fn node_of_pod(pod: &str) -> Option<NodeName> {
    NodeName::new(pod.strip_suffix("-0")?).ok()
}

/// The headless Service of a node: other nodes dial it, ready or not.
pub fn p2p_service(node: &NodeName) -> String {
    format!("{node}-p2p")
}

/// The NodePort or LoadBalancer Service of a node's p2p port.
pub fn external_service(node: &NodeName) -> String {
    format!("{node}-external")
}

/// The ConfigMap with a node's public files.
pub fn config(node: &NodeName) -> String {
    format!("{node}{CONFIG_SUFFIX}")
}

/// The volume claim of a node.
pub fn data(node: &NodeName) -> String {
    format!("{node}{DATA_SUFFIX}")
}

/// The ConfigMap that records a group's genesis.
pub fn genesis(group: &GroupName) -> String {
    format!("{group}{GENESIS_SUFFIX}")
}

/// The Secret with the private key of an identity. Of a chain key that was bought elsewhere, `spec.registrar.secretName`
/// holds instead.
pub fn key_secret(identity: &Identity) -> String {
    match identity {
        Identity::ChainCa(key) => format!("{}-chain-key{}", key.consortium(), chain_key_suffix(key)),
        Identity::AgencyCa(name) => format!("{name}-ca-key"),
        Identity::Governance(name) => format!("{name}-governance"),
        Identity::Sdk(name) => format!("{name}-sdk-key"),
        Identity::Admin(name) => format!("{name}-admin-key"),
        Identity::Node(name) => format!("{name}-key"),
        Identity::ClientAuthority(name) => format!("{name}-clients-key"),
        Identity::Listener(name) => format!("{name}-tls-key"),
    }
}

/// `.2` of the second chain key; no name of another object has a dot.
fn chain_key_suffix(key: &ChainKeyName) -> String {
    match key.number() {
        1 => String::new(),
        number => format!(".{number}"),
    }
}

/// The Secret with the certificate of an identity; a governance account has none.
pub fn certificate_secret(identity: &Identity) -> Option<String> {
    match identity {
        Identity::ChainCa(key) => Some(format!("{}-chain{}", key.consortium(), chain_key_suffix(key))),
        Identity::AgencyCa(name) => Some(format!("{name}-ca")),
        Identity::Governance(_) => None,
        Identity::Sdk(name) => Some(format!("{name}-sdk")),
        Identity::Admin(name) => Some(format!("{name}-admin")),
        Identity::Node(name) => Some(format!("{name}-certificate")),
        Identity::ClientAuthority(name) => Some(format!("{name}-clients")),
        Identity::Listener(name) => Some(format!("{name}-tls")),
    }
}

/// The key under which the certificate Secret of an identity holds the certificate, the leaf first.
pub const fn certificate_file(identity: &Identity) -> &'static str {
    match identity {
        Identity::Node(_) | Identity::Listener(_) => NODE_CERTIFICATE_FILE,
        _ => "tls.crt",
    }
}

/// A certificate and its key as a node's pod sees them: of which identity, and where in its folder. In their Secrets the files have the
/// same keys in both editions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// Whose.
    pub identity: Identity,
    /// The certificate.
    pub certificate: &'static str,
    /// What is trusted beside it.
    pub trust: &'static str,
    /// The key.
    pub key: &'static str,
}

impl Mounted {
    /// What a node's pod sees: the node's identity, and that of its listener where it is another.
    pub fn of_node(manifests: &NamespaceManifests, node: &NodeName) -> Vec<Self> {
        let agency = manifests.nodes.get(node).map(|object| &object.spec.agency);
        let edition = agency.and_then(|agency| manifests.edition_of_agency(agency));
        let files = IdentityFiles::of(edition.unwrap_or(Cryptography::Standard));
        let own = Self {
            identity: Identity::Node(node.clone()),
            certificate: files.certificate,
            trust: files.chain_certificates,
            key: files.key,
        };
        let listener = manifests.listener(node).map(|identity| Self {
            identity,
            certificate: ListenerFiles::SECOND.certificate,
            trust: ListenerFiles::SECOND.authority,
            key: ListenerFiles::SECOND.key,
        });
        iter::once(own).chain(listener).collect()
    }

    /// The public files: their keys in the Secret, and their names in the folder.
    pub const fn public(&self) -> [(&'static str, &'static str); 2] {
        [(NODE_CERTIFICATE_FILE, self.certificate), (TRUST_FILE, self.trust)]
    }
}

/// The object an identity's Secrets belong to.
pub fn owner_of(identity: &Identity) -> ObjectRef {
    match identity {
        Identity::ChainCa(key) => ObjectRef::Consortium(key.consortium().clone()),
        Identity::AgencyCa(name)
        | Identity::Governance(name)
        | Identity::Sdk(name)
        | Identity::Admin(name)
        | Identity::ClientAuthority(name) => ObjectRef::Agency(name.clone()),
        Identity::Node(name) | Identity::Listener(name) => ObjectRef::Node(name.clone()),
    }
}

/// The labels of every child of an object.
pub fn labels(owner: &ObjectRef, consortium: Option<&ConsortiumName>) -> BTreeMap<String, String> {
    let (kind, name) = (owner.kind(), owner.name());
    let application = format!("althing-{}", kind.to_ascii_lowercase());
    let mut labels = BTreeMap::from(
        [
            (label::MANAGED_BY, label::ALTHING),
            (label::NAME, application.as_str()),
            (label::INSTANCE, name),
            (label::KIND, kind),
            (label::OWNER, name),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    if let Some(consortium) = consortium {
        labels.insert(label::PART_OF.to_owned(), consortium.to_string());
    }
    labels
}

/// The labels of a node's pods.
pub fn pod_labels(
    node: &NodeName,
    agency: &AgencyName,
    consortium: Option<&ConsortiumName>,
) -> BTreeMap<String, String> {
    let mut labels = labels(&ObjectRef::Node(node.clone()), consortium);
    labels.insert(label::NODE.to_owned(), node.to_string());
    labels.insert(label::AGENCY.to_owned(), agency.to_string());
    labels
}

/// What selects a node's pods. Immutable on a StatefulSet, so it names nothing that may change.
pub fn pod_selector(node: &NodeName) -> BTreeMap<String, String> {
    BTreeMap::from([
        (label::NAME.to_owned(), label::ALTHING_NODE.to_owned()),
        (label::NODE.to_owned(), node.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use althing_operator::manifest::{SourceFile, read};
    use althing_operator::name::{NAME_BYTES_MAX, Namespace};

    use super::*;

    #[test]
    fn every_name_of_the_longest_owner_fits_where_kubernetes_puts_it() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        let node_name = NodeName::new(longest.clone()).unwrap();
        let agency = AgencyName::new(longest.clone()).unwrap();
        let identities = [
            Identity::first_chain_ca(ConsortiumName::new(longest.clone()).unwrap()),
            Identity::AgencyCa(agency.clone()),
            Identity::Governance(agency.clone()),
            Identity::Sdk(agency.clone()),
            Identity::Admin(agency.clone()),
            Identity::Node(node_name.clone()),
            Identity::ClientAuthority(agency),
            Identity::Listener(node_name.clone()),
        ];
        let secrets = identities
            .iter()
            .flat_map(|identity| [Some(key_secret(identity)), certificate_secret(identity)])
            .flatten();
        let others = [node, pod, p2p_service, external_service, config, data].map(|name| name(&node_name));
        for name in secrets
            .chain(others)
            .chain([genesis(&GroupName::new(longest).unwrap())])
        {
            assert!(
                name.len() <= 52,
                "{name}: a revision hash of 11 bytes must still fit a label"
            );
        }
    }

    #[test]
    fn no_two_identities_share_a_secret_although_agency_and_node_have_one_name() {
        let agency = AgencyName::new("a").unwrap();
        let identities = [
            Identity::AgencyCa,
            Identity::Governance,
            Identity::Sdk,
            Identity::Admin,
            Identity::ClientAuthority,
        ];
        let identities = identities.map(|kind| kind(agency.clone()));
        let node = NodeName::new("a").unwrap();
        let of_node = [Identity::Node, Identity::Listener].map(|kind| kind(node.clone()));
        let identities: Vec<_> = identities.into_iter().chain(of_node).collect();
        let names: Vec<_> = identities
            .iter()
            .flat_map(|identity| [Some(key_secret(identity)), certificate_secret(identity)])
            .flatten()
            .collect();
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_pod_leads_back_to_its_node() {
        let name = NodeName::new("node-0").unwrap();
        assert_eq!(node_of_pod(&pod(&name)), Some(name));
        assert_eq!(node_of_pod("node-1"), None);
        assert_eq!(node_of_pod("-0"), None);
    }

    #[test]
    fn a_certificate_secret_is_the_same_in_both_editions_and_a_pod_sees_it_under_its_edition_s_names() {
        for (edition, expected) in [
            (
                Cryptography::Standard,
                vec![("node/node-0", "node.crt", "ca.crt", "node.key")],
            ),
            (
                Cryptography::Sm,
                vec![
                    ("node/node-0", "gmnode.crt", "gmca.crt", "gmnode.key"),
                    (
                        "listener/node-0",
                        "origin_cert/node.crt",
                        "origin_cert/ca.crt",
                        "origin_cert/node.key",
                    ),
                ],
            ),
        ] {
            let mounted = Mounted::of_node(&one_node(edition), &NodeName::new("node-0").unwrap());
            let seen = mounted
                .iter()
                .map(|it| (it.identity.to_string(), it.certificate, it.trust, it.key));
            let expected = expected
                .into_iter()
                .map(|(identity, certificate, trust, key)| (identity.to_owned(), certificate, trust, key));
            assert_eq!(seen.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            for it in mounted {
                let keys = it.public().map(|(key, _)| key);
                assert_eq!(keys, ["node.crt", "ca.crt"], "{}", it.identity);
            }
        }
    }

    fn one_node(edition: Cryptography) -> NamespaceManifests {
        let text = format!(
            "apiVersion: althing.dev/v1alpha1\nkind: Consortium\nmetadata: {{name: c}}\n\
             spec: {{chainId: 1, cryptography: {edition}, registrar: {{managed: {{validity: 87600h}}}}}}\n---\n\
             apiVersion: althing.dev/v1alpha1\nkind: Agency\nmetadata: {{name: a}}\nspec: {{consortium: c}}\n---\n\
             apiVersion: althing.dev/v1alpha1\nkind: Node\nmetadata: {{name: node-0}}\nspec: {{agency: a}}\n"
        );
        let file = SourceFile {
            name: "one.yaml".to_owned(),
            text,
        };
        let all = read(&[file], &Namespace::new("one").unwrap()).unwrap();
        all.namespaces.into_values().next().unwrap()
    }
}
