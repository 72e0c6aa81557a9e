//! Filters that clients poll: bounded, and forgotten when nobody asks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use althing_types::{B256, GroupId};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use crate::backend::{GroupBackend, GroupEvent, LogFilter};
use crate::error::{RpcError, SERVER};
use crate::eth::logs::{next_logs, objects, search};
use crate::limits::Limits;
use crate::session::{Answer, Call};
use crate::types::{BlockSelector, LogQuery, RangeQuery};

/// The number of a filter: random, so that nobody can poll or remove another client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FilterId(u128);

impl std::fmt::Display for FilterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl<'de> Deserialize<'de> for FilterId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        number
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a filter id is hex with 0x"))
    }
}

/// What a filter watches, and how far its client has read.
enum Watch {
    Logs {
        range: RangeQuery,
        filter: LogFilter,
        next: u64,
    },
    Blocks {
        next: u64,
    },
    Pending(Receiver<GroupEvent>),
}

struct Filter {
    group: GroupId,
    connection: u64,
    asked: Instant,
    watch: Arc<Mutex<Watch>>,
}

/// The filters of one listener.
pub(crate) struct FilterStore {
    filters: Mutex<HashMap<FilterId, Filter>>,
    limit: usize,
    limit_per_connection: usize,
    idle: Duration,
}

impl FilterStore {
    /// An empty store.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            filters: Mutex::default(),
            limit: limits.filters,
            limit_per_connection: limits.filters_per_connection,
            idle: limits.filter_idle,
        }
    }

    fn insert(&self, group: GroupId, connection: u64, watch: Watch) -> Result<FilterId, RpcError> {
        let now = Instant::now();
        let mut filters = self.filters.lock();
        filters.retain(|_, filter| now.duration_since(filter.asked) < self.idle);
        let own = filters
            .values()
            .filter(|filter| filter.connection == connection)
            .count();
        if own >= self.limit_per_connection {
            let limit = self.limit_per_connection;
            return Err(RpcError::limit(format!(
                "this connection has {own} filters, at most {limit}; uninstall one"
            )));
        }
        if filters.len() >= self.limit {
            return Err(RpcError::limit(format!(
                "the node has {} filters, at most {}",
                filters.len(),
                self.limit
            )));
        }
        let id = FilterId(rand::random());
        filters.insert(
            id,
            Filter {
                group,
                connection,
                asked: now,
                watch: Arc::new(Mutex::new(watch)),
            },
        );
        Ok(id)
    }

    fn find(&self, id: FilterId, group: GroupId) -> Result<Arc<Mutex<Watch>>, RpcError> {
        let now = Instant::now();
        let mut filters = self.filters.lock();
        let live = |filter: &&mut Filter| filter.group == group && now.duration_since(filter.asked) < self.idle;
        let filter = filters.get_mut(&id).filter(live).ok_or_else(not_found)?;
        filter.asked = now;
        Ok(Arc::clone(&filter.watch))
    }

    fn remove(&self, id: FilterId, group: GroupId) -> bool {
        let mut filters = self.filters.lock();
        let known = filters.get(&id).is_some_and(|filter| filter.group == group);
        known && filters.remove(&id).is_some()
    }
}

fn not_found() -> RpcError {
    RpcError::new(SERVER, "filter not found")
}

fn install(call: &Call<'_>, watch: Watch) -> Answer {
    let session = call.session;
    let id = session
        .shared
        .filters
        .insert(session.group_id()?, session.connection, watch)?;
    call.answer(&id.to_string())
}

/// `eth_newFilter`.
pub(super) fn new_filter(call: &Call<'_>) -> Answer {
    let query: LogQuery = call.arguments.required(0, "filter")?;
    let (range, filter) = query.split(call.limits())?;
    let next = call.group()?.head().height + 1;
    let next = match range {
        RangeQuery::Range {
            from: Some(BlockSelector::Height(from)),
            ..
        } => next.max(from),
        _ => next,
    };
    install(call, Watch::Logs { range, filter, next })
}

/// `eth_newBlockFilter`.
pub(super) fn new_block_filter(call: &Call<'_>) -> Answer {
    let next = call.group()?.head().height + 1;
    install(call, Watch::Blocks { next })
}

/// `eth_newPendingTransactionFilter`.
pub(super) fn new_pending_filter(call: &Call<'_>) -> Answer {
    let events = call.group()?.events();
    install(call, Watch::Pending(events))
}

/// `eth_uninstallFilter`.
pub(super) fn uninstall(call: &Call<'_>) -> Answer {
    let id = call.arguments.required(0, "filter id")?;
    call.answer(&call.session.shared.filters.remove(id, call.session.group_id()?))
}

fn watched(call: &Call<'_>) -> Result<Arc<Mutex<Watch>>, RpcError> {
    let id = call.arguments.required(0, "filter id")?;
    call.session.shared.filters.find(id, call.session.group_id()?)
}

/// `eth_getFilterChanges`: what came since the last time.
pub(super) fn changes(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let watch = watched(call)?;
    let mut watch = watch.lock();
    match &mut *watch {
        Watch::Logs { range, filter, next } => log_changes(call, &*group, range, filter, next),
        Watch::Blocks { next } => block_changes(call, &*group, next),
        Watch::Pending(events) => call.answer(&pending_changes(events, call.limits().log_results)),
    }
}

fn log_changes(
    call: &Call<'_>,
    group: &dyn GroupBackend,
    range: &RangeQuery,
    filter: &LogFilter,
    next: &mut u64,
) -> Answer {
    let last = match range {
        RangeQuery::Range {
            to: Some(BlockSelector::Height(to)),
            ..
        } => group.head().height.min(*to),
        RangeQuery::Range { .. } => group.head().height,
        // One block that was there before has no news.
        RangeQuery::Hash(_) => return objects(&[]),
    };
    if *next > last {
        return objects(&[]);
    }
    let (entries, reached) = next_logs(group, *next, last, filter, call.limits(), &call.cancel)?;
    let answer = objects(&entries)?;
    *next = reached + 1;
    Ok(answer)
}

fn block_changes(call: &Call<'_>, group: &dyn GroupBackend, next: &mut u64) -> Answer {
    let most = u64::try_from(call.limits().log_results).unwrap_or(u64::MAX).max(1);
    let last = group.head().height.min(next.saturating_add(most - 1));
    let mut hashes = Vec::new();
    for height in *next..=last {
        hashes.push(group.header(height)?.ok_or_else(|| RpcError::no_block(height))?.hash);
    }
    let answer = call.answer(&hashes)?;
    *next = (*next).max(last + 1);
    Ok(answer)
}

fn pending_changes(events: &mut Receiver<GroupEvent>, limit: usize) -> Vec<B256> {
    let mut hashes = Vec::new();
    while hashes.len() < limit {
        match events.try_recv() {
            Ok(GroupEvent::Pending(hash)) => hashes.push(hash),
            // A client that polls too seldom misses the oldest: the pool is not a ledger.
            Ok(GroupEvent::Committed { .. } | GroupEvent::Stopped) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    hashes
}

/// `eth_getFilterLogs`: everything the filter's range holds.
pub(super) fn logs(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let watch = watched(call)?;
    let (range, filter) = match &*watch.lock() {
        Watch::Logs { range, filter, .. } => (*range, filter.clone()),
        Watch::Blocks { .. } | Watch::Pending(_) => return Err(not_found()),
    };
    search(&*group, &range, &filter, call.limits(), &call.cancel)
}
