//! Identities: keys that are made once, and the certificates over them.

use std::fmt;

use althing_types::{Address, NodeId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::{AgencyName, ChainKeyName, ConsortiumName, NodeName};
use crate::pki::profile::Profile;

/// Whose key it is, within one namespace. At most one key ever exists under one identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Identity {
    /// A chain key of a consortium: signs agency certificates. Only where the registrar is.
    ChainCa(ChainKeyName),
    /// An agency's key: signs its node, sdk and admin certificates and its attestations.
    AgencyCa(AgencyName),
    /// The agency's account on the chain: votes. A secp256k1 key without a certificate.
    Governance(AgencyName),
    /// What the agency's applications present to its nodes.
    Sdk(AgencyName),
    /// What administers the agency's nodes.
    Admin(AgencyName),
    /// A node: its public key is the nodeID.
    Node(NodeName),
}

/// What an identity is for; the first half of its text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// [`Identity::ChainCa`].
    ChainCa,
    /// [`Identity::AgencyCa`].
    AgencyCa,
    /// [`Identity::Governance`].
    Governance,
    /// [`Identity::Sdk`].
    Sdk,
    /// [`Identity::Admin`].
    Admin,
    /// [`Identity::Node`].
    Node,
}

impl IdentityKind {
    /// `chain-ca`, `agency-ca`, `governance`, `sdk`, `admin` or `node`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChainCa => "chain-ca",
            Self::AgencyCa => "agency-ca",
            Self::Governance => "governance",
            Self::Sdk => "sdk",
            Self::Admin => "admin",
            Self::Node => "node",
        }
    }

    /// The curve of keys of this kind.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Governance => KeyKind::Secp256k1,
            _ => KeyKind::P256,
        }
    }
}

impl Identity {
    /// The chain key every consortium begins with. A key that a person brings has this identity too, whichever it is.
    pub fn first_chain_ca(consortium: ConsortiumName) -> Self {
        Self::ChainCa(ChainKeyName::first(consortium))
    }

    /// What it is for.
    pub const fn kind(&self) -> IdentityKind {
        match self {
            Self::ChainCa(_) => IdentityKind::ChainCa,
            Self::AgencyCa(_) => IdentityKind::AgencyCa,
            Self::Governance(_) => IdentityKind::Governance,
            Self::Sdk(_) => IdentityKind::Sdk,
            Self::Admin(_) => IdentityKind::Admin,
            Self::Node(_) => IdentityKind::Node,
        }
    }

    /// The name of the object it belongs to.
    pub fn owner(&self) -> &str {
        match self {
            Self::ChainCa(name) => name.as_str(),
            Self::AgencyCa(name) | Self::Governance(name) | Self::Sdk(name) | Self::Admin(name) => name.as_str(),
            Self::Node(name) => name.as_str(),
        }
    }

    /// The curve of its key.
    pub const fn key_kind(&self) -> KeyKind {
        self.kind().key_kind()
    }
}

impl fmt::Display for Identity {
    /// `kind/owner`, such as `node/node-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().as_str(), self.owner())
    }
}

/// The curve of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// NIST P-256: certificates and node identities of the standard edition.
    P256,
    /// secp256k1: accounts of the standard edition.
    Secp256k1,
}

/// The public half of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicKey {
    /// A P-256 point X‖Y; of a node it is the nodeID.
    P256(NodeId),
    /// The address of a secp256k1 key.
    Account(Address),
}

impl PublicKey {
    /// The curve it lies on.
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::P256(_) => KeyKind::P256,
            Self::Account(_) => KeyKind::Secp256k1,
        }
    }
}

/// A key to make: once, with the operating system's randomness, kept where only this namespace reads it. "Already exists" is
/// read back, never overwritten (DESIGN.md 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyOrder {
    /// Whose key.
    pub identity: Identity,
    /// Its curve.
    pub kind: KeyKind,
}

/// A certificate signing request to make, for an agency whose chain key is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestOrder {
    /// The agency's key, which exists and signs the request.
    pub identity: Identity,
    /// The subject's common name.
    pub common_name: String,
    /// The subject's organisation: the consortium's name.
    pub organization: String,
    /// Goes into the request, so that the registrar's signature covers it.
    pub governance_account: Address,
}

/// A certificate to issue. The key of the subject exists already and stays: renewal changes dates and serial only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateOrder {
    /// Whose certificate.
    pub subject: Identity,
    /// Who signs it; the subject itself for the chain certificate.
    pub issuer: Identity,
    /// Extensions and role.
    pub profile: Profile,
    /// The subject's common name.
    pub common_name: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// DNS names of the subject.
    pub dns_names: Vec<String>,
    /// The subject's request in PEM, when its key is not in this namespace. It has been verified.
    pub request: Option<String>,
    /// Why it is issued now.
    pub reason: IssueReason,
}

/// Why a certificate is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum IssueReason {
    /// There is none yet.
    First,
    /// The present one has reached its renewal moment.
    Renewal,
    /// The certificate above it changed.
    IssuerChanged,
    /// The present one does not say what it should.
    ProfileChanged,
}
