//! Blocks, transactions and receipts as FISCO's SDKs read them.

use alloy_consensus::Transaction as _;
use althing_types::transaction::Envelope;
use althing_types::{Address, B256, Bloom, Bytes, CommitCertificate, NodeId, Recovered, U256};
use serde::Serialize;

use crate::backend::{BlockView, GroupInfo, MinedReceipt, TransactionLocation};
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
    extra_data: &'static str,
    from: Address,
    gas: Quantity,
    gas_price: U256,
    group_id: Quantity,
    hash: B256,
    input: &'a Bytes,
    nonce: Quantity,
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
    v: Quantity,
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
        let Envelope::Ethereum(envelope) = transaction.envelope();
        let signature = envelope.signature();
        let (r, s) = (B256::from(signature.r()), B256::from(signature.s()));
        let parity = u8::from(signature.v());
        Self {
            block_hash: location.map(|l| l.block_hash),
            block_limit: Quantity(0),
            block_number: location.map(|l| Quantity(l.height)),
            chain_id: Quantity(info.chain_id),
            extra_data: "0x",
            from,
            gas: Quantity(envelope.gas_limit()),
            gas_price: U256::from(envelope.max_fee_per_gas()),
            group_id: Quantity(u64::from(info.group.get())),
            hash: transaction.hash(),
            input: envelope.input(),
            nonce: Quantity(envelope.nonce()),
            signature: Signature {
                r,
                s,
                signature: [&r[..], &s[..], &[parity]].concat().into(),
                v: Quantity(u64::from(parity)),
            },
            // FISCO shows a creation as a call of the zero address.
            to: envelope.to().unwrap_or_default(),
            transaction_index: location.map(|l| Quantity(l.index)),
            value: envelope.value(),
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
        let Envelope::Ethereum(envelope) = transaction.envelope();
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
            input: envelope.input(),
            logs: receipt.logs.iter().map(log).collect(),
            logs_bloom: &receipt.logs_bloom,
            output: &receipt.output,
            remain_gas: Quantity(transaction.gas_limit().saturating_sub(receipt.gas_used)),
            root,
            status: Quantity(u64::from(receipt.status)),
            status_msg: status_name(receipt.status),
            to: envelope.to().unwrap_or_default(),
            transaction_hash: transaction.hash(),
            transaction_index: Quantity(location.index),
        }
    }
}

/// FISCO's name of a receipt status.
pub(super) fn status_name(status: u32) -> &'static str {
    const NAMES: [&str; 33] = [
        "None",
        "Unknown",
        "BadRLP",
        "InvalidFormat",
        "OutOfGasIntrinsic",
        "InvalidSignature",
        "InvalidNonce",
        "NotEnoughCash",
        "OutOfGasBase",
        "BlockGasLimitReached",
        "BadInstruction",
        "BadJumpDestination",
        "OutOfGas",
        "OutOfStack",
        "StackUnderflow",
        "NonceCheckFail",
        "BlockLimitCheckFail",
        "FilterCheckFail",
        "NoDeployPermission",
        "NoCallPermission",
        "NoTxPermission",
        "PrecompiledError",
        "RevertInstruction",
        "InvalidZeroSignature",
        "AddressAlreadyUsed",
        "PermissionDenied",
        "CallAddressError",
        "GasOverflow",
        "TxPoolIsFull",
        "TransactionRefused",
        "ContractFrozen",
        "AccountFrozen",
        "NotEnoughRemainGas",
    ];
    usize::try_from(status)
        .ok()
        .and_then(|status| NAMES.get(status).copied())
        .unwrap_or("Unknown")
}

/// FISCO's status for an exceptional halt described in Ethereum clients' words.
pub(super) fn halt_status(reason: &str) -> u64 {
    const STATUSES: [(&str, u64); 5] = [
        ("out of gas", 12),
        ("invalid opcode", 10),
        ("invalid jump", 11),
        ("stack underflow", 14),
        ("stack limit", 13),
    ];
    STATUSES
        .iter()
        .find(|(words, _)| reason.contains(words))
        .map_or(1, |(_, status)| *status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_fiscos_number_and_name() {
        for (status, name) in [
            (0, "None"),
            (12, "OutOfGas"),
            (22, "RevertInstruction"),
            (32, "NotEnoughRemainGas"),
        ] {
            assert_eq!(status_name(status), name);
        }
        assert_eq!(status_name(33), "Unknown");
        assert_eq!(status_name(halt_status("out of gas: memory") as u32), "OutOfGas");
        assert_eq!(
            status_name(halt_status("invalid opcode: INVALID") as u32),
            "BadInstruction"
        );
    }
}
