//! An account: signs Ethereum transactions that cost nothing.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use anyhow::Context;
use base64::Engine as _;
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, PublicKey, SecretKey};

/// What stands before the scalar in an ECPrivateKey (RFC 5915): version 1, then 32 bytes.
const SCALAR: &[u8] = &[2, 1, 1, 4, 32];

/// A key and the chain it signs for.
#[derive(Clone, Debug)]
pub struct Account {
    secret: SecretKey,
    chain_id: u64,
    address: Address,
}

impl Account {
    /// The account that `seed` names, the same one for the same words. Only for chains that hold nothing of value.
    pub fn of(seed: &str, chain_id: u64) -> anyhow::Result<Self> {
        Self::with(SecretKey::from_secret_bytes(keccak256(seed).0)?, chain_id)
    }

    fn with(secret: SecretKey, chain_id: u64) -> anyhow::Result<Self> {
        let public = PublicKey::from_secret_key(&secret).serialize_uncompressed();
        let address = Address::from_raw_public_key(&public[1..]);
        Ok(Self {
            secret,
            chain_id,
            address,
        })
    }

    /// The account of a governance key as `althing up` writes it: SEC 1 inside PKCS #8.
    pub fn from_pem(pem: &str, chain_id: u64) -> anyhow::Result<Self> {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(body)?;
        let start = der
            .windows(SCALAR.len())
            .position(|part| part == SCALAR)
            .context("a private key")?;
        let scalar = der
            .get(start + SCALAR.len()..)
            .and_then(|rest| rest.first_chunk::<32>());
        Self::with(
            SecretKey::from_secret_bytes(*scalar.context("32 bytes of it")?)?,
            chain_id,
        )
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// A signed transaction as hex, with its hash.
    pub fn sign(&self, nonce: u64, to: TxKind, input: Bytes, gas_limit: u64) -> (String, B256) {
        let chain_id = Some(self.chain_id);
        let transaction = TxLegacy {
            chain_id,
            nonce,
            gas_price: 0,
            gas_limit,
            to,
            value: U256::ZERO,
            input,
        };
        let digest = Message::from_digest(transaction.signature_hash().0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(digest, &self.secret);
        let (recovery, compact) = signed.serialize_compact();
        let signature = Signature::from_bytes_and_parity(&compact, i32::from(recovery.to_u8()) % 2 == 1);
        let envelope: TxEnvelope = transaction.into_signed(signature).into();
        (hex::encode_prefixed(envelope.encoded_2718()), *envelope.tx_hash())
    }

    /// A transfer of nothing, the smallest transaction there is.
    pub fn nothing(&self, nonce: u64) -> (String, B256) {
        self.sign(nonce, TxKind::Call(Address::ZERO), Bytes::new(), 21_000)
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_eips::eip2718::Decodable2718;

    use super::*;

    #[test]
    fn what_an_account_signs_recovers_to_it() {
        let account = Account::of("a test", 7).unwrap();
        let (raw, hash) = account.nothing(3);
        let bytes = hex::decode(raw).unwrap();
        let envelope = TxEnvelope::decode_2718(&mut bytes.as_slice()).unwrap();
        assert_eq!(envelope.recover_signer().unwrap(), account.address());
        assert_eq!(
            (*envelope.tx_hash(), alloy_consensus::Transaction::nonce(&envelope)),
            (hash, 3)
        );
    }
}
