//! FISCO's error codes.

use crate::backend::{BackendError, GroupUnavailable, SubmitError};
use crate::error::{INTERNAL, RpcError};
use crate::fisco::result::{refusal_status, status_name};

/// No such group on this node.
const GROUP_MISSING: i32 = -40001;
/// No block has that hash.
const BLOCK_HASH_MISSING: i32 = -40003;
/// No block has that number.
const BLOCK_NUMBER_MISSING: i32 = -40004;
/// The block has no such transaction.
const TRANSACTION_INDEX: i32 = -40005;
/// A call must name who calls.
const CALL_WITHOUT_FROM: i32 = -40006;
/// This consensus has no views.
const NO_VIEW: i32 = -40007;
/// No such system configuration key.
const SYSTEM_CONFIG: i32 = -40008;
/// The node is not in the group.
const NOT_IN_GROUP: i32 = -40009;
/// The group cannot answer yet.
const NOT_READY: i32 = -40010;

/// The configuration lets nobody change what groups there are.
const NO_DYNAMIC_GROUPS: i32 = -100_001;

pub(super) fn no_dynamic_groups() -> RpcError {
    let message = "config.ini [rpc] disable_dynamic_group=true: the groups of this node are changed by its files only";
    RpcError::new(NO_DYNAMIC_GROUPS, message)
}

pub(super) fn group(error: GroupUnavailable) -> RpcError {
    let code = match error {
        GroupUnavailable::Missing(_) => GROUP_MISSING,
        GroupUnavailable::NotMember(_) => NOT_IN_GROUP,
        GroupUnavailable::NotReady(_) => NOT_READY,
    };
    RpcError::new(code, error.to_string())
}

pub(super) fn no_group(found: i64) -> RpcError {
    RpcError::new(
        GROUP_MISSING,
        format!("GroupID does not exist: a group id is 1 to 32767, found {found}"),
    )
}

pub(super) fn backend(error: BackendError) -> RpcError {
    match error {
        BackendError::NotReady(why) => RpcError::new(NOT_READY, why),
        BackendError::UnknownBlock(height) => no_block_number(height),
        other => other.into(),
    }
}

/// What the pool refused: FISCO's name of the reason, then what was found and what is accepted; its number as data.
pub(super) fn refused(why: &SubmitError) -> RpcError {
    match refusal_status(why) {
        None => RpcError::new(NOT_READY, why.to_string()),
        Some(status) => RpcError {
            code: INTERNAL,
            message: format!("{}: {why}", status_name(status)),
            data: Some(status.to_string()),
        },
    }
}

pub(super) fn no_block_hash(hash: impl std::fmt::Display) -> RpcError {
    RpcError::new(BLOCK_HASH_MISSING, format!("BlockHash does not exist: {hash}"))
}

pub(super) fn no_block_number(height: u64) -> RpcError {
    RpcError::new(BLOCK_NUMBER_MISSING, format!("BlockNumber does not exist: {height}"))
}

pub(super) fn no_transaction_index(index: u64, count: usize) -> RpcError {
    RpcError::new(
        TRANSACTION_INDEX,
        format!("TransactionIndex is out of range: {index}, the block has {count} transactions"),
    )
}

pub(super) fn call_without_from() -> RpcError {
    RpcError::new(CALL_WITHOUT_FROM, "Call needs the 'from' field")
}

pub(super) fn no_view() -> RpcError {
    RpcError::new(NO_VIEW, "Only pbft consensus supports the view property")
}

pub(super) fn no_system_config(key: &str) -> RpcError {
    let key: String = key.chars().take(64).collect();
    RpcError::new(
        SYSTEM_CONFIG,
        format!("Invalid System Config {key:?}; tx_count_limit, tx_gas_limit and consensus_timeout are accepted"),
    )
}
