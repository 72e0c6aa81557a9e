//! The pool: what is in it, and why it refuses.

use althing_types::{Recovered, U256};

/// Why the pool refused a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It is in the pool already.
    #[error("already known")]
    AlreadyKnown,
    /// A transaction with that nonce was included before.
    #[error("nonce too low: next nonce {next}, tx nonce {found}")]
    NonceTooLow {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
    },
    /// The nonce is further ahead than the pool keeps.
    #[error("nonce too high: next nonce {next}, tx nonce {found}")]
    NonceTooHigh {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
    },
    /// Another transaction with that nonce waits and this one offers no higher tip.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The account cannot pay the value.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// What it has.
        balance: U256,
        /// What it would need.
        cost: U256,
    },
    /// Less gas than the transaction costs before it runs.
    #[error("intrinsic gas too low: have {found}, want {needed}")]
    IntrinsicGas {
        /// The gas given.
        found: u64,
        /// The gas needed.
        needed: u64,
    },
    /// More gas than a block may use.
    #[error("exceeds block gas limit: gas {found}, limit {limit}")]
    GasOverLimit {
        /// The gas given.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found}, want {accepted}")]
    ChainId {
        /// The transaction's chain id.
        found: u64,
        /// The group's.
        accepted: u64,
    },
    /// Signed for another group.
    #[error("invalid group id for signer: have {found}, want {accepted}")]
    GroupId {
        /// The transaction's group.
        found: u64,
        /// The one it was sent to.
        accepted: u64,
    },
    /// No block can hold it before its limit, or its limit is too far away.
    #[error("block limit out of range: have {found}, {first} to {last} are accepted now")]
    BlockLimit {
        /// The transaction's limit.
        found: u64,
        /// The lowest accepted.
        first: u64,
        /// The highest accepted.
        last: u64,
    },
    /// Its account has a transaction with this randomid, in one of the last blocks or in the pool.
    #[error("randomid already used: the account has another transaction with randomid {0}")]
    RandomIdUsed(U256),
    /// The pool is full.
    #[error("txpool is full")]
    PoolFull,
    /// The group does not take transactions now; the text says why.
    #[error("{0}")]
    NotReady(String),
    /// Not a transaction.
    #[error("{0}")]
    Malformed(String),
    /// Its signature does not hold.
    #[error("{0}")]
    Signature(String),
    /// It can be in no block of this group; the text says why.
    #[error("{0}")]
    Invalid(String),
}

/// How much is in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that could be included now.
    pub pending: u64,
    /// Transactions that wait for an earlier nonce.
    pub queued: u64,
}

/// What is in the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolContent {
    /// Transactions that could be included now.
    pub pending: Vec<Recovered>,
    /// Transactions that wait for an earlier nonce.
    pub queued: Vec<Recovered>,
}
