//! A group seals on demand, so its first blocks need a transaction each: one that changes nothing, from an account nobody
//! keeps.
//!
//! Block 1 alone shows that leader and voters agree once. Block 2 has another leader, builds on a block of the group's own
//! making and is voted for over the same connections, so a group that has made it goes on. Where the ledger is that high
//! already, nothing is sent.

use alloy_primitives::{Address, Bytes};
use althing_operator::edge::entropy;
use althing_operator::pki::PrivateKey;
use althing_operator::plan::KeyKind;
use althing_operator::transaction::{Message, sign};
use anyhow::Context;
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

fn throw_away_key() -> anyhow::Result<PrivateKey> {
    entropy::with_entropy(|entropy| PrivateKey::generate(KeyKind::Secp256k1, entropy))?.context("make a throw-away key")
}

/// A transfer of nothing to the zero address, as hex.
fn signed_transfer(key: &PrivateKey, evm_chain_id: u64) -> anyhow::Result<String> {
    let message = Message {
        evm_chain_id,
        nonce: 0,
        gas_limit: TRANSFER_GAS,
        to: Address::ZERO,
        input: Bytes::new(),
    };
    Ok(sign(key, message)?.raw)
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
