//! FISCO BCOS 2.x methods, positional parameters, the group first: those that read, the one that sends a transaction, and those that change
//! what groups a node runs.

mod chain;
mod error;
mod lifecycle;
mod node;
mod objects;
mod parameters;
mod result;
mod status;
mod transaction;

pub(crate) use transaction::send_raw;

use crate::methods::Work::{self, Compute, Now, Read, SubmitToGroup};

/// The methods and how each is answered.
pub(crate) static METHODS: &[(&str, Work)] = &[
    ("getClientVersion", Now(node::client_version)),
    ("getGroupList", Now(node::group_list)),
    ("getNodeIDList", Now(node::node_ids)),
    ("getPeers", Now(node::peers)),
    ("getGroupPeers", Now(node::group_peers)),
    ("getSealerList", Now(node::sealers)),
    ("getObserverList", Now(node::observers)),
    ("getPbftView", Now(status::pbft_view)),
    ("getConsensusStatus", Now(status::consensus)),
    ("getSyncStatus", Now(status::sync)),
    ("getSystemConfigByKey", Now(status::system_config)),
    ("getBlockNumber", Now(chain::number)),
    ("getBlockByNumber", Read(chain::by_number)),
    ("getBlockByHash", Read(chain::by_hash)),
    ("getBlockHashByNumber", Now(chain::hash_by_number)),
    ("getTotalTransactionCount", Now(chain::totals)),
    ("getCode", Now(chain::code)),
    ("getTransactionByHash", Now(transaction::by_hash)),
    (
        "getTransactionByBlockHashAndIndex",
        Read(transaction::by_block_hash_and_index),
    ),
    (
        "getTransactionByBlockNumberAndIndex",
        Read(transaction::by_block_number_and_index),
    ),
    ("getTransactionReceipt", Now(transaction::receipt)),
    ("getPendingTransactions", Read(transaction::pending)),
    ("getPendingTxSize", Now(transaction::pending_size)),
    ("call", Compute(transaction::call)),
    ("sendRawTransaction", SubmitToGroup),
];

/// The methods for administrators.
pub(crate) static ADMINISTRATIVE: &[(&str, Work)] = &[
    ("generateGroup", Read(lifecycle::generate)),
    ("startGroup", Read(lifecycle::start)),
    ("stopGroup", Read(lifecycle::stop)),
    ("removeGroup", Read(lifecycle::remove)),
    ("recoverGroup", Read(lifecycle::recover)),
    ("queryGroupStatus", Read(lifecycle::status)),
];
