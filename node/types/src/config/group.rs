//! What `group.N.ini` says: one node's own settings for one group.

use std::collections::BTreeSet;

use crate::NodeId;

/// The settings of one group on one node. They never touch what blocks say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `[consensus] min_block_generation_time`, milliseconds: how long after its parent a block is sealed at the earliest,
    /// unless it is full. 100 ms unless said otherwise (LEDGER.md 2).
    pub min_block_generation_ms: u64,
    /// `[tx_pool]`.
    pub tx_pool: TxPoolConfig,
    /// `[sync]`.
    pub sync: SyncConfig,
    /// `[storage] type`.
    pub storage: StorageEngine,
    /// `[storage] max_capacity`, MB of cache.
    pub storage_cache_mb: u32,
    /// `[flow_control]`.
    pub flow_control: FlowControl,
    /// `[sdk_allowlist] public_key.N`: when not empty, only these applications may use the group.
    pub sdk_allowlist: BTreeSet<NodeId>,
    /// `[tx_execute] enable_parallel`.
    pub parallel_execution: bool,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            min_block_generation_ms: 100,
            tx_pool: TxPoolConfig::default(),
            sync: SyncConfig::default(),
            storage: StorageEngine::RocksDb,
            storage_cache_mb: 32,
            flow_control: FlowControl::default(),
            sdk_allowlist: BTreeSet::new(),
            parallel_execution: true,
        }
    }
}

/// `[tx_pool]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxPoolConfig {
    /// `limit`: transactions.
    pub limit: u32,
    /// `memory_limit`, MB.
    pub memory_mb: u32,
    /// `txs_expiration_time`, seconds.
    pub expiration_seconds: u32,
}

impl Default for TxPoolConfig {
    fn default() -> Self {
        Self {
            limit: 150_000,
            memory_mb: 512,
            expiration_seconds: 600,
        }
    }
}

/// `[sync]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncConfig {
    /// `max_block_sync_memory_size`, MB of blocks waiting to be executed.
    pub max_block_memory_mb: u32,
    /// `idle_wait_ms`.
    pub idle_wait_ms: u32,
    /// `gossip_interval_ms`.
    pub gossip_interval_ms: u32,
    /// `gossip_peers_number`.
    pub gossip_peers: u32,
    /// `txs_max_gossip_peers_num`.
    pub transaction_gossip_peers: u32,
    /// `allow_free_node`.
    pub allow_free_node: bool,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            max_block_memory_mb: 512,
            idle_wait_ms: 200,
            gossip_interval_ms: 1000,
            gossip_peers: 3,
            transaction_gossip_peers: 5,
            allow_free_node: false,
        }
    }
}

/// The storage engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageEngine {
    /// RocksDB, in the node's own process.
    RocksDb,
}

/// `[flow_control]`, of a node or of a group; absent is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FlowControl {
    /// `limit_req`: requests a second.
    pub requests_per_second: Option<u32>,
    /// `outgoing_bandwidth_limit`: in the file Mb/s with decimals, here kilobits a second.
    pub outgoing_kilobits_per_second: Option<u64>,
}
