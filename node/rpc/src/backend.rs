//! The border to the node: what the shell gives this room of one group and of the node, in the words of
//! `althing_types`.
//!
//! Every method is synchronous except [`GroupBackend::submit`]. *Cheap* methods are called on the runtime's own threads
//! and must answer within microseconds; the others are called on blocking threads, a bounded number at a time. Nothing
//! here may panic; what cannot be answered is a [`BackendError`].

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use althing_types::genesis::{ConsensusKind, StateKind};
use althing_types::{
    Account, Address, B256, Block, Bytes, CommitCertificate, GroupId, Header, Log, NodeId, Receipt, Recovered, U256,
};
use tokio::sync::broadcast;

use crate::backend_scan::scan_logs;

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

/// Facts of the binary and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientVersion {
    /// The version of the software, `0.1.0`.
    pub version: String,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// When it was built; empty when unknown.
    pub build_time: String,
    /// On what it was built, `Linux/x86_64/dev`.
    pub build_type: String,
    /// The branch it was built from; empty when unknown.
    pub git_branch: String,
    /// The commit it was built from; empty when unknown.
    pub git_commit: String,
}

/// A node on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its identity.
    pub node_id: NodeId,
    /// Its address, none when it is not known.
    pub address: Option<SocketAddr>,
    /// The agency of its certificate (organisation name).
    pub agency: String,
    /// The name in its certificate (common name).
    pub name: String,
}

/// Who a group is; none of it changes while the group runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// The group.
    pub group: GroupId,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The chain id Ethereum clients see.
    pub evm_chain_id: u64,
    /// The hash of block 0.
    pub genesis_hash: B256,
    /// The nodeID of this node.
    pub own: NodeId,
    /// How blocks are agreed on.
    pub consensus: ConsensusKind,
    /// What the state root commits to.
    pub state: StateKind,
    /// Gas a call may use when it names none.
    pub gas_limit: u64,
}

/// A committed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
}

/// A header with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderView {
    /// The block hash.
    pub hash: B256,
    /// The header.
    pub header: Header,
}

/// A block with what its readers need beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// The block hash.
    pub hash: B256,
    /// The block.
    pub block: Arc<Block>,
    /// The senders, one per transaction.
    pub senders: Arc<Vec<Address>>,
}

/// Where a transaction was mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLocation {
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The block's time, seconds since 1970.
    pub timestamp: u64,
    /// The position in the block.
    pub index: u64,
}

/// A transaction with its sender and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedTransaction {
    /// The transaction and who signed it.
    pub recovered: Recovered,
    /// Its place.
    pub location: TransactionLocation,
}

/// A mined transaction with its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedReceipt {
    /// The transaction.
    pub mined: MinedTransaction,
    /// Its receipt.
    pub receipt: Receipt,
    /// How many events the block has before this transaction's.
    pub first_log_index: u64,
}

/// Which events are asked for. Empty lists accept everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The emitting contracts.
    pub addresses: Vec<Address>,
    /// The accepted topics by position.
    pub topics: [Vec<B256>; 4],
}

/// An event with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The event.
    pub log: Log,
    /// The transaction that emitted it.
    pub transaction: B256,
    /// Where that transaction is.
    pub location: TransactionLocation,
    /// The position among the block's events.
    pub log_index: u64,
}

/// An EIP-1186 account proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account, empty when it does not exist.
    pub account: Account,
    /// The root of its storage trie.
    pub storage_root: B256,
    /// The trie nodes from the state root to the account.
    pub nodes: Vec<Bytes>,
    /// A proof for each slot asked for, in that order.
    pub slots: Vec<SlotProof>,
}

/// The proof of one storage slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// The trie nodes from the storage root to the slot.
    pub nodes: Vec<Bytes>,
}

/// Tells a running call that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Cancels.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for work that looks at it by its own means.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// Whether the call should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call that is not signed. Fees are accepted and change nothing: the effective gas price is 0 (LEDGER.md 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// The caller; the zero address when none is named.
    pub from: Option<Address>,
    /// The callee; none creates a contract.
    pub to: Option<Address>,
    /// The gas allowed; the group's limit when none is named.
    pub gas: Option<u64>,
    /// The price offered (`gasPrice` or `maxFeePerGas`), what the `GASPRICE` instruction must not see.
    pub gas_price: Option<U256>,
    /// Wei sent along.
    pub value: U256,
    /// The call data or the init code.
    pub input: Bytes,
    /// The nonce, unchecked.
    pub nonce: Option<u64>,
    /// The EIP-2930 access list: contracts and their slots.
    pub access_list: Vec<(Address, Vec<B256>)>,
}

/// Where and how a call runs.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The block whose state and environment it sees.
    pub height: u64,
    /// Accounts to see differently.
    pub state: StateOverrides,
    /// Block fields to see differently.
    pub block: BlockOverrides,
    /// To be looked at while running.
    pub cancel: Cancel,
}

/// Accounts that a call sees differently.
pub type StateOverrides = BTreeMap<Address, AccountOverride>;

/// How a call sees one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Another balance.
    pub balance: Option<U256>,
    /// Another nonce.
    pub nonce: Option<u64>,
    /// Other code.
    pub code: Option<Bytes>,
    /// All of its storage.
    pub state: Option<BTreeMap<U256, U256>>,
    /// Some of its storage; never beside `state`.
    pub state_diff: BTreeMap<U256, U256>,
}

/// Block fields that a call sees differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// `NUMBER`.
    pub number: Option<u64>,
    /// `TIMESTAMP`, seconds.
    pub timestamp: Option<u64>,
    /// `GASLIMIT`.
    pub gas_limit: Option<u64>,
    /// `COINBASE`.
    pub beneficiary: Option<Address>,
    /// `PREVRANDAO`.
    pub prev_randao: Option<B256>,
    /// `BASEFEE`.
    pub base_fee: Option<U256>,
    /// `BLOCKHASH` by height.
    pub block_hashes: BTreeMap<u64, B256>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned.
    Returned {
        /// What it returned.
        output: Bytes,
        /// Gas used.
        gas_used: u64,
    },
    /// It failed.
    Failed(CallFailure),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// `REVERT`.
    Reverted {
        /// The revert data.
        output: Bytes,
        /// Gas used.
        gas_used: u64,
    },
    /// An exceptional halt; the reason in Ethereum clients' words, such as `out of gas` or `invalid opcode: INVALID`.
    Halted {
        /// The reason.
        reason: String,
        /// Gas used.
        gas_used: u64,
    },
    /// It could not begin, such as `insufficient funds for gas * price + value`.
    Refused(String),
}

/// What an estimate found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EstimateOutcome {
    /// The least gas.
    Gas(u64),
    /// The call fails with any gas allowed.
    Failed(CallFailure),
}

/// The access list of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// Contracts and their slots, without caller, callee and precompiled contracts unless slots were touched.
    pub list: Vec<(Address, Vec<B256>)>,
    /// Gas used with the list.
    pub gas_used: u64,
    /// Why the call failed, if it did.
    pub failure: Option<CallFailure>,
}

/// Why the pool refused a transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It is in the pool already.
    #[error("already known")]
    AlreadyKnown,
    /// A transaction with that nonce was included before.
    #[error("nonce too low: next nonce {next}, tx nonce {found}")]
    NonceTooLow {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
    },
    /// The nonce is further ahead than the pool keeps.
    #[error("nonce too high: next nonce {next}, tx nonce {found}")]
    NonceTooHigh {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
    },
    /// Another transaction with that nonce waits and this one offers no higher tip.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The account cannot pay the value.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// What it has.
        balance: U256,
        /// What it would need.
        cost: U256,
    },
    /// Less gas than the transaction costs before it runs.
    #[error("intrinsic gas too low: have {found}, want {needed}")]
    IntrinsicGas {
        /// The gas given.
        found: u64,
        /// The gas needed.
        needed: u64,
    },
    /// More gas than a block may use.
    #[error("exceeds block gas limit: gas {found}, limit {limit}")]
    GasOverLimit {
        /// The gas given.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found}, want {accepted}")]
    ChainId {
        /// The transaction's chain id.
        found: u64,
        /// The group's.
        accepted: u64,
    },
    /// The pool is full.
    #[error("txpool is full")]
    PoolFull,
    /// The group does not take transactions now; the text says why.
    #[error("{0}")]
    NotReady(String),
    /// Not a transaction, or its signature does not hold.
    #[error("{0}")]
    Invalid(String),
}

/// How much is in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that could be included now.
    pub pending: u64,
    /// Transactions that wait for an earlier nonce.
    pub queued: u64,
}

/// What is in the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolContent {
    /// Transactions that could be included now.
    pub pending: Vec<Recovered>,
    /// Transactions that wait for an earlier nonce.
    pub queued: Vec<Recovered>,
}

/// What happens in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A block is committed and durable.
    Committed {
        /// Its height.
        height: u64,
        /// Its hash.
        hash: B256,
    },
    /// A transaction entered the pool.
    Pending(B256),
}

/// The consensus as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsensusStatus {
    /// The view; none in a protocol without.
    pub view: Option<u64>,
    /// The view this node wants to move to; the same when it is content.
    pub to_view: Option<u64>,
    /// Who leads this round.
    pub leader: Option<NodeId>,
    /// Whether this node gave up on the leader.
    pub leader_failed: bool,
    /// The sealers of the next block, ascending.
    pub sealers: Vec<NodeId>,
    /// How many sealers this node is connected to, without itself.
    pub connected: u64,
    /// The last view heard of each sealer.
    pub views: Vec<(NodeId, u64)>,
}

/// The block sync as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// Whether blocks are being fetched.
    pub syncing: bool,
    /// The height sync began at; the head when it is not syncing.
    pub starting_height: u64,
    /// The highest block a peer announced, or the own head.
    pub highest: Head,
    /// What each connected member announced last.
    pub peers: Vec<PeerHead>,
}

/// What a peer announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHead {
    /// The peer.
    pub node_id: NodeId,
    /// Its head.
    pub head: Head,
    /// Its block 0.
    pub genesis_hash: B256,
}

/// Transactions since block 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub transactions: u64,
    /// Those that failed.
    pub failed: u64,
    /// The block counted up to.
    pub height: u64,
}
