//! Events.

use crate::backend::{Cancel, GroupBackend, LogEntry, LogFilter};
use crate::error::RpcError;
use crate::eth::objects::LogObject;
use crate::limits::Limits;
use crate::session::{Answer, Call, json};
use crate::types::{LogQuery, RangeQuery};

/// `eth_getLogs`.
pub(super) fn logs(call: &Call<'_>) -> Answer {
    let query: LogQuery = call.arguments.required(0, "filter")?;
    let (range, filter) = query.split(call.limits())?;
    search(&*call.group()?, &range, &filter, call.limits(), &call.cancel)
}

/// The events of a range as JSON; too many are an error, never cut.
pub(super) fn search(
    group: &dyn GroupBackend,
    range: &RangeQuery,
    filter: &LogFilter,
    limits: &Limits,
    cancel: &Cancel,
) -> Answer {
    let (from, to) = range.resolve(group, limits)?;
    objects(&group.logs(from, to, filter, limits.log_results, cancel)?)
}

/// Events as JSON.
pub(super) fn objects(entries: &[LogEntry]) -> Answer {
    json(&entries.iter().map(LogObject::new).collect::<Vec<_>>())
}

/// The events from one height on that one answer can hold, and the height up to which they reach. Never skips a block:
/// where a range holds too many, a shorter one is searched.
pub(super) fn next_logs(
    group: &dyn GroupBackend,
    from: u64,
    head: u64,
    filter: &LogFilter,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<(Vec<LogEntry>, u64), RpcError> {
    let mut to = head.min(from.saturating_add(limits.log_range.max(1) - 1));
    loop {
        match group.logs(from, to, filter, limits.log_results, cancel) {
            Err(crate::backend::BackendError::TooManyResults { .. }) if to > from => to = from + (to - from) / 2,
            Ok(entries) => return Ok((entries, to)),
            Err(error) => return Err(error.into()),
        }
    }
}
