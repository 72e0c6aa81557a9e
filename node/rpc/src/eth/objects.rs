//! Blocks, transactions, receipts and events as Ethereum's clients read them. Every field that some client fails
//! without is here, in the form that client takes.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, Transaction as _, TxEnvelope, Typed2718};
use alloy_rlp::Encodable;
use althing_types::transaction::Envelope;
use althing_types::{Address, B256, Bloom, Bytes, FiscoTransaction, Log, Receipt, Recovered, U256};
use serde::Serialize;

use crate::backend::{BlockView, LogEntry, MinedReceipt, TransactionLocation};
use crate::types::{AccessListItem, Quantity, access_list_object};

/// A header, also the notification of a new one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeaderObject<'a> {
    hash: B256,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: &'a Bloom,
    difficulty: U256,
    number: Quantity,
    gas_limit: Quantity,
    gas_used: Quantity,
    timestamp: Quantity,
    extra_data: &'a Bytes,
    mix_hash: B256,
    nonce: alloy_primitives::B64,
    base_fee_per_gas: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_blob_gas: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_beacon_block_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_hash: Option<B256>,
}

impl<'a> HeaderObject<'a> {
    /// A header with its hash.
    pub(crate) fn new(hash: B256, header: &'a Header) -> Self {
        Self {
            hash,
            parent_hash: header.parent_hash,
            sha3_uncles: header.ommers_hash,
            miner: header.beneficiary,
            state_root: header.state_root,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: &header.logs_bloom,
            difficulty: header.difficulty,
            number: Quantity(header.number),
            gas_limit: Quantity(header.gas_limit),
            gas_used: Quantity(header.gas_used),
            timestamp: Quantity(header.timestamp),
            extra_data: &header.extra_data,
            mix_hash: header.mix_hash,
            nonce: header.nonce,
            base_fee_per_gas: Quantity(header.base_fee_per_gas.unwrap_or_default()),
            withdrawals_root: header.withdrawals_root,
            blob_gas_used: header.blob_gas_used.map(Quantity),
            excess_blob_gas: header.excess_blob_gas.map(Quantity),
            parent_beacon_block_root: header.parent_beacon_block_root,
            requests_hash: header.requests_hash,
        }
    }
}

/// A block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockObject<'a> {
    #[serde(flatten)]
    header: HeaderObject<'a>,
    total_difficulty: U256,
    size: Quantity,
    transactions: Transactions<'a>,
    uncles: [B256; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals: Option<[(); 0]>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Transactions<'a> {
    Hashes(Vec<B256>),
    Objects(Vec<TransactionObject<'a>>),
}

impl<'a> BlockObject<'a> {
    /// A block with its transactions, or with their hashes.
    pub(crate) fn new(view: &'a BlockView, full: bool) -> Self {
        let block = &*view.block;
        let transactions = match full {
            false => Transactions::Hashes(block.transactions.iter().map(|t| t.hash()).collect()),
            true => Transactions::Objects(
                (0..)
                    .map_while(|index| TransactionObject::of_block(view, index))
                    .collect(),
            ),
        };
        let header = &block.header;
        Self {
            header: HeaderObject::new(view.hash, header),
            // Every block of a chain has the same difficulty here.
            total_difficulty: header
                .difficulty
                .saturating_mul(U256::from(header.number).saturating_add(U256::ONE)),
            size: Quantity(ethereum_size(view)),
            transactions,
            uncles: [],
            withdrawals: header.withdrawals_root.map(|_| []),
        }
    }
}

/// The bytes of the block as Ethereum encodes it: header, transactions, no ommers.
fn ethereum_size(view: &BlockView) -> u64 {
    debug_assert_eq!(view.block.header.ommers_hash, EMPTY_OMMER_ROOT_HASH);
    let list = |payload: usize| {
        alloy_rlp::Header {
            list: true,
            payload_length: payload,
        }
        .length()
            + payload
    };
    let item = |raw: &Bytes| match raw.first() {
        // A legacy transaction is a list itself, a typed one travels as a string.
        Some(first) if *first >= 0xc0 => raw.len(),
        _ => raw.length(),
    };
    let transactions = list(view.block.transactions.iter().map(|t| item(t.raw())).sum());
    let total = list(view.block.header.length() + transactions + list(0));
    u64::try_from(total).unwrap_or(u64::MAX)
}

/// A transaction.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionObject<'a> {
    #[serde(rename = "type")]
    kind: Quantity,
    hash: B256,
    block_hash: Option<B256>,
    block_number: Option<Quantity>,
    transaction_index: Option<Quantity>,
    from: Address,
    to: Option<Address>,
    nonce: Quantity,
    gas: Quantity,
    gas_price: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<U256>,
    value: U256,
    input: &'a Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<Vec<AccessListItem>>,
    v: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<Quantity>,
    r: U256,
    s: U256,
}

impl<'a> TransactionObject<'a> {
    /// A transaction of the pool, or one with its place.
    pub(crate) fn new(recovered: &'a Recovered, location: Option<TransactionLocation>) -> Self {
        Self::build(&recovered.transaction, recovered.sender, location)
    }

    /// The transaction at a position of a block.
    pub(crate) fn of_block(view: &'a BlockView, index: usize) -> Option<Self> {
        let transaction = view.block.transactions.get(index)?;
        let sender = view.senders.get(index).copied().unwrap_or_default();
        Some(Self::build(transaction, sender, Some(location(view, index as u64))))
    }

    fn build(
        transaction: &'a althing_types::Transaction,
        from: Address,
        location: Option<TransactionLocation>,
    ) -> Self {
        let envelope = match transaction.envelope() {
            Envelope::Ethereum(envelope) => envelope,
            Envelope::Fisco(fisco) => return Self::of_fisco(transaction.hash(), fisco, from, location),
        };
        let typed = envelope.ty() != 0;
        let dynamic = envelope.is_dynamic_fee();
        let signature = envelope.signature();
        let parity = u64::from(signature.v());
        Self {
            kind: Quantity(u64::from(envelope.ty())),
            hash: transaction.hash(),
            block_hash: location.map(|l| l.block_hash),
            block_number: location.map(|l| Quantity(l.height)),
            transaction_index: location.map(|l| Quantity(l.index)),
            from,
            to: envelope.to(),
            nonce: Quantity(envelope.nonce()),
            gas: Quantity(envelope.gas_limit()),
            gas_price: shown_price(envelope, location.is_some()),
            max_fee_per_gas: dynamic.then(|| U256::from(envelope.max_fee_per_gas())),
            max_priority_fee_per_gas: dynamic
                .then(|| U256::from(envelope.max_priority_fee_per_gas().unwrap_or_default())),
            value: envelope.value(),
            input: envelope.input(),
            chain_id: envelope.chain_id().map(Quantity),
            access_list: envelope.access_list().map(|list| {
                let items = list
                    .iter()
                    .map(|item| (item.address, item.storage_keys.clone()))
                    .collect();
                access_list_object(items)
            }),
            v: Quantity(match (typed, envelope.chain_id()) {
                (true, _) => parity,
                (false, None) => parity + 27,
                (false, Some(id)) => id.saturating_mul(2).saturating_add(35 + parity),
            }),
            y_parity: typed.then_some(Quantity(parity)),
            r: signature.r(),
            s: signature.s(),
        }
    }

    /// A transaction in FISCO's format as a legacy one that nobody signed: clients that check signatures leave zeros alone, and its nonce
    /// and chain id would be others than Ethereum's (ADR 0024).
    fn of_fisco(hash: B256, fisco: &'a FiscoTransaction, from: Address, location: Option<TransactionLocation>) -> Self {
        let request = &fisco.request;
        Self {
            kind: Quantity(0),
            hash,
            block_hash: location.map(|l| l.block_hash),
            block_number: location.map(|l| Quantity(l.height)),
            transaction_index: location.map(|l| Quantity(l.index)),
            from,
            to: fisco.to(),
            nonce: Quantity(0),
            gas: Quantity(request.gas.saturating_to()),
            gas_price: U256::ZERO,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            value: request.value,
            input: &request.input,
            chain_id: None,
            access_list: None,
            v: Quantity(0),
            y_parity: None,
            r: U256::ZERO,
            s: U256::ZERO,
        }
    }
}

/// `gasPrice`: what was signed where clients hash it (types 0 and 1), for type 2 the cap, and 0 once mined.
fn shown_price(envelope: &TxEnvelope, mined: bool) -> U256 {
    match envelope.gas_price() {
        Some(signed) => U256::from(signed),
        None if mined => U256::ZERO,
        None => U256::from(envelope.max_fee_per_gas()),
    }
}

/// The place of a block's transaction.
pub(crate) fn location(view: &BlockView, index: u64) -> TransactionLocation {
    let header = &view.block.header;
    TransactionLocation {
        height: header.number,
        block_hash: view.hash,
        timestamp: header.timestamp,
        index,
    }
}

/// A receipt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptObject<'a> {
    #[serde(rename = "type")]
    kind: Quantity,
    status: Quantity,
    transaction_hash: B256,
    transaction_index: Quantity,
    block_hash: B256,
    block_number: Quantity,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
    cumulative_gas_used: Quantity,
    gas_used: Quantity,
    effective_gas_price: Quantity,
    logs: Vec<LogObject<'a>>,
    logs_bloom: &'a Bloom,
}

impl<'a> ReceiptObject<'a> {
    /// A receipt with its transaction.
    pub(crate) fn new(mined: &'a MinedReceipt) -> Self {
        let transaction = &mined.mined.recovered.transaction;
        let from = mined.mined.recovered.sender;
        Self::build(
            &mined.receipt,
            transaction,
            from,
            mined.mined.location,
            mined.first_log_index,
        )
    }

    /// The receipts of a block.
    pub(crate) fn of_block(view: &'a BlockView, receipts: &'a [Receipt]) -> Vec<Self> {
        let mut first_log = 0;
        let rows = receipts.iter().zip(&view.block.transactions).zip(view.senders.iter());
        rows.zip(0..)
            .map(|(((receipt, transaction), from), index)| {
                let object = Self::build(receipt, transaction, *from, location(view, index), first_log);
                first_log += receipt.logs.len() as u64;
                object
            })
            .collect()
    }

    fn build(
        receipt: &'a Receipt,
        transaction: &althing_types::Transaction,
        from: Address,
        location: TransactionLocation,
        first_log: u64,
    ) -> Self {
        let hash = transaction.hash();
        Self {
            kind: Quantity(u64::from(receipt.transaction_type)),
            status: Quantity(u64::from(receipt.succeeded())),
            transaction_hash: hash,
            transaction_index: Quantity(location.index),
            block_hash: location.block_hash,
            block_number: Quantity(location.height),
            from,
            to: transaction.to(),
            contract_address: receipt.contract_address(),
            cumulative_gas_used: Quantity(receipt.cumulative_gas_used),
            gas_used: Quantity(receipt.gas_used),
            effective_gas_price: Quantity(0),
            logs: receipt
                .logs
                .iter()
                .zip(first_log..)
                .map(|(log, i)| LogObject::build(log, hash, location, i))
                .collect(),
            logs_bloom: &receipt.logs_bloom,
        }
    }
}

/// An event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogObject<'a> {
    address: Address,
    topics: &'a [B256],
    data: &'a Bytes,
    block_hash: B256,
    block_number: Quantity,
    block_timestamp: Quantity,
    transaction_hash: B256,
    transaction_index: Quantity,
    log_index: Quantity,
    removed: bool,
}

impl<'a> LogObject<'a> {
    /// An event with its place.
    pub(crate) fn new(entry: &'a LogEntry) -> Self {
        Self::build(&entry.log, entry.transaction, entry.location, entry.log_index)
    }

    fn build(log: &'a Log, transaction_hash: B256, location: TransactionLocation, log_index: u64) -> Self {
        Self {
            address: log.address,
            topics: log.data.topics(),
            data: &log.data.data,
            block_hash: location.block_hash,
            block_number: Quantity(location.height),
            block_timestamp: Quantity(location.timestamp),
            transaction_hash,
            transaction_index: Quantity(location.index),
            log_index: Quantity(log_index),
            removed: false,
        }
    }
}
