//! Why a peer was not let in, in the closed set of reasons that metrics, logs and `doctor` speak.

use std::fmt;
use std::net::IpAddr;

use althing_types::NodeId;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// The reason of a refusal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RefusalReason {
    /// No path from the certificate to one of our chain certificates.
    ForeignChain,
    /// The certificate, or one above it, is past its validity.
    Expired,
    /// The certificate, or one above it, is not valid yet.
    NotYetValid,
    /// The certificate is not one of a node: a CA, no `digitalSignature`, another extended usage, a key of no edition.
    WrongUsage,
    /// The certificate signs itself and is none of our chain certificates.
    SelfSigned,
    /// Its nodeID, its agency or a serial of its path is on the blacklist.
    Blacklisted,
    /// There is a whitelist and its nodeID is not on it.
    NotWhitelisted,
    /// The nodeID it claims, or that we expected at this address, is not that of its key, or it is our own.
    IdentityMismatch,
    /// It speaks another version: TLS 1.2, or another version of this protocol.
    ProtocolVersion,
    /// Its identity already has a live connection of this lane from another process.
    Duplicate,
    /// What it sent is not what the protocol says.
    Malformed,
    /// A limit is reached: peers, handshakes at once, or the peer is being kept out for earlier offences.
    Limit,
    /// It has no suite, group or signature of TLS in common with us: a node of the other edition.
    OtherEdition,
    /// Its key, under an agency of this edition, is on the curve of the other.
    OtherCurve,
    /// Its key, or its share of a handshake's key, is no point of the curve.
    KeyOffCurve,
    /// A signature is cut short, too long, or not in the one form that it has.
    MalformedSignature,
    /// It signs handshakes with SM2 under the identifier of certificates.
    WrongIdentifier,
    /// A certificate is signed with an algorithm that this edition does not have.
    UnsupportedAlgorithm,
    /// It shows no certificate.
    NoCertificate,
}

impl RefusalReason {
    /// Every reason, for metrics that show zeros from the start.
    pub const ALL: [Self; 19] = [
        Self::ForeignChain,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongUsage,
        Self::SelfSigned,
        Self::Blacklisted,
        Self::NotWhitelisted,
        Self::IdentityMismatch,
        Self::ProtocolVersion,
        Self::Duplicate,
        Self::Malformed,
        Self::Limit,
        Self::OtherEdition,
        Self::OtherCurve,
        Self::KeyOffCurve,
        Self::MalformedSignature,
        Self::WrongIdentifier,
        Self::UnsupportedAlgorithm,
        Self::NoCertificate,
    ];

    /// The word of this reason in metrics and logs, e.g. `foreign_chain`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForeignChain => "foreign_chain",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongUsage => "wrong_usage",
            Self::SelfSigned => "self_signed",
            Self::Blacklisted => "blacklisted",
            Self::NotWhitelisted => "not_whitelisted",
            Self::IdentityMismatch => "identity_mismatch",
            Self::ProtocolVersion => "protocol_version",
            Self::Duplicate => "duplicate",
            Self::Malformed => "malformed",
            Self::Limit => "limit",
            Self::OtherEdition => "other_edition",
            Self::OtherCurve => "other_curve",
            Self::KeyOffCurve => "key_off_curve",
            Self::MalformedSignature => "malformed_signature",
            Self::WrongIdentifier => "wrong_identifier",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::NoCertificate => "no_certificate",
        }
    }

    /// This reason on the wire: its place in [`RefusalReason::ALL`].
    pub(crate) fn code(self) -> u8 {
        Self::ALL
            .iter()
            .position(|reason| *reason == self)
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(u8::MAX)
    }

    /// The reason with this code; an unknown code, from a newer peer, is [`RefusalReason::Malformed`].
    pub(crate) fn from_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or(Self::Malformed)
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl EncodeLabelValue for RefusalReason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

/// A peer that is not let in, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The reason, as counted by `althing_network_refused_total`.
    pub reason: RefusalReason,
    /// What was found and what is accepted, in one line.
    pub detail: String,
    /// Whose certificate it was, when its key could be read.
    pub node_id: Option<NodeId>,
}

impl Refusal {
    /// A refusal of somebody whose key is not known.
    pub fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            node_id: None,
        }
    }

    /// The same refusal, naming whose key it was.
    #[must_use]
    pub fn of(self, node_id: NodeId) -> Self {
        Self {
            node_id: Some(node_id),
            ..self
        }
    }
}

/// Which end of a connection the other side is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// The peer dialled us: it is the TLS client.
    Inbound,
    /// We dialled the peer: it is the TLS server.
    Outbound,
}

/// One remembered refusal: equal ones are counted, not listed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRecord {
    /// The last refusal of this kind.
    pub refusal: Refusal,
    /// Where it came from.
    pub address: IpAddr,
    /// Which side dialled.
    pub direction: Direction,
    /// Whether the peer refused us, rather than we the peer.
    pub by_peer: bool,
    /// How often, since the record began.
    pub count: u64,
    /// Milliseconds since 1970 of the last one.
    pub last_unix_ms: u64,
}
