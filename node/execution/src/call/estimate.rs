//! How much gas a transaction needs to be given (`eth_estimateGas`), found as go-ethereum finds it, so that clients see
//! the numbers they expect.

use althing_types::Bytes;
use althing_types::state::EMPTY_CODE_HASH;
use revm::context::result::{ExecutionResult, HaltReason};

use super::{AccessList, CallContext, CallError, CallRequest, Halt, OverriddenState, allowance, run};
use crate::InvalidReason;
use crate::evm::Ended;
use crate::receipt::halt_status;
use althing_types::StateReader as _;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// Gas a call with value gives its callee on top (EIP-150): it must be there although it is not used up.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when the answer is known to this many thousandths.
const TOLERANCE_PER_MILLE: u64 = 15;

/// The answer to `eth_estimateGas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GasEstimate {
    /// Given this gas it succeeds.
    Gas(u64),
    /// It reverts, whatever it is given.
    Revert {
        /// The revert data.
        output: Bytes,
        /// FISCO's status number ([`crate::status`]): a revert, or the right that is lacking.
        status: u32,
    },
    /// It comes to an exceptional end for another reason than gas.
    Halt(Halt),
}

/// Finds the gas to give.
///
/// One run with all that is allowed tells whether it can succeed and what it used; a second with a little more than that
/// (a 64th stays behind in every inner call) usually succeeds and is the answer's upper end; then the interval is halved
/// until it is narrow. A request that runs out of gas with everything it may have is [`CallError::Allowance`].
pub fn estimate_gas(context: &CallContext<'_>, request: &CallRequest) -> Result<GasEstimate, CallError> {
    let mut high = allowance(context, request);
    if is_plain_transfer(context, request)? && high >= TRANSFER_GAS && succeeds(context, request, TRANSFER_GAS)? {
        return Ok(GasEstimate::Gas(TRANSFER_GAS));
    }
    let first = attempt(context, request, high)?;
    let (mut low, enough) = match first.result {
        ExecutionResult::Success { gas, .. } => {
            let with_stipend = gas.total_gas_spent().saturating_add(CALL_STIPEND);
            (
                gas.tx_gas_used().saturating_sub(1),
                with_stipend.saturating_add(with_stipend / 63),
            )
        }
        ExecutionResult::Revert { output, .. } => {
            let status = first.revert_status;
            return Ok(GasEstimate::Revert { output, status });
        }
        ExecutionResult::Halt {
            reason: HaltReason::OutOfGas(_),
            ..
        } => {
            return Err(CallError::Allowance { allowance: high });
        }
        ExecutionResult::Halt { reason, gas, .. } => {
            let (status, gas_used) = (halt_status(&reason), gas.tx_gas_used());
            return Ok(GasEstimate::Halt(Halt {
                status,
                reason: reason.to_string(),
                gas_used,
            }));
        }
    };
    if enough < high {
        if succeeds(context, request, enough)? {
            high = enough;
        } else {
            low = enough;
        }
    }
    while low + 1 < high && (high - low).saturating_mul(1000) >= high.saturating_mul(TOLERANCE_PER_MILLE) {
        // Most transactions need little more than the lower end: a step never goes further than twice that.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        if succeeds(context, request, middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(GasEstimate::Gas(high))
}

/// A run with this much gas. Too little to begin with is reported as the allowance it is.
fn attempt(context: &CallContext<'_>, request: &CallRequest, gas: u64) -> Result<Ended, CallError> {
    match run(context, request, request.access_list.clone(), gas) {
        Ok((ended, _)) => Ok(ended),
        Err(CallError::Invalid(InvalidReason::IntrinsicGas { .. })) => Err(CallError::Allowance { allowance: gas }),
        Err(error) => Err(error),
    }
}

fn succeeds(context: &CallContext<'_>, request: &CallRequest, gas: u64) -> Result<bool, CallError> {
    match attempt(context, request, gas) {
        Ok(ended) => Ok(ended.result.is_success()),
        Err(CallError::Allowance { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether only value moves: no input, no list, and nobody home at the other end.
fn is_plain_transfer(context: &CallContext<'_>, request: &CallRequest) -> Result<bool, CallError> {
    let Some(to) = request.to else { return Ok(false) };
    if !request.input.is_empty() || request.access_list != AccessList::default() || context.rules.is_precompile(&to) {
        return Ok(false);
    }
    let account =
        OverriddenState::new(context.state, context.state_overrides, context.rules.evm_hash()).account(&to)?;
    Ok(account.is_none_or(|account| account.code_hash == EMPTY_CODE_HASH))
}
