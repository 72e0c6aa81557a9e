//! What a transaction did.

use alloy_consensus::{Eip658Value, Receipt as EthereumReceipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::eip2718::Encodable2718;
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{Address, Bloom, Bytes, DecodeError, Log};

/// The receipt of one transaction, with what clients ask for beside Ethereum's consensus fields.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Receipt {
    /// The EIP-2718 type of its transaction.
    pub transaction_type: u8,
    /// FISCO's status number; 0 is success, 22 a revert (`reference`: FISCO's receipt status table).
    pub status: u32,
    /// Gas used by this transaction alone.
    pub gas_used: u64,
    /// Gas used in the block up to and including it.
    pub cumulative_gas_used: u64,
    /// Events, in order.
    pub logs: Vec<Log>,
    /// The bloom of the events.
    pub logs_bloom: Bloom,
    /// The contract it created; empty bytes in the encoding when it created none.
    pub contract: Bytes,
    /// What the call returned, or the revert data.
    pub output: Bytes,
}

impl Receipt {
    /// Whether the transaction succeeded.
    pub const fn succeeded(&self) -> bool {
        self.status == 0
    }

    /// The contract this transaction created.
    pub fn contract_address(&self) -> Option<Address> {
        (self.contract.len() == Address::len_bytes()).then(|| Address::from_slice(&self.contract))
    }

    /// The EIP-2718 bytes that the receipts root is made of.
    pub fn consensus_bytes(&self) -> Vec<u8> {
        let receipt = EthereumReceipt {
            status: Eip658Value::Eip658(self.succeeded()),
            cumulative_gas_used: self.cumulative_gas_used,
            logs: self.logs.clone(),
        };
        let with_bloom = ReceiptWithBloom {
            receipt,
            logs_bloom: self.logs_bloom,
        };
        let envelope = match self.transaction_type {
            1 => ReceiptEnvelope::Eip2930(with_bloom),
            2 => ReceiptEnvelope::Eip1559(with_bloom),
            _ => ReceiptEnvelope::Legacy(with_bloom),
        };
        envelope.encoded_2718()
    }

    /// The bytes the ledger stores.
    pub fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        alloy_rlp::decode_exact(bytes).map_err(|e| DecodeError::malformed("a receipt", e))
    }
}
