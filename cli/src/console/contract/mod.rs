//! The contracts of the ledger that commands call, at FISCO's addresses with FISCO's interfaces (FISCO BCOS 2.x).

mod function;
mod view;

pub(super) use function::{Function, code};
pub(super) use view::{Grant, Seen, View};

use alloy_primitives::{Bytes, address};
use althing_types::Address;

/// SystemConfig.
const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000001000");
/// Consensus.
const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");
/// Permission.
const PERMISSION: Address = address!("0000000000000000000000000000000000001005");
/// ContractLifeCycle.
const LIFE_CYCLE: Address = address!("0000000000000000000000000000000000001007");
/// ChainGovernance.
const COMMITTEE: Address = address!("0000000000000000000000000000000000001008");

/// The table whose writers deploy contracts and create tables.
pub(super) const DEPLOY: &str = "_sys_tables_";
/// The table whose writers register names of contracts.
pub(super) const CNS: &str = "_sys_cns_";

/// A call, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Which contract.
    pub to: Address,
    /// What it is called with.
    pub input: Bytes,
}

impl Call {
    fn new(to: Address, input: Vec<u8>) -> Self {
        let input = input.into();
        Self { to, input }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use althing_types::{GroupId, NodeId};

    use super::super::table::{self, Argument, Kind, Verb};
    use super::*;

    /// One argument of each kind.
    fn sample(kind: Kind) -> Argument {
        match kind {
            Kind::NodeId => Argument::Node(NodeId::new([0xab; 64])),
            Kind::Account | Kind::Contract => Argument::Address(Address::repeat_byte(0x22)),
            Kind::Key => Argument::Text("tx_count_limit".to_owned()),
            Kind::Setting => Argument::Text("2000".to_owned()),
            Kind::Group => Argument::Group(GroupId::try_from(1).unwrap()),
            _ => Argument::Number(60),
        }
    }

    fn input(name: &str) -> String {
        let row = table::find(name).unwrap();
        let arguments: Vec<Argument> = row.parameters.iter().map(|parameter| sample(parameter.kind)).collect();
        let call = match row.verb {
            Verb::Send(function) => function.call(&arguments),
            Verb::Read(view) => view.call(&arguments),
            other => panic!("{name} is {other:?}"),
        };
        let call = call.unwrap();
        format!(
            "{:x} {}",
            u16::from_be_bytes(call.to.0[18..].try_into().unwrap()),
            hex::encode(&call.input[..4])
        )
    }

    /// Contract and selector of each command, as FISCO BCOS 2.x has them (keccak edition).
    const SELECTORS: [(&str, &str); 34] = [
        ("setSystemConfigByKey", "1000 bd291aef"),
        ("addSealer", "1003 89152d1f"),
        ("addObserver", "1003 2800efc0"),
        ("removeNode", "1003 80599e4b"),
        ("grantDeployAndCreateManager", "1005 06e63ff8"),
        ("revokeDeployAndCreateManager", "1005 44590a7e"),
        ("listDeployAndCreateManager", "1005 20586031"),
        ("grantCNSManager", "1005 06e63ff8"),
        ("revokeCNSManager", "1005 44590a7e"),
        ("listCNSManager", "1005 20586031"),
        ("grantContractWritePermission", "1005 96ec37c4"),
        ("revokeContractWritePermission", "1005 99c26010"),
        ("listContractWritePermission", "1005 54ad6352"),
        ("freezeContract", "1007 8d1fdf2f"),
        ("unfreezeContract", "1007 45c8b1a6"),
        ("grantContractStatusManager", "1007 a721fb43"),
        ("revokeContractStatusManager", "1007 3a67288f"),
        ("getContractStatus", "1007 30ccebb5"),
        ("listContractStatusManager", "1007 c5252d0e"),
        ("grantCommitteeMember", "1008 6f8f521f"),
        ("revokeCommitteeMember", "1008 cafb4d1b"),
        ("listCommitteeMembers", "1008 885a3a72"),
        ("queryCommitteeMemberWeight", "1008 6c147119"),
        ("updateCommitteeMemberWeight", "1008 246c3376"),
        ("updateThreshold", "1008 97b00861"),
        ("queryThreshold", "1008 281af27d"),
        ("queryVotesOfMember", "1008 284f6e88"),
        ("queryVotesOfThreshold", "1008 791a2742"),
        ("grantOperator", "1008 e348da13"),
        ("revokeOperator", "1008 fad8b32a"),
        ("listOperators", "1008 039a93ca"),
        ("freezeAccount", "1008 f26c159f"),
        ("unfreezeAccount", "1008 788649ea"),
        ("getAccountStatus", "1008 fd4fa05a"),
    ];

    #[test]
    fn commands_call_fisco_s_functions() {
        for (name, wanted) in SELECTORS {
            assert_eq!(input(name), wanted, "{name}");
        }
    }

    #[test]
    fn every_command_that_calls_a_contract_is_among_them() {
        let calls = table::rows().filter(|row| matches!(row.verb, Verb::Send(_) | Verb::Read(_)));
        for row in calls {
            assert!(SELECTORS.iter().any(|(name, _)| *name == row.name), "{}", row.name);
        }
    }

    #[test]
    fn the_manager_commands_name_the_tables_that_they_are_about() {
        let find = |name: &str, text: &str| {
            let row = table::find(name).unwrap();
            let arguments: Vec<Argument> = row.parameters.iter().map(|parameter| sample(parameter.kind)).collect();
            let Verb::Send(function) = row.verb else {
                panic!("{name} sends nothing");
            };
            let input = function.call(&arguments).unwrap().input;
            input.windows(text.len()).any(|found| found == text.as_bytes())
        };
        assert!(find("grantDeployAndCreateManager", "_sys_tables_"));
        assert!(find("revokeCNSManager", "_sys_cns_"));
        assert!(find("grantCNSManager", &format!("0x{}", "22".repeat(20))));
        assert!(!find("grantCNSManager", "_sys_tables_"));
    }
}
