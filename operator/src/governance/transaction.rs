//! An act as a signed transaction: an Ethereum one, which every node takes whatever its edition's accounts are.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, TxKind, U256, hex};
use althing_governance::abi;
use althing_types::B256;

use super::Chain;
use crate::pki::PrivateKey;

/// Gas it may use: many times what any of these calls needs, and less than any block has room for.
const GAS: u64 = 30_000_000;

/// Why an act cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a key of an account.
    #[error("the governance key is not on secp256k1")]
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

/// Signs a call of the governance contract. The signature is deterministic (RFC 6979), so the same call at the same nonce is the
/// same transaction, and sending it again is harmless.
pub(super) fn sign(key: &PrivateKey, chain: &Chain, nonce: u64, input: Bytes) -> Result<Signed, SignError> {
    let transaction = TxLegacy {
        chain_id: Some(chain.evm_chain_id),
        nonce,
        gas_price: 0,
        gas_limit: chain.gas_limit.min(GAS),
        to: TxKind::Call(abi::ADDRESS),
        value: U256::ZERO,
        input,
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
    use crate::plan::{KeyKind, PublicKey};

    fn chain() -> Chain {
        Chain {
            id: althing_types::GroupId::try_from(1).unwrap(),
            evm_chain_id: 7,
            gas_limit: 100_000_000,
        }
    }

    #[test]
    fn the_same_act_at_the_same_nonce_is_the_same_transaction_and_its_account_s() {
        let key = PrivateKey::generate(KeyKind::Secp256k1, &mut entropy(1)).unwrap();
        let at = |nonce| sign(&key, &chain(), nonce, abi::state()).unwrap();
        assert_eq!(at(3), at(3));
        assert_ne!(at(3).hash, at(4).hash);
        let signed = at(3);
        let bytes = hex::decode(&signed.raw).unwrap();
        let transaction = Transaction::decode(bytes.into(), |bytes| keccak256(bytes)).unwrap();
        let account = transaction.ethereum().unwrap().recover_signer().unwrap();
        assert_eq!(key.public(), PublicKey::Account(account));
    }

    #[test]
    fn a_node_s_key_signs_no_act() {
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(2)).unwrap();
        assert_eq!(sign(&key, &chain(), 0, abi::state()), Err(SignError::WrongKey));
    }
}
