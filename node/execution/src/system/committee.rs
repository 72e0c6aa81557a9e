//! 0x1008: FISCO's committee (FISCO BCOS 2.x, `ChainGovernancePrecompiled`): seats, weights and the threshold. What it decides about
//! accounts is in `accounts`.

use std::collections::BTreeMap;

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Governance, Outcome, Refusal, Subject, VOTE_BLOCKS, Value, Wish};
use althing_types::{Address, StateError};

use super::consensus::{number, reply, selector, vote};
use super::{Reply, Surroundings, accounts};

sol! {
    interface Committee {
        function grantCommitteeMember(address user) returns (int256);
        function revokeCommitteeMember(address user) returns (int256);
        function updateCommitteeMemberWeight(address user, int256 weight) returns (int256);
        function updateThreshold(int256 threshold) returns (int256);
        function listCommitteeMembers() view returns (string);
        function queryCommitteeMemberWeight(address user) view returns (bool, int256);
        function queryThreshold() view returns (int256);
        function queryVotesOfMember(address user) view returns (string);
        function queryVotesOfThreshold() view returns (string);
    }
}

use Committee::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = CommitteeCalls::SIGNATURES;

/// FISCO's codes that no rule of ours has.
const MEMBER_EXISTS: i32 = -52_000;
const MEMBER_MISSING: i32 = -52_001;
const NOT_OF_THE_COMMITTEE: i32 = -52_002;
const OUT_OF_RANGE: i32 = -52_003;
/// The weight of a seat that is granted.
const FIRST_WEIGHT: u32 = 1;

pub(super) fn call(
    governance: &mut Governance,
    around: &mut impl Surroundings,
    input: &[u8],
) -> Result<Reply, StateError> {
    Ok(match selector(input) {
        Some(accounts::listOperatorsCall::SELECTOR) => Reply::View(accounts::operators(governance).abi_encode()),
        Some(accounts::getAccountStatusCall::SELECTOR) => {
            let Ok(call) = accounts::getAccountStatusCall::abi_decode(input) else {
                return Ok(Reply::Unknown);
            };
            let status = accounts::status(governance, around, call.account)?;
            Reply::View(status.to_owned().abi_encode())
        }
        Some(listCommitteeMembersCall::SELECTOR) => Reply::View(list(governance).abi_encode()),
        Some(queryThresholdCall::SELECTOR) => Reply::View(signed(governance.threshold()).abi_encode()),
        Some(queryCommitteeMemberWeightCall::SELECTOR) => {
            let Ok(call) = queryCommitteeMemberWeightCall::abi_decode(input) else {
                return Ok(Reply::Unknown);
            };
            let weight = governance.seats().get(&call.user);
            let missing = I256::try_from(MEMBER_MISSING).unwrap_or_default();
            Reply::View((weight.is_some(), weight.map_or(missing, |weight| signed(*weight))).abi_encode_params())
        }
        Some(queryVotesOfMemberCall::SELECTOR) => match queryVotesOfMemberCall::abi_decode(input) {
            Ok(call) => Reply::View(votes_of_member(governance, call.user).abi_encode()),
            Err(_) => Reply::Unknown,
        },
        Some(queryVotesOfThresholdCall::SELECTOR) => Reply::View(votes_of_threshold(governance).abi_encode()),
        _ => change(governance, around, input)?,
    })
}

fn change(governance: &mut Governance, around: &mut impl Surroundings, input: &[u8]) -> Result<Reply, StateError> {
    let wish = match wish(governance, input) {
        Err(Reply::Unknown) => accounts::wish(governance, around, input)?,
        wish => wish,
    };
    Ok(match wish {
        Ok(wish) => answer(&wish, &vote(governance, around, wish.clone())),
        Err(reply) => reply,
    })
}

/// What a call asks for; or the answer to one that asks for nothing there could be.
fn wish(governance: &Governance, input: &[u8]) -> Result<Wish, Reply> {
    let unknown = |_| Reply::Unknown;
    let refuse = |code| Reply::View(number(code));
    let is_seat = |user: &Address| governance.seats().contains_key(user);
    match selector(input) {
        Some(grantCommitteeMemberCall::SELECTOR) => {
            let user = grantCommitteeMemberCall::abi_decode(input).map_err(unknown)?.user;
            let granted = Wish::Weight(user, FIRST_WEIGHT);
            if is_seat(&user) {
                Err(refuse(MEMBER_EXISTS))
            } else {
                Ok(granted)
            }
        }
        Some(revokeCommitteeMemberCall::SELECTOR) => {
            let user = revokeCommitteeMemberCall::abi_decode(input).map_err(unknown)?.user;
            let revoked = Wish::Weight(user, 0);
            if is_seat(&user) {
                Ok(revoked)
            } else {
                Err(refuse(MEMBER_MISSING))
            }
        }
        Some(updateCommitteeMemberWeightCall::SELECTOR) => {
            let call = updateCommitteeMemberWeightCall::abi_decode(input).map_err(unknown)?;
            // A weight of 0 would take the seat, which is another call.
            let weight = u32::try_from(call.weight).ok().filter(|weight| *weight > 0);
            let weight = weight.ok_or_else(|| refuse(OUT_OF_RANGE))?;
            let updated = Wish::Weight(call.user, weight);
            if is_seat(&call.user) {
                Ok(updated)
            } else {
                Err(refuse(MEMBER_MISSING))
            }
        }
        Some(updateThresholdCall::SELECTOR) => {
            let threshold = updateThresholdCall::abi_decode(input).map_err(unknown)?.threshold;
            let percent = u32::try_from(threshold).map_err(|_| refuse(OUT_OF_RANGE))?;
            Ok(Wish::Threshold(percent))
        }
        _ => Err(Reply::Unknown),
    }
}

fn answer(wish: &Wish, outcome: &Result<Outcome, Refusal>) -> Reply {
    match outcome {
        Err(Refusal::NoSeat(_) | Refusal::NoCommittee) => Reply::View(number(NOT_OF_THE_COMMITTEE)),
        Err(refusal) => match accounts::code(wish, refusal) {
            Some(code) => Reply::View(number(code)),
            None => reply(outcome),
        },
        Ok(_) => reply(outcome),
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

/// The open votes on a subject: who, what for, and the last block at which they count.
fn open_votes(governance: &Governance, subject: &Subject) -> Vec<(Address, u32, u64)> {
    let votes = governance.votes().get(subject).into_iter().flatten();
    let number = |value: &Value| match value {
        Value::Number(number) => Some(*number),
        Value::Role(_) | Value::Text(_) | Value::Is(_) => None,
    };
    votes
        .filter_map(|(account, vote)| Some((*account, number(&vote.to)?, vote.at.height + VOTE_BLOCKS - 1)))
        .collect()
}

/// FISCO's JSON: votes for a seat of the first weight, for none, and for another weight.
fn votes_of_member(governance: &Governance, user: Address) -> String {
    let is_member = governance.seats().contains_key(&user);
    let (mut grant, mut revoke, mut update) = (vec![], vec![], vec![]);
    for (voter, weight, limit) in open_votes(governance, &Subject::Seat(user)) {
        match weight {
            0 => revoke.push(ballot(voter, limit, None)),
            _ if !is_member => grant.push(ballot(voter, limit, None)),
            _ => update.push(ballot(voter, limit, Some(weight))),
        }
    }
    let [grant, revoke, update] = [grant, revoke, update].map(|list| list.join(","));
    format!(r#"{{"grant":[{grant}],"revoke":[{revoke}],"update_weight":[{update}]}}"#)
}

/// FISCO's JSON: the votes by the percentage they are for.
fn votes_of_threshold(governance: &Governance) -> String {
    let mut by_value = BTreeMap::<u32, Vec<String>>::new();
    for (voter, percent, limit) in open_votes(governance, &Subject::Threshold) {
        by_value.entry(percent).or_default().push(ballot(voter, limit, None));
    }
    let lists = by_value
        .iter()
        .map(|(percent, votes)| format!(r#""{percent}":[{}]"#, votes.join(",")));
    format!("{{{}}}", lists.collect::<Vec<_>>().join(","))
}

fn ballot(voter: Address, limit: u64, target: Option<u32>) -> String {
    let target = target
        .map(|target| format!(r#","target":"{target}""#))
        .unwrap_or_default();
    format!(r#"{{"voter":"{voter:#x}","block_limit":"{limit}"{target}}}"#)
}

fn signed(number: u32) -> I256 {
    I256::unchecked_from(number)
}
