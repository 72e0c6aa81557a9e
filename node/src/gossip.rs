//! Transactions on their way between the nodes of a group: new ones at once, batched by what waits; old ones again, in
//! case a peer missed them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::group::Outlet;
use crate::txpool::TxPool;
use althing_types::codec::{TRANSACTION_BYTES_MAX, bounded};
use althing_types::{Bytes, DecodeError, Recovered};
use crossbeam_channel::{Receiver, RecvTimeoutError};

/// Bytes of transactions in one frame.
const FRAME_BYTES: usize = 256 * 1024;
/// Bytes a frame of transactions may have: the last one may go over [`FRAME_BYTES`].
const FRAME_BYTES_MAX: usize = FRAME_BYTES + TRANSACTION_BYTES_MAX + 1024;
/// How often what still waits is looked at.
const AGAIN_EVERY: Duration = Duration::from_secs(2);
/// How often the thread looks whether the group stops.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How old a waiting transaction is when it is sent again, milliseconds.
const AGAIN_AFTER_MS: u64 = 4_000;
/// Transactions sent again at once.
const AGAIN_MAX: usize = 2_000;

/// The bytes of a frame of transactions.
pub(crate) fn encode(transactions: &[Recovered]) -> Bytes {
    let raw: Vec<&Bytes> = transactions
        .iter()
        .map(|recovered| recovered.transaction.raw())
        .collect();
    let mut out = Vec::with_capacity(raw.iter().map(|bytes| bytes.len() + 4).sum::<usize>() + 4);
    alloy_rlp::encode_list::<&Bytes, Bytes>(&raw, &mut out);
    out.into()
}

/// Reads a frame of transactions: bounded, nothing after it. The transactions themselves are the pool's to judge.
pub(crate) fn decode(payload: &[u8]) -> Result<Vec<Bytes>, DecodeError> {
    bounded("a frame of transactions", payload, FRAME_BYTES_MAX)?;
    alloy_rlp::decode_exact(payload).map_err(|e| DecodeError::malformed("a frame of transactions", e))
}

/// Sends what clients hand in, until the group stops.
pub(crate) fn run(entered: &Receiver<Vec<Recovered>>, pool: &Arc<TxPool>, outlet: &Outlet, stopping: &AtomicBool) {
    let mut again = Instant::now() + AGAIN_EVERY;
    while !stopping.load(Ordering::Relaxed) {
        match entered.recv_deadline(again.min(Instant::now() + LOOK_EVERY)) {
            Ok(first) => send(outlet, first, entered),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if Instant::now() >= again {
            again = Instant::now() + AGAIN_EVERY;
            for chunk in frames(pool.stale(AGAIN_AFTER_MS, AGAIN_MAX)) {
                outlet.transactions_to_all(encode(&chunk));
            }
        }
    }
}

/// One transaction of an idle node leaves alone and at once; under load what has gathered meanwhile leaves together.
fn send(outlet: &Outlet, first: Vec<Recovered>, entered: &Receiver<Vec<Recovered>>) {
    let mut batch = first;
    while let Ok(more) = entered.try_recv() {
        batch.extend(more);
    }
    for chunk in frames(batch) {
        outlet.transactions_to_all(encode(&chunk));
    }
}

/// Splits by bytes.
pub(crate) fn frames(transactions: Vec<Recovered>) -> Vec<Vec<Recovered>> {
    let mut frames = Vec::new();
    let mut frame = Vec::new();
    let mut bytes = 0;
    for recovered in transactions {
        bytes += recovered.transaction.raw().len();
        frame.push(recovered);
        if bytes >= FRAME_BYTES {
            frames.push(std::mem::take(&mut frame));
            bytes = 0;
        }
    }
    if !frame.is_empty() {
        frames.push(frame);
    }
    frames
}
