//! Numbers as Ethereum's JSON-RPC writes them.

use std::fmt;

use althing_types::U256;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of 64 bits: written as `0x` and hex digits without leading zeros, read also with them or as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(pub(crate) u64);

impl Quantity {
    /// Reads the text form.
    pub(crate) fn parse(text: &str) -> Option<u64> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
        (!digits.starts_with('+')).then_some(())?;
        u64::from_str_radix(digits, 16).ok()
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of 64 bits in hex, such as \"0x1b4\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Quantity, E> {
        let shown = || text.chars().take(80).collect::<String>();
        Quantity::parse(text).map(Quantity).ok_or_else(|| {
            E::custom(format_args!(
                "found {:?}, expected a number of 64 bits in hex, such as \"0x1b4\"",
                shown()
            ))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Quantity, E> {
        Ok(Quantity(number))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

/// Reads a storage slot: hex of 1 to 64 digits with `0x`, as a quantity or as 32 bytes.
pub(crate) fn slot(text: &str) -> Option<U256> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let accepted = (1..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    accepted.then(|| U256::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_written_without_leading_zeros_and_read_with_them() {
        assert_eq!(serde_json::to_string(&Quantity(0)).unwrap(), "\"0x0\"");
        assert_eq!(serde_json::to_string(&Quantity(436)).unwrap(), "\"0x1b4\"");
        for text in ["\"0x1b4\"", "\"0x01B4\"", "436"] {
            assert_eq!(serde_json::from_str::<Quantity>(text).unwrap(), Quantity(436), "{text}");
        }
        for text in [
            "\"436\"",
            "\"0x\"",
            "\"0x+1\"",
            "\"0x10000000000000000\"",
            "-1",
            "1.5",
            "null",
            "[]",
        ] {
            assert!(serde_json::from_str::<Quantity>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_slot_is_a_quantity_or_32_bytes() {
        assert_eq!(slot("0x0"), Some(U256::ZERO));
        assert_eq!(slot(&format!("0x{:064x}", 5)), Some(U256::from(5)));
        assert_eq!(slot(&format!("0x{:065x}", 5)), None);
        assert_eq!(slot("0x"), None);
        assert_eq!(slot("5"), None);
    }
}
