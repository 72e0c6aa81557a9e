//! What the ledger holds, in RPC's words.

use std::sync::Arc;

use althing_ledger::{Ledger, LedgerError, LogQuery, LogsError};
use althing_rpc::backend::{
    AccountProof, BackendError, BlockView, Cancel, HeaderView, LogEntry, LogFilter, MinedReceipt, MinedTransaction,
    SlotProof, TransactionLocation,
};
use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Account, Address, B256, Bytes, Receipt, StateError, StateReader, U256};

/// Blocks whose headers are searched before the caller is asked whether it still waits.
const LOGS_STRIDE: u64 = 1_000;

pub(super) fn error(error: LedgerError) -> BackendError {
    match error {
        LedgerError::NoTrie => BackendError::Unsupported(error.to_string()),
        LedgerError::Future { found, .. } => BackendError::UnknownBlock(found),
        other => BackendError::Internal(other.to_string()),
    }
}

pub(super) fn state_error(error: StateError) -> BackendError {
    BackendError::Internal(error.to_string())
}

pub(super) fn header(ledger: &Ledger, height: u64) -> Result<Option<HeaderView>, BackendError> {
    let stored = ledger.header(height).map_err(error)?;
    Ok(stored.map(|stored| HeaderView {
        hash: stored.hash,
        header: stored.header,
    }))
}

pub(super) fn block(ledger: &Ledger, height: u64) -> Result<Option<BlockView>, BackendError> {
    let stored = ledger.block(height).map_err(error)?;
    Ok(stored.map(|stored| BlockView {
        hash: stored.hash,
        block: Arc::clone(&stored.block),
        senders: Arc::new(stored.senders.clone()),
    }))
}

pub(super) fn receipts(ledger: &Ledger, height: u64) -> Result<Option<Arc<Vec<Receipt>>>, BackendError> {
    let stored = ledger.receipts(height).map_err(error)?;
    Ok(stored.map(|stored| Arc::new(stored.iter().map(|stored| stored.receipt.clone()).collect())))
}

pub(super) fn transaction(ledger: &Ledger, hash: &B256) -> Result<Option<MinedTransaction>, BackendError> {
    let Some((height, index)) = ledger.transaction_position(hash).map_err(error)? else {
        return Ok(None);
    };
    let recovered = ledger.transaction(height, index).map_err(error)?;
    let header = ledger.header(height).map_err(error)?;
    Ok(recovered.zip(header).map(|(recovered, header)| MinedTransaction {
        recovered,
        location: TransactionLocation {
            height,
            block_hash: header.hash,
            timestamp: header.header.timestamp,
            index: u64::from(index),
        },
    }))
}

pub(super) fn receipt(ledger: &Ledger, hash: &B256) -> Result<Option<MinedReceipt>, BackendError> {
    let Some(mined) = transaction(ledger, hash)? else {
        return Ok(None);
    };
    let TransactionLocation { height, index, .. } = mined.location;
    let index = u32::try_from(index).map_err(|_| BackendError::UnknownBlock(height))?;
    let stored = ledger.receipt(height, index).map_err(error)?;
    Ok(stored.map(|stored| MinedReceipt {
        mined,
        receipt: stored.receipt,
        first_log_index: stored.first_log_index,
    }))
}

pub(super) fn logs(
    ledger: &Ledger,
    from: u64,
    to: u64,
    filter: &LogFilter,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<LogEntry>, BackendError> {
    let filter = althing_ledger::LogFilter {
        addresses: filter.addresses.clone(),
        topics: filter.topics.clone(),
    };
    let mut found = Vec::new();
    let mut start = from;
    while start <= to {
        if cancel.is_cancelled() {
            return Err(BackendError::Cancelled);
        }
        let end = to.min(start.saturating_add(LOGS_STRIDE - 1));
        let left = limit - found.len();
        let query = LogQuery {
            from: start,
            to: end,
            filter: filter.clone(),
            limit: left,
        };
        match ledger.logs(&query) {
            Ok(entries) => found.extend(entries.into_iter().map(log_entry)),
            Err(LogsError::TooMany { .. }) => return Err(BackendError::TooManyResults { limit }),
            Err(LogsError::Ledger(failed)) => return Err(error(failed)),
        }
        let Some(next) = end.checked_add(1) else { break };
        start = next;
    }
    Ok(found)
}

fn log_entry(entry: althing_ledger::LogEntry) -> LogEntry {
    LogEntry {
        log: entry.log,
        transaction: entry.transaction_hash,
        location: TransactionLocation {
            height: entry.height,
            block_hash: entry.block_hash,
            timestamp: entry.timestamp,
            index: u64::from(entry.transaction_index),
        },
        log_index: entry.log_index,
    }
}

pub(super) fn code(ledger: &Ledger, address: &Address, height: u64) -> Result<Bytes, BackendError> {
    let state = ledger.state_at(height).map_err(error)?;
    match state.account(address).map_err(state_error)? {
        Some(account) if account.code_hash != EMPTY_CODE_HASH => state.code(&account.code_hash).map_err(state_error),
        _ => Ok(Bytes::new()),
    }
}

pub(super) fn proof(
    ledger: &Ledger,
    address: &Address,
    slots: &[U256],
    height: u64,
) -> Result<AccountProof, BackendError> {
    let proof = ledger.proof(address, slots, height).map_err(error)?;
    let leaf = proof.account;
    let slot = |slot: althing_ledger::SlotProof| SlotProof {
        slot: slot.slot,
        value: slot.value,
        nodes: slot.proof,
    };
    Ok(AccountProof {
        account: Account {
            nonce: leaf.nonce,
            balance: leaf.balance,
            code_hash: leaf.code_hash,
        },
        storage_root: leaf.storage_root,
        nodes: proof.account_proof,
        slots: proof.storage_proof.into_iter().map(slot).collect(),
    })
}
