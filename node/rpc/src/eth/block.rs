//! Blocks.

use crate::backend::{BlockView, GroupBackend};
use crate::error::RpcError;
use crate::eth::objects::{BlockObject, ReceiptObject};
use crate::session::{Answer, Call};
use crate::types::{BlockSelector, Quantity};

/// The block that a parameter names; none when this chain has no such block.
pub(super) fn named(call: &Call<'_>, group: &dyn GroupBackend) -> Result<Option<BlockView>, RpcError> {
    let selector: BlockSelector = call.arguments.required(0, "block")?;
    match selector.find(group)? {
        Some(height) => Ok(group.block(height)?),
        None => Ok(None),
    }
}

/// `eth_blockNumber`.
pub(super) fn number(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(call.group()?.head().height))
}

/// `eth_getBlockByNumber`, `eth_getBlockByHash`.
pub(super) fn by_selector(call: &Call<'_>) -> Answer {
    let full = call.arguments.optional(1, "full transactions")?.unwrap_or(false);
    let view = named(call, &*call.group()?)?;
    call.answer(&view.as_ref().map(|view| BlockObject::new(view, full)))
}

/// `eth_getBlockTransactionCountByNumber`, `eth_getBlockTransactionCountByHash`.
pub(super) fn transaction_count(call: &Call<'_>) -> Answer {
    let view = named(call, &*call.group()?)?;
    call.answer(&view.map(|view| Quantity(view.block.transactions.len() as u64)))
}

/// `eth_getUncleCountByBlockNumber`, `eth_getUncleCountByBlockHash`: there are none.
pub(super) fn uncle_count(call: &Call<'_>) -> Answer {
    let selector: BlockSelector = call.arguments.required(0, "block")?;
    let found = selector.find(&*call.group()?)?;
    call.answer(&found.map(|_| Quantity(0)))
}

/// `eth_getUncleByBlockNumberAndIndex`, `eth_getUncleByBlockHashAndIndex`: there are none.
pub(super) fn uncle(call: &Call<'_>) -> Answer {
    let _: BlockSelector = call.arguments.required(0, "block")?;
    call.answer(&())
}

/// `eth_getBlockReceipts`.
pub(super) fn receipts(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let Some(view) = named(call, &*group)? else {
        return call.answer(&());
    };
    let receipts = group.receipts(view.block.height())?;
    call.answer(
        &receipts
            .as_ref()
            .map(|receipts| ReceiptObject::of_block(&view, receipts)),
    )
}
