//! What may change while the network runs: certificates, chain certificates, lists, peers. Texts come in; reading and
//! watching files is the shell's business.

use std::fmt;
use std::str::FromStr;

use althing_crypto::Curve;
use althing_types::NodeId;
use zeroize::Zeroizing;

use crate::lists::Lists;
use crate::refusal::Refusal;

/// The text of a PEM file and the name errors give it. Its text is never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PemText {
    file: String,
    text: Zeroizing<String>,
}

impl PemText {
    /// `text`, read from `file`.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            text: Zeroizing::new(text.into()),
        }
    }

    /// What to call it in errors.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl fmt::Debug for PemText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemText")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Where to dial a peer: a host name or address with a port, resolved again on every dial.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    /// `host:port`, `10.0.0.1:30300` or `[::1]:30300`.
    pub address: String,
    /// Who has to answer there; without it whoever our lists let in.
    pub node_id: Option<NodeId>,
}

/// A text that is no peer address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a peer is host:port with a port from 1 to 65535 (an IPv6 address in brackets), found {0:?}")]
pub struct PeerAddressError(pub String);

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    fn from_str(text: &str) -> Result<Self, PeerAddressError> {
        let bad = || PeerAddressError(text.chars().take(300).collect());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let odd = host.chars().any(|c| c.is_whitespace() || c.is_control());
        if host.is_empty() || host.len() > 255 || bare_v6 || odd {
            return Err(bad());
        }
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self {
                address: text.to_owned(),
                node_id: None,
            }),
            _ => Err(bad()),
        }
    }
}

/// Everything that reloads without a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Our certificate, then the certificates up to the chain certificate (the chain certificate itself may follow).
    pub certificate: PemText,
    /// Our private key: PKCS#8 or SEC 1, on the curve of the edition.
    pub key: PemText,
    /// The nodeID we believe to have (`node.nodeid`); checked against the certificate.
    pub node_id: Option<NodeId>,
    /// The chain certificates we trust; several while a chain certificate rolls over.
    pub roots: Vec<PemText>,
    /// Blacklist and whitelist.
    pub lists: Lists,
    /// Whom to dial; others may dial us.
    pub peers: Vec<PeerAddress>,
}

/// Settings that cannot be used. The network goes on with what it had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A file holds no PEM block of the wanted kind, or broken ones.
    #[error("{file}: found {found}, accepted is {accepted}")]
    Pem {
        /// The file.
        file: String,
        /// What was found instead.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// No chain certificate was given at all.
    #[error("no chain certificate is configured; give at least one (ca.crt or gmca.crt), or every peer is foreign")]
    NoRoots,
    /// A chain certificate is none.
    #[error("{file}: certificate {number} is no chain certificate: {found}; accepted is a CA certificate (CA:TRUE)")]
    Root {
        /// The file.
        file: String,
        /// Which one in the file, from 1.
        number: usize,
        /// What was found.
        found: String,
    },
    /// The private key cannot be used.
    #[error("{file}: the private key cannot be used: {found}; accepted is an unencrypted {curve} key, PKCS#8 or SEC 1")]
    Key {
        /// The file.
        file: String,
        /// What was found.
        found: String,
        /// The curve of the edition's nodes.
        curve: Curve,
    },
    /// The private key is not the certificate's.
    #[error(
        "{key_file}: this private key does not belong to the certificate in {certificate_file}, whose nodeID is {node_id}; put back the key it was issued for, or have a certificate issued for this key"
    )]
    KeyMismatch {
        /// The key's file.
        key_file: String,
        /// The certificate's file.
        certificate_file: String,
        /// The certificate's nodeID.
        node_id: NodeId,
    },
    /// The certificate is another node's.
    #[error("{file}: the certificate's nodeID is {found}, but this node's is {expected}; a renewal keeps the key")]
    NodeId {
        /// The certificate's file.
        file: String,
        /// Whose it is.
        found: NodeId,
        /// Who we are.
        expected: NodeId,
    },
    /// Every peer would refuse our own certificate.
    #[error("{file}: our own certificate would be refused by every peer: {refusal}")]
    OwnCertificate {
        /// The certificate's file.
        file: String,
        /// Why.
        refusal: Refusal,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_host_and_a_port() {
        for good in ["node-0.trade.svc:30300", "10.0.0.1:1", "[::1]:30300"] {
            assert_eq!(good.parse::<PeerAddress>().unwrap().address, good);
        }
        for bad in [
            "",
            "host",
            "host:",
            ":30300",
            "host:0",
            "host:65536",
            "::1:30300",
            "a b:1",
        ] {
            assert!(bad.parse::<PeerAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_private_key_is_never_printed() {
        let key = PemText::new("node.key", "secret words");
        assert_eq!(format!("{key:?}"), r#"PemText { file: "node.key", .. }"#);
    }
}
