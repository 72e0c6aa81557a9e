//! An account: signs transactions that cost nothing, in the format that accounts of its edition have.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use althing_crypto::{AccountKey, AccountSignature, Signer, SmSuite, Suite};
use althing_types::{FiscoRequest, FiscoSignature};
use anyhow::Context;
use base64::Engine as _;
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, PublicKey, SecretKey};

/// What stands before the scalar in an ECPrivateKey (RFC 5915): version 1, then 32 bytes.
const SCALAR: &[u8] = &[2, 1, 1, 4, 32];
/// How far ahead FISCO's SDKs set the limit of a transaction.
const LIMIT_BLOCKS: u64 = 500;

/// A key and the chain it signs for.
#[derive(Clone, Debug)]
pub struct Account {
    key: Key,
    address: Address,
}

#[derive(Clone, Debug)]
enum Key {
    /// Signs Ethereum's legacy format.
    Standard { secret: SecretKey, chain_id: u64 },
    /// Signs FISCO's format, with crates of the project that FISCO's own SDK is the oracle of.
    Sm { key: Arc<dyn AccountKey>, chain: SmChain },
}

/// What an account of the SM edition signs for.
#[derive(Clone, Copy, Debug)]
pub struct SmChain {
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The group.
    pub group: u32,
    /// The newest block that was seen; transactions are good for 500 more.
    pub height: u64,
}

impl SmChain {
    /// The chain that Ethereum clients see as this one, at this height.
    pub fn new(evm_chain_id: u64, height: u64) -> anyhow::Result<Self> {
        // The default of a genesis: chain id times 32768 and the group.
        Ok(Self {
            chain_id: evm_chain_id / 32_768,
            group: u32::try_from(evm_chain_id % 32_768)?,
            height,
        })
    }
}

impl Account {
    /// The account that `seed` names, the same one for the same words. Only for chains that hold nothing of value.
    pub fn of(seed: &str, chain_id: u64) -> anyhow::Result<Self> {
        Self::standard(keccak256(seed).0, chain_id)
    }

    /// The account of the SM edition that `seed` names.
    pub fn sm_of(seed: &str, chain: SmChain) -> anyhow::Result<Self> {
        Self::sm(keccak256(seed).0, chain)
    }

    /// The account of a governance key as `althing up` writes it: SEC 1 inside PKCS #8.
    pub fn from_pem(pem: &str, chain_id: u64) -> anyhow::Result<Self> {
        Self::standard(scalar(pem)?, chain_id)
    }

    /// The same in the SM edition.
    pub fn sm_from_pem(pem: &str, chain: SmChain) -> anyhow::Result<Self> {
        Self::sm(scalar(pem)?, chain)
    }

    fn standard(secret: [u8; 32], chain_id: u64) -> anyhow::Result<Self> {
        let secret = SecretKey::from_secret_bytes(secret)?;
        let public = PublicKey::from_secret_key(&secret).serialize_uncompressed();
        Ok(Self {
            address: Address::from_raw_public_key(&public[1..]),
            key: Key::Standard { secret, chain_id },
        })
    }

    fn sm(secret: [u8; 32], chain: SmChain) -> anyhow::Result<Self> {
        let key = SmSuite.account_key_of(&secret)?;
        Ok(Self {
            address: key.address(),
            key: Key::Sm { key, chain },
        })
    }

    /// The same account after so many blocks: what it signs is good for 500 more, where its format has such a limit.
    #[must_use]
    pub fn at(&self, height: u64) -> Self {
        let mut account = self.clone();
        if let Key::Sm { chain, .. } = &mut account.key {
            chain.height = height;
        }
        account
    }

    /// Whether what it signs is numbered; else each transaction needs a number that the account has not used lately.
    pub const fn has_nonces(&self) -> bool {
        matches!(self.key, Key::Standard { .. })
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// A signed transaction as hex, with its hash. `nonce` is the account's where the format has one, and the randomid where it has not.
    pub fn sign(&self, nonce: u64, to: TxKind, input: Bytes, gas_limit: u64) -> (String, B256) {
        match &self.key {
            Key::Standard { secret, chain_id } => {
                let chain_id = Some(*chain_id);
                let transaction = TxLegacy {
                    chain_id,
                    nonce,
                    gas_price: 0,
                    gas_limit,
                    to,
                    value: U256::ZERO,
                    input,
                };
                ethereum(secret, transaction)
            }
            Key::Sm { key, chain } => {
                let request = FiscoRequest {
                    random_id: U256::from(nonce),
                    gas: U256::from(gas_limit),
                    block_limit: chain.height + LIMIT_BLOCKS,
                    to,
                    input,
                    chain_id: chain.chain_id,
                    group_id: chain.group.into(),
                    ..FiscoRequest::default()
                };
                fisco(&**key, request)
            }
        }
    }

    /// A transfer of nothing, the smallest transaction there is.
    pub fn nothing(&self, nonce: u64) -> (String, B256) {
        self.sign(nonce, TxKind::Call(Address::ZERO), Bytes::new(), 21_000)
    }
}

/// The number in a PEM text.
fn scalar(pem: &str) -> anyhow::Result<[u8; 32]> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body)?;
    let start = der
        .windows(SCALAR.len())
        .position(|part| part == SCALAR)
        .context("a private key")?;
    let scalar = der
        .get(start + SCALAR.len()..)
        .and_then(|rest| rest.first_chunk::<32>());
    Ok(*scalar.context("32 bytes of it")?)
}

fn ethereum(secret: &SecretKey, transaction: TxLegacy) -> (String, B256) {
    let digest = Message::from_digest(transaction.signature_hash().0);
    let signed = RecoverableSignature::sign_ecdsa_recoverable(digest, secret);
    let (recovery, compact) = signed.serialize_compact();
    let signature = Signature::from_bytes_and_parity(&compact, i32::from(recovery.to_u8()) % 2 == 1);
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    (hex::encode_prefixed(envelope.encoded_2718()), *envelope.tx_hash())
}

fn fisco(key: &dyn AccountKey, request: FiscoRequest) -> (String, B256) {
    let hash = SmSuite.hash_fn();
    let AccountSignature { r, s, signer } = key.sign(&request.signing_hash(hash));
    let signature = match signer {
        Signer::OddY(odd) => FiscoSignature::recoverable(r, s, odd),
        Signer::PublicKey(public_key) => FiscoSignature::with_key(r, s, &public_key),
    };
    let raw = request.signed(signature).encode();
    let hash = hash(&raw);
    (hex::encode_prefixed(raw), hash)
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_eips::eip2718::Decodable2718;
    use althing_types::FiscoTransaction;

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

    #[test]
    fn what_an_sm_account_signs_carries_its_key() {
        let chain = SmChain {
            chain_id: 7,
            group: 1,
            height: 4,
        };
        let account = Account::sm_of("a test", chain).unwrap();
        let (raw, _) = account.nothing(3);
        let signed = FiscoTransaction::decode(&hex::decode(raw).unwrap()).unwrap();
        let digest = signed.request.signing_hash(SmSuite.hash_fn());
        let signature = AccountSignature {
            r: signed.signature.r,
            s: signed.signature.s,
            signer: Signer::PublicKey(signed.signature.public_key().unwrap()),
        };
        assert_eq!(SmSuite.recover_account(&digest, &signature).unwrap(), account.address());
        assert_eq!(
            (signed.request.block_limit, signed.request.random_id),
            (504, U256::from(3))
        );
    }
}
