//! The senders that were found lately, so that each signature is verified once a node: a transaction comes from a client or a peer and in
//! a proposal, in any order, and again from whoever sends it once more.

use std::collections::HashMap;
use std::sync::Arc;

use althing_types::{Address, B256, Recovered, Transaction};
use parking_lot::Mutex;

/// Senders of one generation; two are kept. More than wait in a pool and stand in the blocks of a few seconds.
const GENERATION: usize = 32 * 1024;

/// Senders by the hash of their transaction, which covers the signature. Those that no signature gave are not kept.
#[derive(Debug, Default)]
pub struct Senders(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    newest: HashMap<B256, Address>,
    before: HashMap<B256, Address>,
}

impl Senders {
    /// The sender of a transaction, found with `recover` unless it is known.
    ///
    /// # Errors
    /// Those of `recover`.
    pub fn find<E>(
        &self,
        transaction: Arc<Transaction>,
        recover: impl FnOnce(Arc<Transaction>) -> Result<Recovered, E>,
    ) -> Result<Recovered, E> {
        let hash = transaction.hash();
        if let Some(sender) = self.0.lock().get(&hash) {
            return Ok(Recovered { transaction, sender });
        }
        let recovered = recover(transaction)?;
        self.0.lock().insert(hash, recovered.sender);
        Ok(recovered)
    }
}

impl Generations {
    fn get(&self, hash: &B256) -> Option<Address> {
        self.newest.get(hash).or_else(|| self.before.get(hash)).copied()
    }

    fn insert(&mut self, hash: B256, sender: Address) {
        if self.newest.len() >= GENERATION {
            self.before = std::mem::take(&mut self.newest);
        }
        self.newest.insert(hash, sender);
    }
}

#[cfg(test)]
mod tests {
    use althing_crypto::{StandardSuite, Suite};
    use althing_types::{FiscoRequest, FiscoSignature, U256};

    use super::*;

    fn transaction(random_id: u64) -> Arc<Transaction> {
        let request = FiscoRequest {
            random_id: U256::from(random_id),
            ..FiscoRequest::default()
        };
        let signature = FiscoSignature::recoverable(U256::from(1), U256::from(1), false);
        let raw = request.signed(signature).encode();
        Arc::new(Transaction::decode(raw, StandardSuite.hash_fn()).unwrap())
    }

    #[test]
    fn a_signature_is_verified_once_however_often_its_transaction_comes() {
        let (senders, mut verified) = (Senders::default(), 0);
        for _ in 0..3 {
            let found = senders.find::<()>(transaction(1), |transaction| {
                verified += 1;
                let sender = Address::repeat_byte(1);
                Ok(Recovered { transaction, sender })
            });
            assert_eq!(found.unwrap().sender, Address::repeat_byte(1));
        }
        assert_eq!(verified, 1);
        let mut refused = 0;
        for _ in 0..2 {
            let found = senders.find(transaction(2), |_| {
                refused += 1;
                Err(refused)
            });
            assert_eq!(found, Err(refused));
        }
        assert_eq!(refused, 2, "what nobody signed is not kept");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_of_it() {
        let mut kept = Generations::default();
        let hash = |number: usize| B256::left_padding_from(&number.to_be_bytes());
        for number in 0..GENERATION * 5 {
            kept.insert(hash(number), Address::ZERO);
        }
        assert!(kept.newest.len() + kept.before.len() <= 2 * GENERATION);
        assert!(kept.get(&hash(0)).is_none());
        assert!((GENERATION * 4..GENERATION * 5).all(|number| kept.get(&hash(number)).is_some()));
    }
}
