//! Calls that are not signed: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::collections::BTreeMap;

use althing_types::Address;
use serde::Serialize;

use crate::backend::{CallContext, CallOutcome, CallRequest, EstimateOutcome, GroupBackend};
use crate::error::RpcError;
use crate::eth::state::height;
use crate::session::{Answer, Call};
use crate::types::{
    AccessListItem, AccountOverrideObject, BlockOverridesObject, CallArguments, Quantity, access_list_object,
    block_overrides, state_overrides,
};

fn request(call: &Call<'_>, group: &dyn GroupBackend) -> Result<CallRequest, RpcError> {
    let arguments: CallArguments = call.arguments.required(0, "call")?;
    arguments.request(group.info().evm_chain_id)
}

fn context(call: &Call<'_>, group: &dyn GroupBackend) -> Result<CallContext, RpcError> {
    let limit = call.limits().override_values;
    let state: BTreeMap<Address, AccountOverrideObject> =
        call.arguments.optional(2, "state overrides")?.unwrap_or_default();
    let block: BlockOverridesObject = call.arguments.optional(3, "block overrides")?.unwrap_or_default();
    Ok(CallContext {
        height: height(call, 1, group)?,
        state: state_overrides(state, limit)?,
        block: block_overrides(block, limit)?,
        cancel: call.cancel.clone(),
    })
}

/// `eth_call`.
pub(super) fn call(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    match group.call(&request(call, &*group)?, &context(call, &*group)?)? {
        CallOutcome::Returned { output, .. } => call.answer(&output),
        CallOutcome::Failed(failure) => Err(failure.into()),
    }
}

/// `eth_estimateGas`.
pub(super) fn estimate(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    match group.estimate(&request(call, &*group)?, &context(call, &*group)?)? {
        EstimateOutcome::Gas(gas) => call.answer(&Quantity(gas)),
        EstimateOutcome::Failed(failure) => Err(failure.into()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessListObject {
    access_list: Vec<AccessListItem>,
    gas_used: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// `eth_createAccessList`: a call that fails has a list and an `error`.
pub(super) fn create_access_list(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let outcome = group.access_list(&request(call, &*group)?, &context(call, &*group)?)?;
    call.answer(&AccessListObject {
        access_list: access_list_object(outcome.list),
        gas_used: Quantity(outcome.gas_used),
        error: outcome.failure.map(|failure| RpcError::from(failure).message),
    })
}
