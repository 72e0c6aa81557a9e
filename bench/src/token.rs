//! Signed transfers of the token, as many as a load takes.

use alloy_primitives::{Address, B256};
use althing_e2e::Account;
use althing_e2e::token::transfer;
use rayon::prelude::*;

/// Signs `each` transfers for every account, from the nonce it is at, on all cores. The result is in sending order:
/// first every account's first, then every account's second.
pub(crate) fn sign_all(accounts: &[Account], first_nonce: u64, each: u64, token: Address) -> Vec<Signed> {
    let rounds = (0..each).into_par_iter().map(|round| {
        let one = |(index, account): (usize, &Account)| {
            let to = accounts[(index + 1) % accounts.len()].address();
            let (raw, hash) = transfer(account, first_nonce + round, token, to, 1);
            Signed { raw, hash }
        };
        accounts.iter().enumerate().map(one).collect::<Vec<_>>()
    });
    rounds.flatten().collect()
}

/// A signed transfer.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// The transaction as hex.
    pub(crate) raw: String,
    /// Its hash.
    pub(crate) hash: B256,
}
