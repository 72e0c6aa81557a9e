//! The six kinds of certificates: who they are, what they may do, how long they hold.
//!
//! | profile | OU | CA | key usage | extended |
//! | --- | --- | --- | --- | --- |
//! | chain | chain | path ≤ 1 | keyCertSign, cRLSign | |
//! | agency | agency | path 0 | keyCertSign, cRLSign, digitalSignature (attestations) | |
//! | node | node | no | digitalSignature, contentCommitment, keyEncipherment | server and client |
//! | sdk | sdk | no | as node | client |
//! | admin | admin | no | as node | client |
//! | client authority | client-authority | path 0 | keyCertSign, cRLSign | |

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What a certificate is for; written into its OU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The chain certificate.
    Chain,
    /// An agency certificate.
    Agency,
    /// A node.
    Node,
    /// An application.
    Sdk,
    /// An administrator of nodes.
    Admin,
    /// An agency's client authority, which signs itself.
    ClientAuthority,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Chain,
        Self::Agency,
        Self::Node,
        Self::Sdk,
        Self::Admin,
        Self::ClientAuthority,
    ];

    /// The text of the OU.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Agency => "agency",
            Self::Node => "node",
            Self::Sdk => "sdk",
            Self::Admin => "admin",
            Self::ClientAuthority => "client-authority",
        }
    }

    /// The role an OU names.
    pub fn from_unit(unit: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == unit)
    }

    /// Whether certificates of this role sign others.
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::Chain | Self::Agency | Self::ClientAuthority)
    }

    /// How long certificates of this role hold unless a manifest says otherwise: the chain's ten years, other authorities' five, one
    /// year.
    pub const fn validity(self) -> SignedDuration {
        match self {
            Self::Chain => SignedDuration::from_hours(10 * 365 * 24),
            Self::Agency | Self::ClientAuthority => SignedDuration::from_hours(5 * 365 * 24),
            Self::Node | Self::Sdk | Self::Admin => SignedDuration::from_hours(365 * 24),
        }
    }
}

/// What goes into a certificate beside its key, serial and dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// The role: OU, CA or not, usages.
    pub role: Role,
    /// The organisation: the consortium's name.
    pub organization: String,
    /// Of an agency: its governance account, so that the chain key's signature covers it.
    pub governance_account: Option<althing_types::Address>,
}
