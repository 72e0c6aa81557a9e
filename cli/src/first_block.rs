//! A group seals on demand, so its first blocks need a transaction each: one that changes nothing, from an account nobody
//! keeps.
//!
//! Block 1 alone shows that leader and voters agree once. Block 2 has another leader, builds on a block of the group's own
//! making and is voted for over the same connections, so a group that has made it goes on. Where the ledger is that high
//! already, nothing is sent.

use alloy_primitives::{Address, Bytes};
use althing_operator::edge::entropy;
use althing_operator::governance::rpc;
use althing_operator::pki::PrivateKey;
use althing_operator::plan::{KeyKind, KeyPurpose};
use althing_operator::transaction::{Chain, Message, Signed, sign};
use althing_types::Genesis;
use anyhow::Context;

use crate::rpc::NodeClient;

/// The height `up` brings every group to.
pub(crate) const HEIGHT: u64 = 2;

/// Sends the transaction to a group that has so many blocks.
pub(crate) async fn send(client: &NodeClient, genesis: &Genesis, height: u64) -> anyhow::Result<()> {
    let transfer = signed_transfer(genesis, height)?;
    let path = format!("/group/{}", genesis.group_id);
    let answer = client.post(&path, &rpc::send(std::slice::from_ref(&transfer))).await?;
    rpc::told_sent(&answer, 1).context("send a transaction")
}

/// A transfer of nothing to the zero address.
fn signed_transfer(genesis: &Genesis, height: u64) -> anyhow::Result<Signed> {
    let kind = KeyKind::new(KeyPurpose::Account, genesis.cryptography);
    let key = entropy::with_entropy(|entropy| PrivateKey::generate(kind, entropy))?;
    let message = Message {
        chain: Chain {
            chain_id: genesis.chain_id,
            group: genesis.group_id,
            height,
        },
        to: Address::ZERO,
        input: Bytes::new(),
    };
    Ok(sign(&key.context("make a throw-away key")?, &message)?)
}

#[cfg(test)]
mod tests {
    use althing_operator::suite;
    use althing_types::genesis::Cryptography;
    use althing_types::{FiscoTransaction, GroupId, NodeId, SealerSet, Transaction};

    use super::*;

    #[test]
    fn the_transfer_is_one_the_ledger_takes_in_both_editions() {
        let sealers = SealerSet::new(vec![NodeId::new([1; 64])]);
        let plain = Genesis::with_defaults(20_260, GroupId::try_from(3).unwrap(), sealers).unwrap();
        for cryptography in [Cryptography::Standard, Cryptography::Sm] {
            let genesis = Genesis {
                cryptography,
                ..plain.clone()
            };
            let transfer = signed_transfer(&genesis, 1).unwrap();
            let raw = alloy_primitives::hex::decode(&transfer.raw).unwrap();
            let hash = suite::of(cryptography).hash_fn();
            let transaction = Transaction::decode(raw.clone().into(), hash).unwrap();
            assert_eq!(*transaction.hash(), transfer.hash);
            let request = FiscoTransaction::decode(&raw).unwrap().request;
            assert_eq!((request.chain_id, request.group_id), (20_260, 3));
            assert!((2..=1_001).contains(&request.block_limit));
        }
    }
}
