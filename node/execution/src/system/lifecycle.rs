//! 0x1007: FISCO's managers of contracts, who freeze and unfreeze them (FISCO BCOS 2.x, `ContractLifeCyclePrecompiled`). A seat of the
//! committee may do what a manager may.
//!
//! ```text
//! H = hash of the contract's address     H     whether it is frozen, how many managers it has, the first of them
//!                                        H + n its n-th further manager
//! ```
//!
//! Who has signed the transaction that creates a contract is its first manager, also where another contract creates it.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::Governance;
use althing_types::{Address, U256};

use super::consensus::{number, selector};
use super::words::{Called, Words, account_in, number_in, slot_of};
use super::{Failure, LIFE_CYCLE, Reply, Standing};

sol! {
    interface LifeCycle {
        function freeze(address target) returns (int256);
        function unfreeze(address target) returns (int256);
        function grantManager(address target, address account) returns (int256);
        function revokeManager(address target, address account) returns (int256);
        function getStatus(address target) view returns (int256, string);
        function listManager(address target) view returns (int256, address[]);
    }
}

use LifeCycle::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = LifeCycleCalls::SIGNATURES;

const FROZEN_ALREADY: i32 = -51_900;
const AVAILABLE_ALREADY: i32 = -51_901;
const MANAGER_ALREADY: i32 = -51_902;
const NO_CONTRACT: i32 = -51_903;
const NOBODY: i32 = -51_904;
const NO_AUTHORITY: i32 = -51_905;
const NO_MANAGER: i32 = -51_906;
const LAST_MANAGER: i32 = -51_907;
/// FISCO's code for what it has no other one for.
const NO_PERMISSION: i32 = -50_000;
/// One row was written.
const DONE: i32 = 1;

/// Managers of a contract.
const MANAGERS_MAX: u64 = 32;
/// How many contracts are frozen: where none is, nobody looks any further.
const FROZEN: U256 = U256::ZERO;

/// What is known of a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Record {
    is_frozen: bool,
    managers: u64,
    first: Address,
}

impl Record {
    fn of(word: U256) -> Self {
        let number = number_in(word, 3);
        Self {
            is_frozen: number >> 32 == 1,
            managers: number & u64::from(u32::MAX),
            first: account_in(word),
        }
    }

    fn word(self) -> U256 {
        let number = (u64::from(self.is_frozen) << 32) | self.managers;
        U256::from_be_bytes(self.first.into_word().0) | (U256::from(number) << 192)
    }

    fn load<W: Words>(words: &mut W, contract: Address) -> Result<Self, W::Error> {
        Ok(Self::of(words.word(LIFE_CYCLE, place(contract))?))
    }

    fn store(self, words: &mut Called<'_, '_>, contract: Address) -> Result<(), Failure> {
        words.write(LIFE_CYCLE, place(contract), self.word())
    }
}

fn place(contract: Address) -> U256 {
    slot_of(&[contract.as_slice()])
}

/// Where the manager of an index is, which is not the first.
fn further(contract: Address, index: u64) -> U256 {
    place(contract).wrapping_add(U256::from(index))
}

pub(super) fn call(governance: &Governance, words: &mut Called<'_, '_>, input: &[u8]) -> Result<Reply, Failure> {
    let code = |code| Ok(Reply::View(number(code)));
    match selector(input) {
        Some(freezeCall::SELECTOR) => match freezeCall::abi_decode(input) {
            Ok(call) => code(set_frozen(governance, words, call.target, true)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(unfreezeCall::SELECTOR) => match unfreezeCall::abi_decode(input) {
            Ok(call) => code(set_frozen(governance, words, call.target, false)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(grantManagerCall::SELECTOR) => match grantManagerCall::abi_decode(input) {
            Ok(call) => code(grant(governance, words, call.target, call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(revokeManagerCall::SELECTOR) => match revokeManagerCall::abi_decode(input) {
            Ok(call) => code(revoke(governance, words, call.target, call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(getStatusCall::SELECTOR) => match getStatusCall::abi_decode(input) {
            Ok(call) => {
                let text = status(words, call.target)?.to_owned();
                Ok(Reply::View((I256::ZERO, text).abi_encode_params()))
            }
            Err(_) => Ok(Reply::Unknown),
        },
        Some(listManagerCall::SELECTOR) => match listManagerCall::abi_decode(input) {
            Ok(call) => list(words, call.target),
            Err(_) => Ok(Reply::Unknown),
        },
        _ => Ok(Reply::Unknown),
    }
}

/// What stands at an address is looked at first, then who asks.
fn check(governance: &Governance, words: &mut Called<'_, '_>, contract: Address) -> Result<Result<(), i32>, Failure> {
    if let Err(code) = exists(words, contract)? {
        return Ok(Err(code));
    }
    let signer = words.account();
    let may = governance.seats().contains_key(&signer) || is_manager(words, contract, signer)?;
    Ok(if may { Ok(()) } else { Err(NO_AUTHORITY) })
}

fn exists(words: &mut Called<'_, '_>, contract: Address) -> Result<Result<(), i32>, Failure> {
    Ok(match words.standing(contract)? {
        Standing::Contract => Ok(()),
        Standing::Account | Standing::Ledger => Err(NO_CONTRACT),
        Standing::Nobody => Err(NOBODY),
    })
}

fn set_frozen(
    governance: &Governance,
    words: &mut Called<'_, '_>,
    contract: Address,
    is_frozen: bool,
) -> Result<i32, Failure> {
    if let Err(code) = check(governance, words, contract)? {
        return Ok(code);
    }
    let record = Record::load(words, contract)?;
    match (record.is_frozen, is_frozen) {
        (true, true) => return Ok(FROZEN_ALREADY),
        (false, false) => return Ok(AVAILABLE_ALREADY),
        _ => count(words, is_frozen)?,
    }
    Record { is_frozen, ..record }.store(words, contract)?;
    Ok(DONE)
}

/// One more contract is frozen, or one less.
fn count(words: &mut Called<'_, '_>, is_frozen: bool) -> Result<(), Failure> {
    let (frozen, one) = (words.word(LIFE_CYCLE, FROZEN)?, U256::from(1));
    let now = match is_frozen {
        true => frozen.saturating_add(one),
        false => frozen.saturating_sub(one),
    };
    words.write(LIFE_CYCLE, FROZEN, now)
}

fn grant(
    governance: &Governance,
    words: &mut Called<'_, '_>,
    contract: Address,
    account: Address,
) -> Result<i32, Failure> {
    if let Err(code) = check(governance, words, contract)? {
        return Ok(code);
    }
    if is_manager(words, contract, account)? {
        return Ok(MANAGER_ALREADY);
    }
    let record = Record::load(words, contract)?;
    if record.managers >= MANAGERS_MAX {
        return Ok(NO_PERMISSION);
    }
    let managers = record.managers + 1;
    let first = if managers == 1 { account } else { record.first };
    if managers > 1 {
        let word = U256::from_be_bytes(account.into_word().0);
        words.write(LIFE_CYCLE, further(contract, record.managers), word)?;
    }
    Record {
        managers,
        first,
        ..record
    }
    .store(words, contract)?;
    Ok(DONE)
}

fn revoke(
    governance: &Governance,
    words: &mut Called<'_, '_>,
    contract: Address,
    account: Address,
) -> Result<i32, Failure> {
    if let Err(code) = check(governance, words, contract)? {
        return Ok(code);
    }
    let mut managers = managers(words, contract)?;
    if managers.len() == 1 {
        return Ok(LAST_MANAGER);
    }
    let Some(index) = managers.iter().position(|manager| *manager == account) else {
        return Ok(NO_MANAGER);
    };
    // The last one takes the place; there is another one left.
    managers.swap_remove(index);
    let record = Record::load(words, contract)?;
    let left = managers.len() as u64;
    words.write(LIFE_CYCLE, further(contract, left), U256::ZERO)?;
    if let Some(moved) = managers.get(index).filter(|_| index > 0) {
        let word = U256::from_be_bytes(moved.into_word().0);
        words.write(LIFE_CYCLE, further(contract, index as u64), word)?;
    }
    let first = managers.first().copied().unwrap_or_default();
    Record {
        managers: left,
        first,
        ..record
    }
    .store(words, contract)?;
    Ok(DONE)
}

fn managers<W: Words>(words: &mut W, contract: Address) -> Result<Vec<Address>, W::Error> {
    let record = Record::load(words, contract)?;
    let mut managers = vec![];
    for index in 0..record.managers {
        managers.push(match index {
            0 => record.first,
            _ => account_in(words.word(LIFE_CYCLE, further(contract, index))?),
        });
    }
    Ok(managers)
}

/// Whether an account is one of those who may freeze a contract and say who writes to it.
pub(super) fn is_manager<W: Words>(words: &mut W, contract: Address, account: Address) -> Result<bool, W::Error> {
    Ok(managers(words, contract)?.contains(&account))
}

/// Whether a contract is frozen.
pub(super) fn is_frozen<W: Words>(words: &mut W, contract: Address) -> Result<bool, W::Error> {
    if words.word(LIFE_CYCLE, FROZEN)?.is_zero() {
        return Ok(false);
    }
    Ok(Record::load(words, contract)?.is_frozen)
}

/// A contract was created. Whatever was known of an older one at this address is forgotten.
pub(super) fn created(words: &mut Called<'_, '_>, contract: Address) -> Result<(), Failure> {
    if Record::load(words, contract)?.is_frozen {
        count(words, false)?;
    }
    let record = Record {
        is_frozen: false,
        managers: 1,
        first: words.account(),
    };
    record.store(words, contract)
}

/// How a contract stands, in words that FISCO's tools show as they are.
fn status(words: &mut Called<'_, '_>, contract: Address) -> Result<&'static str, Failure> {
    Ok(match words.standing(contract)? {
        Standing::Nobody => "unknown: nothing is at this address",
        Standing::Account | Standing::Ledger => "no contract: an account, or the ledger itself, is at this address",
        Standing::Contract if is_frozen(words, contract)? => {
            "frozen: its calls are refused until a manager or a seat unfreezes it"
        }
        Standing::Contract => "available",
    })
}

fn list(words: &mut Called<'_, '_>, contract: Address) -> Result<Reply, Failure> {
    let (code, managers) = match exists(words, contract)? {
        Ok(()) => (0, managers(words, contract)?),
        Err(code) => (code, vec![]),
    };
    let code = I256::try_from(code).unwrap_or_default();
    Ok(Reply::View((code, managers).abi_encode_params()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_word() {
        let record = Record {
            is_frozen: true,
            managers: MANAGERS_MAX,
            first: Address::repeat_byte(0xff),
        };
        assert_eq!(Record::of(record.word()), record);
        assert_eq!(Record::of(U256::ZERO), Record::default());
    }
}
