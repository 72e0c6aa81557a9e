//! Who is let in beyond a good certificate: the blacklist, then the whitelist.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use althing_types::NodeId;

/// A certificate serial number: the big-endian magnitude without leading zero bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

/// The longest serial accepted, in bytes: RFC 5280 section 4.1.2.2 allows 20 octets, the sign octet included.
const MAX_SERIAL_BYTES: usize = 21;

/// A text that is no serial number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a certificate serial is 1 to 42 hex digits, colons between bytes allowed, found {0:?}")]
pub struct SerialError(pub String);

impl Serial {
    /// The serial with this big-endian magnitude; leading zero bytes do not count.
    pub fn new(bytes: &[u8]) -> Self {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        Self(bytes.get(start..).unwrap_or_default().to_vec())
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    /// Reads what OpenSSL prints: hex digits in either case, with or without colons and a leading `0x`.
    fn from_str(text: &str) -> Result<Self, SerialError> {
        let bad = || SerialError(text.chars().take(64).collect());
        let plain: String = text.trim_start_matches("0x").chars().filter(|c| *c != ':').collect();
        if plain.is_empty() || plain.len() > 2 * MAX_SERIAL_BYTES {
            return Err(bad());
        }
        let even = if plain.len() % 2 == 1 {
            format!("0{plain}")
        } else {
            plain
        };
        hex::decode(even).map(|bytes| Self::new(&bytes)).map_err(|_| bad())
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("00")
        } else {
            f.write_str(&hex::encode(&self.0))
        }
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

/// Identities, agencies and certificates that are refused whatever chain they come with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blacklist {
    /// Refused nodeIDs.
    pub node_ids: BTreeSet<NodeId>,
    /// Refused agencies, by the common name of their certificate; it refuses every certificate below it.
    pub agencies: BTreeSet<String>,
    /// Refused certificates, by serial: of a node, or of an agency, which refuses every certificate below it.
    pub serials: BTreeSet<Serial>,
}

/// The blacklist, consulted first, and the whitelist (FISCO BCOS 2.x order: a blacklisted node stays out even when it
/// is whitelisted as well).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Always refused.
    pub blacklist: Blacklist,
    /// When not empty, only these nodeIDs are let in.
    pub whitelist: BTreeSet<NodeId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_the_same_however_it_is_written() {
        let plain: Serial = "0a1b2c".parse().unwrap();
        assert_eq!(plain, "0A:1B:2C".parse().unwrap());
        assert_eq!(plain, "0xa1b2c".parse().unwrap());
        assert_eq!(plain, Serial::new(&[0, 0x0a, 0x1b, 0x2c]));
        assert_eq!(plain.to_string(), "0a1b2c");
    }

    #[test]
    fn a_text_that_is_no_serial_is_shown() {
        assert_eq!("serial".parse::<Serial>(), Err(SerialError("serial".to_owned())));
        assert!("".parse::<Serial>().is_err());
        assert!("ab".repeat(22).parse::<Serial>().is_err());
    }
}
