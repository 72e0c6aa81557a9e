//! FISCO's numbers of what becomes of a transaction, and their names: in receipts up to 32, from a pool that refuses also above 10000.

use crate::backend::SubmitError;

const NAMES: [&str; 33] = [
    "None",
    "Unknown",
    "BadRLP",
    "InvalidFormat",
    "OutOfGasIntrinsic",
    "InvalidSignature",
    "InvalidNonce",
    "NotEnoughCash",
    "OutOfGasBase",
    "BlockGasLimitReached",
    "BadInstruction",
    "BadJumpDestination",
    "OutOfGas",
    "OutOfStack",
    "StackUnderflow",
    "NonceCheckFail",
    "BlockLimitCheckFail",
    "FilterCheckFail",
    "NoDeployPermission",
    "NoCallPermission",
    "NoTxPermission",
    "PrecompiledError",
    "RevertInstruction",
    "InvalidZeroSignature",
    "AddressAlreadyUsed",
    "PermissionDenied",
    "CallAddressError",
    "GasOverflow",
    "TxPoolIsFull",
    "TransactionRefused",
    "ContractFrozen",
    "AccountFrozen",
    "NotEnoughRemainGas",
];

/// Names from [`ALREADY_KNOWN`] on.
const POOL_NAMES: [&str; 6] = [
    "AlreadyKnown",
    "AlreadyInChain",
    "InvalidChainId",
    "InvalidGroupId",
    "RequestNotBelongToTheGroup",
    "MalformedTx",
];
const ALREADY_KNOWN: u32 = 10_000;

/// The name of a status.
pub(super) fn status_name(status: u32) -> &'static str {
    let named = |names: &[&'static str], index: u32| names.get(usize::try_from(index).ok()?).copied();
    let found = match status.checked_sub(ALREADY_KNOWN) {
        None => named(&NAMES, status),
        Some(index) => named(&POOL_NAMES, index),
    };
    found.unwrap_or("Unknown")
}

/// The status of a transaction that the pool refused; none where the group takes none at all.
pub(super) const fn refusal_status(error: &SubmitError) -> Option<u32> {
    Some(match error {
        SubmitError::IntrinsicGas { .. } => 4,
        SubmitError::Signature(_) => 5,
        SubmitError::NonceTooLow { .. } | SubmitError::NonceTooHigh { .. } | SubmitError::ReplacementUnderpriced => 6,
        SubmitError::InsufficientFunds { .. } => 7,
        SubmitError::GasOverLimit { .. } => 9,
        SubmitError::RandomIdUsed(_) => 15,
        SubmitError::BlockLimit { .. } => 16,
        SubmitError::PoolFull => 28,
        SubmitError::Invalid(_) => 29,
        SubmitError::AlreadyKnown => ALREADY_KNOWN,
        SubmitError::ChainId { .. } => 10_002,
        SubmitError::GroupId { .. } => 10_003,
        SubmitError::Malformed(_) => 10_005,
        SubmitError::NotReady(_) => return None,
    })
}

/// FISCO's status for an exceptional halt described in Ethereum clients' words.
pub(super) fn halt_status(reason: &str) -> u64 {
    const STATUSES: [(&str, u64); 5] = [
        ("out of gas", 12),
        ("invalid opcode", 10),
        ("invalid jump", 11),
        ("stack underflow", 14),
        ("stack limit", 13),
    ];
    STATUSES
        .iter()
        .find(|(words, _)| reason.contains(words))
        .map_or(1, |(_, status)| *status)
}

#[cfg(test)]
mod tests {
    use althing_types::U256;

    use super::*;

    #[test]
    fn a_status_has_fiscos_number_and_name() {
        for (status, name) in [
            (0, "None"),
            (12, "OutOfGas"),
            (22, "RevertInstruction"),
            (32, "NotEnoughRemainGas"),
            (10_000, "AlreadyKnown"),
            (10_005, "MalformedTx"),
        ] {
            assert_eq!(status_name(status), name);
        }
        for unknown in [33, 9_999, 10_006, u32::MAX] {
            assert_eq!(status_name(unknown), "Unknown");
        }
        assert_eq!(status_name(halt_status("out of gas: memory") as u32), "OutOfGas");
        assert_eq!(
            status_name(halt_status("invalid opcode: INVALID") as u32),
            "BadInstruction"
        );
    }

    #[test]
    fn a_refusal_has_fiscos_number_and_name() {
        let (found, accepted) = (1, 2);
        for (error, name) in [
            (SubmitError::ChainId { found, accepted }, "InvalidChainId"),
            (SubmitError::GroupId { found, accepted }, "InvalidGroupId"),
            (SubmitError::RandomIdUsed(U256::from(1)), "NonceCheckFail"),
            (
                SubmitError::BlockLimit {
                    found,
                    first: 2,
                    last: 3,
                },
                "BlockLimitCheckFail",
            ),
            (SubmitError::PoolFull, "TxPoolIsFull"),
            (SubmitError::Signature(String::new()), "InvalidSignature"),
            (SubmitError::Malformed(String::new()), "MalformedTx"),
        ] {
            assert_eq!(refusal_status(&error).map(status_name), Some(name));
        }
        assert_eq!(refusal_status(&SubmitError::NotReady(String::new())), None);
    }
}
