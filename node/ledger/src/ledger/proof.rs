//! Proofs of accounts and slots against a block's state root (EIP-1186).

use alloy_trie::TrieAccount;
use althing_types::genesis::StateKind;
use althing_types::{Address, Bytes, U256};

use super::Ledger;
use crate::state::{LayeredNodes, decode_leaf};
use crate::trie::{Trie, prove};
use crate::{LedgerError, records};

/// What `eth_getProof` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account asked for.
    pub address: Address,
    /// Its leaf; an account that does not exist has the empty one.
    pub account: TrieAccount,
    /// Encoded nodes from the state root towards the account; they prove absence too.
    pub account_proof: Vec<Bytes>,
    /// One for each slot asked for, in that order.
    pub storage_proof: Vec<SlotProof>,
}

/// The proof of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: U256,
    /// Its value; zero when it was never set.
    pub value: U256,
    /// Encoded nodes from the account's storage root towards the slot; empty when the account has no storage.
    pub proof: Vec<Bytes>,
}

impl Ledger {
    /// Proves an account and some of its slots as of a height. [`LedgerError::NoTrie`] in `state: Storage` groups.
    pub fn proof(&self, address: &Address, slots: &[U256], height: u64) -> Result<AccountProof, LedgerError> {
        if self.inner.genesis.state != StateKind::Mpt {
            return Err(LedgerError::NoTrie);
        }
        let head = self.head().height;
        let header = self
            .header(height)?
            .ok_or(LedgerError::Future { found: height, head })?;
        let source = LayeredNodes {
            storage: self.inner.storage.as_ref(),
            above: &[],
        };
        let hash = self.inner.hash;
        let key = hash(address.as_slice());
        let state_root = header.header.state_root;
        let account_proof = prove(state_root, &source, &key)?;
        let leaf = Trie::at(state_root, &source, hash).get(&key)?;
        let account = leaf
            .map(|leaf| decode_leaf(address, &leaf))
            .transpose()?
            .unwrap_or_default();
        let prove_slot = |slot: &U256| {
            let key = hash(&slot.to_be_bytes::<32>());
            let proof = prove(account.storage_root, &source, &key)?;
            let value = match Trie::at(account.storage_root, &source, hash).get(&key)? {
                Some(value) => records::decode(|| format!("trie leaf of slot {slot:#x} of {address}"), &value)?,
                None => U256::ZERO,
            };
            Ok(SlotProof {
                slot: *slot,
                value,
                proof,
            })
        };
        let storage_proof = slots.iter().map(prove_slot).collect::<Result<_, LedgerError>>()?;
        Ok(AccountProof {
            address: *address,
            account,
            account_proof,
            storage_proof,
        })
    }
}
