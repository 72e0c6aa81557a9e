//! The transaction pool.

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use althing_types::transaction::Envelope;
use althing_types::{Address, Recovered, U256};
use serde::{Serialize, Serializer};

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
type ByNonce<T> = BTreeMap<Number, T>;

/// A nonce, or the randomid of a transaction in FISCO's format, which has none.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Number(U256);

impl Number {
    fn of(recovered: &Recovered) -> Self {
        Self(match recovered.transaction.envelope() {
            Envelope::Ethereum(envelope) => U256::from(envelope.nonce()),
            Envelope::Fisco(fisco) => fisco.request.random_id,
        })
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn by_sender<'a, T>(list: &'a [Recovered], show: fn(&'a Recovered) -> T) -> BySender<T> {
    let mut senders = BySender::new();
    for recovered in list {
        senders
            .entry(recovered.sender)
            .or_default()
            .insert(Number::of(recovered), show(recovered));
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
    let transaction = &recovered.transaction;
    let to = transaction
        .to()
        .map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
    let value = transaction.value();
    let (gas, price) = match transaction.envelope() {
        Envelope::Ethereum(envelope) => (U256::from(envelope.gas_limit()), U256::from(envelope.max_fee_per_gas())),
        Envelope::Fisco(fisco) => (fisco.request.gas, fisco.request.gas_price),
    };
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}
