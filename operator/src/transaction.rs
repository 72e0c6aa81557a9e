//! Transactions in FISCO's own format (docs/transactions.md), which the accounts of both editions sign: what differs between them, the key
//! and its suite know (ADR 0027).

use alloy_primitives::{Bytes, TxKind, U256, hex};
use althing_crypto::{AccountSignature, Signer};
use althing_types::{Address, B256, FiscoRequest, FiscoSignature, GroupId};

use crate::pki::PrivateKey;
use crate::suite;

/// For how many blocks a transaction may wait: what a group makes in ten seconds at most. Whoever still wants it then signs it again.
pub const WAITS_BLOCKS: u64 = 100;
/// What a client says for gas. What is in force for every transaction applies instead.
const GAS: u64 = 30_000_000;

/// Which chain a transaction is for, and how far it was when that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The group.
    pub group: GroupId,
    /// The newest block that was seen.
    pub height: u64,
}

/// What is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub chain: Chain,
    /// Which account or contract.
    pub to: Address,
    /// What is called there; empty for a transfer of nothing.
    pub input: Bytes,
}

/// Why a message cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a key of an account.
    #[error("the key is no account's: {0}; a governance key signs transactions")]
    WrongKey(crate::plan::KeyKind),
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// For `sendRawTransaction`, in hex.
    pub raw: String,
    /// Its hash.
    pub hash: B256,
}

/// Signs a message. The randomid is made of the message and the signature is deterministic (RFC 6979), so the same message is the same
/// transaction, and sending it again is harmless.
///
/// # Errors
/// A key that is no account's.
pub fn sign(key: &PrivateKey, message: &Message) -> Result<Signed, SignError> {
    let hash = suite::of(key.kind().cryptography()).hash_fn();
    let Chain {
        chain_id,
        group,
        height,
    } = message.chain;
    let id = [&height.to_be_bytes()[..], message.to.as_slice(), &message.input].concat();
    let request = FiscoRequest {
        random_id: U256::from_be_bytes(hash(&id).0),
        gas: U256::from(GAS),
        block_limit: height.saturating_add(WAITS_BLOCKS),
        to: TxKind::Call(message.to),
        input: message.input.clone(),
        chain_id,
        group_id: group.get().into(),
        ..FiscoRequest::default()
    };
    let signature = key.sign_account(&request.signing_hash(hash));
    let AccountSignature { r, s, signer } = signature.ok_or_else(|| SignError::WrongKey(key.kind()))?;
    let signature = match signer {
        Signer::OddY(odd) => FiscoSignature::recoverable(r, s, odd),
        Signer::PublicKey(public_key) => FiscoSignature::with_key(r, s, &public_key),
    };
    let raw = request.signed(signature).encode();
    Ok(Signed {
        hash: hash(&raw),
        raw: hex::encode_prefixed(raw),
    })
}

#[cfg(test)]
mod tests {
    use althing_types::{FiscoTransaction, Transaction};

    use super::*;
    use crate::pki::testing::entropy;
    use crate::plan::KeyKind;

    fn message(height: u64) -> Message {
        Message {
            chain: Chain {
                chain_id: 20_260,
                group: GroupId::try_from(7).unwrap(),
                height,
            },
            to: Address::repeat_byte(1),
            input: Bytes::from_static(b"call"),
        }
    }

    /// Who signed it, as every node finds that out.
    fn account(key: &PrivateKey, signed: &FiscoTransaction) -> Address {
        let suite = suite::of(key.kind().cryptography());
        let FiscoSignature { r, s, .. } = signed.signature;
        let signer = match signed.signature.public_key() {
            Some(key) => Signer::PublicKey(key),
            None => Signer::OddY(signed.signature.odd_y().unwrap()),
        };
        let digest = signed.request.signing_hash(suite.hash_fn());
        suite
            .recover_account(&digest, &AccountSignature { r, s, signer })
            .unwrap()
    }

    #[test]
    fn the_same_message_is_the_same_transaction_and_its_account_s_in_both_editions() {
        for kind in [KeyKind::Secp256k1, KeyKind::Sm2Account] {
            let key = PrivateKey::generate(kind, &mut entropy(1)).unwrap();
            let at = |height| sign(&key, &message(height)).unwrap();
            assert_eq!(at(3), at(3));
            assert_ne!(at(3).hash, at(4).hash);
            let signed = at(3);
            let raw = hex::decode(&signed.raw).unwrap();
            let hash = suite::of(kind.cryptography()).hash_fn();
            let transaction = Transaction::decode(raw.clone().into(), hash).unwrap();
            assert_eq!(*transaction.hash(), signed.hash);
            let transaction = FiscoTransaction::decode(&raw).unwrap();
            assert_eq!(Some(account(&key, &transaction)), key.public().account());
            let request = transaction.request;
            assert_eq!((request.chain_id, request.group_id), (20_260, 7));
            assert_eq!(request.block_limit, 3 + WAITS_BLOCKS);
        }
    }

    #[test]
    fn a_node_s_key_signs_no_transaction() {
        for kind in [KeyKind::P256, KeyKind::Sm2] {
            let key = PrivateKey::generate(kind, &mut entropy(2)).unwrap();
            assert_eq!(sign(&key, &message(0)), Err(SignError::WrongKey(kind)));
        }
    }
}
