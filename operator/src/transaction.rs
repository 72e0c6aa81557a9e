//! Ethereum transactions at no price, signed with an account's key: every node takes them whatever its edition's accounts are.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, TxKind, U256, hex};
use althing_types::{Address, B256};

use crate::pki::PrivateKey;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The chain id that Ethereum clients see.
    pub evm_chain_id: u64,
    /// The number of the account's transaction.
    pub nonce: u64,
    /// Gas it may use.
    pub gas_limit: u64,
    /// To whom.
    pub to: Address,
    /// What is called there; empty for a transfer of nothing.
    pub input: Bytes,
}

/// Why a message cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a key of an account.
    #[error("the key is not on secp256k1; transactions of SM2 accounts are not signed here yet")]
    WrongKey,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// For `eth_sendRawTransaction`, in hex.
    pub raw: String,
    /// Its hash.
    pub hash: B256,
}

/// Signs a message. The signature is deterministic (RFC 6979), so the same message is the same transaction, and sending it again
/// is harmless.
pub fn sign(key: &PrivateKey, message: Message) -> Result<Signed, SignError> {
    let transaction = TxLegacy {
        chain_id: Some(message.evm_chain_id),
        nonce: message.nonce,
        gas_price: 0,
        gas_limit: message.gas_limit,
        to: TxKind::Call(message.to),
        value: U256::ZERO,
        input: message.input,
    };
    let (compact, parity) = key
        .sign_recoverable(&transaction.signature_hash())
        .ok_or(SignError::WrongKey)?;
    let signature = Signature::from_bytes_and_parity(&compact, parity);
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    Ok(Signed {
        raw: hex::encode_prefixed(envelope.encoded_2718()),
        hash: *envelope.tx_hash(),
    })
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_primitives::keccak256;
    use althing_types::Transaction;

    use super::*;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    fn message(nonce: u64) -> Message {
        Message {
            evm_chain_id: 7,
            nonce,
            gas_limit: 100_000_000,
            to: Address::repeat_byte(1),
            input: Bytes::from_static(b"call"),
        }
    }

    #[test]
    fn the_same_message_is_the_same_transaction_and_its_account_s() {
        let key = PrivateKey::generate(KeyKind::Secp256k1, &mut entropy(1)).unwrap();
        let at = |nonce| sign(&key, message(nonce)).unwrap();
        assert_eq!(at(3), at(3));
        assert_ne!(at(3).hash, at(4).hash);
        let signed = at(3);
        let bytes = hex::decode(&signed.raw).unwrap();
        let transaction = Transaction::decode(bytes.into(), |bytes| keccak256(bytes)).unwrap();
        let account = transaction.ethereum().unwrap().recover_signer().unwrap();
        assert_eq!(key.public().account(), Some(account));
    }

    #[test]
    fn a_node_s_key_signs_no_transaction() {
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(2)).unwrap();
        assert_eq!(sign(&key, message(0)), Err(SignError::WrongKey));
    }
}
