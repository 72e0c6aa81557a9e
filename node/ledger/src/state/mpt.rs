//! The state root of `state: MPT`: Ethereum's secure trie of accounts, each with its trie of slots.

use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use althing_types::{Account, Address, B256, HashFn};

use super::Layer;
use super::layer::SlotChange;
use crate::trie::{NodeSource, Nodes, Trie};
use crate::{LedgerError, records};

/// Applies a layer's changes to the trie of its parent: the new root and the nodes that are new.
pub(crate) fn trie_root(layer: &Layer, source: &dyn NodeSource, hash: HashFn) -> Result<(B256, Nodes), LedgerError> {
    let mut nodes = Nodes::new();
    let mut trie = Trie::at(layer.parent_root, source, hash);
    let mut slots = layer.slots.chunk_by(|a, b| a.address == b.address).peekable();
    let mut accounts = layer.accounts.iter().peekable();
    // Two ascending lists, walked together: an address may stand in either or in both.
    loop {
        let of_account = accounts.peek().map(|change| change.address);
        let of_slots = slots
            .peek()
            .and_then(|changes| changes.first())
            .map(|change| change.address);
        let Some(address) = of_account.into_iter().chain(of_slots).min() else {
            break;
        };
        let account = accounts
            .next_if(|change| change.address == address)
            .map(|change| change.new);
        let slots = slots.next_if(|changes| changes.first().is_some_and(|change| change.address == address));
        let key = hash(address.as_slice());
        if account == Some(None) {
            trie.remove(&key)?;
            continue;
        }
        let old = trie.get(&key)?.map(|leaf| decode_leaf(&address, &leaf)).transpose()?;
        let mut leaf = with_account(&address, old, account.flatten())?;
        leaf.storage_root = storage_root(leaf.storage_root, slots.unwrap_or_default(), source, hash, &mut nodes)?;
        trie.insert(&key, alloy_rlp::encode(leaf))?;
    }
    Ok((trie.seal(&mut nodes), nodes))
}

/// Reads an account's leaf.
pub(crate) fn decode_leaf(address: &Address, leaf: &[u8]) -> Result<TrieAccount, LedgerError> {
    records::decode(|| format!("trie leaf of account {address}"), leaf)
}

fn with_account(address: &Address, old: Option<TrieAccount>, new: Option<Account>) -> Result<TrieAccount, LedgerError> {
    let storage_root = old.as_ref().map_or(EMPTY_ROOT_HASH, |leaf| leaf.storage_root);
    match (new, old) {
        (Some(account), _) => Ok(TrieAccount::new(
            account.nonce,
            account.balance,
            storage_root,
            account.code_hash,
        )),
        (None, Some(leaf)) => Ok(leaf),
        (None, None) => Err(LedgerError::StorageWithoutAccount(*address)),
    }
}

fn storage_root(
    root: B256,
    changes: &[SlotChange],
    source: &dyn NodeSource,
    hash: HashFn,
    nodes: &mut Nodes,
) -> Result<B256, LedgerError> {
    let mut trie = Trie::at(root, source, hash);
    for change in changes {
        let key = hash(&change.slot.to_be_bytes::<32>());
        if change.new.is_zero() {
            trie.remove(&key)?;
        } else {
            trie.insert(&key, alloy_rlp::encode(change.new))?;
        }
    }
    Ok(trie.seal(nodes))
}
