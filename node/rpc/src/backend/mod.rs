//! The border to the node: what the shell gives this room of one group and of the node, in the words of
//! `althing_types`.
//!
//! Every method is synchronous except [`GroupBackend::submit`]. *Cheap* methods are called on the runtime's own threads
//! and must answer within microseconds; the others are called on blocking threads, a bounded number at a time. Nothing
//! here may panic; what cannot be answered is a [`BackendError`].

mod call;
mod chain;
mod lifecycle;
mod pool;
mod scan;
mod status;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use althing_types::{Account, Address, B256, Bytes, CommitCertificate, GroupId, NodeId, Receipt, Recovered, U256};
use tokio::sync::broadcast;

pub use call::{
    AccessListOutcome, AccountOverride, BlockOverrides, CallContext, CallFailure, CallOutcome, CallRequest, Cancel,
    EstimateOutcome, StateOverrides,
};
pub use chain::{
    AccountProof, BlockView, Head, HeaderView, LogEntry, LogFilter, MinedReceipt, MinedTransaction, SlotProof,
    TransactionLocation,
};
pub use lifecycle::{GroupLifecycle, Lifecycle, LifecycleAnswer, LifecycleCode};
pub use pool::{PoolContent, PoolStatus, SubmitError};
use scan::scan_logs;
pub use status::{
    CertificateStatus, ClientVersion, ConsensusStatus, GroupEvent, GroupInfo, GroupRole, GroupStatus, NodeStatus,
    PeerHead, PeerInfo, SyncStatus, Totals,
};

/// A boxed future, so that the traits stay object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why the node cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The state of that block is no longer kept.
    #[error("missing state: the state of block {height} is pruned, states are kept from block {oldest} on")]
    Pruned {
        /// The block asked for.
        height: u64,
        /// The oldest block whose state is kept.
        oldest: u64,
    },
    /// A block above the head, or one this chain does not have.
    #[error("block {0} not found")]
    UnknownBlock(u64),
    /// This group cannot answer that question at all, for instance a proof where the state is no trie.
    #[error("{0}")]
    Unsupported(String),
    /// More results than asked for at most.
    #[error("query returned more than {limit} results")]
    TooManyResults {
        /// The limit that was passed in.
        limit: usize,
    },
    /// The caller gave up (see [`Cancel`]).
    #[error("the request was cancelled")]
    Cancelled,
    /// The group is starting, stopping or halted; the text says which and why.
    #[error("{0}")]
    NotReady(String),
    /// Corrupt or missing data, a failing disk.
    #[error("{0}")]
    Internal(String),
}

/// Why a group of the node cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupUnavailable {
    /// The node has no such group.
    #[error("group {0} does not exist on this node")]
    Missing(GroupId),
    /// The node knows the group and is neither sealer nor observer of it.
    #[error("this node is not a member of group {0}")]
    NotMember(GroupId),
    /// The group exists and is not running yet or any more.
    #[error("group {0} is not ready")]
    NotReady(GroupId),
}

/// One node, as a server of its groups.
pub trait NodeBackend: Send + Sync {
    /// The node's groups, ascending. Cheap.
    fn groups(&self) -> Vec<GroupId>;
    /// A group by its id. Cheap: asked for at every request.
    fn group(&self, id: GroupId) -> Result<Arc<dyn GroupBackend>, GroupUnavailable>;
    /// The group served at `/`. Cheap.
    fn default_group(&self) -> Option<GroupId>;
    /// Facts of the binary. Cheap.
    fn client_version(&self) -> ClientVersion;
    /// This node's identity and where it listens for peers. Cheap.
    fn own(&self) -> PeerInfo;
    /// The connected peers, whatever their groups. Cheap.
    fn peers(&self) -> Vec<PeerInfo>;
    /// Whether the p2p listener is up. Cheap.
    fn listening(&self) -> bool;
    /// How the node and its groups fare. Cheap.
    fn status(&self) -> NodeStatus;
    /// Who changes what groups the node runs; none where that is switched off. Cheap.
    fn lifecycle(&self) -> Option<&dyn GroupLifecycle>;
}

/// One group of the node. `height` is always that of a committed block; state questions mean the state after it.
pub trait GroupBackend: Send + Sync {
    /// Who the group is. Cheap.
    fn info(&self) -> &GroupInfo;
    /// The last committed block. Cheap.
    fn head(&self) -> Head;
    /// The header of a block. Cheap.
    fn header(&self, height: u64) -> Result<Option<HeaderView>, BackendError>;
    /// The height of a committed block. Cheap.
    fn height_of(&self, hash: &B256) -> Result<Option<u64>, BackendError>;
    /// A block with its senders.
    fn block(&self, height: u64) -> Result<Option<BlockView>, BackendError>;
    /// The receipts of a block, in the order of its transactions.
    fn receipts(&self, height: u64) -> Result<Option<Arc<Vec<Receipt>>>, BackendError>;
    /// The certificate beside a block; none for block 0.
    fn certificate(&self, height: u64) -> Result<Option<CommitCertificate>, BackendError>;
    /// The sealers of a height, ascending.
    fn sealers_at(&self, height: u64) -> Result<Vec<NodeId>, BackendError>;
    /// A mined transaction. Cheap.
    fn transaction(&self, hash: &B256) -> Result<Option<MinedTransaction>, BackendError>;
    /// A mined transaction and its receipt. Cheap: clients poll it.
    fn receipt(&self, hash: &B256) -> Result<Option<MinedReceipt>, BackendError>;
    /// The events of `from..=to` that pass, in order; [`BackendError::TooManyResults`] beyond `limit`, never fewer than
    /// there are. The default looks at header blooms, then at receipts; a backend with an index answers better.
    fn logs(
        &self,
        from: u64,
        to: u64,
        filter: &LogFilter,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Vec<LogEntry>, BackendError> {
        scan_logs(self, from, to, filter, limit, cancel)
    }

    /// An account; none when it does not exist. Cheap.
    fn account(&self, address: &Address, height: u64) -> Result<Option<Account>, BackendError>;
    /// A storage slot. Cheap.
    fn storage(&self, address: &Address, slot: &U256, height: u64) -> Result<U256, BackendError>;
    /// The code of an account, empty without. Cheap.
    fn code(&self, address: &Address, height: u64) -> Result<Bytes, BackendError>;
    /// The EIP-1186 proof; [`BackendError::Unsupported`] where the state is no trie.
    fn proof(&self, address: &Address, slots: &[U256], height: u64) -> Result<AccountProof, BackendError>;

    /// Runs a call on the state after a block, in that block's environment, and forgets its changes.
    fn call(&self, request: &CallRequest, context: &CallContext) -> Result<CallOutcome, BackendError>;
    /// The least gas with which a call succeeds.
    fn estimate(&self, request: &CallRequest, context: &CallContext) -> Result<EstimateOutcome, BackendError>;
    /// The accounts and slots a call touches, and its outcome with that list.
    fn access_list(&self, request: &CallRequest, context: &CallContext) -> Result<AccessListOutcome, BackendError>;

    /// Hands raw transactions to the pool, all of one request body at once, so that senders are recovered in parallel.
    /// Answers in the order given, once each is in the pool or refused. A hash promises nothing about inclusion.
    fn submit(&self, transactions: Vec<Bytes>) -> BoxFuture<'_, Vec<Result<B256, SubmitError>>>;
    /// A transaction of the pool; visible as soon as [`Self::submit`] returned its hash. Cheap.
    fn pending_transaction(&self, hash: &B256) -> Option<Recovered>;
    /// The nonce after an account's transactions in the pool, its state nonce without any. Cheap.
    fn pending_nonce(&self, address: &Address) -> Result<u64, BackendError>;
    /// How much is in the pool. Cheap.
    fn pool_status(&self) -> PoolStatus;
    /// What is in the pool, of one sender or of all, at most `limit` transactions of each list.
    fn pool_content(&self, sender: Option<&Address>, limit: usize) -> PoolContent;

    /// What happens from now on. A reader that falls behind loses the oldest events and reads the chain instead.
    fn events(&self) -> broadcast::Receiver<GroupEvent>;

    /// The consensus as this node sees it. Cheap.
    fn consensus_status(&self) -> ConsensusStatus;
    /// The block sync as this node sees it. Cheap.
    fn sync_status(&self) -> SyncStatus;
    /// The sealers of the next block, ascending. Cheap.
    fn sealers(&self) -> Vec<NodeId>;
    /// The observers, ascending. Cheap.
    fn observers(&self) -> Vec<NodeId>;
    /// The connected members of the group, without this node. Cheap.
    fn group_peers(&self) -> Vec<NodeId>;
    /// Transactions since block 0. Cheap.
    fn totals(&self) -> Totals;
    /// The value in force of a system configuration key; none for a key the ledger does not know. Cheap.
    fn system_config(&self, key: &str) -> Result<Option<String>, BackendError>;
}
