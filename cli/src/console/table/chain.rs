//! What nodes and ledgers say.

use super::{Kind, Parameter, Question, Row, Section, Shape, Verb};

const BLOCK_HASH: Parameter = Parameter::new("blockHash", Kind::Hash);
const BLOCK_NUMBER: Parameter = Parameter::new("blockNumber", Kind::Number);
const INDEX: Parameter = Parameter::new("index", Kind::Number);
const TRANSACTION: Parameter = Parameter::new("transactionHash", Kind::Hash);
const FULL: Parameter = Parameter::optional("boolean", Kind::Boolean);
const END_POINT: Parameter = Parameter::optional("endPoint", Kind::EndPoint);
const NO_TRANSACTION: &str = "no block has a transaction of this hash";
const FULL_OR_HASHES: &str = "boolean: true shows whole transactions, false or nothing their hashes.";

/// About the group.
const fn ask(name: &'static str, parameters: &'static [Parameter], shape: Shape, summary: &'static str) -> Row {
    let question = Question {
        method: name,
        takes_group: true,
        shape,
    };
    Row::new(Section::Chain, name, parameters, Verb::Ask(question), summary)
}

/// About the node, whatever the group.
const fn of_node(name: &'static str, method: &'static str, shape: Shape, summary: &'static str) -> Row {
    let question = Question {
        method,
        takes_group: false,
        shape,
    };
    Row::new(Section::Chain, name, &[END_POINT], Verb::Ask(question), summary)
}

pub(super) const ROWS: &[Row] = &[
    ask("getBlockNumber", &[], Shape::Number, "The number of the newest block"),
    of_node(
        "getNodeVersion",
        "getClientVersion",
        Shape::Json,
        "Which program the node is, and of which chain",
    ),
    ask(
        "getNodeIDList",
        &[],
        Shape::Json,
        "The nodeIDs of the node and of those connected to it",
    ),
    ask(
        "getPeers",
        &[END_POINT],
        Shape::Json,
        "The nodes connected to the node, with address, agency and name",
    ),
    ask(
        "getGroupPeers",
        &[END_POINT],
        Shape::Json,
        "The connected nodes that take part in the group",
    ),
    ask("getSealerList", &[], Shape::Json, "The nodeIDs of those that seal"),
    ask(
        "getObserverList",
        &[],
        Shape::Json,
        "The nodeIDs of those that only follow",
    ),
    ask(
        "getPbftView",
        &[],
        Shape::Number,
        "The view that the node's consensus is in",
    ),
    ask(
        "getConsensusStatus",
        &[],
        Shape::Json,
        "Where the node's consensus stands, and the last view heard of each sealer",
    ),
    ask(
        "getSyncStatus",
        &[],
        Shape::Json,
        "The node's newest block and those that its peers announced",
    ),
    of_node(
        "getGroupList",
        "getGroupList",
        Shape::Line,
        "The groups that the node runs",
    ),
    Row::new(
        Section::Chain,
        "getAvailableConnections",
        &[],
        Verb::Connections,
        "The nodes that can be named as endPoint",
    ),
    Row::new(
        Section::Chain,
        "getCryptoType",
        &[],
        Verb::CryptoType,
        "The edition of the consortium's cryptography",
    ),
    ask(
        "getBlockByHash",
        &[BLOCK_HASH, FULL],
        Shape::Json,
        "A block, by its hash",
    )
    .more(FULL_OR_HASHES),
    ask(
        "getBlockByNumber",
        &[BLOCK_NUMBER, FULL],
        Shape::Json,
        "A block, by its number",
    )
    .more(FULL_OR_HASHES),
    ask(
        "getBlockHashByNumber",
        &[BLOCK_NUMBER],
        Shape::Line,
        "The hash of a block",
    ),
    ask(
        "getTransactionByHash",
        &[TRANSACTION],
        Shape::OrNothing(NO_TRANSACTION),
        "A transaction",
    ),
    ask(
        "getTransactionByBlockHashAndIndex",
        &[BLOCK_HASH, INDEX],
        Shape::Json,
        "A transaction, by its block's hash and its place in it",
    ),
    ask(
        "getTransactionByBlockNumberAndIndex",
        &[BLOCK_NUMBER, INDEX],
        Shape::Json,
        "A transaction, by its block's number and its place in it",
    ),
    ask(
        "getTransactionReceipt",
        &[TRANSACTION],
        Shape::OrNothing(NO_TRANSACTION),
        "What a transaction did",
    ),
    ask(
        "getPendingTransactions",
        &[],
        Shape::Json,
        "The transactions that wait for a block",
    ),
    ask(
        "getPendingTxSize",
        &[],
        Shape::Number,
        "How many transactions wait for a block",
    ),
    ask(
        "getTotalTransactionCount",
        &[],
        Shape::Totals,
        "How many transactions the ledger has, and how many of them failed",
    ),
    ask(
        "getCode",
        &[Parameter::new("address", Kind::Contract)],
        Shape::OrNothing("there is no contract at this address"),
        "The code of a contract",
    ),
];
