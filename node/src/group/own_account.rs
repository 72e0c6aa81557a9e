//! The account in whose name a node brings proofs of life and recoveries. It has no right and holds nothing: anybody may bring either.
//!
//! Its transactions are in FISCO's format (ADR 0025), which accounts of both editions sign. The randomid follows from the newest block and
//! the call, so that the same act upon the same block is the same transaction, however often and after whatever restart it is made.

use std::sync::Arc;

use alloy_primitives::TxKind;
use althing_crypto::{AccountKey, KeyError, NodeKey, Suite};
use althing_execution::fisco_signature;
use althing_types::{Address, B256, Bytes, FiscoRequest, Genesis, HashFn, U256};

/// What the account is made of, signed by the node's key: the same account after every start, and nobody else's.
const ACCOUNT: &[u8] = b"althing/alive-account/v1";

/// The account, in one group.
#[derive(Clone, Debug)]
pub(crate) struct OwnAccount {
    key: Arc<dyn AccountKey>,
    hash: HashFn,
    chain_id: u64,
    group_id: u64,
}

impl OwnAccount {
    /// The account of the node with this key.
    ///
    /// # Errors
    /// One key in 2^128 makes no account.
    pub(crate) fn new(key: &dyn NodeKey, suite: &dyn Suite, genesis: &Genesis) -> Result<Self, KeyError> {
        let hash = suite.hash_fn();
        let secret = hash(&key.sign(&hash(ACCOUNT)));
        Ok(Self {
            key: suite.account_key_of(&secret.0)?,
            hash,
            chain_id: genesis.chain_id,
            group_id: genesis.group_id.get().into(),
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    /// The transaction that calls a contract, made upon the block of this hash and void above the height of `block_limit`.
    pub(crate) fn call(&self, to: Address, input: Bytes, newest: &B256, block_limit: u64) -> Bytes {
        let act = [newest.as_slice(), &input].concat();
        let request = FiscoRequest {
            random_id: U256::from_be_bytes((self.hash)(&act).0),
            block_limit,
            to: TxKind::Call(to),
            input,
            chain_id: self.chain_id,
            group_id: self.group_id,
            ..FiscoRequest::default()
        };
        let signature = self.key.sign(&request.signing_hash(self.hash));
        request.signed(fisco_signature(&signature)).encode()
    }
}

#[cfg(test)]
mod tests {
    use althing_execution::recover;
    use althing_types::Transaction;

    use super::*;
    use crate::group::testing::{self, Edition};

    fn account(edition: Edition) -> OwnAccount {
        let genesis = testing::genesis(edition, &testing::node(1));
        OwnAccount::new(&*edition.node_key(), &*edition.suite(), &genesis).unwrap()
    }

    fn call(account: &OwnAccount, newest: u8, input: u8) -> Bytes {
        account.call(
            Address::repeat_byte(9),
            vec![input; 3].into(),
            &B256::repeat_byte(newest),
            77,
        )
    }

    #[test]
    fn a_node_has_one_account_whose_transactions_its_edition_takes_for_its_own() {
        for edition in Edition::ALL {
            let (account, suite) = (account(edition), edition.suite());
            assert_eq!(account.address(), super::tests::account(edition).address());
            let transaction = Transaction::decode(call(&account, 1, 2), suite.hash_fn()).unwrap();
            assert_eq!(transaction.fisco().unwrap().request.block_limit, 77);
            let recovered = recover(&*suite, 1, Arc::new(transaction)).unwrap();
            assert_eq!(recovered.sender, account.address());
        }
    }

    #[test]
    fn the_same_act_upon_the_same_block_is_the_same_transaction_and_no_other_is() {
        for account in Edition::ALL.map(account) {
            assert_eq!(call(&account, 1, 2), call(&account, 1, 2));
            assert_ne!(call(&account, 1, 2), call(&account, 3, 2));
            assert_ne!(call(&account, 1, 2), call(&account, 1, 3));
        }
    }
}
