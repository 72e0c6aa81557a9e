//! Questions to the EVM, in RPC's words.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use althing_execution as evm;
use althing_rpc::backend::{
    AccessListOutcome, AccountOverride, BackendError, BlockOverrides, CallContext, CallFailure, CallOutcome,
    CallRequest, EstimateOutcome,
};
use althing_types::{Address, Bytes};

use super::reads;
use crate::group::Group;

/// Runs a question with everything that lends it its context.
fn ask<T>(
    group: &Group,
    context: &CallContext,
    question: impl FnOnce(&evm::CallContext<'_>) -> Result<T, evm::CallError>,
) -> Result<Result<T, CallFailure>, BackendError> {
    check(&context.block)?;
    let ledger = group.ledger();
    let state = ledger.state_at(context.height).map_err(reads::error)?;
    let header = ledger.header(context.height).map_err(reads::error)?;
    let header = header.ok_or(BackendError::UnknownBlock(context.height))?;
    let proposer = header.section.proposer();
    let assembler = group.assembler();
    let is_newest = context.height == ledger.head().height;
    let config = assembler.in_force().of_block(header.header.gas_limit, is_newest);
    let block = assembler.context(context.height, header.section.unix_ms, proposer.as_ref(), &config);
    let state_overrides = context
        .state
        .iter()
        .map(|(address, over)| (*address, account_override(over)))
        .collect();
    let block_overrides = block_override(&context.block);
    let context = evm::CallContext {
        rules: assembler.rules(),
        state: &state,
        block: &block,
        state_overrides: &state_overrides,
        block_overrides: &block_overrides,
        gas_cap: config.gas,
        cancel: context.cancel.flag(),
    };
    match question(&context) {
        Ok(answer) => Ok(Ok(answer)),
        Err(evm::CallError::State(error)) => Err(reads::state_error(error)),
        Err(evm::CallError::Cancelled) => Err(BackendError::Cancelled),
        Err(other) => Ok(Err(CallFailure::Refused(other.to_string()))),
    }
}

pub(super) fn call(group: &Group, asked: &CallRequest, context: &CallContext) -> Result<CallOutcome, BackendError> {
    let request = request(asked);
    Ok(match ask(group, context, |context| evm::call(context, &request))? {
        Ok(evm::CallOutcome::Success { output, gas_used, .. }) => CallOutcome::Returned { output, gas_used },
        Ok(evm::CallOutcome::Revert {
            output,
            gas_used,
            status,
        }) => CallOutcome::Failed(reverted(output, gas_used, status)),
        Ok(evm::CallOutcome::Halt(halt)) => CallOutcome::Failed(halted(halt)),
        Err(failure) => CallOutcome::Failed(failure),
    })
}

pub(super) fn estimate(
    group: &Group,
    asked: &CallRequest,
    context: &CallContext,
) -> Result<EstimateOutcome, BackendError> {
    let request = request(asked);
    Ok(
        match ask(group, context, |context| evm::estimate_gas(context, &request))? {
            Ok(evm::GasEstimate::Gas(gas)) => EstimateOutcome::Gas(gas),
            Ok(evm::GasEstimate::Revert { output, status }) => EstimateOutcome::Failed(reverted(output, 0, status)),
            Ok(evm::GasEstimate::Halt(halt)) => EstimateOutcome::Failed(halted(halt)),
            Err(failure) => EstimateOutcome::Failed(failure),
        },
    )
}

pub(super) fn access_list(
    group: &Group,
    asked: &CallRequest,
    context: &CallContext,
) -> Result<AccessListOutcome, BackendError> {
    let request = request(asked);
    Ok(
        match ask(group, context, |context| evm::create_access_list(context, &request))? {
            Ok(outcome) => AccessListOutcome {
                list: outcome
                    .access_list
                    .0
                    .into_iter()
                    .map(|item| (item.address, item.storage_keys))
                    .collect(),
                gas_used: outcome.gas_used,
                failure: outcome.error.map(|reason| CallFailure::Halted {
                    reason,
                    gas_used: outcome.gas_used,
                }),
            },
            Err(failure) => AccessListOutcome {
                list: Vec::new(),
                gas_used: 0,
                failure: Some(failure),
            },
        },
    )
}

fn reverted(output: Bytes, gas_used: u64, status: u32) -> CallFailure {
    CallFailure::Reverted {
        reason: evm::decode_revert_reason(&output),
        output,
        gas_used,
        status,
    }
}

fn halted(halt: evm::Halt) -> CallFailure {
    CallFailure::Halted {
        reason: halt.reason,
        gas_used: halt.gas_used,
    }
}

fn request(asked: &CallRequest) -> evm::CallRequest {
    let item = |(address, storage_keys): &(Address, Vec<_>)| AccessListItem {
        address: *address,
        storage_keys: storage_keys.clone(),
    };
    evm::CallRequest {
        from: asked.from.unwrap_or_default(),
        to: asked.to,
        gas: asked.gas,
        value: asked.value,
        input: asked.input.clone(),
        access_list: AccessList(asked.access_list.iter().map(item).collect()),
    }
}

fn account_override(over: &AccountOverride) -> evm::AccountOverride {
    let storage = match (&over.state, over.state_diff.is_empty()) {
        (Some(state), _) => evm::StorageOverride::Replace(state.clone()),
        (None, false) => evm::StorageOverride::Patch(over.state_diff.clone()),
        (None, true) => evm::StorageOverride::Keep,
    };
    evm::AccountOverride {
        balance: over.balance,
        nonce: over.nonce,
        code: over.code.clone(),
        storage,
    }
}

/// Refuses what would otherwise be answered as if it had not been asked.
fn check(over: &BlockOverrides) -> Result<(), BackendError> {
    if let Some(found) = over.base_fee.filter(|fee| !fee.is_zero()) {
        let why = format!("block override baseFee: found {found}, the base fee of this ledger is always 0");
        return Err(BackendError::Unsupported(why));
    }
    match over.block_hashes.is_empty() {
        true => Ok(()),
        false => Err(BackendError::Unsupported(
            "block override blockHash: block hashes cannot be replaced; leave it out".to_owned(),
        )),
    }
}

fn block_override(over: &BlockOverrides) -> evm::BlockOverrides {
    evm::BlockOverrides {
        number: over.number,
        timestamp: over.timestamp,
        gas_limit: over.gas_limit,
        beneficiary: over.beneficiary,
        prevrandao: over.prev_randao,
    }
}
