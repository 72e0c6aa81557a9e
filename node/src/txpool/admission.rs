//! What is checked of a transaction before the pool sees it: everything that needs no lock and no chain state.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use althing_crypto::Suite;
use althing_execution::{InvalidReason, Rules, SenderError, check_stateless, is_replay_protected, recover};
use althing_types::transaction::Envelope;
use althing_types::{Bytes, DecodeError, Recovered, Transaction};

use crate::group::InForce;

/// Why the pool does not take a transaction. The texts begin with the words tools match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// It waits here already.
    #[error("already known")]
    AlreadyKnown,
    /// Further ahead than the pool keeps.
    #[error("nonce too high: next nonce {next}, tx nonce {found}; at most {ahead} ahead are kept")]
    NonceTooFar {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
        /// How far ahead one may be.
        ahead: u64,
    },
    /// Another one with this nonce offers as much.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// Signed for any chain (before EIP-155), so that it could be replayed in another group.
    #[error("only replay-protected (EIP-155) transactions are accepted; sign for chain id {accepted}")]
    Unprotected {
        /// The group's chain id.
        accepted: u64,
    },
    /// A tip above the fee cap: no client may sign that (EIP-1559).
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveCap,
    /// No room.
    #[error("txpool is full")]
    Full,
    /// The group takes no transactions now.
    #[error("{0}")]
    NotReady(String),
    /// It could never be in a block now.
    #[error(transparent)]
    Invalid(#[from] InvalidReason),
    /// Not a transaction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Nobody signed it.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The state could not be read.
    #[error("{0}")]
    State(String),
}

impl PoolError {
    /// The closed label for metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already_known",
            Self::NonceTooFar { .. } => "nonce_too_high",
            Self::ReplacementUnderpriced => "underpriced",
            Self::Unprotected { .. } => "unprotected",
            Self::TipAboveCap => "tip_above_cap",
            Self::Full => "full",
            Self::NotReady(_) => "not_ready",
            Self::Invalid(_) => "invalid",
            Self::Decode(_) => "malformed",
            Self::Sender(_) => "signature",
            Self::State(_) => "state",
        }
    }
}

/// What a group asks of every transaction.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The edition.
    pub suite: Arc<dyn Suite>,
    /// The rules in force.
    pub rules: Rules,
    /// What the next block may hold.
    pub in_force: InForce,
    /// The group's EVM chain id.
    pub evm_chain_id: u64,
}

impl Admission {
    /// Decodes, checks and recovers the sender. This is the costly part, free of locks.
    pub fn admit(&self, raw: Bytes) -> Result<Recovered, PoolError> {
        let transaction = Transaction::decode(raw, self.suite.hash_fn())?;
        check_stateless(&self.rules, &self.in_force.limits(), self.evm_chain_id, &transaction)?;
        if !is_replay_protected(&transaction) {
            return Err(PoolError::Unprotected {
                accepted: self.evm_chain_id,
            });
        }
        let Envelope::Ethereum(envelope) = transaction.envelope();
        if envelope
            .max_priority_fee_per_gas()
            .is_some_and(|tip| tip > envelope.max_fee_per_gas())
        {
            return Err(PoolError::TipAboveCap);
        }
        Ok(recover(self.suite.as_ref(), self.evm_chain_id, Arc::new(transaction))?)
    }
}
