//! Which accounts and slots a call touches (`eth_createAccessList`).

use std::collections::BTreeMap;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use althing_types::{Address, B256};
use revm::context::result::ExecutionResult;
use revm::primitives::Address as EvmAddress;
use revm::state::EvmState;

use super::{CallContext, CallError, CallRequest, allowance, block_env, run};

/// A list may change what a call does (gas left is visible to contracts); after this many rounds the last one stands.
const ROUNDS_MAX: usize = 8;

/// The answer to `eth_createAccessList`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// Accounts and slots in ascending order.
    pub access_list: AccessList,
    /// The gas the call uses with this list.
    pub gas_used: u64,
    /// Why the call fails with this list, if it does.
    pub error: Option<String>,
}

/// Finds the access list of a call: what it loads is given to it as warm, until it loads nothing else.
///
/// Sender, recipient, beneficiary and precompiled contracts are warm anyway and are listed only for their slots; accounts
/// the call itself creates are left out.
pub fn create_access_list(context: &CallContext<'_>, request: &CallRequest) -> Result<AccessListOutcome, CallError> {
    let gas = allowance(context, request);
    let mut access_list = request.access_list.clone();
    let (mut ended, mut state) = run(context, request, access_list.clone(), gas)?;
    for _ in 0..ROUNDS_MAX {
        let touched = touched(context, request, &state);
        if touched == access_list {
            break;
        }
        access_list = touched;
        (ended, state) = run(context, request, access_list.clone(), gas)?;
    }
    let error = match &ended.result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { output, .. } => Some(match crate::decode_revert_reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        }),
        ExecutionResult::Halt { reason, .. } => Some(reason.to_string()),
    };
    Ok(AccessListOutcome {
        access_list,
        gas_used: ended.result.tx_gas_used(),
        error,
    })
}

fn touched(context: &CallContext<'_>, request: &CallRequest, state: &EvmState) -> AccessList {
    let beneficiary = block_env(context).beneficiary;
    let warm_anyway = |address: &EvmAddress| {
        *address == request.from
            || Some(*address) == request.to
            || *address == beneficiary
            || context.rules.is_precompile(address)
    };
    let mut items: BTreeMap<Address, Vec<B256>> = BTreeMap::new();
    for (address, account) in state {
        let mut slots: Vec<B256> = account
            .storage
            .keys()
            .map(|slot| B256::from(slot.to_be_bytes()))
            .collect();
        // The ledger's own contracts take the same for every word.
        if account.is_created() || crate::system::is_contract(address) || (slots.is_empty() && warm_anyway(address)) {
            continue;
        }
        slots.sort_unstable();
        items.insert(*address, slots);
    }
    AccessList(
        items
            .into_iter()
            .map(|(address, storage_keys)| AccessListItem { address, storage_keys })
            .collect(),
    )
}
