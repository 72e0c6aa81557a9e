//! `group.N.ini` ⇄ [`GroupConfig`].

use super::{ConfigError, FlowControl, GroupConfig, StorageEngine, SyncConfig, TxPoolConfig};
use crate::NodeId;
use crate::ini_file::{IniError, IniFile, IniWriter, SectionReader, thousandths_text};

/// Reads a `group.N.ini`; `file_name` is for errors only.
pub fn parse_group_config(file_name: &str, text: &str) -> Result<GroupConfig, ConfigError> {
    let mut file = IniFile::parse(file_name, text)?;
    let min_block_generation_ms = read_consensus(file.section(&["consensus"])?)?;
    let (storage, storage_cache_mb) = read_storage(file.section(&["storage"])?)?;
    let config = GroupConfig {
        min_block_generation_ms,
        tx_pool: read_tx_pool(file.section(&["tx_pool", "txpool"])?)?,
        sync: read_sync(file.section(&["sync"])?)?,
        storage,
        storage_cache_mb,
        flow_control: read_flow_control(file.section(&["flow_control"])?)?,
        sdk_allowlist: read_sdk_allowlist(file.section(&["sdk_allowlist"])?)?,
        parallel_execution: read_execution(file.section(&["tx_execute"])?)?,
    };
    file.finish()?;
    Ok(config)
}

fn read_consensus(mut section: SectionReader) -> Result<u64, IniError> {
    let default = GroupConfig::default().min_block_generation_ms;
    let milliseconds = section.number(&["min_block_generation_time"], 0..=60_000, default)?;
    section.without_effect(&[
        "ttl",
        "enable_dynamic_block_size",
        "block_size_increase_ratio",
        "enable_ttl_optimization",
        "enable_prepare_with_txsHash",
        "broadcast_prepare_by_tree",
        "prepare_status_broadcast_percent",
        "max_request_missedTxs_waitTime",
        "max_request_prepare_waitTime",
    ])?;
    section.finish()?;
    Ok(milliseconds)
}

fn read_storage(mut section: SectionReader) -> Result<(StorageEngine, u32), IniError> {
    let engines = [("rocksdb", StorageEngine::RocksDb)];
    let engine = section.choice(&["type"], &engines, StorageEngine::RocksDb)?;
    let cache = section.number(&["max_capacity"], 1..=65_536, GroupConfig::default().storage_cache_mb)?;
    section.without_effect(&[
        "binary_log",
        "scroll_threshold_multiple",
        "cached_storage",
        "max_forward_block",
        "max_retry",
        "topic",
        "db_ip",
        "db_port",
        "db_username",
        "db_passwd",
        "db_name",
        "db_charset",
        "init_connections",
        "max_connections",
        "enable_reconfirm_committee",
    ])?;
    section.finish()?;
    Ok((engine, cache))
}

fn read_tx_pool(mut section: SectionReader) -> Result<TxPoolConfig, IniError> {
    let default = TxPoolConfig::default();
    let config = TxPoolConfig {
        limit: section.number(&["limit"], 1..=10_000_000, default.limit)?,
        memory_mb: section.number(&["memory_limit"], 1..=65_536, default.memory_mb)?,
        expiration_seconds: section.number(&["txs_expiration_time"], 1..=604_800, default.expiration_seconds)?,
    };
    section.without_effect(&["notify_worker_num"])?;
    section.finish()?;
    Ok(config)
}

fn read_sync(mut section: SectionReader) -> Result<SyncConfig, IniError> {
    let default = SyncConfig::default();
    let config = SyncConfig {
        max_block_memory_mb: section.number(
            &["max_block_sync_memory_size"],
            32..=65_536,
            default.max_block_memory_mb,
        )?,
        idle_wait_ms: section.number(&["idle_wait_ms"], 1..=60_000, default.idle_wait_ms)?,
        gossip_interval_ms: section.number(&["gossip_interval_ms"], 1000..=3000, default.gossip_interval_ms)?,
        gossip_peers: section.number(&["gossip_peers_number"], 1..=100, default.gossip_peers)?,
        transaction_gossip_peers: section.number(
            &["txs_max_gossip_peers_num"],
            1..=100,
            default.transaction_gossip_peers,
        )?,
        allow_free_node: section.boolean("allow_free_node", default.allow_free_node)?,
    };
    section.without_effect(&["sync_block_by_tree", "send_txs_by_tree", "print_info_interval"])?;
    section.finish()?;
    Ok(config)
}

pub(super) fn read_flow_control(mut section: SectionReader) -> Result<FlowControl, IniError> {
    let flow = FlowControl {
        requests_per_second: section.optional_number(&["limit_req"], 1..=10_000_000)?,
        outgoing_kilobits_per_second: section.optional_thousandths("outgoing_bandwidth_limit", 1..=1_000_000_000)?,
    };
    section.finish()?;
    Ok(flow)
}

fn read_sdk_allowlist(mut section: SectionReader) -> Result<std::collections::BTreeSet<NodeId>, IniError> {
    let keys: Vec<NodeId> = section.list("public_key", "a public key of 128 hex digits", |text| text.parse().ok())?;
    section.finish()?;
    Ok(keys.into_iter().collect())
}

fn read_execution(mut section: SectionReader) -> Result<bool, IniError> {
    let parallel = section.boolean("enable_parallel", GroupConfig::default().parallel_execution)?;
    section.finish()?;
    Ok(parallel)
}

/// Writes a `group.N.ini` that [`parse_group_config`] reads back to the same value.
pub fn render_group_config(config: &GroupConfig) -> String {
    let mut ini = IniWriter::default();
    let engine = match config.storage {
        StorageEngine::RocksDb => "rocksdb",
    };
    ini.section("consensus")
        .plain("min_block_generation_time", config.min_block_generation_ms);
    ini.section("storage")
        .plain("type", engine)
        .plain("max_capacity", config.storage_cache_mb);
    ini.section("tx_pool")
        .plain("limit", config.tx_pool.limit)
        .plain("memory_limit", config.tx_pool.memory_mb)
        .plain("txs_expiration_time", config.tx_pool.expiration_seconds);
    ini.section("sync")
        .plain("max_block_sync_memory_size", config.sync.max_block_memory_mb)
        .plain("idle_wait_ms", config.sync.idle_wait_ms)
        .plain("gossip_interval_ms", config.sync.gossip_interval_ms)
        .plain("gossip_peers_number", config.sync.gossip_peers)
        .plain("txs_max_gossip_peers_num", config.sync.transaction_gossip_peers)
        .plain("allow_free_node", config.sync.allow_free_node);
    write_flow_control(&mut ini, &config.flow_control);
    if !config.sdk_allowlist.is_empty() {
        ini.section("sdk_allowlist");
        for (index, key) in config.sdk_allowlist.iter().enumerate() {
            ini.plain(&format!("public_key.{index}"), key);
        }
    }
    ini.section("tx_execute")
        .plain("enable_parallel", config.parallel_execution);
    ini.finish()
}

pub(super) fn write_flow_control(ini: &mut IniWriter, flow: &FlowControl) {
    if *flow == FlowControl::default() {
        return;
    }
    ini.section("flow_control");
    if let Some(limit) = flow.requests_per_second {
        ini.plain("limit_req", limit);
    }
    if let Some(limit) = flow.outgoing_kilobits_per_second {
        ini.plain("outgoing_bandwidth_limit", thousandths_text(limit));
    }
}
