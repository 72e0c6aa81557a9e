//! What a contract tells.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, sol};
use althing_types::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{COMMITTEE, Call, LIFE_CYCLE, PERMISSION};
use crate::console::table::Argument;

sol! {
    function listCommitteeMembers() view returns (string);
    function queryCommitteeMemberWeight(address user) view returns (bool found, int256 weight);
    function queryThreshold() view returns (int256);
    function queryVotesOfMember(address member) view returns (string);
    function queryVotesOfThreshold() view returns (string);
    function listOperators() view returns (string);
    function getAccountStatus(address account) view returns (string);
    function getStatus(address addr) view returns (int256 code, string status);
    function listManager(address addr) view returns (int256 code, address[] managers);
    function queryByName(string table) view returns (string);
    function queryPermission(address target) view returns (string);
}

/// A function that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The seats.
    Members,
    /// The weight of one.
    MemberWeight,
    /// Above which percentage changes pass.
    Threshold,
    /// The open votes on a seat.
    VotesOfMember,
    /// The open votes on the threshold.
    VotesOfThreshold,
    /// The operators.
    Operators,
    /// Whether an account is frozen.
    AccountStatus,
    /// Whether a contract is.
    ContractStatus,
    /// Who freezes and unfreezes a contract.
    StatusManagers,
    /// Who writes to a table of the ledger.
    Granted(&'static str),
    /// Who writes to a contract.
    GrantedWrite,
}

/// An account that something was granted to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The account.
    pub address: String,
    /// The block from which it holds, as FISCO tells it: a number as text.
    pub enable_num: String,
}

/// What was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// Accounts with what was granted to them.
    Grants(Vec<Grant>),
    /// Accounts.
    Accounts(Vec<Address>),
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// JSON.
    Json(Value),
    /// FISCO's code for why there is nothing to tell.
    Code(i64),
}

impl View {
    /// The call with these arguments; none when they are not those of its command.
    pub(crate) fn call(self, arguments: &[Argument]) -> Option<Call> {
        Some(match (self, arguments) {
            (Self::Members, []) => Call::new(COMMITTEE, listCommitteeMembersCall {}.abi_encode()),
            (Self::Threshold, []) => Call::new(COMMITTEE, queryThresholdCall {}.abi_encode()),
            (Self::VotesOfThreshold, []) => Call::new(COMMITTEE, queryVotesOfThresholdCall {}.abi_encode()),
            (Self::Operators, []) => Call::new(COMMITTEE, listOperatorsCall {}.abi_encode()),
            (Self::Granted(table), []) => {
                let table = table.to_owned();
                Call::new(PERMISSION, queryByNameCall { table }.abi_encode())
            }
            (_, [Argument::Address(one)]) => return self.of_one(*one),
            _ => return None,
        })
    }

    fn of_one(self, one: Address) -> Option<Call> {
        let (user, member, account, addr) = (one, one, one, one);
        Some(match self {
            Self::MemberWeight => Call::new(COMMITTEE, queryCommitteeMemberWeightCall { user }.abi_encode()),
            Self::VotesOfMember => Call::new(COMMITTEE, queryVotesOfMemberCall { member }.abi_encode()),
            Self::AccountStatus => Call::new(COMMITTEE, getAccountStatusCall { account }.abi_encode()),
            Self::ContractStatus => Call::new(LIFE_CYCLE, getStatusCall { addr }.abi_encode()),
            Self::StatusManagers => Call::new(LIFE_CYCLE, listManagerCall { addr }.abi_encode()),
            Self::GrantedWrite => {
                let target = one;
                Call::new(PERMISSION, queryPermissionCall { target }.abi_encode())
            }
            _ => return None,
        })
    }

    /// What an answer says; none when it is no such answer, as when there is no such contract.
    pub(crate) fn told(self, output: &[u8]) -> Option<Seen> {
        Some(match self {
            Self::Members => grants(&listCommitteeMembersCall::abi_decode_returns(output).ok()?)?,
            Self::Operators => grants(&listOperatorsCall::abi_decode_returns(output).ok()?)?,
            Self::Granted(_) => grants(&queryByNameCall::abi_decode_returns(output).ok()?)?,
            Self::GrantedWrite => grants(&queryPermissionCall::abi_decode_returns(output).ok()?)?,
            Self::MemberWeight => {
                let told = queryCommitteeMemberWeightCall::abi_decode_returns(output).ok()?;
                let number = number(told.weight)?;
                if told.found {
                    Seen::Number(number)
                } else {
                    Seen::Code(number)
                }
            }
            Self::Threshold => Seen::Number(number(queryThresholdCall::abi_decode_returns(output).ok()?)?),
            Self::VotesOfMember => json(&queryVotesOfMemberCall::abi_decode_returns(output).ok()?)?,
            Self::VotesOfThreshold => json(&queryVotesOfThresholdCall::abi_decode_returns(output).ok()?)?,
            Self::AccountStatus => Seen::Text(getAccountStatusCall::abi_decode_returns(output).ok()?),
            Self::ContractStatus => {
                let told = getStatusCall::abi_decode_returns(output).ok()?;
                refused(told.code)?.unwrap_or(Seen::Text(told.status))
            }
            Self::StatusManagers => {
                let told = listManagerCall::abi_decode_returns(output).ok()?;
                refused(told.code)?.unwrap_or(Seen::Accounts(told.managers))
            }
        })
    }
}

fn number(told: I256) -> Option<i64> {
    i64::try_from(told).ok()
}

/// A negative code says why there is nothing.
fn refused(code: I256) -> Option<Option<Seen>> {
    let code = number(code)?;
    Some((code < 0).then_some(Seen::Code(code)))
}

fn json(text: &str) -> Option<Seen> {
    serde_json::from_str(text).ok().map(Seen::Json)
}

fn grants(text: &str) -> Option<Seen> {
    serde_json::from_str(text).ok().map(Seen::Grants)
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read_as_fisco_s_contracts_give_them() {
        let text = |text: &str| text.to_owned().abi_encode();
        let list = text(r#"[{"address":"0x22","enable_num":"0","table_name":"t"}]"#);
        let granted = Seen::Grants(vec![Grant {
            address: "0x22".to_owned(),
            enable_num: "0".to_owned(),
        }]);
        for view in [View::Members, View::Operators, View::Granted("t"), View::GrantedWrite] {
            assert_eq!(view.told(&list), Some(granted.clone()), "{view:?}");
        }
        let signed = |number: i64| I256::try_from(number).unwrap();
        let weight = |found: bool, number| View::MemberWeight.told(&(found, signed(number)).abi_encode_params());
        assert_eq!(weight(true, 3), Some(Seen::Number(3)));
        assert_eq!(weight(false, -52_001), Some(Seen::Code(-52_001)));
        assert_eq!(View::Threshold.told(&signed(50).abi_encode()), Some(Seen::Number(50)));
        let votes = View::VotesOfThreshold.told(&text(r#"{"60":[]}"#));
        assert_eq!(votes, Some(Seen::Json(json!({"60": []}))));
        let status = (signed(0), "frozen".to_owned()).abi_encode_params();
        assert_eq!(
            View::ContractStatus.told(&status),
            Some(Seen::Text("frozen".to_owned()))
        );
        let missing = (signed(-51_904), String::new()).abi_encode_params();
        assert_eq!(View::ContractStatus.told(&missing), Some(Seen::Code(-51_904)));
        let managers = (signed(0), vec![Address::ZERO]).abi_encode_params();
        assert_eq!(
            View::StatusManagers.told(&managers),
            Some(Seen::Accounts(vec![Address::ZERO]))
        );
    }

    #[test]
    fn what_no_contract_answered_is_no_answer() {
        for view in [
            View::Members,
            View::Threshold,
            View::ContractStatus,
            View::AccountStatus,
        ] {
            assert_eq!(view.told(&[]), None, "{view:?}");
            assert_eq!(view.told(&[0xff; 31]), None, "{view:?}");
        }
    }
}
