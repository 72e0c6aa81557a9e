//! From a parsed request to its answer: table look-up, where it runs, its deadline, its count.

use std::borrow::Cow;
use std::future::Future;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use althing_types::Bytes;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::{MethodResponse, ResponsePayload};
use jsonrpsee::types::{ErrorObjectOwned, Request};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::backend::Cancel;
use crate::batch::answer_batch;
use crate::error::{INTERNAL, METHOD_NOT_FOUND, RpcError, UNAVAILABLE};
use crate::eth::{RECEIPT, wait_for_receipts};
use crate::fisco::send_raw;
use crate::methods::{Method, Work, method};
use crate::metrics::{OTHER, Outcome};
use crate::session::{Answer, Call, Session, json};
use crate::types::nesting;

/// Bytes of a response beside its result: version, id, braces.
const ENVELOPE_BYTES: usize = 256;

/// Answers requests from the table and leaves subscriptions to the transport.
pub(crate) struct Dispatch<S> {
    inner: Arc<S>,
}

impl<S> Dispatch<S> {
    /// Before the transport's own service.
    pub(crate) fn new(inner: S) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl<S> RpcServiceT for Dispatch<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = Arc::clone(&self.inner);
        async move {
            let Some(session) = session_of(&request) else {
                return no_session(request);
            };
            let _passage = session.gate.enter();
            let deadline = Instant::now() + session.limits().request_timeout;
            if request.method == RECEIPT {
                wait_for_receipts(&session, iter::once(request.params.as_deref()), deadline).await;
            }
            answer(&*inner, &session, request, deadline).await
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        answer_batch(Arc::clone(&self.inner), batch)
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = Arc::clone(&self.inner);
        async move { inner.notification(notification).await }
    }
}

/// The connection of a request.
pub(crate) fn session_of(request: &Request<'_>) -> Option<Arc<Session>> {
    request.extensions().get::<Arc<Session>>().cloned()
}

/// What a request without a connection is told: the listener put none beside it.
pub(crate) fn no_session(request: Request<'_>) -> MethodResponse {
    MethodResponse::error(
        request.id,
        ErrorObjectOwned::from(RpcError::new(INTERNAL, "the request has no session")),
    )
}

/// The method that hands a whole batch to the pool at once.
pub(crate) const SUBMIT: &str = "eth_sendRawTransaction";

/// The one parameter of [`SUBMIT`].
pub(crate) fn raw_transaction(session: &Session, params: Option<&str>) -> Result<Bytes, RpcError> {
    let call = Call::new(session, params, Cancel::default())?;
    call.arguments.required(0, "raw transaction")
}

/// Hands transactions to the pool and puts its answers where the readable ones stood.
pub(crate) async fn submit(session: &Session, parsed: Vec<Result<Bytes, RpcError>>, deadline: Instant) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = Vec::with_capacity(parsed.len());
    let mut transactions = Vec::with_capacity(parsed.len());
    for item in parsed {
        match item {
            Ok(raw) => {
                transactions.push(raw);
                answers.push(None);
            }
            Err(error) => answers.push(Some(Err(error))),
        }
    }
    let mut results = pool_answers(session, transactions, deadline).await.into_iter();
    let missing = || Err(RpcError::new(INTERNAL, "the pool gave no answer"));
    answers
        .into_iter()
        .map(|answer| answer.or_else(|| results.next()).unwrap_or_else(missing))
        .collect()
}

async fn pool_answers(session: &Session, transactions: Vec<Bytes>, deadline: Instant) -> Vec<Answer> {
    let count = transactions.len();
    if count == 0 {
        return Vec::new();
    }
    let group = match session.group() {
        Ok(group) => group,
        Err(error) => return vec![Err(error); count],
    };
    match tokio::time::timeout_at(deadline, group.submit(transactions)).await {
        Ok(results) => results.into_iter().map(|result| json(&result?)).collect(),
        Err(_) => vec![Err(timed_out(session)); count],
    }
}

/// Answers one request from the table. Waiting for receipts is left to the caller.
pub(crate) async fn answer<'a, S>(
    inner: &S,
    session: &Arc<Session>,
    request: Request<'a>,
    deadline: Instant,
) -> MethodResponse
where
    S: RpcServiceT<MethodResponse = MethodResponse>,
{
    let began = Instant::now();
    let limit = session.limits().response_bytes as usize;
    let Some(Method {
        name,
        work,
        administrative,
    }) = method(&request.method)
    else {
        let result = Err(RpcError::no_method(&request.method));
        observe(session, OTHER, &result, began.elapsed());
        return response(request, result, limit);
    };
    if administrative && let Err(refused) = session.access.administer(name) {
        let result = Err(refused);
        observe(session, name, &result, began.elapsed());
        return response(request, result, limit);
    }
    let params = request.params.as_deref().map(RawValue::get);
    let result = match work {
        Work::Now(handler) => Call::new(session, params, Cancel::default()).and_then(|call| handler(&call)),
        Work::Read(handler) => run(session, &session.shared.reads, handler, params, deadline).await,
        Work::Compute(handler) => run(session, &session.shared.computations, handler, params, deadline).await,
        Work::Submit => {
            let raw = raw_transaction(session, params);
            let mut answers = submit(session, vec![raw], deadline).await;
            answers
                .pop()
                .unwrap_or_else(|| Err(RpcError::new(INTERNAL, "the pool gave no answer")))
        }
        Work::SubmitToGroup => send_raw(session, params, deadline).await,
        Work::Transport => match transport_refusal(session, params) {
            Some(error) => Err(error),
            None => {
                let response = inner.call(request).await;
                let outcome = if response.is_success() {
                    Outcome::Ok
                } else {
                    Outcome::Error
                };
                session.shared.metrics.observe(name, outcome, began.elapsed());
                return response;
            }
        },
    };
    observe(session, name, &result, began.elapsed());
    response(request, result, limit)
}

/// Why the transport need not be asked: no notifications over plain HTTP, parameters too deep.
fn transport_refusal(session: &Session, params: Option<&str>) -> Option<RpcError> {
    if !session.websocket {
        return Some(RpcError::new(
            METHOD_NOT_FOUND,
            "notifications not supported: subscribe over WebSocket",
        ));
    }
    let limit = session.limits().json_depth;
    let found = params.map_or(0, nesting);
    (found > limit).then(|| RpcError::limit(format!("the parameters nest {found} levels deep, at most {limit}")))
}

/// Runs a handler on a blocking thread once a permit is free; the permit is held until it really ends.
async fn run(
    session: &Arc<Session>,
    permits: &Arc<Semaphore>,
    handler: fn(&Call<'_>) -> Answer,
    params: Option<&str>,
    deadline: Instant,
) -> Answer {
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    let permit = tokio::time::timeout_at(deadline, Arc::clone(permits).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        return Err(timed_out(session));
    };
    let (owned, params) = (Arc::clone(session), params.map(str::to_owned));
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        handler(&Call::new(&owned, params.as_deref(), cancel)?)
    });
    let result = match tokio::time::timeout_at(deadline, work).await {
        Ok(Ok(result)) => result,
        Ok(Err(failed)) => {
            tracing::error!(error = %failed, "an RPC handler failed");
            Err(RpcError::new(INTERNAL, "internal error"))
        }
        Err(_) => Err(timed_out(session)),
    };
    drop(guard);
    result
}

/// Stops the work when its client is gone or its time is over.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

const TIMED_OUT: &str = "request timed out";

/// What is told when the time of a request is over.
pub(crate) fn timed_out(session: &Session) -> RpcError {
    let seconds = session.limits().request_timeout.as_secs_f64();
    RpcError::new(UNAVAILABLE, format!("{TIMED_OUT} after {seconds} s"))
}

/// Counts a request.
pub(crate) fn observe(session: &Session, name: &'static str, result: &Answer, took: Duration) {
    let outcome = match result {
        Ok(_) => Outcome::Ok,
        Err(error) if error.code == UNAVAILABLE && error.message.starts_with(TIMED_OUT) => Outcome::Timeout,
        Err(_) => Outcome::Error,
    };
    session.shared.metrics.observe(name, outcome, took);
}

/// The response to a request.
pub(crate) fn response(request: Request<'_>, result: Answer, limit: usize) -> MethodResponse {
    match result {
        Ok(json) => MethodResponse::response(
            request.id,
            ResponsePayload::success(Cow::<RawValue>::Owned(json)),
            limit + ENVELOPE_BYTES,
        ),
        Err(error) => MethodResponse::error(request.id, ErrorObjectOwned::from(error)),
    }
}
