//! What the children of an object are called, and how they are labelled.
//!
//! Names come from checked names ([`althing_operator::name`]), so a child's name is a DNS label without looking again. Two
//! owners can still want one name (Node `a-ca` and Agency `a` both a Secret `a-ca-key`): [`crate::diff`] finds that and
//! overwrites neither.

use std::collections::BTreeMap;

use althing_operator::name::{AgencyName, ChainKeyName, ConsortiumName, GroupName, NodeName};
use althing_operator::plan::Identity;
use althing_operator::status::ObjectRef;
use althing_types::config::IdentityFiles;

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
/// The key under which a node's certificate Secret holds its certificate.
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
    }
}

/// The key under which the certificate Secret of an identity holds the certificate, the leaf first.
pub const fn certificate_file(identity: &Identity) -> &'static str {
    match identity {
        Identity::Node(_) => NODE_CERTIFICATE_FILE,
        _ => "tls.crt",
    }
}

/// The files that a node sees of its certificate Secret: their keys there, which are the same in both editions, and their names in its
/// folder, which are not.
pub const fn node_files(files: IdentityFiles) -> [(&'static str, &'static str); 2] {
    [
        (NODE_CERTIFICATE_FILE, files.certificate),
        (TRUST_FILE, files.chain_certificates),
    ]
}

/// The object an identity's Secrets belong to.
pub fn owner_of(identity: &Identity) -> ObjectRef {
    match identity {
        Identity::ChainCa(key) => ObjectRef::Consortium(key.consortium().clone()),
        Identity::AgencyCa(name) | Identity::Governance(name) | Identity::Sdk(name) | Identity::Admin(name) => {
            ObjectRef::Agency(name.clone())
        }
        Identity::Node(name) => ObjectRef::Node(name.clone()),
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
    use althing_operator::name::NAME_BYTES_MAX;

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
            Identity::Admin(agency),
            Identity::Node(node_name.clone()),
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
    fn no_two_identities_of_one_owner_share_a_secret() {
        let agency = AgencyName::new("a").unwrap();
        let identities = [Identity::AgencyCa, Identity::Governance, Identity::Sdk, Identity::Admin];
        let identities = identities.map(|kind| kind(agency.clone()));
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
        use althing_types::genesis::Cryptography;
        let seen = |edition| node_files(IdentityFiles::of(edition));
        assert_eq!(
            seen(Cryptography::Standard),
            [("node.crt", "node.crt"), ("ca.crt", "ca.crt")]
        );
        assert_eq!(
            seen(Cryptography::Sm),
            [("node.crt", "gmnode.crt"), ("ca.crt", "gmca.crt")]
        );
    }
}
