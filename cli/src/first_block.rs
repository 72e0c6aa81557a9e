//! A group seals on demand, so its first blocks need a transaction each: one that changes nothing, from an account nobody
//! keeps.
//!
//! Block 1 alone shows that leader and voters agree once. Block 2 has another leader, builds on a block of the group's own
//! making and is voted for over the same connections, so a group that has made it goes on. Where the ledger is that high
//! already, nothing is sent.

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Signature, TxKind, U256};
use anyhow::Context;
use rand::TryRng;
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use serde_json::json;

use crate::rpc::NodeClient;

/// The height `up` brings every group to.
pub(crate) const HEIGHT: u64 = 2;
/// Gas of a transfer (Yellow Paper, appendix G: G_transaction).
const TRANSFER_GAS: u64 = 21_000;

/// Sends the transaction; its hash is the answer.
pub(crate) async fn send(client: &NodeClient, group: u32) -> anyhow::Result<String> {
    let path = format!("/group/{group}");
    let chain_id = client.quantity(&path, "eth_chainId", json!([])).await?;
    let raw = signed_transfer(&throw_away_key()?, chain_id)?;
    client.call(&path, "eth_sendRawTransaction", json!([raw])).await
}

fn throw_away_key() -> anyhow::Result<SecretKey> {
    let mut bytes = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .context("read the system's randomness")?;
    SecretKey::from_secret_bytes(bytes).context("make a throw-away key")
}

/// A transfer of nothing to the zero address, as hex.
fn signed_transfer(key: &SecretKey, chain_id: u64) -> anyhow::Result<String> {
    let transaction = TxLegacy {
        chain_id: Some(chain_id),
        nonce: 0,
        gas_price: 0,
        gas_limit: TRANSFER_GAS,
        to: TxKind::Call(Address::ZERO),
        value: U256::ZERO,
        input: Default::default(),
    };
    let digest = transaction.signature_hash();
    let (recovery, compact) =
        RecoverableSignature::sign_ecdsa_recoverable(Message::from_digest(digest.0), key).serialize_compact();
    let signature = Signature::from_bytes_and_parity(&compact, i32::from(recovery.to_u8()) % 2 == 1);
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    Ok(alloy_primitives::hex::encode_prefixed(envelope.encoded_2718()))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use althing_types::Transaction;

    use super::*;

    #[test]
    fn the_transfer_is_one_the_ledger_takes() {
        let raw = signed_transfer(&throw_away_key().unwrap(), 663_552_001).unwrap();
        let bytes = alloy_primitives::hex::decode(raw).unwrap();
        let transaction = Transaction::decode(bytes.into(), |bytes| keccak256(bytes)).unwrap();
        let envelope = transaction.ethereum().unwrap();
        assert_eq!(alloy_consensus::Transaction::chain_id(envelope), Some(663_552_001));
        assert!(alloy_consensus::transaction::SignerRecoverable::recover_signer(envelope).is_ok());
    }
}
