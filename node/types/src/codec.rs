//! What decoding may refuse, and the bounds every outside byte is held to (DESIGN.md 5.9).

/// Bytes a block may have on the wire, whatever its genesis says.
pub const BLOCK_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes a transaction may have: the 128 KiB of Ethereum's pools, doubled twice for the code size limit of this ledger.
pub const TRANSACTION_BYTES_MAX: usize = 512 * 1024;
/// Sealers a group may have.
pub const SEALERS_MAX: usize = 256;

/// Why bytes from outside are not what they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than its bound.
    #[error("{what} has {found} bytes, at most {accepted} are accepted")]
    TooLong {
        /// The thing decoded.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Its bound.
        accepted: usize,
    },
    /// Not the encoding it should be.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// The thing decoded.
        what: &'static str,
        /// What the decoder met.
        why: String,
    },
    /// A transaction type this ledger does not take.
    #[error("transaction type {0} is not accepted; 0 (legacy), 1 (EIP-2930) and 2 (EIP-1559) are")]
    TransactionType(u8),
}

impl DecodeError {
    /// A malformed `what`.
    pub fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed {
            what,
            why: why.to_string(),
        }
    }
}

/// Refuses what is longer than its bound, before anything is allocated for it.
pub fn bounded(what: &'static str, bytes: &[u8], accepted: usize) -> Result<(), DecodeError> {
    match bytes.len() {
        found if found > accepted => Err(DecodeError::TooLong { what, found, accepted }),
        _ => Ok(()),
    }
}
