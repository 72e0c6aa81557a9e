//! What is checked of a transaction before the pool sees it: everything that needs no lock and no chain state.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use althing_crypto::Suite;
use althing_execution::{ChainIds, InvalidReason, Rules, SenderError, check_stateless, is_replay_protected, recover};
use althing_types::transaction::Envelope;
use althing_types::{Bytes, DecodeError, Recovered, Transaction, U256};

use super::senders::Senders;
use crate::group::{InForce, UsedIds};

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
    /// Another one of its sender with this randomid waits here already.
    #[error("randomid already used: another transaction of the account with randomid {0} waits here")]
    RandomIdWaits(U256),
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
            Self::RandomIdWaits(_) => "randomid_used",
            Self::Unprotected { .. } => "unprotected",
            Self::TipAboveCap => "tip_above_cap",
            Self::Full => "full",
            Self::NotReady(_) => "not_ready",
            Self::Invalid(InvalidReason::RandomIdUsed(_)) => "randomid_used",
            Self::Invalid(InvalidReason::BlockLimit { .. }) => "block_limit",
            Self::Invalid(_) => "invalid",
            Self::Decode(_) => "malformed",
            Self::Sender(_) => "signature",
            Self::State(_) => "state",
        }
    }
}

/// What a group asks of every transaction.
#[derive(Debug)]
pub struct Admission {
    /// The edition.
    pub suite: Arc<dyn Suite>,
    /// The rules in force.
    pub rules: Rules,
    /// What the next block may hold.
    pub in_force: InForce,
    /// The randomids of the last blocks.
    pub used: UsedIds,
    /// Whose transactions are taken.
    pub ids: ChainIds,
    /// The senders that were found.
    pub senders: Senders,
}

impl Admission {
    /// Decodes, checks and recovers the sender. This is the costly part, free of locks.
    pub fn admit(&self, raw: Bytes) -> Result<Recovered, PoolError> {
        let transaction = Transaction::decode(raw, self.suite.hash_fn())?;
        check_stateless(&self.rules, &self.in_force.limits(), &self.ids, &transaction)?;
        if !is_replay_protected(&transaction) {
            return Err(PoolError::Unprotected { accepted: self.ids.evm });
        }
        match transaction.envelope() {
            Envelope::Ethereum(envelope) => {
                let tip = envelope.max_priority_fee_per_gas();
                if tip.is_some_and(|tip| tip > envelope.max_fee_per_gas()) {
                    return Err(PoolError::TipAboveCap);
                }
            }
            Envelope::Fisco(fisco) => self.used.check_limit(fisco, 0)?,
        }
        let recovered = self.sender(Arc::new(transaction))?;
        self.used.check_id(&recovered)?;
        Ok(recovered)
    }

    /// The sender of a transaction, whose signature is verified once.
    ///
    /// # Errors
    /// One that nobody signed, and one that was signed for another chain.
    pub fn sender(&self, transaction: Arc<Transaction>) -> Result<Recovered, SenderError> {
        let recover = |transaction| recover(self.suite.as_ref(), self.ids.evm, transaction);
        self.senders.find(transaction, recover)
    }

    /// Whether blocks until its limit can hold a transaction that so many go before. A client that is refused now can sign another one; one
    /// whose transaction is dropped later waits for it.
    pub fn check_room(&self, transaction: &Transaction, before: usize) -> Result<(), PoolError> {
        let Some(fisco) = transaction.fisco() else {
            return Ok(());
        };
        let blocks = before as u64 / u64::from(self.in_force.config().transactions.max(1));
        Ok(self.used.check_limit(fisco, blocks)?)
    }
}
