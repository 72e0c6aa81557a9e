//! What a contract said when it reverted: Solidity's `Error(string)` and `Panic(uint256)`.

use alloy_sol_types::{Panic, Revert, SolError};
use althing_types::U256;

use crate::selectors::canonical;

/// What is read.
pub(crate) const ERRORS: [&str; 2] = [Revert::SIGNATURE, Panic::SIGNATURE];

/// The text of a revert, none where the data is neither `Error(string)` nor `Panic(uint256)` in the contract ABI, with the selector
/// that Keccak-256 or SM3 gives.
///
/// Panic codes are Solidity's (documentation, "Panic via assert and Error via require"). Text that is not UTF-8 is
/// shown with replacement characters.
pub fn decode_revert_reason(data: &[u8]) -> Option<String> {
    let data = canonical(data);
    let (selector, arguments) = data.split_first_chunk::<4>()?;
    match *selector {
        Revert::SELECTOR => text(arguments),
        Panic::SELECTOR => Some(panic_text(U256::from_be_slice(arguments.get(..32)?))),
        _ => None,
    }
}

/// Reads the only argument, a dynamic string: offset, length, bytes.
fn text(arguments: &[u8]) -> Option<String> {
    let offset = word(arguments, 0)?;
    let length = word(arguments, offset)?;
    let start = offset.checked_add(32)?;
    let bytes = arguments.get(start..start.checked_add(length)?)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// A 32-byte word as an index; none when it is out of reach anyway.
fn word(arguments: &[u8], at: usize) -> Option<usize> {
    let bytes = arguments.get(at..at.checked_add(32)?)?;
    usize::try_from(U256::from_be_slice(bytes)).ok()
}

fn panic_text(code: U256) -> String {
    let known = match u64::try_from(code).unwrap_or(u64::MAX) {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn solidity_errors_and_panics_are_read() {
        let error = hex!(
            "08c379a0"
            "0000000000000000000000000000000000000000000000000000000000000020"
            "0000000000000000000000000000000000000000000000000000000000000004"
            "6e6f706500000000000000000000000000000000000000000000000000000000"
        );
        assert_eq!(decode_revert_reason(&error).as_deref(), Some("nope"));
        let mut panic = Panic::SELECTOR.to_vec();
        panic.extend(U256::from(0x11).to_be_bytes::<32>());
        assert_eq!(
            decode_revert_reason(&panic).as_deref(),
            Some("arithmetic underflow or overflow")
        );
        panic.truncate(4);
        panic.extend(U256::MAX.to_be_bytes::<32>());
        assert!(
            decode_revert_reason(&panic)
                .unwrap()
                .starts_with("unknown panic code: 0xff")
        );
    }

    #[test]
    fn hostile_revert_data_has_no_reason_and_does_no_harm() {
        let mut endless = Revert::SELECTOR.to_vec();
        endless.extend(U256::MAX.to_be_bytes::<32>());
        let mut long = Revert::SELECTOR.to_vec();
        long.extend(U256::from(32).to_be_bytes::<32>());
        long.extend(U256::from(u64::MAX).to_be_bytes::<32>());
        for data in [
            &[][..],
            &Revert::SELECTOR,
            &Panic::SELECTOR,
            &[1, 2, 3, 4],
            &endless,
            &long,
        ] {
            assert_eq!(decode_revert_reason(data), None, "{data:02x?}");
        }
    }
}
