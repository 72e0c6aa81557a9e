//! Operators and frozen accounts of 0x1008 (FISCO BCOS 2.x, `ChainGovernancePrecompiled`). Votes decide about them; what they decided
//! is in the governance value, and once more where a transaction can ask for one account without reading all of it.

use std::collections::BTreeSet;

use alloy_sol_types::{SolCall, sol};
use althing_governance::{Governance, Refusal, Wish};
use althing_types::{Address, StateError, U256};

use super::consensus::{number, selector};
use super::words::{Called, Words, slot_of};
use super::{CHAIN_GOVERNANCE, Failure, Reply, Standing, Surroundings, permission};

sol! {
    interface AccountsOfTheCommittee {
        function grantOperator(address user) returns (int256);
        function revokeOperator(address user) returns (int256);
        function listOperators() view returns (string);
        function freezeAccount(address account) returns (int256);
        function unfreezeAccount(address account) returns (int256);
        function getAccountStatus(address account) view returns (string);
    }
}

pub(super) use AccountsOfTheCommittee::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = AccountsOfTheCommitteeCalls::SIGNATURES;

/// FISCO's codes that no rule of ours has.
const OPERATOR_EXISTS: i32 = -52_006;
const OPERATOR_MISSING: i32 = -52_007;
const ACCOUNT_MISSING: i32 = -52_008;
pub(super) const NO_ACCOUNT: i32 = -52_009;
const AVAILABLE_ALREADY: i32 = -52_010;
const FROZEN_ALREADY: i32 = -52_011;

/// How many accounts are frozen: where none is, nobody looks any further.
const FROZEN: U256 = U256::ZERO;

/// What a call asks for; or the answer to one that asks for nothing there could be.
pub(super) fn wish(
    governance: &Governance,
    around: &mut impl Surroundings,
    input: &[u8],
) -> Result<Result<Wish, Reply>, StateError> {
    let decoded = match selector(input) {
        Some(grantOperatorCall::SELECTOR) => {
            grantOperatorCall::abi_decode(input).map(|call| Wish::Operator(call.user, true))
        }
        Some(revokeOperatorCall::SELECTOR) => {
            revokeOperatorCall::abi_decode(input).map(|call| Wish::Operator(call.user, false))
        }
        Some(freezeAccountCall::SELECTOR) => {
            freezeAccountCall::abi_decode(input).map(|call| Wish::Frozen(call.account, true))
        }
        Some(unfreezeAccountCall::SELECTOR) => {
            unfreezeAccountCall::abi_decode(input).map(|call| Wish::Frozen(call.account, false))
        }
        _ => return Ok(Err(Reply::Unknown)),
    };
    let Ok(wish) = decoded else {
        return Ok(Err(Reply::Unknown));
    };
    if let Wish::Frozen(account, _) = wish {
        let is_known = governance.frozen().contains(&account) || governance.seats().contains_key(&account);
        match around.standing(account)? {
            Standing::Nobody if !is_known => return Ok(Err(Reply::View(number(ACCOUNT_MISSING)))),
            Standing::Contract | Standing::Ledger => return Ok(Err(Reply::View(number(NO_ACCOUNT)))),
            Standing::Nobody | Standing::Account => {}
        }
    }
    Ok(Ok(wish))
}

/// FISCO's code where a wish says what is so already.
pub(super) const fn code(wish: &Wish, refusal: &Refusal) -> Option<i32> {
    match (wish, refusal) {
        (Wish::Operator(_, true), Refusal::NoChange) => Some(OPERATOR_EXISTS),
        (Wish::Operator(_, false), Refusal::NoChange) => Some(OPERATOR_MISSING),
        (Wish::Frozen(_, true), Refusal::NoChange) => Some(FROZEN_ALREADY),
        (Wish::Frozen(_, false), Refusal::NoChange) => Some(AVAILABLE_ALREADY),
        _ => None,
    }
}

/// FISCO's JSON.
pub(super) fn operators(governance: &Governance) -> String {
    let rows = governance.operators().iter();
    let rows = rows.map(|(account, since)| format!(r#"{{"address":"{account:#x}","enable_num":"{since}"}}"#));
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

/// How an account stands, in words that FISCO's tools show as they are.
pub(super) fn status(
    governance: &Governance,
    around: &mut impl Surroundings,
    account: Address,
) -> Result<&'static str, StateError> {
    let standing = around.standing(account)?;
    Ok(match standing {
        Standing::Contract | Standing::Ledger => "no account: a contract is at this address",
        _ if governance.frozen().contains(&account) => "frozen: its transactions are refused until a vote unfreezes it",
        Standing::Nobody => "unknown: nothing is at this address",
        Standing::Account => "available",
    })
}

/// Operators and frozen accounts at some time.
pub(super) struct Accounts {
    operators: BTreeSet<Address>,
    frozen: BTreeSet<Address>,
}

impl Accounts {
    pub(super) fn of(governance: &Governance) -> Self {
        Self {
            operators: governance.operators().keys().copied().collect(),
            frozen: governance.frozen().clone(),
        }
    }

    /// Writes what became different where single accounts are asked for.
    pub(super) fn follow(&self, words: &mut Called<'_, '_>, governance: &Governance) -> Result<(), Failure> {
        let now = Self::of(governance);
        for account in now.operators.symmetric_difference(&self.operators) {
            permission::follow(words, *account, now.operators.contains(account))?;
        }
        if now.frozen == self.frozen {
            return Ok(());
        }
        for account in now.frozen.symmetric_difference(&self.frozen) {
            let is_frozen = now.frozen.contains(account);
            words.write(CHAIN_GOVERNANCE, place(*account), U256::from(is_frozen))?;
        }
        words.write(CHAIN_GOVERNANCE, FROZEN, U256::from(now.frozen.len()))
    }
}

fn place(account: Address) -> U256 {
    slot_of(&[account.as_slice()])
}

/// Whether transactions of an account do nothing.
pub(super) fn is_frozen<W: Words>(words: &mut W, account: Address) -> Result<bool, W::Error> {
    if words.word(CHAIN_GOVERNANCE, FROZEN)?.is_zero() {
        return Ok(false);
    }
    Ok(!words.word(CHAIN_GOVERNANCE, place(account))?.is_zero())
}
