//! The transaction pool.

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use althing_types::transaction::Envelope;
use althing_types::{Address, Recovered};
use serde::Serialize;

use crate::eth::objects::TransactionObject;
use crate::session::{Answer, Call};
use crate::types::Quantity;

#[derive(Serialize)]
struct Lists<T> {
    pending: T,
    queued: T,
}

/// `txpool_status`.
pub(super) fn status(call: &Call<'_>) -> Answer {
    let status = call.group()?.pool_status();
    call.answer(&Lists {
        pending: Quantity(status.pending),
        queued: Quantity(status.queued),
    })
}

/// By sender, then by nonce as a decimal string, as go-ethereum groups them.
type BySender<T> = BTreeMap<Address, ByNonce<T>>;
type ByNonce<T> = BTreeMap<u64, T>;

fn by_sender<'a, T>(list: &'a [Recovered], show: fn(&'a Recovered) -> T) -> BySender<T> {
    let mut senders = BySender::new();
    for recovered in list {
        senders
            .entry(recovered.sender)
            .or_default()
            .insert(recovered.transaction.nonce(), show(recovered));
    }
    senders
}

fn object(recovered: &Recovered) -> TransactionObject<'_> {
    TransactionObject::new(recovered, None)
}

/// `txpool_content`.
pub(super) fn content(call: &Call<'_>) -> Answer {
    let content = call.group()?.pool_content(None, call.limits().pool_transactions);
    call.answer(&Lists {
        pending: by_sender(&content.pending, object),
        queued: by_sender(&content.queued, object),
    })
}

/// `txpool_contentFrom`.
pub(super) fn content_from(call: &Call<'_>) -> Answer {
    let sender: Address = call.arguments.required(0, "address")?;
    let content = call
        .group()?
        .pool_content(Some(&sender), call.limits().pool_transactions);
    let own = |list| by_sender(list, object).remove(&sender).unwrap_or_default();
    call.answer(&Lists {
        pending: own(&content.pending),
        queued: own(&content.queued),
    })
}

/// `txpool_inspect`: one line for each.
pub(super) fn inspect(call: &Call<'_>) -> Answer {
    let content = call.group()?.pool_content(None, call.limits().pool_transactions);
    call.answer(&Lists {
        pending: by_sender(&content.pending, line),
        queued: by_sender(&content.queued, line),
    })
}

fn line(recovered: &Recovered) -> String {
    let Envelope::Ethereum(envelope) = recovered.transaction.envelope();
    let to = envelope
        .to()
        .map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
    let (value, gas, price) = (envelope.value(), envelope.gas_limit(), envelope.max_fee_per_gas());
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}
