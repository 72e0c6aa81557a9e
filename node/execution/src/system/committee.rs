//! 0x1008: FISCO's committee (FISCO BCOS 2.x, `ChainGovernancePrecompiled`), as far as seats, weights and the threshold go.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Governance, Outcome, Refusal, Wish};
use althing_types::Address;

use super::consensus::{number, reply, selector, vote};
use super::{Reply, Surroundings};

sol! {
    function grantCommitteeMember(address user) returns (int256);
    function revokeCommitteeMember(address user) returns (int256);
    function updateCommitteeMemberWeight(address user, int256 weight) returns (int256);
    function updateThreshold(int256 threshold) returns (int256);
    function listCommitteeMembers() view returns (string);
    function queryCommitteeMemberWeight(address user) view returns (bool, int256);
    function queryThreshold() view returns (int256);
}

/// FISCO's codes that no rule of ours has.
const MEMBER_EXISTS: i32 = -52_000;
const MEMBER_MISSING: i32 = -52_001;
const NOT_OF_THE_COMMITTEE: i32 = -52_002;
const BAD_THRESHOLD: i32 = -52_003;
/// The weight of a seat that is granted.
const FIRST_WEIGHT: u32 = 1;

pub(super) fn call(governance: &mut Governance, around: &impl Surroundings, input: &[u8]) -> Reply {
    match selector(input) {
        Some(listCommitteeMembersCall::SELECTOR) => Reply::View(list(governance).abi_encode()),
        Some(queryThresholdCall::SELECTOR) => Reply::View(signed(governance.threshold()).abi_encode()),
        Some(queryCommitteeMemberWeightCall::SELECTOR) => {
            let Ok(call) = queryCommitteeMemberWeightCall::abi_decode(input) else {
                return Reply::Unknown;
            };
            let weight = governance.seats().get(&call.user);
            let missing = I256::try_from(MEMBER_MISSING).unwrap_or_default();
            Reply::View((weight.is_some(), weight.map_or(missing, |weight| signed(*weight))).abi_encode_params())
        }
        _ => change(governance, around, input),
    }
}

fn change(governance: &mut Governance, around: &impl Surroundings, input: &[u8]) -> Reply {
    let exists = |governance: &Governance, user: &Address| governance.seats().contains_key(user);
    let wish = match selector(input) {
        Some(grantCommitteeMemberCall::SELECTOR) => match grantCommitteeMemberCall::abi_decode(input) {
            Ok(call) if exists(governance, &call.user) => return Reply::View(number(MEMBER_EXISTS)),
            Ok(call) => Wish::Weight(call.user, FIRST_WEIGHT),
            Err(_) => return Reply::Unknown,
        },
        Some(revokeCommitteeMemberCall::SELECTOR) => match revokeCommitteeMemberCall::abi_decode(input) {
            Ok(call) if !exists(governance, &call.user) => return Reply::View(number(MEMBER_MISSING)),
            Ok(call) => Wish::Weight(call.user, 0),
            Err(_) => return Reply::Unknown,
        },
        Some(updateCommitteeMemberWeightCall::SELECTOR) => {
            match updateCommitteeMemberWeightCall::abi_decode(input) {
                Ok(call) if !exists(governance, &call.user) => return Reply::View(number(MEMBER_MISSING)),
                // A weight of 0 would take the seat, which is another call.
                Ok(call) => Wish::Weight(call.user, u32::try_from(call.weight).unwrap_or(0).max(1)),
                Err(_) => return Reply::Unknown,
            }
        }
        Some(updateThresholdCall::SELECTOR) => match updateThresholdCall::abi_decode(input) {
            Ok(call) => match u32::try_from(call.threshold) {
                Ok(percent) => Wish::Threshold(percent),
                Err(_) => return Reply::View(number(BAD_THRESHOLD)),
            },
            Err(_) => return Reply::Unknown,
        },
        _ => return Reply::Unknown,
    };
    answer(&vote(governance, around, wish))
}

fn answer(outcome: &Result<Outcome, Refusal>) -> Reply {
    match outcome {
        Err(Refusal::NoSeat(_) | Refusal::NoCommittee) => Reply::View(number(NOT_OF_THE_COMMITTEE)),
        outcome => reply(outcome),
    }
}

/// FISCO's JSON. A seat counts from the block after the one that granted it, which is over.
fn list(governance: &Governance) -> String {
    let seats = governance.seats().keys();
    let rows: Vec<String> = seats
        .map(|account| format!(r#"{{"address":"{account:#x}","enable_num":"0"}}"#))
        .collect();
    format!("[{}]", rows.join(","))
}

fn signed(number: u32) -> I256 {
    I256::unchecked_from(number)
}
