//! Transactions and receipts.

use althing_types::{B256, Bytes};

use crate::eth::block::named;
use crate::eth::objects::{ReceiptObject, TransactionObject};
use crate::session::{Answer, Call};
use crate::types::Quantity;

/// `eth_getTransactionByHash`: also what still waits in the pool.
pub(super) fn by_hash(call: &Call<'_>) -> Answer {
    let hash: B256 = call.arguments.required(0, "transaction hash")?;
    let group = call.group()?;
    if let Some(mined) = group.transaction(&hash)? {
        return call.answer(&TransactionObject::new(&mined.recovered, Some(mined.location)));
    }
    if let Some(pending) = group.pending_transaction(&hash) {
        return call.answer(&TransactionObject::new(&pending, None));
    }
    // It may have left the pool for a block between the two looks.
    let mined = group.transaction(&hash)?;
    call.answer(
        &mined
            .as_ref()
            .map(|mined| TransactionObject::new(&mined.recovered, Some(mined.location))),
    )
}

/// `eth_getTransactionByBlockHashAndIndex`, `eth_getTransactionByBlockNumberAndIndex`.
pub(super) fn by_index(call: &Call<'_>) -> Answer {
    let Quantity(index) = call.arguments.required(1, "index")?;
    let view = named(call, &*call.group()?)?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    call.answer(&view.as_ref().and_then(|view| TransactionObject::of_block(view, index)))
}

/// `eth_getRawTransactionByHash`.
pub(super) fn raw_by_hash(call: &Call<'_>) -> Answer {
    let hash: B256 = call.arguments.required(0, "transaction hash")?;
    let group = call.group()?;
    let found = match group.transaction(&hash)? {
        Some(mined) => Some(mined.recovered),
        None => group.pending_transaction(&hash),
    };
    call.answer(&found.as_ref().map(|recovered| recovered.transaction.raw()))
}

/// `eth_getRawTransactionByBlockHashAndIndex`, `eth_getRawTransactionByBlockNumberAndIndex`.
pub(super) fn raw_by_index(call: &Call<'_>) -> Answer {
    let Quantity(index) = call.arguments.required(1, "index")?;
    let view = named(call, &*call.group()?)?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let raw: Option<&Bytes> = view
        .as_ref()
        .and_then(|view| view.block.transactions.get(index))
        .map(|t| t.raw());
    call.answer(&raw)
}

/// `eth_getTransactionReceipt`: null until mined, never an error. That a pending one was waited for is [`super::receipt_wait`].
pub(super) fn receipt(call: &Call<'_>) -> Answer {
    let hash: B256 = call.arguments.required(0, "transaction hash")?;
    let found = call.group()?.receipt(&hash)?;
    call.answer(&found.as_ref().map(ReceiptObject::new))
}
