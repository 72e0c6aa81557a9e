//! What an account's transaction asks of a contract.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Role, Wish};

use super::{COMMITTEE, CONSENSUS, Call, LIFE_CYCLE, PERMISSION, SYSTEM_CONFIG};
use crate::console::table::Argument;

sol! {
    function setValueByKey(string key, string value) returns (int256);
    function addSealer(string node) returns (int256);
    function addObserver(string node) returns (int256);
    function remove(string node) returns (int256);
    function grantCommitteeMember(address user) returns (int256);
    function revokeCommitteeMember(address user) returns (int256);
    function updateCommitteeMemberWeight(address user, int256 weight) returns (int256);
    function updateThreshold(int256 threshold) returns (int256);
    function grantOperator(address user) returns (int256);
    function revokeOperator(address user) returns (int256);
    function freezeAccount(address account) returns (int256);
    function unfreezeAccount(address account) returns (int256);
    function freeze(address addr) returns (int256);
    function unfreeze(address addr) returns (int256);
    function grantManager(address target, address user) returns (int256);
    function revokeManager(address target, address user) returns (int256);
    function grantWrite(address target, address user) returns (int256);
    function revokeWrite(address target, address user) returns (int256);
}

/// Of 0x1005, whose `remove` has a name that 0x1003 has as well.
mod permission {
    use alloy_sol_types::sol;

    sol! {
        function insert(string table, string addr) returns (int256);
        function remove(string table, string addr) returns (int256);
    }
}

/// The weight of a seat that is granted (FISCO BCOS 2.x, `ChainGovernancePrecompiled`).
const FIRST_WEIGHT: u32 = 1;

/// A function that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// A node is to seal.
    AddSealer,
    /// A node is to follow.
    AddObserver,
    /// A node is to leave.
    RemoveNode,
    /// A key is to have a value.
    SetConfig,
    /// An account is to have a seat.
    GrantMember,
    /// An account is to have none.
    RevokeMember,
    /// A seat is to have another weight.
    UpdateWeight,
    /// Changes are to pass above another percentage.
    UpdateThreshold,
    /// An account is to be an operator.
    GrantOperator,
    /// An account is to be none.
    RevokeOperator,
    /// An account's transactions are to be refused.
    FreezeAccount,
    /// They are to be accepted.
    UnfreezeAccount,
    /// A contract's calls are to be refused.
    FreezeContract,
    /// They are to be accepted.
    UnfreezeContract,
    /// An account is to freeze and unfreeze a contract.
    GrantStatusManager,
    /// An account is not to.
    RevokeStatusManager,
    /// An account is to write to a table of the ledger.
    Grant(&'static str),
    /// An account is not to.
    Revoke(&'static str),
    /// An account is to write to a contract.
    GrantWrite,
    /// An account is not to.
    RevokeWrite,
}

impl Function {
    /// The call with these arguments; none when they are not those of its command.
    pub(crate) fn call(self, arguments: &[Argument]) -> Option<Call> {
        match arguments {
            [Argument::Node(node)] => {
                let node = node.to_string();
                let input = match self {
                    Self::AddSealer => addSealerCall { node }.abi_encode(),
                    Self::AddObserver => addObserverCall { node }.abi_encode(),
                    Self::RemoveNode => removeCall { node }.abi_encode(),
                    _ => return None,
                };
                Some(Call::new(CONSENSUS, input))
            }
            [Argument::Text(key), Argument::Text(value)] if self == Self::SetConfig => {
                let (key, value) = (key.clone(), value.clone());
                Some(Call::new(SYSTEM_CONFIG, setValueByKeyCall { key, value }.abi_encode()))
            }
            [Argument::Number(percent)] if self == Self::UpdateThreshold => {
                let threshold = I256::try_from(*percent).ok()?;
                Some(Call::new(COMMITTEE, updateThresholdCall { threshold }.abi_encode()))
            }
            [Argument::Address(user), Argument::Number(weight)] if self == Self::UpdateWeight => {
                let (user, weight) = (*user, I256::try_from(*weight).ok()?);
                let call = updateCommitteeMemberWeightCall { user, weight };
                Some(Call::new(COMMITTEE, call.abi_encode()))
            }
            [Argument::Address(one)] => self.of_one(*one),
            [Argument::Address(contract), Argument::Address(user)] => self.of_two(*contract, *user),
            _ => None,
        }
    }

    fn of_one(self, one: althing_types::Address) -> Option<Call> {
        let (user, account, addr) = (one, one, one);
        Some(match self {
            Self::GrantMember => Call::new(COMMITTEE, grantCommitteeMemberCall { user }.abi_encode()),
            Self::RevokeMember => Call::new(COMMITTEE, revokeCommitteeMemberCall { user }.abi_encode()),
            Self::GrantOperator => Call::new(COMMITTEE, grantOperatorCall { user }.abi_encode()),
            Self::RevokeOperator => Call::new(COMMITTEE, revokeOperatorCall { user }.abi_encode()),
            Self::FreezeAccount => Call::new(COMMITTEE, freezeAccountCall { account }.abi_encode()),
            Self::UnfreezeAccount => Call::new(COMMITTEE, unfreezeAccountCall { account }.abi_encode()),
            Self::FreezeContract => Call::new(LIFE_CYCLE, freezeCall { addr }.abi_encode()),
            Self::UnfreezeContract => Call::new(LIFE_CYCLE, unfreezeCall { addr }.abi_encode()),
            Self::Grant(table) => {
                let (table, addr) = (table.to_owned(), format!("{one:#x}"));
                Call::new(PERMISSION, permission::insertCall { table, addr }.abi_encode())
            }
            Self::Revoke(table) => {
                let (table, addr) = (table.to_owned(), format!("{one:#x}"));
                Call::new(PERMISSION, permission::removeCall { table, addr }.abi_encode())
            }
            _ => return None,
        })
    }

    fn of_two(self, contract: althing_types::Address, account: althing_types::Address) -> Option<Call> {
        let (target, user) = (contract, account);
        Some(match self {
            Self::GrantStatusManager => Call::new(LIFE_CYCLE, grantManagerCall { target, user }.abi_encode()),
            Self::RevokeStatusManager => Call::new(LIFE_CYCLE, revokeManagerCall { target, user }.abi_encode()),
            Self::GrantWrite => Call::new(PERMISSION, grantWriteCall { target, user }.abi_encode()),
            Self::RevokeWrite => Call::new(PERMISSION, revokeWriteCall { target, user }.abi_encode()),
            _ => return None,
        })
    }

    /// What is voted on, where the function is a vote; none where one account decides.
    pub(crate) fn wish(self, arguments: &[Argument]) -> Option<Wish> {
        Some(match (self, arguments) {
            (Self::AddSealer, [Argument::Node(node)]) => Wish::Role(*node, Role::Sealer),
            (Self::AddObserver, [Argument::Node(node)]) => Wish::Role(*node, Role::Observer),
            (Self::RemoveNode, [Argument::Node(node)]) => Wish::Role(*node, Role::Free),
            (Self::SetConfig, [Argument::Text(key), Argument::Text(value)]) => Wish::Config(key.clone(), value.clone()),
            (Self::GrantMember, [Argument::Address(account)]) => Wish::Weight(*account, FIRST_WEIGHT),
            (Self::RevokeMember, [Argument::Address(account)]) => Wish::Weight(*account, 0),
            (Self::UpdateWeight, [Argument::Address(account), Argument::Number(weight)]) => {
                Wish::Weight(*account, u32::try_from(*weight).ok()?)
            }
            (Self::GrantOperator, [Argument::Address(account)]) => Wish::Operator(*account, true),
            (Self::RevokeOperator, [Argument::Address(account)]) => Wish::Operator(*account, false),
            (Self::FreezeAccount, [Argument::Address(account)]) => Wish::Frozen(*account, true),
            (Self::UnfreezeAccount, [Argument::Address(account)]) => Wish::Frozen(*account, false),
            (Self::UpdateThreshold, [Argument::Number(percent)]) => Wish::Threshold(u32::try_from(*percent).ok()?),
            _ => return None,
        })
    }
}

/// The code that a function returned; none when it is no number, as when there is no such contract.
pub(crate) fn code(output: &[u8]) -> Option<i64> {
    i64::try_from(I256::abi_decode(output).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use althing_types::NodeId;

    use super::*;

    #[test]
    fn arguments_of_another_command_make_no_call() {
        let node = [Argument::Node(NodeId::new([1; 64]))];
        assert_eq!(Function::GrantMember.call(&node), None);
        assert_eq!(Function::AddSealer.call(&[]), None);
        assert_eq!(Function::AddSealer.wish(&[]), None);
    }

    #[test]
    fn an_answer_is_a_signed_number_or_none() {
        let answer = |number: i64| I256::try_from(number).unwrap().abi_encode();
        assert_eq!(code(&answer(1)), Some(1));
        assert_eq!(code(&answer(-51_100)), Some(-51_100));
        assert_eq!(code(&[]), None);
        assert_eq!(code(&[0xff; 7]), None);
        assert_eq!(code(&I256::MAX.abi_encode()), None);
    }

    #[test]
    fn what_one_account_decides_is_no_vote() {
        let account = [Argument::Address(althing_types::Address::ZERO)];
        assert_eq!(Function::FreezeContract.wish(&account), None);
        for voted in [Function::GrantMember, Function::GrantOperator, Function::FreezeAccount] {
            assert!(voted.wish(&account).is_some(), "{voted:?}");
        }
    }
}
