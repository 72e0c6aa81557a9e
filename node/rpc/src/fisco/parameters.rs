//! FISCO's parameters: a group as a number, a block number as hex or decimal text.

use std::fmt;
use std::sync::Arc;

use althing_types::{B256, GroupId};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::backend::{BlockView, GroupBackend};
use crate::error::RpcError;
use crate::fisco::error;
use crate::session::Call;
use crate::types::Quantity;

/// The group that the first parameter names.
pub(super) fn group(call: &Call<'_>) -> Result<Arc<dyn GroupBackend>, RpcError> {
    let Decimal(number) = call.arguments.required(0, "groupID")?;
    let found = i64::try_from(number).unwrap_or(i64::MAX);
    let id = u32::try_from(number)
        .ok()
        .and_then(|id| GroupId::try_from(id).ok())
        .ok_or_else(|| error::no_group(found))?;
    call.session.shared.node.group(id).map_err(error::group)
}

/// The height that a parameter names.
pub(super) fn height(call: &Call<'_>, index: usize, group: &dyn GroupBackend) -> Result<u64, RpcError> {
    let Decimal(height) = call.arguments.required(index, "blockNumber")?;
    match height <= group.head().height {
        true => Ok(height),
        false => Err(error::no_block_number(height)),
    }
}

/// The height of the block whose hash a parameter gives.
pub(super) fn height_of_hash(call: &Call<'_>, index: usize, group: &dyn GroupBackend) -> Result<u64, RpcError> {
    let hash: B256 = call.arguments.required(index, "blockHash")?;
    group
        .height_of(&hash)
        .map_err(error::backend)?
        .ok_or_else(|| error::no_block_hash(hash))
}

/// A block that exists.
pub(super) fn block(group: &dyn GroupBackend, height: u64) -> Result<BlockView, RpcError> {
    group
        .block(height)
        .map_err(error::backend)?
        .ok_or_else(|| error::no_block_number(height))
}

/// A number: JSON, decimal text, or hex text with `0x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) u64);

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, such as 436, \"436\" or \"0x1b4\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let decimal = digits.then(|| text.parse().ok()).flatten();
        let shown = || text.chars().take(80).collect::<String>();
        decimal
            .or_else(|| Quantity::parse(text))
            .map(Decimal)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(&shown()), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        Ok(Decimal(number))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_json_decimal_text_or_hex_text() {
        for text in ["436", "\"436\"", "\"0x1b4\""] {
            assert_eq!(serde_json::from_str::<Decimal>(text).unwrap(), Decimal(436), "{text}");
        }
        for text in ["-1", "\"\"", "\"1b4\"", "\"+1\"", "null"] {
            assert!(serde_json::from_str::<Decimal>(text).is_err(), "{text}");
        }
    }
}
