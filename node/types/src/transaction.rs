//! Transactions: what a client signed, decoded once, with its hash.
//!
//! Ethereum's legacy, EIP-2930 and EIP-1559 envelopes now; FISCO's 13-item format joins as another [`Envelope`].

use std::sync::Arc;

use alloy_consensus::{Transaction as _, TxEnvelope, Typed2718};
use alloy_eips::eip2718::Decodable2718;

use crate::codec::{TRANSACTION_BYTES_MAX, bounded};
use crate::{Address, B256, Bytes, DecodeError, HashFn};

/// The formats a client may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// An Ethereum transaction: legacy, EIP-2930 or EIP-1559.
    Ethereum(TxEnvelope),
}

/// A transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    raw: Bytes,
    hash: B256,
    envelope: Envelope,
}

impl Transaction {
    /// Decodes an EIP-2718 envelope. The signature is not checked here: that is the pool's work, done once and in parallel.
    pub fn decode(raw: Bytes, hash: HashFn) -> Result<Self, DecodeError> {
        bounded("a transaction", &raw, TRANSACTION_BYTES_MAX)?;
        let mut rest: &[u8] = &raw;
        let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|e| DecodeError::malformed("a transaction", e))?;
        if !rest.is_empty() {
            return Err(DecodeError::malformed(
                "a transaction",
                format!("{} bytes follow it", rest.len()),
            ));
        }
        if envelope.ty() > 2 {
            return Err(DecodeError::TransactionType(envelope.ty()));
        }
        let digest = hash(&raw);
        Ok(Self {
            raw,
            hash: digest,
            envelope: Envelope::Ethereum(envelope),
        })
    }

    /// The bytes as they were signed and travel (EIP-2718 form).
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
        }
    }

    /// The gas the sender allows it.
    pub fn gas_limit(&self) -> u64 {
        match &self.envelope {
            Envelope::Ethereum(envelope) => envelope.gas_limit(),
        }
    }

    /// The account nonce, for formats that use one.
    pub fn nonce(&self) -> u64 {
        match &self.envelope {
            Envelope::Ethereum(envelope) => envelope.nonce(),
        }
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
