//! Where a peer is dialled: a name or an address, and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Characters a host name may have (RFC 1035 2.3.4).
const HOST_CHARACTERS_MAX: usize = 253;
/// Characters between two dots of a host name.
const LABEL_CHARACTERS_MAX: usize = 63;

/// Where a peer is dialled. A name is resolved again on every dial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    host: String,
    port: u16,
}

/// A text that is no peer address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a peer is name:port, ip:port or [ipv6]:port, found {0:?}")]
pub struct PeerAddressError(pub String);

impl PeerAddress {
    /// A host name, an IPv4 or an IPv6 address (without brackets), with a port other than 0.
    pub fn new(host: &str, port: u16) -> Result<Self, PeerAddressError> {
        let wrong = || PeerAddressError(format!("{}:{port}", host.chars().take(80).collect::<String>()));
        if port == 0 {
            return Err(wrong());
        }
        match host.parse::<IpAddr>() {
            Ok(address) => Ok(Self {
                host: address.to_string(),
                port,
            }),
            Err(_) if is_host_name(host) => Ok(Self {
                host: host.to_ascii_lowercase(),
                port,
            }),
            Err(_) => Err(wrong()),
        }
    }

    /// The name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// RFC 1123 names, and the underscore that container networks allow. All digits and dots would be a mistyped address.
fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_CHARACTERS_MAX).contains(&label.len())
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= HOST_CHARACTERS_MAX
        && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
        && host.chars().any(|c| c.is_ascii_alphabetic())
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PeerAddressError(text.chars().take(80).collect());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or_else(wrong)?;
                inner.parse::<Ipv6Addr>().map_err(|_| wrong())?;
                inner
            }
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        Self::new(host, port.parse().map_err(|_| wrong())?).map_err(|_| wrong())
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Serialize for PeerAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PeerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_both_kinds_of_address_are_read_and_written_back() {
        for text in [
            "127.0.0.1:30300",
            "node-0.agency_a.svc.cluster.local:30300",
            "[::1]:1",
            "a:65535",
            "a.b.:7",
        ] {
            assert_eq!(text.parse::<PeerAddress>().unwrap().to_string(), text);
        }
        assert_eq!("[0:0::1]:5".parse::<PeerAddress>().unwrap().to_string(), "[::1]:5");
        assert_eq!("Node.Example:5".parse::<PeerAddress>().unwrap().host(), "node.example");
    }

    #[test]
    fn what_is_no_peer_address_is_refused() {
        let long = format!("{}:1", "a".repeat(64));
        for text in [
            "", "a", "a:", ":1", "a:0", "a:65536", "a:+1", "::1:5", "[::1:5", "[a]:5", "1.2.3:5", "a b:5", "-a:5",
            "a..b:5", &long,
        ] {
            assert!(text.parse::<PeerAddress>().is_err(), "{text:?}");
        }
    }
}
