//! 0x1003: FISCO's way to ask for a role (FISCO BCOS 2.x, `ConsensusPrecompiled`). A seat's call records its vote and returns 0, or
//! passes the change and returns 1.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Ballot, Governance, Outcome, Refusal, Role, Wish};
use althing_types::NodeId;

use super::{Reply, Surroundings, code};

sol! {
    interface Consensus {
        function addSealer(string node) returns (int256);
        function addObserver(string node) returns (int256);
        function remove(string node) returns (int256);
    }
}

use Consensus::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = ConsensusCalls::SIGNATURES;

/// FISCO's codes that no rule of ours has.
pub(super) const BAD_NODE_ID: i32 = -51_100;
const NOT_IN_GROUP: i32 = -51_103;
const SEALER_ALREADY: i32 = -51_104;
const OBSERVER_ALREADY: i32 = -51_105;

pub(super) fn call(governance: &mut Governance, around: &impl Surroundings, input: &[u8]) -> Reply {
    let (node, role) = match selector(input) {
        Some(addSealerCall::SELECTOR) => (addSealerCall::abi_decode(input).map(|call| call.node), Role::Sealer),
        Some(addObserverCall::SELECTOR) => (addObserverCall::abi_decode(input).map(|call| call.node), Role::Observer),
        Some(removeCall::SELECTOR) => (removeCall::abi_decode(input).map(|call| call.node), Role::Free),
        _ => return Reply::Unknown,
    };
    let Ok(node) = node else { return Reply::Unknown };
    let Ok(node) = node.parse::<NodeId>() else {
        return Reply::View(number(BAD_NODE_ID));
    };
    let outcome = vote(governance, around, Wish::Role(node, role));
    match (&outcome, role) {
        (Err(Refusal::NoChange), Role::Sealer) => Reply::View(number(SEALER_ALREADY)),
        (Err(Refusal::NoChange), Role::Observer) => Reply::View(number(OBSERVER_ALREADY)),
        (Err(Refusal::NoChange), Role::Free) => Reply::View(number(NOT_IN_GROUP)),
        _ => reply(&outcome),
    }
}

/// FISCO's interfaces name no number and no block: a call is about the next change, and is decided when it is carried out.
pub(super) fn vote(governance: &mut Governance, around: &impl Surroundings, wish: Wish) -> Result<Outcome, Refusal> {
    let ballot = Ballot {
        number: governance.next_number(&wish.subject()),
        wish,
        force: false,
    };
    let now = around.now();
    governance.vote(now, around.account(), &ballot, now.height)
}

pub(super) fn reply(outcome: &Result<Outcome, Refusal>) -> Reply {
    match outcome {
        Ok(_) => Reply::Changed(number(code(outcome))),
        Err(_) => Reply::View(number(code(outcome))),
    }
}

/// As FISCO returns it: a signed number of 32 bytes.
pub(super) fn number(code: i32) -> Vec<u8> {
    I256::try_from(code).unwrap_or_default().abi_encode()
}

pub(super) fn selector(input: &[u8]) -> Option<[u8; 4]> {
    input.first_chunk().copied()
}
