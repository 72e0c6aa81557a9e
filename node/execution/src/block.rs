//! Blocks: verified as a whole, or made one transaction at a time. Both ways go through [`Execution::push`].

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicBool;

use althing_types::{Bloom, ChangeSet, FiscoTransaction, Receipt, Recovered, StateError, StateReader};
use revm::context::JournalTr;

use crate::evm::{Machine, Purpose, TransactError, machine, transact};
use crate::random_ids::{RandomId, RandomIds, check_block_limit};
use crate::receipt::{BloomHashes, receipt};
use crate::state::{Ancestors, StateCache};
use crate::transaction::{check_group, environment, reason};
use crate::{BlockContext, InvalidReason, Limit, Rules};

/// What a block did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// One receipt per transaction, in order.
    pub receipts: Vec<Receipt>,
    /// The net changes against the parent's state.
    pub changes: ChangeSet,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// The bloom of all events.
    pub logs_bloom: Bloom,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// A transaction of the block must not be in it: the block is invalid.
    #[error("the block is invalid: transaction {index}: {reason}")]
    InvalidTransaction {
        /// Its place in the block.
        index: usize,
        /// Why.
        reason: InvalidReason,
    },
    /// The block holds more than it may: it is invalid.
    #[error("the block is invalid: {found} {limit}, at most {accepted} are accepted")]
    OverLimit {
        /// Which limit.
        limit: Limit,
        /// What the block holds; for gas, at the transaction that went over it.
        found: u64,
        /// What is accepted.
        accepted: u64,
    },
    /// The state could not be read: this node's fault, and the end of the group here.
    #[error(transparent)]
    State(#[from] StateError),
    /// The caller's flag was raised.
    #[error("execution was cancelled")]
    Cancelled,
    /// The EVM failed in a way no block may cause.
    #[error("the EVM failed: {0}")]
    Internal(String),
}

/// A block under way.
struct Execution<'a> {
    rules: Rules,
    block: BlockContext,
    /// The randomids of the blocks before.
    used: &'a RandomIds,
    /// Those of this block.
    random_ids: HashSet<RandomId>,
    machine: Machine<'a>,
    receipts: Vec<Receipt>,
    gas_used: u64,
    logs_bloom: Bloom,
    bloom_hashes: BloomHashes,
}

/// Why a transaction did not join the block under way, which is as it was before.
enum Refused {
    Invalid(InvalidReason),
    Gas { used: u64 },
    Cancelled,
}

impl<'a> Execution<'a> {
    fn new(
        rules: &Rules,
        state: &'a dyn StateReader,
        used: &'a RandomIds,
        block: &BlockContext,
        cancel: &'a AtomicBool,
    ) -> Self {
        let cache = StateCache::new(state, Ancestors::MustExist);
        Self {
            rules: rules.clone(),
            block: block.clone(),
            used,
            random_ids: HashSet::new(),
            machine: machine(rules, block, rules.block_env(block), cache, cancel),
            receipts: Vec::new(),
            gas_used: 0,
            logs_bloom: Bloom::ZERO,
            bloom_hashes: BloomHashes::default(),
        }
    }

    fn gas_left(&self) -> u64 {
        self.block.limits.gas.saturating_sub(self.gas_used)
    }

    /// The one way of a transaction into a block. The outer error ends the block.
    fn push(&mut self, recovered: &Recovered) -> Result<Result<(), Refused>, ExecutionError> {
        let transaction = environment(recovered, self.block.limits.gas);
        let transaction_type = transaction.tx_type;
        let (purpose, random_id) = match recovered.transaction.fisco() {
            None => (Purpose::Transaction, None),
            Some(fisco) => match self.check_fisco(fisco, recovered) {
                Ok(random_id) => (Purpose::WithoutNonce, Some(random_id)),
                Err(reason) => return Ok(Err(Refused::Invalid(reason))),
            },
        };
        let gas_left = self.gas_left();
        self.machine.precompiles.leads = self.receipts.is_empty();
        match transact(&mut self.machine, transaction, purpose, gas_left) {
            Ok(result) => {
                self.random_ids.extend(random_id);
                let receipt = receipt(transaction_type, result, self.gas_used, &mut self.bloom_hashes);
                self.gas_used = receipt.cumulative_gas_used;
                self.logs_bloom.accrue_bloom(&receipt.logs_bloom);
                self.receipts.push(receipt);
                Ok(Ok(()))
            }
            Err(TransactError::Invalid(error)) => {
                let (gas, chain_id) = (self.block.limits.gas, self.block.ids.evm);
                Ok(Err(Refused::Invalid(reason(
                    error,
                    &self.machine.ctx.tx,
                    &self.rules,
                    gas,
                    chain_id,
                ))))
            }
            Err(TransactError::BlockGas { used }) => Ok(Err(Refused::Gas { used })),
            Err(TransactError::Cancelled) => Ok(Err(Refused::Cancelled)),
            Err(TransactError::State(error)) => Err(error.into()),
            Err(TransactError::Internal(why)) => Err(ExecutionError::Internal(why)),
        }
    }

    /// What a FISCO transaction has in place of an account nonce: a group, a limit that the block is within, and a randomid of its own.
    fn check_fisco(&self, fisco: &FiscoTransaction, recovered: &Recovered) -> Result<RandomId, InvalidReason> {
        check_group(&self.block.ids, fisco)?;
        check_block_limit(fisco, self.block.number)?;
        let number = fisco.request.random_id;
        let random_id = RandomId::new(&recovered.sender, &number, self.rules.suite().hash_fn());
        match self.used.contains(&random_id) || self.random_ids.contains(&random_id) {
            false => Ok(random_id),
            true => Err(InvalidReason::RandomIdUsed(number)),
        }
    }

    fn finish(mut self) -> Executed {
        let state = self.machine.ctx.journaled_state.finalize();
        Executed {
            receipts: self.receipts,
            changes: self.machine.ctx.journaled_state.database.changes(state),
            gas_used: self.gas_used,
            logs_bloom: self.logs_bloom,
        }
    }
}

/// Executes a whole block over its parent's state, after blocks that used these randomids. One transaction that must not be in it makes
/// the block invalid.
pub fn execute_block(
    rules: &Rules,
    state: &dyn StateReader,
    used: &RandomIds,
    block: &BlockContext,
    transactions: &[Recovered],
    cancel: &AtomicBool,
) -> Result<Executed, ExecutionError> {
    let limits = block.limits;
    let over = |limit, found, accepted| Err(ExecutionError::OverLimit { limit, found, accepted });
    if transactions.len() as u64 > u64::from(limits.transactions) {
        return over(
            Limit::Transactions,
            transactions.len() as u64,
            u64::from(limits.transactions),
        );
    }
    let bytes = transactions.iter().map(size).sum();
    if bytes > limits.bytes {
        return over(Limit::Bytes, bytes, limits.bytes);
    }
    let mut execution = Execution::new(rules, state, used, block, cancel);
    for (index, recovered) in transactions.iter().enumerate() {
        match execution.push(recovered)? {
            Ok(()) => {}
            Err(Refused::Invalid(reason)) => return Err(ExecutionError::InvalidTransaction { index, reason }),
            Err(Refused::Gas { used }) => {
                return over(Limit::Gas, execution.gas_used.saturating_add(used), limits.gas);
            }
            Err(Refused::Cancelled) => return Err(ExecutionError::Cancelled),
        }
    }
    Ok(execution.finish())
}

fn size(recovered: &Recovered) -> u64 {
    recovered.transaction.raw().len() as u64
}

/// What became of a transaction offered to a [`BlockBuilder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// It is in the block.
    Included {
        /// The gas it used.
        gas_used: u64,
    },
    /// It cannot be in this block; others can.
    Skipped(InvalidReason),
    /// The block holds all it may; this transaction is not in it.
    Full(Limit),
}

/// Makes a block: the leader offers transactions until the block is full or its pool is empty.
pub struct BlockBuilder<'a> {
    execution: Execution<'a>,
    transactions: Vec<Recovered>,
    bytes: u64,
}

impl fmt::Debug for BlockBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockBuilder")
            .field("block", &self.execution.block)
            .field("transactions", &self.transactions.len())
            .field("gas_used", &self.execution.gas_used)
            .finish_non_exhaustive()
    }
}

impl<'a> BlockBuilder<'a> {
    /// A block with nothing in it yet. Raising `cancel` makes it full at once, a transaction under way is left out.
    pub fn new(
        rules: &Rules,
        state: &'a dyn StateReader,
        used: &'a RandomIds,
        block: &BlockContext,
        cancel: &'a AtomicBool,
    ) -> Self {
        Self {
            execution: Execution::new(rules, state, used, block, cancel),
            transactions: Vec::new(),
            bytes: 0,
        }
    }

    /// Offers a transaction. After an error the builder is of no use.
    pub fn try_push(&mut self, recovered: &Recovered) -> Result<PushOutcome, ExecutionError> {
        let limits = self.execution.block.limits;
        let size = size(recovered);
        if size > limits.bytes {
            return Ok(PushOutcome::Skipped(InvalidReason::Bytes {
                found: size,
                accepted: limits.bytes,
            }));
        }
        if self.transactions.len() as u64 >= u64::from(limits.transactions) {
            return Ok(PushOutcome::Full(Limit::Transactions));
        }
        if self.bytes.saturating_add(size) > limits.bytes {
            return Ok(PushOutcome::Full(Limit::Bytes));
        }
        let gas_before = self.execution.gas_used;
        Ok(match self.execution.push(recovered)? {
            Ok(()) => {
                self.bytes += size;
                self.transactions.push(recovered.clone());
                PushOutcome::Included {
                    gas_used: self.execution.gas_used - gas_before,
                }
            }
            Err(Refused::Invalid(reason)) => PushOutcome::Skipped(reason),
            Err(Refused::Gas { .. }) => PushOutcome::Full(Limit::Gas),
            Err(Refused::Cancelled) => PushOutcome::Full(Limit::Time),
        })
    }

    /// The transactions that are in.
    pub fn transactions(&self) -> &[Recovered] {
        &self.transactions
    }

    /// Gas used so far.
    pub const fn gas_used(&self) -> u64 {
        self.execution.gas_used
    }

    /// Ends the block: its transactions and what they did, equal to what [`execute_block`] gives for them.
    pub fn finish(self) -> (Vec<Recovered>, Executed) {
        (self.transactions, self.execution.finish())
    }
}
