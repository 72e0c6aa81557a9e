//! Transactions: what a client signed, decoded once, with its hash.
//!
//! Ethereum's legacy, EIP-2930 and EIP-1559 envelopes, and FISCO's list of 13 items ([`crate::fisco`]). The bytes say which one it is.

use std::sync::Arc;

use alloy_consensus::{Transaction as _, TxEnvelope, Typed2718};
use alloy_eips::eip2718::Decodable2718;

use crate::codec::{TRANSACTION_BYTES_MAX, bounded};
use crate::fisco::{FiscoTransaction, is_fisco};
use crate::{Address, B256, Bytes, DecodeError, HashFn, U256};

/// The formats a client may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// An Ethereum transaction: legacy, EIP-2930 or EIP-1559.
    Ethereum(TxEnvelope),
    /// A FISCO BCOS 2.x transaction.
    Fisco(FiscoTransaction),
}

/// A transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    raw: Bytes,
    hash: B256,
    envelope: Envelope,
}

impl Transaction {
    /// Decodes what a client signed. The signature is not checked here: that is the pool's work, done once and in parallel.
    pub fn decode(raw: Bytes, hash: HashFn) -> Result<Self, DecodeError> {
        bounded("a transaction", &raw, TRANSACTION_BYTES_MAX)?;
        let envelope = match is_fisco(&raw) {
            true => Envelope::Fisco(FiscoTransaction::decode(&raw)?),
            false => Envelope::Ethereum(ethereum(&raw)?),
        };
        let digest = hash(&raw);
        Ok(Self {
            raw,
            hash: digest,
            envelope,
        })
    }

    /// The bytes as they were signed and travel.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The transaction hash.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The decoded format.
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The Ethereum envelope, when it is one.
    pub const fn ethereum(&self) -> Option<&TxEnvelope> {
        match &self.envelope {
            Envelope::Ethereum(envelope) => Some(envelope),
            Envelope::Fisco(_) => None,
        }
    }

    /// The FISCO transaction, when it is one.
    pub const fn fisco(&self) -> Option<&FiscoTransaction> {
        match &self.envelope {
            Envelope::Ethereum(_) => None,
            Envelope::Fisco(transaction) => Some(transaction),
        }
    }

    /// The gas the sender allows it, for formats in which the sender decides that.
    pub fn gas_limit(&self) -> Option<u64> {
        self.ethereum().map(|envelope| envelope.gas_limit())
    }

    /// The account nonce, for formats that use one.
    pub fn nonce(&self) -> Option<u64> {
        self.ethereum().map(|envelope| envelope.nonce())
    }

    /// The contract or account it calls; none creates a contract.
    pub fn to(&self) -> Option<Address> {
        match &self.envelope {
            Envelope::Ethereum(envelope) => envelope.to(),
            Envelope::Fisco(transaction) => transaction.to(),
        }
    }

    /// The value it sends.
    pub fn value(&self) -> U256 {
        match &self.envelope {
            Envelope::Ethereum(envelope) => envelope.value(),
            Envelope::Fisco(transaction) => transaction.request.value,
        }
    }

    /// Its input, or the initialisation code.
    pub fn input(&self) -> &Bytes {
        match &self.envelope {
            Envelope::Ethereum(envelope) => envelope.input(),
            Envelope::Fisco(transaction) => &transaction.request.input,
        }
    }
}

fn ethereum(raw: &[u8]) -> Result<TxEnvelope, DecodeError> {
    let mut rest = raw;
    let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|e| DecodeError::malformed("a transaction", e))?;
    if !rest.is_empty() {
        return Err(DecodeError::malformed(
            "a transaction",
            format!("{} bytes follow it", rest.len()),
        ));
    }
    match envelope.ty() {
        0..=2 => Ok(envelope),
        unknown => Err(DecodeError::TransactionType(unknown)),
    }
}

/// A transaction with the sender its signature recovers to. Made once per node, shared from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// What was signed.
    pub transaction: Arc<Transaction>,
    /// Who signed it.
    pub sender: Address,
}
