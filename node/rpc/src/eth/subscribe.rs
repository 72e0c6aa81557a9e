//! Subscriptions over WebSocket: `newHeads`, `logs`, `newPendingTransactions`.

use std::sync::Arc;
use std::time::Duration;

use althing_types::B256;
use jsonrpsee::server::{IdProvider, PendingSubscriptionSink, RegisterMethodError, RpcModule, SubscriptionSink};
use jsonrpsee::types::{ErrorObjectOwned, SubscriptionId};
use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;

use crate::backend::{Cancel, GroupBackend, GroupEvent, LogFilter};
use crate::error::{INTERNAL, RpcError};
use crate::eth::logs::next_logs;
use crate::eth::objects::{HeaderObject, LogObject, TransactionObject};
use crate::session::{Call, Session, json};
use crate::types::LogQuery;

/// Subscription ids as Ethereum's clients expect them: hex strings.
#[derive(Debug)]
pub(crate) struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(format!("{:#x}", rand::random::<u128>()).into())
    }
}

/// A reader that takes no notification for this long loses its subscription.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

enum Topic {
    Heads,
    Logs(LogFilter),
    Pending { full: bool },
}

/// The methods that the transport itself serves.
pub(crate) fn subscriptions() -> Result<RpcModule<()>, RegisterMethodError> {
    let mut module = RpcModule::new(());
    module.register_subscription_raw(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, _, extensions| {
            let session = extensions.get::<Arc<Session>>().cloned();
            let begun = session
                .ok_or_else(|| RpcError::new(INTERNAL, "the request has no session"))
                .and_then(|session| begin(&session, params.as_str()).map(|begun| (session, begun)));
            tokio::spawn(run(pending, begun));
        },
    )?;
    Ok(module)
}

type Begun = (Topic, Arc<dyn GroupBackend>, Receiver<GroupEvent>, u64);

/// Reads the parameters and begins to listen, so that nothing is missed between the answer and the first event.
fn begin(session: &Session, params: Option<&str>) -> Result<Begun, RpcError> {
    let call = Call::new(session, params, Cancel::default())?;
    let name: String = call.arguments.required(0, "subscription")?;
    let topic = match name.as_str() {
        "newHeads" => Topic::Heads,
        "logs" => {
            let query: LogQuery = call.arguments.optional(1, "filter")?.unwrap_or_default();
            Topic::Logs(query.split(call.limits())?.1)
        }
        "newPendingTransactions" => Topic::Pending {
            full: call.arguments.optional(1, "full transactions")?.unwrap_or(false),
        },
        other => {
            let other: String = other.chars().take(64).collect();
            return Err(RpcError::invalid(format!(
                "subscription {other:?} is not served; newHeads, logs and newPendingTransactions are"
            )));
        }
    };
    let group = session.group()?;
    let events = group.events();
    let next = match topic {
        Topic::Heads => session.missed_heads.first(group.head().height + 1, Instant::now()),
        Topic::Logs(_) | Topic::Pending { .. } => group.head().height + 1,
    };
    Ok((topic, group, events, next))
}

async fn run(pending: PendingSubscriptionSink, begun: Result<(Arc<Session>, Begun), RpcError>) {
    let (session, (topic, group, mut events, mut next)) = match begun {
        Ok(begun) => begun,
        Err(error) => return pending.reject(ErrorObjectOwned::from(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    let topic = Arc::new(topic);
    // Heads may begin before the subscription did.
    let mut sent = catch_up(&sink, &session, &group, &topic, &mut next).await;
    while sent.is_ok() {
        let event = tokio::select! {
            () = sink.closed() => return,
            event = events.recv() => event,
        };
        sent = match (&*topic, event) {
            // Who subscribed holds the group's ledger no longer than it runs.
            (_, Ok(GroupEvent::Stopped) | Err(RecvError::Closed)) => return,
            (Topic::Pending { full }, Ok(GroupEvent::Pending(hash))) => send_pending(&sink, &*group, hash, *full).await,
            (Topic::Pending { .. }, _) | (_, Ok(GroupEvent::Pending(_))) => Ok(()),
            // A lost event is made good from the chain itself: heads and events are never skipped.
            _ => catch_up(&sink, &session, &group, &topic, &mut next).await,
        };
    }
    if let Err(reason) = sent {
        tracing::debug!(reason, "a subscription ended");
    }
}

async fn send_pending(
    sink: &SubscriptionSink,
    group: &dyn GroupBackend,
    hash: B256,
    full: bool,
) -> Result<(), &'static str> {
    let message = match full {
        false => json(&hash),
        true => match group.pending_transaction(&hash) {
            Some(recovered) => json(&TransactionObject::new(&recovered, None)),
            None => return Ok(()),
        },
    };
    send(sink, message.map_err(|_| "a transaction could not be written")?).await
}

/// Sends what every block up to the head has for this subscription.
async fn catch_up(
    sink: &SubscriptionSink,
    session: &Arc<Session>,
    group: &Arc<dyn GroupBackend>,
    topic: &Arc<Topic>,
    next: &mut u64,
) -> Result<(), &'static str> {
    while *next <= group.head().height {
        let (messages, reached) = messages(session, group, topic, *next).await?;
        for message in messages {
            send(sink, message).await?;
        }
        *next = reached + 1;
    }
    Ok(())
}

/// Blocks that are read for one subscription at a time.
const CHUNK: u64 = 256;

async fn messages(
    session: &Arc<Session>,
    group: &Arc<dyn GroupBackend>,
    topic: &Arc<Topic>,
    next: u64,
) -> Result<(Vec<Box<RawValue>>, u64), &'static str> {
    let permit = Arc::clone(&session.shared.reads)
        .acquire_owned()
        .await
        .map_err(|_| "the listener is closed")?;
    let (session, group, topic) = (Arc::clone(session), Arc::clone(group), Arc::clone(topic));
    let read = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        read(&session, &*group, &topic, next)
    });
    match read.await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a subscription could not read the chain");
            Err("the chain could not be read")
        }
        Err(_) => Err("the reader failed"),
    }
}

fn read(
    session: &Session,
    group: &dyn GroupBackend,
    topic: &Topic,
    next: u64,
) -> Result<(Vec<Box<RawValue>>, u64), RpcError> {
    let last = group.head().height.min(next.saturating_add(CHUNK - 1));
    let mut messages = Vec::new();
    match topic {
        Topic::Heads => {
            for height in next..=last {
                let view = group.header(height)?.ok_or_else(|| RpcError::no_block(height))?;
                messages.push(json(&HeaderObject::new(view.hash, &view.header))?);
            }
            Ok((messages, last))
        }
        Topic::Logs(filter) => {
            let (entries, reached) = next_logs(group, next, last, filter, session.limits(), &Cancel::default())?;
            for entry in &entries {
                messages.push(json(&LogObject::new(entry))?);
            }
            Ok((messages, reached))
        }
        Topic::Pending { .. } => Ok((messages, last)),
    }
}

async fn send(sink: &SubscriptionSink, message: Box<RawValue>) -> Result<(), &'static str> {
    sink.send_timeout(message, SEND_TIMEOUT)
        .await
        .map_err(|_| "its reader is gone or too slow")
}
