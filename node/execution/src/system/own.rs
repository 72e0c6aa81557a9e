//! 0x1100: what FISCO has no interface for: numbers and identities of changes, withdrawal, `advance`, `alive`, leases, `recover`.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue};
use althing_governance::abi::{
    advanceCall, aliveCall, askLeaseCall, recoverCall, returnLeaseCall, stateCall, voteAccountCall, voteOperatorCall,
    voteRoleCall, voteSettingCall, voteThresholdCall, voteWeightCall, withdrawAccountCall, withdrawOperatorCall,
    withdrawRoleCall, withdrawSettingCall, withdrawThresholdCall, withdrawWeightCall,
};
use althing_governance::{
    Ballot, Governance, LeaseWish, Outcome, PROOF_BLOCKS, Proof, RecoveryFault, Refusal, Role, Subject, Wish,
};
use althing_types::{Address, B256, Bytes, HashFn, NodeId, StateError};

use super::accounts::NO_ACCOUNT;
use super::consensus::{BAD_NODE_ID, selector};
use super::recovery::{check_recovery, recovery_in};
use super::{GOVERNANCE, Reply, Standing, Surroundings, code};

/// Keeps the signature apart from every other one of a node.
const ALIVE: &[u8] = b"althing/alive/v1";
/// What is said of a text that names no node.
const NO_NODE_ID: (i32, &str) = (BAD_NODE_ID, "no nodeID: 128 hex digits are accepted");
/// FISCO's code for what it has no other one for.
const NO_PERMISSION: i32 = -50_000;

/// What a node signs to prove that it holds a block of a group.
pub fn alive_digest(hash: HashFn, genesis: &B256, node: &NodeId, height: u64, block: &B256) -> B256 {
    hash(&alive_bytes(genesis, node, height, block))
}

/// The call that brings such a proof to [`super::GOVERNANCE`].
pub fn alive_call(node: &NodeId, height: u64, block: B256, signature: &[u8]) -> Bytes {
    let call = aliveCall {
        node: node.to_string(),
        height,
        blockHash: block,
        signature: Bytes::copy_from_slice(signature),
    };
    call.abi_encode().into()
}

fn alive_bytes(genesis: &B256, node: &NodeId, height: u64, block: &B256) -> Vec<u8> {
    [
        ALIVE,
        genesis.as_slice(),
        node.as_bytes(),
        &height.to_be_bytes(),
        block.as_slice(),
    ]
    .concat()
}

/// What is wrong with a call before any rule was asked.
type Asked = Result<Result<Outcome, Refusal>, (i32, &'static str)>;

pub(super) fn call(
    governance: &mut Governance,
    around: &mut impl Surroundings,
    input: &[u8],
) -> Result<Reply, StateError> {
    if selector(input) == Some(stateCall::SELECTOR) {
        return Ok(Reply::View(governance.encode().abi_encode()));
    }
    let asked = match selector(input) {
        Some(aliveCall::SELECTOR) => match aliveCall::abi_decode(input) {
            Ok(call) => Some(alive(governance, around, &call)?),
            Err(_) => None,
        },
        Some(recoverCall::SELECTOR) => Some(Ok(recover(governance, around, input)?)),
        Some(voteAccountCall::SELECTOR) => match voteAccountCall::abi_decode(input) {
            Ok(call) => Some(account(governance, around, &call)?),
            Err(_) => None,
        },
        _ => decide(governance, around, input).ok(),
    };
    Ok(match asked {
        None => Reply::Unknown,
        Some(Ok(outcome @ Ok(_))) => Reply::Changed(told(code(&outcome), "")),
        Some(Ok(Err(refusal))) => Reply::View(told(refusal.code(), &refusal.to_string())),
        Some(Err((code, reason))) => Reply::View(told(code, reason)),
    })
}

fn told(code: i32, reason: &str) -> Vec<u8> {
    (I256::try_from(code).unwrap_or_default(), reason.to_owned()).abi_encode_params()
}

/// Everything that a seat does. The outer error is a call that no function of the contract is.
fn decide(
    governance: &mut Governance,
    around: &impl Surroundings,
    input: &[u8],
) -> Result<Asked, alloy_sol_types::Error> {
    let (now, account) = (around.now(), around.account());
    let mut vote = |wish, number, force, seen| {
        let ballot = Ballot { wish, number, force };
        Ok(governance.vote(now, account, &ballot, seen))
    };
    Ok(match selector(input) {
        Some(voteRoleCall::SELECTOR) => {
            let call = voteRoleCall::abi_decode(input)?;
            match (call.node.parse(), Role::from_number(call.role)) {
                (Ok(node), Some(role)) => vote(Wish::Role(node, role), call.number, call.force, call.seen),
                (Err(_), _) => Err(NO_NODE_ID),
                (_, None) => Err((NO_PERMISSION, "no role: 0 is free, 1 observer, 2 sealer")),
            }
        }
        Some(voteWeightCall::SELECTOR) => {
            let call = voteWeightCall::abi_decode(input)?;
            vote(Wish::Weight(call.account, call.weight), call.number, false, call.seen)
        }
        Some(voteThresholdCall::SELECTOR) => {
            let call = voteThresholdCall::abi_decode(input)?;
            vote(Wish::Threshold(call.percent), call.number, false, call.seen)
        }
        Some(voteSettingCall::SELECTOR) => {
            let call = voteSettingCall::abi_decode(input)?;
            vote(Wish::Config(call.key, call.value), call.number, false, call.seen)
        }
        Some(voteOperatorCall::SELECTOR) => {
            let call = voteOperatorCall::abi_decode(input)?;
            vote(
                Wish::Operator(call.account, call.operator),
                call.number,
                false,
                call.seen,
            )
        }
        Some(advanceCall::SELECTOR) => Ok(governance.advance(now, account, advanceCall::abi_decode(input)?.id)),
        Some(askLeaseCall::SELECTOR) => {
            let call = askLeaseCall::abi_decode(input)?;
            named(&call.node, |node| {
                let wish = LeaseWish {
                    node,
                    reason: call.reason,
                    until_ms: call.untilMs,
                    pause: call.pause,
                    asked_in: call.askedIn,
                };
                governance.ask_lease(now, account, &wish)
            })
        }
        Some(returnLeaseCall::SELECTOR) => {
            let call = returnLeaseCall::abi_decode(input)?;
            named(&call.node, |node| {
                governance.return_lease(now, account, node, call.askedIn)
            })
        }
        _ => return withdraw(governance, around, input),
    })
}

fn withdraw(
    governance: &mut Governance,
    around: &impl Surroundings,
    input: &[u8],
) -> Result<Asked, alloy_sol_types::Error> {
    let (now, account) = (around.now(), around.account());
    let mut withdraw = |subject: &Subject, voted_in| Ok(governance.withdraw(now, account, subject, voted_in));
    Ok(match selector(input) {
        Some(withdrawRoleCall::SELECTOR) => {
            let call = withdrawRoleCall::abi_decode(input)?;
            named(&call.node, |node| {
                governance.withdraw(now, account, &Subject::Node(node), call.votedIn)
            })
        }
        Some(withdrawWeightCall::SELECTOR) => {
            let call = withdrawWeightCall::abi_decode(input)?;
            withdraw(&Subject::Seat(call.account), call.votedIn)
        }
        Some(withdrawThresholdCall::SELECTOR) => {
            let call = withdrawThresholdCall::abi_decode(input)?;
            withdraw(&Subject::Threshold, call.votedIn)
        }
        Some(withdrawSettingCall::SELECTOR) => {
            let call = withdrawSettingCall::abi_decode(input)?;
            withdraw(&Subject::Config(call.key), call.votedIn)
        }
        Some(withdrawOperatorCall::SELECTOR) => {
            let call = withdrawOperatorCall::abi_decode(input)?;
            withdraw(&Subject::Operator(call.account), call.votedIn)
        }
        Some(withdrawAccountCall::SELECTOR) => {
            let call = withdrawAccountCall::abi_decode(input)?;
            withdraw(&Subject::Account(call.account), call.votedIn)
        }
        _ => return Err(alloy_sol_types::Error::custom("no such function")),
    })
}

fn named(node: &str, act: impl FnOnce(NodeId) -> Result<Outcome, Refusal>) -> Asked {
    match node.parse() {
        Ok(node) => Ok(act(node)),
        Err(_) => Err(NO_NODE_ID),
    }
}

/// Other than FISCO's interface, this one takes an account that the state does not know: a stolen key can be frozen before it is used.
fn account(
    governance: &mut Governance,
    around: &mut impl Surroundings,
    call: &voteAccountCall,
) -> Result<Asked, StateError> {
    if matches!(around.standing(call.account)?, Standing::Contract | Standing::Ledger) {
        return Ok(Err((NO_ACCOUNT, "no account: managers freeze contracts, at 0x1007")));
    }
    let ballot = Ballot {
        wish: Wish::Frozen(call.account, call.frozen),
        number: call.number,
        force: false,
    };
    Ok(Ok(governance.vote(around.now(), around.account(), &ballot, call.seen)))
}

/// A proof is checked here against the chain and the node's key; the rules are asked afterwards.
fn alive(governance: &mut Governance, around: &mut impl Surroundings, call: &aliveCall) -> Result<Asked, StateError> {
    let Ok(node) = call.node.parse::<NodeId>() else {
        return Ok(Err(NO_NODE_ID));
    };
    let now = around.now();
    if call.height >= now.height || now.height - call.height > PROOF_BLOCKS {
        return Ok(Ok(Err(Refusal::ProofHeight {
            found: call.height,
            height: now.height,
            accepted: PROOF_BLOCKS,
        })));
    }
    let Some((hash, unix_ms)) = around.ancestor(call.height)? else {
        return Ok(Err((NO_PERMISSION, "the chain has no such block")));
    };
    if hash != call.blockHash {
        return Ok(Err((NO_PERMISSION, "the chain has another block at this height")));
    }
    let signed = alive_bytes(&governance.genesis(), &node, call.height, &hash);
    if !around.is_signed(&node, &around.hash(&signed), &call.signature) {
        return Ok(Err((NO_PERMISSION, "it is not signed by the node")));
    }
    let proof = Proof {
        node,
        height: call.height,
        unix_ms,
    };
    Ok(Ok(governance.alive(now, &proof)))
}

/// Whether a call is about a recovery, whose signatures cost gas.
pub(super) fn is_recovery(contract: Address, input: &[u8]) -> bool {
    contract == GOVERNANCE && selector(input) == Some(recoverCall::SELECTOR)
}

/// The outer error is a state that cannot be read.
fn recover(
    governance: &mut Governance,
    around: &mut impl Surroundings,
    input: &[u8],
) -> Result<Result<Outcome, Refusal>, StateError> {
    let now = around.now();
    let parent = now.height.saturating_sub(1);
    // The place comes first: elsewhere no signature is looked at.
    if !around.leads() {
        return Ok(Err(RecoveryFault::Place.into()));
    }
    let recovery = match recovery_in(input) {
        Ok(recovery) => recovery,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let Some((hash, _)) = around.ancestor(parent)? else {
        return Ok(Err(RecoveryFault::Place.into()));
    };
    Ok(
        match check_recovery(governance, &recovery, (parent, hash), around.suite()) {
            Ok(()) => governance.recover(now, &recovery, recovery.digest(around.suite().hash_fn())),
            Err(fault) => Err(fault.into()),
        },
    )
}
