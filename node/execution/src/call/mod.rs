//! Questions to the state: calls, gas estimates, access lists. Nothing they do is kept.

mod access_list;
mod estimate;
mod overrides;

use std::sync::atomic::AtomicBool;

use alloy_eips::eip2930::AccessList;
use althing_types::{Address, Bytes, Log, StateError, StateReader, U256};
use revm::context::result::{ExecutionResult, InvalidTransaction};
use revm::context::{BlockEnv, JournalTr, TxEnv};
use revm::primitives::TxKind;
use revm::state::EvmState;

pub use access_list::{AccessListOutcome, create_access_list};
pub use estimate::{GasEstimate, estimate_gas};
use overrides::OverriddenState;
pub use overrides::{AccountOverride, BlockOverrides, StateOverrides, StorageOverride};

use crate::evm::{Ended, Purpose, TransactError, machine, transact};
use crate::receipt::halt_status;
use crate::state::{Ancestors, StateCache};
use crate::transaction::{intrinsic_gas_of, reason};
use crate::{BlockContext, InvalidReason, Rules};

/// What is asked. Its default is a call to nobody from the zero address, which is a creation of empty code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// The sender; any address, whether it exists, holds code, or owns nothing.
    pub from: Address,
    /// The contract; none is a creation.
    pub to: Option<Address>,
    /// The gas it may use; none is all that is allowed.
    pub gas: Option<u64>,
    /// The value sent; the sender must own it.
    pub value: U256,
    /// The input, or the initialisation code.
    pub input: Bytes,
    /// Addresses and slots that are warm from the start (EIP-2930).
    pub access_list: AccessList,
}

/// Where and how it is asked.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    /// The rules of the block's protocol version.
    pub rules: &'a Rules,
    /// The state after that block.
    pub state: &'a dyn StateReader,
    /// The block the call pretends to be in.
    pub block: &'a BlockContext,
    /// Accounts that are pretended to be different.
    pub state_overrides: &'a StateOverrides,
    /// Block fields that are pretended to be different.
    pub block_overrides: &'a BlockOverrides,
    /// The most gas the node spends on a question, whatever is asked for.
    pub gas_cap: u64,
    /// Raised when the answer is no longer wanted: a deadline, a client that hung up.
    pub cancel: &'a AtomicBool,
}

impl std::fmt::Debug for CallContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallContext")
            .field("block", self.block)
            .field("gas_cap", &self.gas_cap)
            .finish_non_exhaustive()
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It succeeded.
    Success {
        /// What it returned; of a creation, the code.
        output: Bytes,
        /// The gas it used.
        gas_used: u64,
        /// The events it would have emitted.
        logs: Vec<Log>,
    },
    /// It reverted.
    Revert {
        /// The revert data: [`crate::decode_revert_reason`] reads it.
        output: Bytes,
        /// The gas it used.
        gas_used: u64,
        /// FISCO's status number ([`crate::status`]): a revert, or the right that is lacking.
        status: u32,
    },
    /// It came to an exceptional end.
    Halt(Halt),
}

/// An exceptional end: all gas is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// FISCO's status number ([`crate::status`]).
    pub status: u32,
    /// The reason in words.
    pub reason: String,
    /// The gas it used.
    pub gas_used: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The question cannot be asked like this.
    #[error(transparent)]
    Invalid(#[from] InvalidReason),
    /// It needs more gas than it may be given.
    #[error("gas required exceeds allowance ({allowance})")]
    Allowance {
        /// The gas it was given.
        allowance: u64,
    },
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The caller's flag was raised.
    #[error("execution aborted (timeout)")]
    Cancelled,
    /// The EVM failed in a way no call may cause.
    #[error("the EVM failed: {0}")]
    Internal(String),
}

/// Answers `eth_call`: nonce, sender's code and fees are not looked at, `GASPRICE` gives 0.
pub fn call(context: &CallContext<'_>, request: &CallRequest) -> Result<CallOutcome, CallError> {
    let (ended, _) = run(
        context,
        request,
        request.access_list.clone(),
        allowance(context, request),
    )?;
    Ok(match ended.result {
        ExecutionResult::Success { gas, logs, output, .. } => CallOutcome::Success {
            output: output.into_data(),
            gas_used: gas.tx_gas_used(),
            logs,
        },
        ExecutionResult::Revert { gas, output, .. } => CallOutcome::Revert {
            output,
            gas_used: gas.tx_gas_used(),
            status: ended.revert_status,
        },
        ExecutionResult::Halt { reason, gas, .. } => CallOutcome::Halt(Halt {
            status: halt_status(&reason),
            reason: reason.to_string(),
            gas_used: gas.tx_gas_used(),
        }),
    })
}

/// The gas a request may use: what it asks for, within a block's gas and the node's cap.
fn allowance(context: &CallContext<'_>, request: &CallRequest) -> u64 {
    let block = block_env(context).gas_limit;
    request.gas.unwrap_or(u64::MAX).min(block).min(context.gas_cap)
}

fn block_env(context: &CallContext<'_>) -> BlockEnv {
    let mut block = context.rules.block_env(context.block);
    context.block_overrides.apply(&mut block);
    block
}

/// Runs a request once, over the state as it is pretended to be.
fn run(
    context: &CallContext<'_>,
    request: &CallRequest,
    access_list: AccessList,
    gas: u64,
) -> Result<(Ended, EvmState), CallError> {
    let state = OverriddenState::new(context.state, context.state_overrides, context.rules.evm_hash());
    let cache = StateCache::new(&state, Ancestors::MayBeMissing);
    let mut machine = machine(context.rules, context.block, block_env(context), cache, context.cancel);
    let ended = transact(
        &mut machine,
        environment(context, request, access_list, gas),
        Purpose::Call,
        u64::MAX,
    )
    .map_err(|error| refused(error, context, &machine.ctx.tx))?;
    Ok((ended, machine.ctx.journaled_state.finalize()))
}

fn environment(context: &CallContext<'_>, request: &CallRequest, access_list: AccessList, gas: u64) -> TxEnv {
    TxEnv {
        tx_type: 1,
        caller: request.from,
        gas_limit: gas,
        gas_price: 0,
        kind: request.to.map_or(TxKind::Create, TxKind::Call),
        value: request.value,
        data: request.input.clone(),
        nonce: 0,
        chain_id: Some(context.block.ids.evm),
        access_list,
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

fn refused(error: TransactError, context: &CallContext<'_>, transaction: &TxEnv) -> CallError {
    match error {
        TransactError::Invalid(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
        ) => CallError::Invalid(InvalidReason::IntrinsicGas {
            found: transaction.gas_limit,
            needed: intrinsic_gas_of(context.rules, transaction),
        }),
        TransactError::Invalid(error) => CallError::Invalid(reason(
            error,
            transaction,
            context.rules,
            context.block.limits.gas,
            context.block.ids.evm,
        )),
        TransactError::State(error) => error.into(),
        TransactError::Cancelled => CallError::Cancelled,
        TransactError::BlockGas { used } => CallError::Internal(format!("gas used {used} is over no limit")),
        TransactError::Internal(why) => CallError::Internal(why),
    }
}
