//! 0x1005: who may deploy, and who may write to a contract.

use alloy_sol_types::{SolCall, sol};
use althing_execution::{CHAIN_GOVERNANCE, PERMISSION, status};
use althing_types::{Address, U256};

use super::support::*;
use super::system::Chain;

sol! {
    function insert(string table, string account) returns (int256);
    function remove(string table, string account) returns (int256);
    function queryByName(string table) view returns (string);
    function grantWrite(address target, address account) returns (int256);
    function revokeWrite(address target, address account) returns (int256);
    function queryPermission(address target) view returns (string);
    function grantOperator(address user) returns (int256);
}

pub(crate) fn insert(table: &str, account: &str) -> Vec<u8> {
    let (table, account) = (table.to_owned(), account.to_owned());
    insertCall { table, account }.abi_encode()
}

fn remove(table: &str, account: &str) -> Vec<u8> {
    let (table, account) = (table.to_owned(), account.to_owned());
    removeCall { table, account }.abi_encode()
}

pub(crate) fn grant_write(target: Address, account: Address) -> Vec<u8> {
    grantWriteCall { target, account }.abi_encode()
}

pub(crate) fn revoke_write(target: Address, account: Address) -> Vec<u8> {
    revokeWriteCall { target, account }.abi_encode()
}

fn hex(account: Address) -> String {
    format!("{account:#x}")
}

const DEPLOY: &str = "_sys_tables_";

#[test]
fn a_seat_alone_says_who_deploys_and_who_writes_names() {
    let mut chain = Chain::new();
    for table in [DEPLOY, "_sys_cns_"] {
        assert_eq!(chain.code(1, PERMISSION, insert(table, &hex(sender(7)))), 1);
        let row = format!(
            r#"[{{"address":"{:#x}","enable_num":"{}","table_name":"{table}"}}]"#,
            sender(7),
            chain.height + 1
        );
        let query = queryByNameCall {
            table: table.to_owned(),
        };
        assert_eq!(chain.text(PERMISSION, query.abi_encode()), row);
        assert_eq!(chain.code(2, PERMISSION, remove(table, &hex(sender(7)))), 1);
    }
}

#[test]
fn what_is_no_row_gets_fisco_s_code() {
    let mut chain = Chain::new();
    let account = hex(sender(7));
    assert_eq!(
        chain.code(
            1,
            PERMISSION,
            insert(DEPLOY, &account.to_uppercase().replace("0X", "0x"))
        ),
        1
    );
    let seat = hex(sender(2));
    for (by, input, code) in [
        (1, insert(DEPLOY, &account), -51_000),
        (1, insert(DEPLOY, &seat), -52_005),
        (1, insert(DEPLOY, "0x12"), -50_102),
        (1, insert(DEPLOY, ""), -50_102),
        (9, insert(DEPLOY, &hex(sender(8))), -50_000),
        (9, remove(DEPLOY, &account), -50_000),
        (1, remove(DEPLOY, &hex(sender(8))), -51_001),
        (1, remove(DEPLOY, "nobody"), -50_102),
        (1, insert("t_goods", &account), -50_100),
        (1, remove("t_goods", &account), -51_001),
        (1, insert(&"t".repeat(63), &account), -51_002),
        (1, insert("_sys_table_access_", &account), -51_004),
        (1, insert("_sys_consensus_", &account), -51_004),
        (1, insert("_sys_config_", &account), -51_004),
        (1, remove("_sys_config_", &seat), -51_004),
    ] {
        assert_eq!(chain.code(by, PERMISSION, input), code);
    }
    let query = |table: &str| {
        queryByNameCall {
            table: table.to_owned(),
        }
        .abi_encode()
    };
    assert_eq!(chain.text(PERMISSION, query("t_goods")), "[]");
    assert_eq!(
        chain
            .text(PERMISSION, query("_sys_consensus_"))
            .matches(r#""table_name":"_sys_consensus_""#)
            .count(),
        4,
        "those who have seats"
    );
}

#[test]
fn one_seat_does_not_undo_what_was_voted_on() {
    let mut chain = Chain::new();
    let operator = grantOperatorCall { user: sender(7) }.abi_encode();
    chain.agree(CHAIN_GOVERNANCE, &operator);
    assert_eq!(chain.code(1, PERMISSION, remove(DEPLOY, &hex(sender(7)))), -51_004);
    assert_eq!(chain.code(1, PERMISSION, insert(DEPLOY, &hex(sender(7)))), -51_000);
}

#[test]
fn rows_stay_findable_whichever_is_taken() {
    let mut chain = Chain::new();
    for number in 10..20 {
        assert_eq!(chain.code(1, PERMISSION, insert(DEPLOY, &hex(sender(number)))), 1);
    }
    let mut left: Vec<u8> = (10..20).collect();
    let query = queryByNameCall {
        table: DEPLOY.to_owned(),
    }
    .abi_encode();
    for taken in [10, 19, 14, 15, 18, 11, 12, 13, 17, 16] {
        assert_eq!(chain.code(1, PERMISSION, remove(DEPLOY, &hex(sender(taken)))), 1);
        left.retain(|number| *number != taken);
        let listed = chain.text(PERMISSION, query.clone());
        assert_eq!(listed.matches("address").count(), left.len());
        assert!(left.iter().all(|number| listed.contains(&hex(sender(*number)))));
        assert_eq!(chain.code(1, PERMISSION, remove(DEPLOY, &hex(sender(taken)))), -51_001);
    }
    let rows = chain.slots(PERMISSION);
    assert_eq!(rows, 0, "nothing is left behind");
}

#[test]
fn managers_say_who_writes_to_a_contract_and_seats_do_not() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let user = sender(8);
    for (by, input, code) in [
        (7, grant_write(sender(8), user), -51_003),
        (7, grant_write(PERMISSION, user), -51_003),
        (7, grant_write(sender(99), user), -51_003),
        (9, grant_write(contract, user), -50_000),
        (1, grant_write(contract, user), -50_000),
        (7, revoke_write(contract, user), -51_001),
        (7, grant_write(contract, user), 1),
        (7, grant_write(contract, user), -51_000),
        (1, revoke_write(contract, user), -50_000),
    ] {
        assert_eq!(chain.code(by, PERMISSION, input), code);
    }
    let listed = chain.text(PERMISSION, queryPermissionCall { target: contract }.abi_encode());
    assert!(
        listed.contains(&hex(user)) && listed.contains(&format!("c_{contract:x}")),
        "{listed}"
    );
    assert_eq!(chain.code(7, PERMISSION, revoke_write(contract, user)), 1);
    assert_eq!(chain.slots(PERMISSION), 0);
}

#[test]
fn nobody_makes_the_lists_long() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    for number in 0..64 {
        let user = Address::with_last_byte(number);
        assert_eq!(chain.code(7, PERMISSION, grant_write(contract, user)), 1);
    }
    assert_eq!(chain.code(7, PERMISSION, grant_write(contract, sender(8))), -50_000);
    for number in 0..768_u64 {
        let user = Address::from_word(U256::from(number + 1).into());
        assert_eq!(chain.code(1, PERMISSION, insert(DEPLOY, &hex(user))), 1);
    }
    assert_eq!(chain.code(1, PERMISSION, insert(DEPLOY, &hex(sender(8)))), -50_000);
    let operator = grantOperatorCall { user: sender(8) }.abi_encode();
    chain.agree(CHAIN_GOVERNANCE, &operator);
}

#[test]
fn what_is_no_call_ends_as_an_exception() {
    let mut chain = Chain::new();
    let mut cuts = vec![vec![], vec![1, 2, 3, 4]];
    for input in [
        insert(DEPLOY, "x"),
        remove(DEPLOY, "x"),
        grant_write(place(1), sender(1)),
        revoke_write(place(1), sender(1)),
        queryPermissionCall { target: place(1) }.abi_encode(),
    ] {
        cuts.push(input[..35].to_vec());
    }
    for input in cuts {
        assert_eq!(chain.call(sender(1), PERMISSION, input).0, status::PRECOMPILED_ERROR);
    }
}
