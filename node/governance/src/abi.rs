//! The interface of the contract at 0x1100, for whoever serves it and whoever calls it.

use alloy_primitives::Bytes;
use alloy_sol_types::{SolCall, sol};
use althing_types::NodeId;

use crate::{Ballot, ChangeId, LeaseWish, Subject, Wish};

/// Its address.
pub const ADDRESS: althing_types::Address = alloy_primitives::address!("0000000000000000000000000000000000001100");

sol! {
    #![sol(extra_derives(Debug))]
    /// What the contract is asked.
    interface Interface {
        /// Votes for a role: 0 free, 1 observer, 2 sealer. `number` is the number of the change among those of the node,
        /// `seen` the height of the newest block that was known when it was decided: where the account has voted on it or taken its vote back
        /// since, or the committee was changed, it is void. So are the next five.
        function voteRole(string node, uint8 role, uint64 number, bool force, uint64 seen) returns (int256 code, string reason);
        /// Votes for the weight of a seat; 0 takes it away.
        function voteWeight(address account, uint32 weight, uint64 number, uint64 seen) returns (int256 code, string reason);
        /// Votes for the percentage above which a change passes.
        function voteThreshold(uint32 percent, uint64 number, uint64 seen) returns (int256 code, string reason);
        /// Votes for a value of the system configuration.
        function voteSetting(string key, string value, uint64 number, uint64 seen) returns (int256 code, string reason);
        /// Votes for an account to be an operator, or to be none any more.
        function voteOperator(address account, bool operator, uint64 number, uint64 seen) returns (int256 code, string reason);
        /// Votes for an account to be frozen, or not to be any more.
        function voteAccount(address account, bool frozen, uint64 number, uint64 seen) returns (int256 code, string reason);
        /// Takes a vote on a node's role back: the one of the block of this height, and no other. So do the next five.
        function withdrawRole(string node, uint64 votedIn) returns (int256 code, string reason);
        /// Takes a vote on a seat's weight back.
        function withdrawWeight(address account, uint64 votedIn) returns (int256 code, string reason);
        /// Takes a vote on the threshold back.
        function withdrawThreshold(uint64 votedIn) returns (int256 code, string reason);
        /// Takes a vote on a value of the system configuration back.
        function withdrawSetting(string key, uint64 votedIn) returns (int256 code, string reason);
        /// Takes a vote on whether an account is an operator back.
        function withdrawOperator(address account, uint64 votedIn) returns (int256 code, string reason);
        /// Takes a vote on whether an account is frozen back.
        function withdrawAccount(address account, uint64 votedIn) returns (int256 code, string reason);
        /// Has an approved change looked at again that gave way to others.
        function advance(bytes32 id) returns (int256 code, string reason);
        /// Proves that a node lives and holds a block.
        function alive(string node, uint64 height, bytes32 blockHash, bytes signature) returns (int256 code, string reason);
        /// Asks to disturb a node until then, milliseconds since 1970. `askedIn` is the height of the block in which the lease that is there
        /// was asked for, which only its holder may ask for anew; 0 where there is none.
        function askLease(string node, string reason, uint64 untilMs, bool pause, uint64 askedIn) returns (int256 code, string reason);
        /// Gives that right back: the one that was asked for in the block of this height, and no other.
        function returnLease(string node, uint64 askedIn) returns (int256 code, string reason);
        /// Goes on after the quorum was lost for ever, as a [`althing_types::Recovery`] says. Only the first transaction of a block may
        /// call it, and it is the node that makes the block that does.
        function recover(bytes document) returns (int256 code, string reason);
        /// The whole of it, as [`crate::Governance::encode`] has it.
        function state() view returns (bytes);
    }
}

pub use Interface::*;

/// The signatures of its functions.
pub const FUNCTIONS: &[&str] = InterfaceCalls::SIGNATURES;

/// The call that puts a vote in the box which was decided after this block.
pub fn vote(ballot: &Ballot, seen: u64) -> Bytes {
    let number = ballot.number;
    let call = match &ballot.wish {
        Wish::Role(node, role) => voteRoleCall {
            node: node.to_string(),
            role: *role as u8,
            number,
            force: ballot.force,
            seen,
        }
        .abi_encode(),
        Wish::Weight(account, weight) => voteWeightCall {
            account: *account,
            weight: *weight,
            number,
            seen,
        }
        .abi_encode(),
        Wish::Threshold(percent) => voteThresholdCall {
            percent: *percent,
            number,
            seen,
        }
        .abi_encode(),
        Wish::Config(key, value) => voteSettingCall {
            key: key.clone(),
            value: value.clone(),
            number,
            seen,
        }
        .abi_encode(),
        Wish::Operator(account, operator) => voteOperatorCall {
            account: *account,
            operator: *operator,
            number,
            seen,
        }
        .abi_encode(),
        Wish::Frozen(account, frozen) => voteAccountCall {
            account: *account,
            frozen: *frozen,
            number,
            seen,
        }
        .abi_encode(),
    };
    call.into()
}

/// The call that takes the one of this block back.
pub fn withdraw(subject: &Subject, voted_in: u64) -> Bytes {
    let call = match subject {
        Subject::Node(node) => withdrawRoleCall {
            node: node.to_string(),
            votedIn: voted_in,
        }
        .abi_encode(),
        Subject::Seat(account) => withdrawWeightCall {
            account: *account,
            votedIn: voted_in,
        }
        .abi_encode(),
        Subject::Threshold => withdrawThresholdCall { votedIn: voted_in }.abi_encode(),
        Subject::Config(key) => withdrawSettingCall {
            key: key.clone(),
            votedIn: voted_in,
        }
        .abi_encode(),
        Subject::Operator(account) => withdrawOperatorCall {
            account: *account,
            votedIn: voted_in,
        }
        .abi_encode(),
        Subject::Account(account) => withdrawAccountCall {
            account: *account,
            votedIn: voted_in,
        }
        .abi_encode(),
    };
    call.into()
}

/// The call that has a change looked at again.
pub fn advance(id: ChangeId) -> Bytes {
    advanceCall { id }.abi_encode().into()
}

/// The call that asks to disturb a node.
pub fn ask_lease(wish: &LeaseWish) -> Bytes {
    let call = askLeaseCall {
        node: wish.node.to_string(),
        reason: wish.reason.clone(),
        untilMs: wish.until_ms,
        pause: wish.pause,
        askedIn: wish.asked_in,
    };
    call.abi_encode().into()
}

/// The call that gives the right back that was asked for in this block.
pub fn return_lease(node: &NodeId, asked_in: u64) -> Bytes {
    let call = returnLeaseCall {
        node: node.to_string(),
        askedIn: asked_in,
    };
    call.abi_encode().into()
}

/// The call that asks for the whole of it, and what its answer holds.
pub fn state() -> Bytes {
    stateCall {}.abi_encode().into()
}

/// The bytes in the answer to [`state`]; none when it is no such answer.
pub fn state_in(answer: &[u8]) -> Option<Bytes> {
    stateCall::abi_decode_returns(answer).ok()
}
