//! Blocks and what they add up to.

use althing_types::Address;
use serde::Serialize;

use crate::backend::GroupBackend;
use crate::fisco::error;
use crate::fisco::objects::BlockObject;
use crate::fisco::parameters::{block, group, height, height_of_hash};
use crate::session::{Answer, Call};
use crate::types::Quantity;

/// `getBlockNumber`.
pub(super) fn number(call: &Call<'_>) -> Answer {
    call.answer(&Quantity(group(call)?.head().height))
}

/// `getBlockByNumber`.
pub(super) fn by_number(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    answer(call, &*group, height(call, 1, &*group)?)
}

/// `getBlockByHash`.
pub(super) fn by_hash(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    answer(call, &*group, height_of_hash(call, 1, &*group)?)
}

fn answer(call: &Call<'_>, group: &dyn GroupBackend, height: u64) -> Answer {
    let full = call.arguments.optional(2, "includeTransactions")?.unwrap_or(false);
    let view = block(group, height)?;
    let sealers = group.sealers_at(height).map_err(error::backend)?;
    let certificate = group.certificate(height).map_err(error::backend)?;
    call.answer(&BlockObject::new(
        &view,
        &sealers,
        certificate.as_ref(),
        group.info(),
        full,
    ))
}

/// `getBlockHashByNumber`.
pub(super) fn hash_by_number(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let height = height(call, 1, &*group)?;
    let view = group
        .header(height)
        .map_err(error::backend)?
        .ok_or_else(|| error::no_block_number(height))?;
    call.answer(&view.hash)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TotalsObject {
    tx_sum: Quantity,
    block_number: Quantity,
    failed_tx_sum: Quantity,
}

/// `getTotalTransactionCount`.
pub(super) fn totals(call: &Call<'_>) -> Answer {
    let totals = group(call)?.totals();
    call.answer(&TotalsObject {
        tx_sum: Quantity(totals.transactions),
        block_number: Quantity(totals.height),
        failed_tx_sum: Quantity(totals.failed),
    })
}

/// `getCode`.
pub(super) fn code(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let address: Address = call.arguments.required(1, "address")?;
    call.answer(&group.code(&address, group.head().height).map_err(error::backend)?)
}
