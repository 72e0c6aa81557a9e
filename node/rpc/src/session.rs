//! What a handler sees: the node, the group of its path, its connection, its parameters.

use std::sync::Arc;

use althing_types::GroupId;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use crate::backend::{Cancel, GroupBackend, NodeBackend};
use crate::client::Access;
use crate::error::{INTERNAL, NOT_FOUND, RpcError};
use crate::eth::{FilterStore, MissedHeads, ReceiptWaits, ToldNonces};
use crate::gate::Gate;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::server::Origins;
use crate::types::{Arguments, nesting};

/// A result, already JSON.
pub(crate) type Answer = Result<Box<RawValue>, RpcError>;

/// What all connections of one listener share.
pub(crate) struct Shared {
    /// The node.
    pub(crate) node: Arc<dyn NodeBackend>,
    /// The bounds.
    pub(crate) limits: Limits,
    /// Which web pages may ask.
    pub(crate) origins: Origins,
    /// The filters.
    pub(crate) filters: FilterStore,
    /// Requests for receipts that are about to exist.
    pub(crate) receipt_waits: ReceiptWaits,
    /// Accounts that were told their nonces just now.
    pub(crate) told_nonces: ToldNonces,
    /// Permits for calls, estimates, searches and proofs.
    pub(crate) computations: Arc<Semaphore>,
    /// Permits for block and receipt reads.
    pub(crate) reads: Arc<Semaphore>,
    /// The counters.
    pub(crate) metrics: Metrics,
}

/// One connection with the path it asked for.
pub(crate) struct Session {
    /// What all connections share.
    pub(crate) shared: Arc<Shared>,
    /// The group of the path; none for `/`.
    pub(crate) path: Option<GroupId>,
    /// The number of the connection.
    pub(crate) connection: u64,
    /// Whether notifications can be sent.
    pub(crate) websocket: bool,
    /// What it may do.
    pub(crate) access: Access,
    /// What of this connection is on its way.
    pub(crate) gate: Arc<Gate>,
    /// Blocks that came while it waited for receipts.
    pub(crate) missed_heads: MissedHeads,
}

impl Session {
    /// The group that Ethereum's methods mean. Looked up each time: groups start and stop.
    pub(crate) fn group(&self) -> Result<Arc<dyn GroupBackend>, RpcError> {
        let id = self.group_id()?;
        Ok(self.shared.node.group(id)?)
    }

    /// The id of that group.
    pub(crate) fn group_id(&self) -> Result<GroupId, RpcError> {
        self.path
            .or_else(|| self.shared.node.default_group())
            .ok_or_else(|| RpcError::new(NOT_FOUND, "this node has no default group; ask at /group/<id>"))
    }

    /// The bounds.
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }
}

/// One request.
pub(crate) struct Call<'a> {
    /// Its connection.
    pub(crate) session: &'a Session,
    /// Its parameters.
    pub(crate) arguments: Arguments<'a>,
    /// Set when nobody waits for the answer any more.
    pub(crate) cancel: Cancel,
}

impl<'a> Call<'a> {
    /// Splits the parameters and holds them to the depth limit.
    pub(crate) fn new(session: &'a Session, raw: Option<&'a str>, cancel: Cancel) -> Result<Self, RpcError> {
        let limit = session.limits().json_depth;
        let found = raw.map_or(0, nesting);
        if found > limit {
            return Err(RpcError::limit(format!(
                "the parameters nest {found} levels deep, at most {limit}"
            )));
        }
        Ok(Self {
            session,
            arguments: Arguments::parse(raw)?,
            cancel,
        })
    }

    /// [`Session::group`].
    pub(crate) fn group(&self) -> Result<Arc<dyn GroupBackend>, RpcError> {
        self.session.group()
    }

    /// [`Session::limits`].
    pub(crate) fn limits(&self) -> &Limits {
        self.session.limits()
    }

    /// The JSON of a result.
    pub(crate) fn answer(&self, value: &(impl Serialize + ?Sized)) -> Answer {
        json(value)
    }
}

/// The JSON of a value.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Answer {
    serde_json::value::to_raw_value(value).map_err(|e| RpcError::new(INTERNAL, format!("serialise the result: {e}")))
}
