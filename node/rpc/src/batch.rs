//! Batches: one deadline for the whole, raw transactions into the pool together, receipts waited for together.

use std::sync::Arc;

use jsonrpsee::core::middleware::{Batch, BatchEntry, BatchEntryErr, RpcServiceT};
use jsonrpsee::server::{BatchResponseBuilder, MethodResponse};
use jsonrpsee::types::Request;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::dispatch::{SUBMIT, answer, no_session, observe, raw_transaction, response, session_of, submit};
use crate::eth::{RECEIPT, wait_for_receipts};
use crate::session::{Answer, Session};

type Entry<'a> = Result<BatchEntry<'a>, BatchEntryErr<'a>>;

/// Answers a batch in order. Work goes in another order: transactions are submitted, then receipts that are about to
/// exist are waited for, then everything but the receipts is answered, then they.
///
/// So a receipt is never older than a block number of the same batch: a client that reads "no receipt" beside a block
/// number and waits for a higher one cannot miss its block.
pub(crate) async fn answer_batch<S>(inner: Arc<S>, batch: Batch<'_>) -> MethodResponse
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Send + Sync + 'static,
{
    let entries: Vec<Entry<'_>> = batch.into_iter().collect();
    let session = entries.iter().find_map(|entry| match entry {
        Ok(BatchEntry::Call(request)) => session_of(request),
        _ => None,
    });
    let Some(session) = session else {
        return without_session(entries);
    };
    let _passage = session.gate.enter();
    let deadline = Instant::now() + session.limits().request_timeout;
    let limit = session.limits().response_bytes as usize;
    let mut submitted = submit_together(&session, &entries, deadline).await.into_iter();
    wait_for_receipts(&session, parameters(&entries, RECEIPT), deadline).await;
    let mut answers = Answers::new(limit);
    let mut receipts = Vec::new();
    for entry in entries {
        match entry {
            Ok(BatchEntry::Call(request)) if request.method == RECEIPT => receipts.push((answers.reserve(), request)),
            Ok(BatchEntry::Call(request)) => {
                let place = answers.reserve();
                let response = match (request.method == SUBMIT).then(|| submitted.next()).flatten() {
                    Some(result) => response(request, result, limit),
                    None => answer(&*inner, &session, request, deadline).await,
                };
                answers.put(place, response);
            }
            Ok(BatchEntry::Notification(_)) => answers.notified = true,
            Err(error) => {
                let place = answers.reserve();
                answers.put(place, malformed(error));
            }
        }
        if answers.is_full() {
            return answers.finish();
        }
    }
    for (place, request) in receipts {
        let response = answer(&*inner, &session, request, deadline).await;
        answers.put(place, response);
        if answers.is_full() {
            break;
        }
    }
    answers.finish()
}

/// Only malformed entries and notifications: nothing to ask a session for.
fn without_session(entries: Vec<Entry<'_>>) -> MethodResponse {
    let mut answers = Answers::new(usize::MAX);
    for entry in entries {
        match entry {
            Ok(BatchEntry::Notification(_)) => answers.notified = true,
            Ok(BatchEntry::Call(request)) => {
                let place = answers.reserve();
                answers.put(place, no_session(request));
            }
            Err(error) => {
                let place = answers.reserve();
                answers.put(place, malformed(error));
            }
        }
    }
    answers.finish()
}

fn malformed(error: BatchEntryErr<'_>) -> MethodResponse {
    let (error, id) = error.into_parts();
    MethodResponse::error(id, error)
}

/// The parameters of the calls of one method.
fn parameters<'a>(entries: &'a [Entry<'_>], method: &'static str) -> impl Iterator<Item = Option<&'a RawValue>> {
    let of_method = |entry: &'a Entry<'_>| -> Option<&'a Request<'_>> {
        match entry {
            Ok(BatchEntry::Call(request)) => Some(request),
            _ => None,
        }
    };
    entries
        .iter()
        .filter_map(of_method)
        .filter(move |request| request.method == method)
        .map(|request| request.params.as_deref())
}

/// Submits every raw transaction of a batch in one call; answers in the order of the batch.
async fn submit_together(session: &Session, entries: &[Entry<'_>], deadline: Instant) -> Vec<Answer> {
    let began = Instant::now();
    let parsed = parameters(entries, SUBMIT)
        .map(|params| raw_transaction(session, params.map(RawValue::get)))
        .collect();
    let answers = submit(session, parsed, deadline).await;
    for answer in &answers {
        observe(session, SUBMIT, answer, began.elapsed());
    }
    answers
}

/// The answers of a batch, each at its place, bounded together.
struct Answers {
    places: Vec<Option<MethodResponse>>,
    bytes: usize,
    limit: usize,
    notified: bool,
}

impl Answers {
    fn new(limit: usize) -> Self {
        Self {
            places: Vec::new(),
            bytes: 0,
            limit,
            notified: false,
        }
    }

    /// The next place, to be filled later.
    fn reserve(&mut self) -> usize {
        self.places.push(None);
        self.places.len() - 1
    }

    fn put(&mut self, place: usize, response: MethodResponse) {
        self.bytes = self.bytes.saturating_add(response.as_json().get().len());
        if let Some(place) = self.places.get_mut(place) {
            *place = Some(response);
        }
    }

    /// Whether the whole answer is already too long.
    fn is_full(&self) -> bool {
        self.bytes > self.limit
    }

    fn finish(self) -> MethodResponse {
        let mut answers = BatchResponseBuilder::new_with_limit(self.limit);
        for response in self.places.into_iter().flatten() {
            if let Err(too_large) = answers.append(response) {
                return too_large;
            }
        }
        match answers.is_empty() && self.notified {
            true => MethodResponse::notification(),
            false => MethodResponse::from_batch(answers.finish()),
        }
    }
}
