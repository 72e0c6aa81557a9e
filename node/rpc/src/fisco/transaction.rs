//! Transactions, receipts, the pool, and the call that is not signed.

use althing_types::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use tokio::time::Instant;

use crate::backend::{CallContext, CallFailure, CallOutcome, CallRequest, Cancel, GroupBackend};
use crate::dispatch::timed_out;
use crate::error::RpcError;
use crate::fisco::error;
use crate::fisco::objects::{ReceiptObject, TransactionObject};
use crate::fisco::parameters::{Decimal, block, group, height, height_of_hash};
use crate::fisco::result::halt_status;
use crate::session::{Answer, Call, Session, json};
use crate::types::Quantity;

/// `getTransactionByHash`: null when it is in no block.
pub(super) fn by_hash(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let hash: B256 = call.arguments.required(1, "transactionHash")?;
    let found = group.transaction(&hash).map_err(error::backend)?;
    let info = group.info();
    call.answer(
        &found
            .as_ref()
            .map(|mined| TransactionObject::new(&mined.recovered, Some(mined.location), info)),
    )
}

/// `getTransactionByBlockHashAndIndex`.
pub(super) fn by_block_hash_and_index(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    at_index(call, &*group, height_of_hash(call, 1, &*group)?)
}

/// `getTransactionByBlockNumberAndIndex`.
pub(super) fn by_block_number_and_index(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    at_index(call, &*group, height(call, 1, &*group)?)
}

fn at_index(call: &Call<'_>, group: &dyn GroupBackend, height: u64) -> Answer {
    let Decimal(index) = call.arguments.required(2, "transactionIndex")?;
    let view = block(group, height)?;
    match TransactionObject::of_block(&view, index, group.info()) {
        Some(object) => call.answer(&object),
        None => Err(error::no_transaction_index(index, view.block.transactions.len())),
    }
}

/// `getTransactionReceipt`: null when it is in no block.
pub(super) fn receipt(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let hash: B256 = call.arguments.required(1, "transactionHash")?;
    let Some(mined) = group.receipt(&hash).map_err(error::backend)? else {
        return call.answer(&());
    };
    let height = mined.mined.location.height;
    let view = group
        .header(height)
        .map_err(error::backend)?
        .ok_or_else(|| error::no_block_number(height))?;
    call.answer(&ReceiptObject::new(&mined, view.header.state_root))
}

/// `sendRawTransaction`: in FISCO's format or in one of Ethereum's. The answer is the hash, which promises nothing yet.
pub(crate) async fn send_raw(session: &Session, params: Option<&str>, deadline: Instant) -> Answer {
    // What was parsed borrows the request and may not be held while the pool works.
    let (group, raw) = {
        let call = Call::new(session, params, Cancel::default())?;
        let raw: Bytes = call.arguments.required(1, "rlp")?;
        (group(&call)?, raw)
    };
    let refused = || Err(RpcError::new(crate::error::INTERNAL, "the pool gave no answer"));
    match tokio::time::timeout_at(deadline, group.submit(vec![raw])).await {
        Ok(mut answers) => match answers.pop() {
            Some(Ok(hash)) => json(&hash),
            Some(Err(why)) => Err(error::refused(&why)),
            None => refused(),
        },
        Err(_) => Err(timed_out(session)),
    }
}

/// `getPendingTransactions`.
pub(super) fn pending(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let content = group.pool_content(None, call.limits().pool_transactions);
    let all = content.pending.iter().chain(&content.queued);
    call.answer(
        &all.map(|recovered| TransactionObject::new(recovered, None, group.info()))
            .collect::<Vec<_>>(),
    )
}

/// `getPendingTxSize`.
pub(super) fn pending_size(call: &Call<'_>) -> Answer {
    let status = group(call)?.pool_status();
    call.answer(&Quantity(status.pending + status.queued))
}

#[derive(Deserialize)]
struct CallParameters {
    from: Option<Address>,
    to: Option<Address>,
    data: Option<Bytes>,
    value: Option<U256>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallObject {
    current_block_number: Quantity,
    output: Bytes,
    status: Quantity,
}

/// `call`: a failure is a status, not an error.
pub(super) fn call(call: &Call<'_>) -> Answer {
    let group = group(call)?;
    let parameters: CallParameters = call.arguments.required(1, "call")?;
    let from = parameters.from.ok_or_else(error::call_without_from)?;
    let to = parameters
        .to
        .ok_or_else(|| RpcError::invalid("invalid argument 1 (call): Call needs the 'to' field"))?;
    let request = CallRequest {
        from: Some(from),
        to: Some(to),
        value: parameters.value.unwrap_or_default(),
        input: parameters.data.unwrap_or_default(),
        ..CallRequest::default()
    };
    let height = group.head().height;
    let context = CallContext {
        height,
        cancel: call.cancel.clone(),
        ..CallContext::default()
    };
    let (output, status) = match group.call(&request, &context).map_err(error::backend)? {
        CallOutcome::Returned { output, .. } => (output, 0),
        CallOutcome::Failed(CallFailure::Reverted { output, status, .. }) => (output, u64::from(status)),
        CallOutcome::Failed(CallFailure::Halted { reason, .. }) => (Bytes::new(), halt_status(&reason)),
        CallOutcome::Failed(CallFailure::Refused(why)) => return Err(RpcError::new(crate::error::INTERNAL, why)),
    };
    call.answer(&CallObject {
        current_block_number: Quantity(height),
        output,
        status: Quantity(status),
    })
}
