//! Clients' TLS: which certificates a node's listener and an agency's clients show each other.
//!
//! Browsers, Prometheus, SDKs and this operator speak no TLS of the SM edition (LEDGER.md 6). So an agency whose chain is on SM2 has a
//! second set of certificates beside it, on P-256, under a key of its own: its client authority. It is the agency's own business: no
//! bundle has it and no registrar signs it. Where the chain is on P-256 there is one set, the chain's.
//!
//! Which of the two it is, is said here and nowhere else.

use althing_types::config::IdentityFiles;
use althing_types::genesis::Cryptography;

use crate::manifest::NamespaceManifests;
use crate::name::{AgencyName, NodeName};
use crate::plan::Identity;

/// Which set of certificates serves clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientSet {
    /// The chain's: an agency issues its clients' certificates, and a node's certificate serves them as it serves peers.
    Chain,
    /// A second one: the agency's client authority issues its clients' certificates and one for each of its nodes' listeners.
    Second,
}

impl ClientSet {
    /// The set of a consortium of this edition.
    pub const fn of(edition: Cryptography) -> Self {
        match edition {
            Cryptography::Standard => Self::Chain,
            Cryptography::Sm => Self::Second,
        }
    }

    /// The client authority of an agency; none where the agency's own key issues.
    pub fn authority(self, agency: &AgencyName) -> Option<Identity> {
        (self == Self::Second).then(|| Identity::ClientAuthority(agency.clone()))
    }

    /// The identity of a node's listener; none where the node's own serves.
    pub fn listener(self, node: &NodeName) -> Option<Identity> {
        (self == Self::Second).then(|| Identity::Listener(node.clone()))
    }
}

/// What the files of a listener that speaks TLS are called, below the folder of the node's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerFiles {
    /// Who clients have to be certified by.
    pub authority: &'static str,
    /// The listener's certificate.
    pub certificate: &'static str,
    /// Its key.
    pub key: &'static str,
}

impl ListenerFiles {
    /// The folder of the second set. FISCO's SM nodes keep theirs in a folder of this name.
    pub const FOLDER: &'static str = "origin_cert";
    /// The second set.
    pub const SECOND: Self = Self {
        authority: "origin_cert/ca.crt",
        certificate: "origin_cert/node.crt",
        key: "origin_cert/node.key",
    };

    /// Those of a node in a consortium of this edition.
    pub const fn in_consortium(edition: Cryptography) -> Self {
        match ClientSet::of(edition) {
            ClientSet::Second => Self::SECOND,
            ClientSet::Chain => {
                let own = IdentityFiles::of(edition);
                Self {
                    authority: own.chain_certificates,
                    certificate: own.certificate,
                    key: own.key,
                }
            }
        }
    }
}

impl NamespaceManifests {
    /// The set that serves the clients of an agency, as soon as its edition is known.
    pub fn client_set(&self, agency: &str) -> Option<ClientSet> {
        self.edition_of_agency(agency).map(ClientSet::of)
    }

    /// The client authority of an agency; none where it has none, or its edition is not known yet.
    pub fn client_authority(&self, agency: &AgencyName) -> Option<Identity> {
        self.client_set(agency.as_str())?.authority(agency)
    }

    /// The identities of an own agency.
    pub fn keys_of_agency(&self, agency: &AgencyName) -> impl Iterator<Item = Identity> {
        let always = [Identity::AgencyCa, Identity::Governance, Identity::Sdk, Identity::Admin];
        let always = always.map(|kind| kind(agency.clone()));
        always.into_iter().chain(self.client_authority(agency))
    }

    /// The identity that a node's listener shows where it speaks TLS: the node's own, unless it has another.
    pub fn shown_to_clients(&self, node: &NodeName) -> Identity {
        self.listener(node).unwrap_or_else(|| Identity::Node(node.clone()))
    }

    /// The identity of a node's listener; none where the node's own serves, or its edition is not known yet.
    pub fn listener(&self, node: &NodeName) -> Option<Identity> {
        let agency = &self.nodes.get(node)?.spec.agency;
        self.client_set(agency)?.listener(node)
    }
}
