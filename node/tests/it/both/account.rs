//! Accounts at a node. They sign as accounts of their edition do: Ethereum's legacy transactions in the standard one, FISCO's in the SM
//! edition, where the number of the next transaction is its randomid.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Signature, TxKind, U256, hex};
use althing_crypto::{AccountKey, Signer};
use althing_execution::fisco_signature;
use althing_types::FiscoRequest;
use serde_json::{Value, json};

use super::edition;
use super::pki::Edition;
use super::running::Running;

const CHAIN_ID: u64 = 20_260;
const GROUP_ID: u64 = 1;

/// The key of an account.
pub(crate) fn account_key(number: u8) -> Arc<dyn AccountKey> {
    edition().suite().account_key_of(&[number; 32]).unwrap()
}

/// Signed in FISCO's format, in hex.
pub(crate) fn signed(key: &dyn AccountKey, request: FiscoRequest) -> String {
    let signature = key.sign(&request.signing_hash(edition().suite().hash_fn()));
    hex::encode_prefixed(request.signed(fisco_signature(&signature)).encode())
}

/// Signed as Ethereum's, in hex.
fn signed_as_ethereums(key: &dyn AccountKey, transaction: TxLegacy) -> String {
    let signature = key.sign(&transaction.signature_hash());
    let Signer::OddY(is_odd) = signature.signer else {
        panic!("an account of this edition signs no Ethereum transaction");
    };
    let signature = Signature::new(signature.r, signature.s, is_odd);
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    hex::encode_prefixed(envelope.encoded_2718())
}

/// An account with the number of its next transaction, at a node.
pub(crate) struct Account<'a> {
    pub(crate) running: &'a Running,
    key: Arc<dyn AccountKey>,
    pub(crate) nonce: u64,
}

impl<'a> Account<'a> {
    pub(crate) fn new(running: &'a Running, number: u8) -> Self {
        Self {
            running,
            key: account_key(number),
            nonce: 0,
        }
    }

    /// A signed transaction in hex, with the next number, which it does not use up.
    pub(crate) fn sign(&self, to: TxKind, input: Vec<u8>, gas_limit: u64) -> String {
        let input = input.into();
        match edition() {
            Edition::Standard => {
                let transaction = TxLegacy {
                    chain_id: Some(CHAIN_ID * 32_768 + GROUP_ID),
                    nonce: self.nonce,
                    gas_price: 0,
                    gas_limit,
                    to,
                    value: U256::ZERO,
                    input,
                };
                signed_as_ethereums(&*self.key, transaction)
            }
            Edition::Sm => {
                let request = FiscoRequest {
                    random_id: U256::from(self.nonce),
                    block_limit: 500,
                    to,
                    input,
                    chain_id: CHAIN_ID,
                    group_id: GROUP_ID,
                    ..FiscoRequest::default()
                };
                signed(&*self.key, request)
            }
        }
    }

    /// Sends a transaction and gives its hash, or why it is refused.
    pub(crate) fn send(&mut self, to: Address, input: Vec<u8>, gas: u64) -> Result<Value, String> {
        self.send_to(TxKind::Call(to), input, gas)
    }

    /// As [`Self::send`]; also a creation.
    pub(crate) fn send_to(&mut self, to: TxKind, input: Vec<u8>, gas: u64) -> Result<Value, String> {
        let raw = self.sign(to, input, gas);
        let answer = self.running.ask("eth_sendRawTransaction", json!([raw]));
        match answer["error"]["message"].as_str() {
            Some(why) => Err(why.to_owned()),
            None => {
                self.nonce += 1;
                Ok(answer["result"].clone())
            }
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }
}
