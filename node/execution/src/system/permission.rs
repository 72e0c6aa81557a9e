//! 0x1005: FISCO's lists of who may write where (FISCO BCOS 2.x, `PermissionPrecompiled`): who may deploy contracts, who may write to
//! the name service, and who may write to a contract. Where a list is empty, everybody may.

use alloy_sol_types::{SolCall, SolValue, sol};
use althing_governance::{Governance, Limits};
use althing_types::Address;

use super::consensus::{number, selector};
use super::rows::{Row, Table};
use super::words::Called;
use super::{Failure, Reply, Standing, lifecycle};

sol! {
    interface Permission {
        function insert(string table, string account) returns (int256);
        function remove(string table, string account) returns (int256);
        function queryByName(string table) view returns (string);
        function grantWrite(address target, address account) returns (int256);
        function revokeWrite(address target, address account) returns (int256);
        function queryPermission(address target) view returns (string);
    }
}

use Permission::*;

/// What it is called by.
pub(super) const FUNCTIONS: &[&str] = PermissionCalls::SIGNATURES;

/// Who may deploy contracts.
pub(super) const DEPLOY: &str = "_sys_tables_";
/// Who may write to the name service.
pub(super) const NAMES: &str = "_sys_cns_";
/// What only votes decide.
const VOTED: [&str; 3] = ["_sys_table_access_", "_sys_consensus_", "_sys_config_"];

const NO_PERMISSION: i32 = -50_000;
const NO_TABLE: i32 = -50_100;
const NO_ADDRESS: i32 = -50_102;
const ROW_EXISTS: i32 = -51_000;
const ROW_MISSING: i32 = -51_001;
const NAME_TOO_LONG: i32 = -51_002;
const NO_CONTRACT: i32 = -51_003;
const ONLY_BY_VOTE: i32 = -51_004;
const SEAT_IS_NO_OPERATOR: i32 = -52_005;
/// One row was written.
const DONE: i32 = 1;

/// The longest name of a table, with the prefix that FISCO gives a user's.
const NAME_BYTES: usize = 64;
const USER_PREFIX: &str = "u_";
/// Rows of one of FISCO's own tables that are there because a seat said so; beside them every operator has one.
const ROWS_BY_SEATS: u64 = 768;
/// Rows of a contract.
const ROWS_OF_A_CONTRACT: u64 = 64;

pub(super) fn call(governance: &Governance, words: &mut Called<'_, '_>, input: &[u8]) -> Result<Reply, Failure> {
    let code = |code| Ok(Reply::View(number(code)));
    match selector(input) {
        Some(insertCall::SELECTOR) => match insertCall::abi_decode(input) {
            Ok(call) => code(insert(governance, words, &call.table, &call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(removeCall::SELECTOR) => match removeCall::abi_decode(input) {
            Ok(call) => code(remove(governance, words, &call.table, &call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(queryByNameCall::SELECTOR) => match queryByNameCall::abi_decode(input) {
            Ok(call) => Ok(Reply::View(by_name(governance, words, &call.table)?.abi_encode())),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(grantWriteCall::SELECTOR) => match grantWriteCall::abi_decode(input) {
            Ok(call) => code(grant_write(words, call.target, call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(revokeWriteCall::SELECTOR) => match revokeWriteCall::abi_decode(input) {
            Ok(call) => code(revoke_write(words, call.target, call.account)?),
            Err(_) => Ok(Reply::Unknown),
        },
        Some(queryPermissionCall::SELECTOR) => match queryPermissionCall::abi_decode(input) {
            Ok(call) => {
                let rows = Table::contract(call.target).rows(words)?;
                Ok(Reply::View(json(&format!("c_{:x}", call.target), &rows).abi_encode()))
            }
            Err(_) => Ok(Reply::Unknown),
        },
        _ => Ok(Reply::Unknown),
    }
}

/// A table that a seat alone gives rows of, and the account; or FISCO's code for why there is none.
fn named(table: &str, account: &str) -> Result<(Table, Address), i32> {
    if VOTED.contains(&table) {
        return Err(ONLY_BY_VOTE);
    }
    if ![DEPLOY, NAMES].contains(&table) {
        // This ledger has no tables of users, and keeps no rows for what is not there.
        let is_too_long = USER_PREFIX.len() + table.len() > NAME_BYTES;
        return Err(if is_too_long { NAME_TOO_LONG } else { NO_TABLE });
    }
    let account = account.parse().map_err(|_| NO_ADDRESS)?;
    Ok((Table::system(table), account))
}

fn insert(governance: &Governance, words: &mut Called<'_, '_>, table: &str, account: &str) -> Result<i32, Failure> {
    let (table, account) = match named(table, account) {
        Ok(named) => named,
        Err(code) => return Ok(code),
    };
    if governance.seats().contains_key(&account) {
        return Ok(SEAT_IS_NO_OPERATOR);
    }
    if table.has(words, account)? {
        return Ok(ROW_EXISTS);
    }
    let is_full = table.len(words)? >= ROWS_BY_SEATS;
    if !governance.may_decide(&words.account()) || is_full {
        return Ok(NO_PERMISSION);
    }
    table.insert(words, account)?;
    Ok(DONE)
}

fn remove(governance: &Governance, words: &mut Called<'_, '_>, table: &str, account: &str) -> Result<i32, Failure> {
    let (table, account) = match named(table, account) {
        Ok(named) => named,
        Err(NO_TABLE | NAME_TOO_LONG) => return Ok(ROW_MISSING),
        Err(code) => return Ok(code),
    };
    if !table.has(words, account)? {
        return Ok(ROW_MISSING);
    }
    if !governance.may_decide(&words.account()) {
        return Ok(NO_PERMISSION);
    }
    // What was voted on is not undone by one seat.
    if governance.operators().contains_key(&account) {
        return Ok(ONLY_BY_VOTE);
    }
    table.remove(words, account)?;
    Ok(DONE)
}

fn by_name(governance: &Governance, words: &mut Called<'_, '_>, name: &str) -> Result<String, Failure> {
    if VOTED.contains(&name) {
        let seats = governance.seats().keys();
        let rows: Vec<Row> = seats
            .map(|account| Row {
                account: *account,
                since: 0,
            })
            .collect();
        return Ok(json(name, &rows));
    }
    match [DEPLOY, NAMES].contains(&name) {
        true => Ok(json(name, &Table::system(name).rows(words)?)),
        false => Ok(json("", &[])),
    }
}

fn grant_write(words: &mut Called<'_, '_>, contract: Address, account: Address) -> Result<i32, Failure> {
    let table = Table::contract(contract);
    if table.has(words, account)? {
        return Ok(ROW_EXISTS);
    }
    if words.standing(contract)? != Standing::Contract {
        return Ok(NO_CONTRACT);
    }
    let is_full = table.len(words)? >= ROWS_OF_A_CONTRACT;
    let signer = words.account();
    if !lifecycle::is_manager(words, contract, signer)? || is_full {
        return Ok(NO_PERMISSION);
    }
    table.insert(words, account)?;
    Ok(DONE)
}

fn revoke_write(words: &mut Called<'_, '_>, contract: Address, account: Address) -> Result<i32, Failure> {
    let table = Table::contract(contract);
    if !table.has(words, account)? {
        return Ok(ROW_MISSING);
    }
    let signer = words.account();
    if !lifecycle::is_manager(words, contract, signer)? {
        return Ok(NO_PERMISSION);
    }
    table.remove(words, account)?;
    Ok(DONE)
}

/// What a vote on operators did, in FISCO's tables: an operator has a row of both.
pub(super) fn follow(words: &mut Called<'_, '_>, account: Address, is_operator: bool) -> Result<(), Failure> {
    for table in [DEPLOY, NAMES].map(Table::system) {
        match (table.has(words, account)?, is_operator) {
            (false, true) => table.insert(words, account)?,
            (true, false) => table.remove(words, account)?,
            (true, true) | (false, false) => {}
        }
    }
    Ok(())
}

/// FISCO's JSON.
fn json(table: &str, rows: &[Row]) -> String {
    let rows = rows.iter().map(|Row { account, since }| {
        format!(r#"{{"address":"{account:#x}","enable_num":"{since}","table_name":"{table}"}}"#)
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

/// Every operator has room beside the rows that seats give.
const _: () = assert!(Limits::OPERATORS as u64 + ROWS_BY_SEATS <= 1_024);
