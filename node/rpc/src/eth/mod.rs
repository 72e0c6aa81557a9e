//! Ethereum's methods: one group as an Ethereum chain.

mod block;
mod call;
mod fees;
mod filters;
mod logs;
mod node;
mod objects;
mod pool;
mod receipt_wait;
mod state;
mod subscribe;
mod told_nonces;
mod transaction;

pub(crate) use filters::FilterStore;
pub(crate) use receipt_wait::{MissedHeads, RECEIPT, ReceiptWaits, wait as wait_for_receipts};
pub(crate) use subscribe::{HexIds, subscriptions};
pub(crate) use told_nonces::ToldNonces;

use crate::methods::Work::{self, Compute, Now, Read, Submit, Transport};

/// The methods and how each is answered.
pub(crate) static METHODS: &[(&str, Work)] = &[
    ("web3_clientVersion", Now(node::client_version)),
    ("web3_sha3", Now(node::sha3)),
    ("net_version", Now(node::net_version)),
    ("net_listening", Now(node::listening)),
    ("net_peerCount", Now(node::peer_count)),
    ("eth_chainId", Now(node::chain_id)),
    ("eth_protocolVersion", Now(node::protocol_version)),
    ("eth_syncing", Now(node::syncing)),
    ("eth_accounts", Now(node::accounts)),
    ("eth_coinbase", Now(node::coinbase)),
    ("eth_mining", Now(node::mining)),
    ("eth_hashrate", Now(node::hashrate)),
    ("eth_blockNumber", Now(block::number)),
    ("eth_getBlockByNumber", Read(block::by_selector)),
    ("eth_getBlockByHash", Read(block::by_selector)),
    ("eth_getBlockTransactionCountByNumber", Read(block::transaction_count)),
    ("eth_getBlockTransactionCountByHash", Read(block::transaction_count)),
    ("eth_getUncleCountByBlockNumber", Now(block::uncle_count)),
    ("eth_getUncleCountByBlockHash", Now(block::uncle_count)),
    ("eth_getUncleByBlockNumberAndIndex", Now(block::uncle)),
    ("eth_getUncleByBlockHashAndIndex", Now(block::uncle)),
    ("eth_getBlockReceipts", Read(block::receipts)),
    ("eth_sendRawTransaction", Submit),
    ("eth_getTransactionByHash", Now(transaction::by_hash)),
    ("eth_getTransactionByBlockHashAndIndex", Read(transaction::by_index)),
    ("eth_getTransactionByBlockNumberAndIndex", Read(transaction::by_index)),
    ("eth_getRawTransactionByHash", Now(transaction::raw_by_hash)),
    (
        "eth_getRawTransactionByBlockHashAndIndex",
        Read(transaction::raw_by_index),
    ),
    (
        "eth_getRawTransactionByBlockNumberAndIndex",
        Read(transaction::raw_by_index),
    ),
    (RECEIPT, Now(transaction::receipt)),
    ("eth_getBalance", Now(state::balance)),
    ("eth_getTransactionCount", Now(state::transaction_count)),
    ("eth_getCode", Now(state::code)),
    ("eth_getStorageAt", Now(state::storage_at)),
    ("eth_getProof", Compute(state::proof)),
    ("eth_call", Compute(call::call)),
    ("eth_estimateGas", Compute(call::estimate)),
    ("eth_createAccessList", Compute(call::create_access_list)),
    ("eth_gasPrice", Now(fees::zero)),
    ("eth_maxPriorityFeePerGas", Now(fees::zero)),
    ("eth_feeHistory", Read(fees::history)),
    ("eth_getLogs", Compute(logs::logs)),
    ("eth_newFilter", Now(filters::new_filter)),
    ("eth_newBlockFilter", Now(filters::new_block_filter)),
    ("eth_newPendingTransactionFilter", Now(filters::new_pending_filter)),
    ("eth_getFilterChanges", Compute(filters::changes)),
    ("eth_getFilterLogs", Compute(filters::logs)),
    ("eth_uninstallFilter", Now(filters::uninstall)),
    ("eth_subscribe", Transport),
    ("eth_unsubscribe", Transport),
    ("txpool_status", Now(pool::status)),
    ("txpool_content", Read(pool::content)),
    ("txpool_contentFrom", Read(pool::content_from)),
    ("txpool_inspect", Read(pool::inspect)),
];
