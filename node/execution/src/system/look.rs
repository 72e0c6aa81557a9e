//! What transactions are asked before they do something: looks at the lists of the contracts here, without a trace.

use alloy_sol_types::SolCall;
use althing_governance::abi::{aliveCall, recoverCall};
use althing_types::{Address, StateError};
use revm::context::TxEnv;

use super::permission::DEPLOY;
use super::rows::{self, Table};
use super::words::{Called, Look};
use super::{Failure, GOVERNANCE, accounts, lifecycle};
use crate::evm::Host;
use crate::selectors::canonical_selector;

/// Whether a transaction only brings what others signed: proofs of life, recoveries.
pub(crate) fn speaks_for_itself(transaction: &TxEnv) -> bool {
    let asked = canonical_selector(&transaction.data);
    let speaks = asked.is_some_and(|selector| [aliveCall::SELECTOR, recoverCall::SELECTOR].contains(&selector));
    transaction.kind.to() == Some(&GOVERNANCE) && speaks
}

/// Whether transactions of an account do nothing.
pub(crate) fn is_account_frozen(host: &mut Host<'_>, account: Address) -> Result<bool, StateError> {
    accounts::is_frozen(&mut Look(host), account)
}

/// Whether a contract is not to be called.
pub(crate) fn is_contract_frozen(host: &mut Host<'_>, contract: Address) -> Result<bool, StateError> {
    lifecycle::is_frozen(&mut Look(host), contract)
}

/// Whether an account may create contracts.
pub(crate) fn may_deploy(host: &mut Host<'_>, account: Address, height: u64) -> Result<bool, StateError> {
    Table::system(DEPLOY).admits(&mut Look(host), account, height)
}

/// Whether any contract says who may write to it.
pub(crate) fn any_write_rules(host: &mut Host<'_>) -> Result<bool, StateError> {
    rows::any_contract(&mut Look(host))
}

/// Whether an account may write to a contract.
pub(crate) fn may_write(
    host: &mut Host<'_>,
    contract: Address,
    account: Address,
    height: u64,
) -> Result<bool, StateError> {
    Table::contract(contract).admits(&mut Look(host), account, height)
}

/// Makes who signed the first manager of a contract. It is a part of what the creation was paid for.
pub(crate) fn record_creation(host: &mut Host<'_>, contract: Address) -> Result<(), StateError> {
    let mut words = Called {
        context: host,
        gas: None,
        is_static: false,
    };
    match lifecycle::created(&mut words, contract) {
        Ok(()) => Ok(()),
        Err(Failure::State(error)) => Err(error),
        Err(Failure::Halt(result)) => Err(StateError(format!("a creation cannot be recorded: {result:?}"))),
    }
}
