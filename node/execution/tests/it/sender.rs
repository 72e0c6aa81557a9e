//! Senders are recovered once, in parallel, in order. These are Ethereum's signed formats, which the standard edition alone has: those of
//! FISCO are in the suite.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_primitives::{B256, Signature, TxKind, hex};
use althing_crypto::{StandardSuite, Suite};
use althing_execution::{SenderError, is_replay_protected, recover};
use althing_types::{Address, FiscoRequest, FiscoSignature, Transaction, U256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey};

use crate::standard::suite::support::{CHAIN_ID, recovered, signed as fisco_signed};

fn key(n: u8) -> (SecretKey, Address) {
    let secret = SecretKey::from_secret_bytes([n; 32]).unwrap();
    let public = PublicKey::from_secret_key(&secret).serialize_uncompressed();
    (secret, Address::from_raw_public_key(&public[1..]))
}

fn sign(secret: &SecretKey, digest: B256) -> Signature {
    let signature = RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(digest.0), secret);
    let (id, compact) = signature.serialize_compact();
    Signature::new(
        U256::from_be_slice(&compact[..32]),
        U256::from_be_slice(&compact[32..]),
        id == RecoveryId::One,
    )
}

fn signed<T: SignableTransaction<Signature>>(transaction: T, secret: &SecretKey) -> Arc<Transaction>
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = sign(secret, transaction.signature_hash());
    recovered(TxEnvelope::from(transaction.into_signed(signature)), Address::ZERO).transaction
}

fn legacy(chain_id: Option<u64>) -> TxLegacy {
    TxLegacy {
        chain_id,
        to: TxKind::Call(Address::repeat_byte(1)),
        gas_limit: 21_000,
        ..TxLegacy::default()
    }
}

#[test]
fn the_example_of_eip_155_recovers_to_its_sender() {
    let raw = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a0"
        "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a0"
        "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    let transaction = Arc::new(Transaction::decode(raw.into(), |b| alloy_primitives::keccak256(b)).unwrap());
    let expected: Address = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap();
    assert_eq!(
        recover(&StandardSuite, 1, Arc::clone(&transaction)).unwrap().sender,
        expected
    );
    let refused = recover(&StandardSuite, 2, transaction).unwrap_err();
    assert_eq!(refused, SenderError::ChainId { found: 1, expected: 2 });
    assert_eq!(refused.to_string(), "invalid chain id for signer: have 1 want 2");
}

#[test]
fn a_transaction_without_chain_id_recovers_and_is_known_as_unprotected() {
    let (secret, address) = key(3);
    let open = signed(legacy(None), &secret);
    assert!(!is_replay_protected(&open));
    assert_eq!(recover(&StandardSuite, CHAIN_ID, open).unwrap().sender, address);
    assert!(is_replay_protected(&signed(legacy(Some(CHAIN_ID)), &secret)));
}

#[test]
fn a_fisco_signature_of_the_other_parity_is_somebody_else_s_and_of_the_other_s_nobody_s() {
    let request = FiscoRequest::default();
    let own = fisco_signed(&request, &[9; 32]);
    let FiscoSignature { r, s, .. } = own.fisco().unwrap().signature.clone();
    let is_odd = own.fisco().unwrap().signature.odd_y().unwrap();
    let recovered = |signature| {
        let raw = request.clone().signed(signature).encode();
        let transaction = Transaction::decode(raw, StandardSuite.hash_fn()).unwrap();
        recover(&StandardSuite, CHAIN_ID, Arc::new(transaction)).map(|recovered| recovered.sender)
    };
    let (_, address) = key(9);
    assert_eq!(recovered(FiscoSignature::recoverable(r, s, is_odd)), Ok(address));
    assert_ne!(recovered(FiscoSignature::recoverable(r, s, !is_odd)), Ok(address));
    let order = U256::from_be_slice(&hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let twin = recovered(FiscoSignature::recoverable(r, order - s, !is_odd));
    assert!(matches!(twin, Err(SenderError::Signature(_))), "EIP-2");
}
