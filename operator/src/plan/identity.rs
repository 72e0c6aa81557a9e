//! Identities: keys that are made once, and the certificates over them.

use std::fmt;

use althing_types::genesis::Cryptography;
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
    /// An agency's key: signs its nodes' certificates and its attestations, and its clients' certificates where these are under the
    /// chain.
    AgencyCa(AgencyName),
    /// The agency's account on the chain: votes. A key without a certificate.
    Governance(AgencyName),
    /// What the agency's applications present to its nodes.
    Sdk(AgencyName),
    /// What administers the agency's nodes.
    Admin(AgencyName),
    /// A node: its public key is the nodeID.
    Node(NodeName),
    /// An agency's client authority, where clients are not under the chain ([`crate::clients`]): signs itself, its sdk and admin
    /// certificates and those of its nodes' listeners.
    ClientAuthority(AgencyName),
    /// What a node's listener shows clients, where it is not the node's own.
    Listener(NodeName),
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
    /// [`Identity::ClientAuthority`].
    ClientAuthority,
    /// [`Identity::Listener`].
    Listener,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ChainCa,
        Self::AgencyCa,
        Self::Governance,
        Self::Sdk,
        Self::Admin,
        Self::Node,
        Self::ClientAuthority,
        Self::Listener,
    ];

    /// `chain-ca`, `agency-ca`, `governance`, `sdk`, `admin`, `node`, `client-authority` or `listener`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChainCa => "chain-ca",
            Self::AgencyCa => "agency-ca",
            Self::Governance => "governance",
            Self::Sdk => "sdk",
            Self::Admin => "admin",
            Self::Node => "node",
            Self::ClientAuthority => "client-authority",
            Self::Listener => "listener",
        }
    }

    /// What keys of this kind sign.
    pub const fn purpose(self) -> KeyPurpose {
        match self {
            Self::Governance => KeyPurpose::Account,
            _ => KeyPurpose::Identity,
        }
    }

    /// The kind of its keys in a consortium of this edition. Clients speak standard TLS in both.
    pub const fn key(self, consortium: Cryptography) -> KeyKind {
        let edition = match self {
            Self::Sdk | Self::Admin | Self::ClientAuthority | Self::Listener => Cryptography::Standard,
            Self::ChainCa | Self::AgencyCa | Self::Governance | Self::Node => consortium,
        };
        KeyKind::new(self.purpose(), edition)
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
            Self::ClientAuthority(_) => IdentityKind::ClientAuthority,
            Self::Listener(_) => IdentityKind::Listener,
        }
    }

    /// The name of the object it belongs to.
    pub fn owner(&self) -> &str {
        match self {
            Self::ChainCa(name) => name.as_str(),
            Self::AgencyCa(name)
            | Self::Governance(name)
            | Self::Sdk(name)
            | Self::Admin(name)
            | Self::ClientAuthority(name) => name.as_str(),
            Self::Node(name) | Self::Listener(name) => name.as_str(),
        }
    }

    /// What its key signs.
    pub const fn purpose(&self) -> KeyPurpose {
        self.kind().purpose()
    }
}

impl fmt::Display for Identity {
    /// `kind/owner`, such as `node/node-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().as_str(), self.owner())
    }
}

/// What a key is for. With the edition of the consortium it says which curve the key is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyPurpose {
    /// Certificates are over it.
    Identity,
    /// Its address signs transactions.
    Account,
}

/// A key's purpose and curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// NIST P-256: identities of the standard edition.
    P256,
    /// secp256k1: accounts of the standard edition.
    Secp256k1,
    /// SM2: identities of the SM edition.
    Sm2,
    /// SM2: accounts of the SM edition.
    Sm2Account,
}

impl KeyKind {
    /// The kind of keys that an edition has for a purpose.
    pub const fn new(purpose: KeyPurpose, cryptography: Cryptography) -> Self {
        match (purpose, cryptography) {
            (KeyPurpose::Identity, Cryptography::Standard) => Self::P256,
            (KeyPurpose::Account, Cryptography::Standard) => Self::Secp256k1,
            (KeyPurpose::Identity, Cryptography::Sm) => Self::Sm2,
            (KeyPurpose::Account, Cryptography::Sm) => Self::Sm2Account,
        }
    }

    /// What keys of this kind are for.
    pub const fn purpose(self) -> KeyPurpose {
        match self {
            Self::P256 | Self::Sm2 => KeyPurpose::Identity,
            Self::Secp256k1 | Self::Sm2Account => KeyPurpose::Account,
        }
    }

    /// Whose edition it is.
    pub const fn cryptography(self) -> Cryptography {
        match self {
            Self::P256 | Self::Secp256k1 => Cryptography::Standard,
            Self::Sm2 | Self::Sm2Account => Cryptography::Sm,
        }
    }
}

impl fmt::Display for KeyKind {
    /// `a P-256 key`: the middle of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "a P-256 key",
            Self::Secp256k1 => "a secp256k1 key",
            Self::Sm2 | Self::Sm2Account => "an SM2 key",
        })
    }
}

/// The public half of a key, with the edition that its curve belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicKey {
    /// A point X‖Y that certificates are over; of a node it is the nodeID.
    Identity(Cryptography, NodeId),
    /// The address of an account.
    Account(Cryptography, Address),
}

impl PublicKey {
    /// Its purpose and curve.
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Identity(cryptography, _) => KeyKind::new(KeyPurpose::Identity, *cryptography),
            Self::Account(cryptography, _) => KeyKind::new(KeyPurpose::Account, *cryptography),
        }
    }

    /// The point of an identity.
    pub const fn node_id(&self) -> Option<NodeId> {
        match self {
            Self::Identity(_, id) => Some(*id),
            Self::Account(..) => None,
        }
    }

    /// The address of an account.
    pub const fn account(&self) -> Option<Address> {
        match self {
            Self::Account(_, address) => Some(*address),
            Self::Identity(..) => None,
        }
    }
}

/// A key to make: once, with the operating system's randomness, kept where only this namespace reads it. "Already exists" is
/// read back, never overwritten (DESIGN.md 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyOrder {
    /// Whose key.
    pub identity: Identity,
    /// Its purpose and curve.
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
