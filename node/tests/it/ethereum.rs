//! What only accounts of the standard edition send: Ethereum's transactions, which say how much gas they may use.

use alloy_primitives::Address;

use crate::standard::account::Account;
use crate::standard::folder::Folder;
use crate::standard::voted::{set_value, start};

#[test]
fn a_transaction_that_asks_for_more_gas_than_was_voted_for_is_refused() {
    let folder = Folder::new();
    let running = start(&folder);
    let mut account = Account::new(&running, 1);
    set_value(&mut account, "tx_gas_limit", "10000000");
    let refused = account.send(Address::ZERO, vec![], 10_000_001).unwrap_err();
    assert!(refused.contains("10000000"), "{refused}");
    account.send(Address::ZERO, vec![], 10_000_000).unwrap();
}
