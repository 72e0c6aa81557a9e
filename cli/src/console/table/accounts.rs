//! What accounts may do, and what may happen to accounts and contracts.

use super::{Kind, Parameter, Row, Section, Verb};
use crate::console::contract::{CNS, DEPLOY, Function, View};

const ACCOUNT: &[Parameter] = &[Parameter::new("account", Kind::Account)];
const ADDRESS: &[Parameter] = &[Parameter::new("address", Kind::Account)];
const CONTRACT: &[Parameter] = &[Parameter::new("contractAddress", Kind::Contract)];
const CONTRACT_AND_USER: &[Parameter] = &[
    Parameter::new("contractAddress", Kind::Contract),
    Parameter::new("userAddress", Kind::Account),
];

const fn send(
    section: Section,
    name: &'static str,
    parameters: &'static [Parameter],
    function: Function,
    summary: &'static str,
) -> Row {
    Row::new(section, name, parameters, Verb::Send(function), summary)
}

const fn read(
    section: Section,
    name: &'static str,
    parameters: &'static [Parameter],
    view: View,
    summary: &'static str,
) -> Row {
    Row::new(section, name, parameters, Verb::Read(view), summary)
}

const MAY: Section = Section::Permissions;
const LIFE: Section = Section::LifeCycle;

pub(super) const ROWS: &[Row] = &[
    send(
        MAY,
        "grantOperator",
        ACCOUNT,
        Function::GrantOperator,
        "Makes an account an operator, who deploys contracts and registers names",
    ),
    send(
        MAY,
        "revokeOperator",
        ACCOUNT,
        Function::RevokeOperator,
        "Makes an operator an account like any other",
    ),
    read(MAY, "listOperators", &[], View::Operators, "The operators"),
    send(
        MAY,
        "grantDeployAndCreateManager",
        ADDRESS,
        Function::Grant(DEPLOY),
        "Lets an account deploy contracts and create tables",
    ),
    send(
        MAY,
        "revokeDeployAndCreateManager",
        ADDRESS,
        Function::Revoke(DEPLOY),
        "Takes that back",
    ),
    read(
        MAY,
        "listDeployAndCreateManager",
        &[],
        View::Granted(DEPLOY),
        "The accounts that may deploy contracts and create tables; none means all may",
    ),
    send(
        MAY,
        "grantCNSManager",
        ADDRESS,
        Function::Grant(CNS),
        "Lets an account register names of contracts",
    ),
    send(
        MAY,
        "revokeCNSManager",
        ADDRESS,
        Function::Revoke(CNS),
        "Takes that back",
    ),
    read(
        MAY,
        "listCNSManager",
        &[],
        View::Granted(CNS),
        "The accounts that may register names; none means all may",
    ),
    send(
        MAY,
        "grantContractWritePermission",
        CONTRACT_AND_USER,
        Function::GrantWrite,
        "Lets an account call what writes to a contract",
    ),
    send(
        MAY,
        "revokeContractWritePermission",
        CONTRACT_AND_USER,
        Function::RevokeWrite,
        "Takes that back",
    ),
    read(
        MAY,
        "listContractWritePermission",
        CONTRACT,
        View::GrantedWrite,
        "The accounts that may write to a contract; none means all may",
    ),
    send(
        LIFE,
        "freezeContract",
        CONTRACT,
        Function::FreezeContract,
        "Has calls of a contract refused",
    ),
    send(
        LIFE,
        "unfreezeContract",
        CONTRACT,
        Function::UnfreezeContract,
        "Has calls of a contract accepted again",
    ),
    send(
        LIFE,
        "grantContractStatusManager",
        CONTRACT_AND_USER,
        Function::GrantStatusManager,
        "Lets an account freeze and unfreeze a contract",
    ),
    send(
        LIFE,
        "revokeContractStatusManager",
        CONTRACT_AND_USER,
        Function::RevokeStatusManager,
        "Takes that back",
    ),
    read(
        LIFE,
        "listContractStatusManager",
        CONTRACT,
        View::StatusManagers,
        "The accounts that may freeze a contract",
    ),
    read(
        LIFE,
        "getContractStatus",
        CONTRACT,
        View::ContractStatus,
        "Whether a contract is frozen",
    ),
    send(
        LIFE,
        "freezeAccount",
        ACCOUNT,
        Function::FreezeAccount,
        "Has an account's transactions refused",
    ),
    send(
        LIFE,
        "unfreezeAccount",
        ACCOUNT,
        Function::UnfreezeAccount,
        "Has an account's transactions accepted again",
    ),
    read(
        LIFE,
        "getAccountStatus",
        ACCOUNT,
        View::AccountStatus,
        "Whether an account is frozen",
    ),
];
