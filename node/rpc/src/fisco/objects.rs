//! Blocks, transactions and receipts as FISCO's SDKs read them.

use alloy_consensus::{Transaction as _, TxEnvelope};
use althing_types::transaction::Envelope;
use althing_types::{Address, B256, Bloom, Bytes, CommitCertificate, FiscoTransaction, NodeId, Recovered, U256};
use serde::Serialize;

use crate::backend::{BlockView, GroupInfo, MinedReceipt, TransactionLocation};
use crate::fisco::result::status_name;
use crate::types::Quantity;

/// A block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockObject<'a> {
    number: Quantity,
    hash: B256,
    parent_hash: B256,
    logs_bloom: &'a Bloom,
    transactions_root: B256,
    receipts_root: B256,
    db_hash: B256,
    state_root: B256,
    sealer: Quantity,
    sealer_list: &'a [NodeId],
    extra_data: [&'a Bytes; 1],
    gas_limit: Quantity,
    gas_used: Quantity,
    timestamp: Quantity,
    transactions: Transactions<'a>,
    signature_list: Vec<SignatureObject<'a>>,
}

#[derive(Serialize)]
struct SignatureObject<'a> {
    index: Quantity,
    signature: &'a Bytes,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Transactions<'a> {
    Hashes(Vec<B256>),
    Objects(Vec<TransactionObject<'a>>),
}

impl<'a> BlockObject<'a> {
    /// A block with the sealers of its height and its certificate.
    pub(super) fn new(
        view: &'a BlockView,
        sealers: &'a [NodeId],
        certificate: Option<&'a CommitCertificate>,
        info: &GroupInfo,
        full: bool,
    ) -> Self {
        let (header, section) = (&view.block.header, &view.block.section);
        let proposer = section
            .proposer()
            .and_then(|node| sealers.iter().position(|sealer| *sealer == node));
        let transactions = match full {
            false => Transactions::Hashes(view.block.transactions.iter().map(|t| t.hash()).collect()),
            true => Transactions::Objects(
                (0..)
                    .map_while(|i| TransactionObject::of_block(view, i, info))
                    .collect(),
            ),
        };
        let signatures = certificate
            .map(|certificate| &certificate.signatures[..])
            .unwrap_or_default();
        Self {
            number: Quantity(header.number),
            hash: view.hash,
            parent_hash: header.parent_hash,
            logs_bloom: &header.logs_bloom,
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            db_hash: header.state_root,
            state_root: header.state_root,
            sealer: Quantity(proposer.unwrap_or_default() as u64),
            sealer_list: sealers,
            extra_data: [&header.extra_data],
            gas_limit: Quantity(header.gas_limit),
            gas_used: Quantity(header.gas_used),
            timestamp: Quantity(section.unix_ms),
            transactions,
            signature_list: signatures
                .iter()
                .map(|one| SignatureObject {
                    index: Quantity(one.sealer),
                    signature: &one.signature,
                })
                .collect(),
        }
    }
}

/// A transaction.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionObject<'a> {
    block_hash: Option<B256>,
    block_limit: Quantity,
    block_number: Option<Quantity>,
    chain_id: Quantity,
    extra_data: Bytes,
    from: Address,
    gas: U256,
    gas_price: U256,
    group_id: Quantity,
    hash: B256,
    input: &'a Bytes,
    nonce: U256,
    signature: Signature,
    to: Address,
    transaction_index: Option<Quantity>,
    value: U256,
}

#[derive(Serialize)]
struct Signature {
    r: B256,
    s: B256,
    signature: Bytes,
    v: V,
}

/// The parity of a signature that its key is recovered from, or the key beside it.
#[derive(Serialize)]
#[serde(untagged)]
enum V {
    Parity(Quantity),
    Key(Bytes),
}

impl Signature {
    fn recoverable(r: U256, s: U256, odd_y: bool) -> Self {
        let parity = u8::from(odd_y);
        Self::new(r, s, &[parity], V::Parity(Quantity(parity.into())))
    }

    fn new(r: U256, s: U256, last: &[u8], v: V) -> Self {
        let (r, s) = (B256::from(r), B256::from(s));
        let signature = [&r[..], &s[..], last].concat().into();
        Self { r, s, signature, v }
    }

    fn of_fisco(fisco: &FiscoTransaction) -> Self {
        let signature = &fisco.signature;
        match signature.odd_y() {
            Some(odd_y) => Self::recoverable(signature.r, signature.s, odd_y),
            None => Self::new(signature.r, signature.s, &signature.v, V::Key(signature.v.clone())),
        }
    }

    fn of_ethereum(envelope: &TxEnvelope) -> Self {
        let signature = envelope.signature();
        Self::recoverable(signature.r(), signature.s(), signature.v())
    }
}

impl<'a> TransactionObject<'a> {
    /// A transaction of the pool, or one with its place.
    pub(super) fn new(recovered: &'a Recovered, location: Option<TransactionLocation>, info: &GroupInfo) -> Self {
        Self::build(&recovered.transaction, recovered.sender, location, info)
    }

    /// The transaction at a position of a block.
    pub(super) fn of_block(view: &'a BlockView, index: u64, info: &GroupInfo) -> Option<Self> {
        let position = usize::try_from(index).ok()?;
        let transaction = view.block.transactions.get(position)?;
        let sender = view.senders.get(position).copied().unwrap_or_default();
        let header = &view.block.header;
        let location = TransactionLocation {
            height: header.number,
            block_hash: view.hash,
            timestamp: header.timestamp,
            index,
        };
        Some(Self::build(transaction, sender, Some(location), info))
    }

    /// An Ethereum transaction has no block limit and no extra data; FISCO's SDKs expect the fields.
    fn build(
        transaction: &'a althing_types::Transaction,
        from: Address,
        location: Option<TransactionLocation>,
        info: &GroupInfo,
    ) -> Self {
        let object = Self {
            block_hash: location.map(|l| l.block_hash),
            block_limit: Quantity(0),
            block_number: location.map(|l| Quantity(l.height)),
            chain_id: Quantity(info.chain_id),
            extra_data: Bytes::new(),
            from,
            gas: U256::ZERO,
            gas_price: U256::ZERO,
            group_id: Quantity(u64::from(info.group.get())),
            hash: transaction.hash(),
            input: transaction.input(),
            nonce: U256::ZERO,
            signature: Signature::recoverable(U256::ZERO, U256::ZERO, false),
            // FISCO shows a creation as a call of the zero address.
            to: transaction.to().unwrap_or_default(),
            transaction_index: location.map(|l| Quantity(l.index)),
            value: transaction.value(),
        };
        match transaction.envelope() {
            Envelope::Ethereum(envelope) => Self {
                gas: U256::from(envelope.gas_limit()),
                gas_price: U256::from(envelope.max_fee_per_gas()),
                nonce: U256::from(envelope.nonce()),
                signature: Signature::of_ethereum(envelope),
                ..object
            },
            Envelope::Fisco(fisco) => Self {
                block_limit: Quantity(fisco.request.block_limit),
                chain_id: Quantity(fisco.request.chain_id),
                extra_data: fisco.request.extra_data.clone(),
                gas: fisco.request.gas,
                gas_price: fisco.request.gas_price,
                group_id: Quantity(fisco.request.group_id),
                nonce: fisco.request.random_id,
                signature: Signature::of_fisco(fisco),
                ..object
            },
        }
    }
}

/// A receipt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptObject<'a> {
    block_hash: B256,
    block_number: Quantity,
    contract_address: Address,
    from: Address,
    gas_used: Quantity,
    input: &'a Bytes,
    logs: Vec<LogObject<'a>>,
    logs_bloom: &'a Bloom,
    output: &'a Bytes,
    remain_gas: Quantity,
    root: B256,
    status: Quantity,
    status_msg: &'static str,
    to: Address,
    transaction_hash: B256,
    transaction_index: Quantity,
}

#[derive(Serialize)]
struct LogObject<'a> {
    address: Address,
    topics: &'a [B256],
    data: &'a Bytes,
}

impl<'a> ReceiptObject<'a> {
    /// A receipt in the block with this state root.
    pub(super) fn new(mined: &'a MinedReceipt, root: B256) -> Self {
        let (receipt, location) = (&mined.receipt, mined.mined.location);
        let transaction = &mined.mined.recovered.transaction;
        let log = |log: &'a althing_types::Log| LogObject {
            address: log.address,
            topics: log.data.topics(),
            data: &log.data.data,
        };
        Self {
            block_hash: location.block_hash,
            block_number: Quantity(location.height),
            contract_address: receipt.contract_address().unwrap_or_default(),
            from: mined.mined.recovered.sender,
            gas_used: Quantity(receipt.gas_used),
            input: transaction.input(),
            logs: receipt.logs.iter().map(log).collect(),
            logs_bloom: &receipt.logs_bloom,
            output: &receipt.output,
            remain_gas: Quantity(
                transaction
                    .gas_limit()
                    .unwrap_or_default()
                    .saturating_sub(receipt.gas_used),
            ),
            root,
            status: Quantity(u64::from(receipt.status)),
            status_msg: status_name(receipt.status),
            to: transaction.to().unwrap_or_default(),
            transaction_hash: transaction.hash(),
            transaction_index: Quantity(location.index),
        }
    }
}
