use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, TxKind, keccak256};
use althing_execution::InvalidReason;
use althing_types::{Address, B256, FiscoRequest, FiscoSignature, Recovered, Transaction, U256};

use super::{Pool, PoolError, PoolLimits, PoolSize, Slot};

fn limits() -> PoolLimits {
    PoolLimits {
        transactions: 6,
        bytes: 10_000,
        expiration_ms: 1_000,
        nonces_ahead: 10,
    }
}

fn sender(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn transaction(from: u8, nonce: u64, tip: u128) -> Recovered {
    let unsigned = TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: tip,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(sender(from)),
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    let envelope = TxEnvelope::from(unsigned.into_signed(signature));
    let transaction = Transaction::decode(envelope.encoded_2718().into(), |bytes| keccak256(bytes)).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender: sender(from),
    }
}

/// A transaction in FISCO's format. Its data tell it from another one with the same randomid.
fn fisco(from: u8, random_id: u64, block_limit: u64, data: u8) -> Recovered {
    let request = FiscoRequest {
        random_id: U256::from(random_id),
        block_limit,
        to: TxKind::Call(sender(from)),
        input: vec![data].into(),
        ..FiscoRequest::default()
    };
    let signature = FiscoSignature::recoverable(U256::from(1), U256::from(1), false);
    let raw = request.signed(signature).encode();
    let transaction = Transaction::decode(raw, |bytes| keccak256(bytes)).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender: sender(from),
    }
}

/// What a block of this height took up.
fn included(pool: &mut Pool, height: u64, taken: &[(u8, Slot)]) {
    pool.included(height, taken.iter().map(|(from, slot)| (sender(*from), *slot)));
}

fn random_id(id: u64) -> Slot {
    Slot::RandomId(U256::from(id))
}

fn hash(from: u8, nonce: u64, tip: u128) -> B256 {
    transaction(from, nonce, tip).transaction.hash()
}

/// The executable transactions as (sender, nonce or randomid).
fn executable(pool: &Pool) -> Vec<(u8, u64)> {
    let number = |recovered: &Recovered| match Slot::of(&recovered.transaction) {
        Slot::Nonce(nonce) => nonce,
        Slot::RandomId(id) => id.to(),
    };
    pool.executable()
        .map(|recovered| (recovered.sender[0], number(recovered)))
        .collect()
}

fn pool_of(transactions: &[(u8, u64)]) -> Pool {
    let mut pool = Pool::new(limits());
    for (from, nonce) in transactions {
        pool.insert(transaction(*from, *nonce, 0), 0, 0).unwrap();
    }
    pool
}

#[test]
fn transactions_are_executable_in_the_order_of_arrival_and_of_nonces() {
    let pool = pool_of(&[(1, 0), (2, 0), (1, 1), (2, 1)]);
    assert_eq!(executable(&pool), [(1, 0), (2, 0), (1, 1), (2, 1)]);
}

#[test]
fn a_transaction_whose_earlier_nonce_is_missing_waits_until_it_comes() {
    let mut pool = pool_of(&[(1, 2), (1, 1), (2, 0)]);
    assert_eq!(executable(&pool), [(2, 0)]);
    assert_eq!(pool.size().queued, 2);
    pool.insert(transaction(1, 0, 0), 0, 0).unwrap();
    assert_eq!(executable(&pool), [(2, 0), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(pool.pending_nonce(&sender(1)), Some(3));
}

#[test]
fn a_higher_offered_tip_replaces_and_keeps_the_place() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (2, 0)]);
    assert_eq!(pool.insert(transaction(1, 0, 0), 0, 0), Err(PoolError::AlreadyKnown));
    pool.insert(transaction(1, 0, 5), 0, 0).unwrap();
    assert_eq!(
        pool.insert(transaction(1, 0, 4), 0, 0),
        Err(PoolError::ReplacementUnderpriced)
    );
    assert_eq!(executable(&pool), [(1, 0), (1, 1), (2, 0)]);
    assert!(pool.contains(&hash(1, 0, 5)));
    assert!(!pool.contains(&hash(1, 0, 0)), "what was replaced is gone");
}

#[test]
fn what_asks_for_more_gas_than_is_given_now_goes_with_what_follows_it() {
    let mut pool = Pool::new(limits());
    for nonce in 0..3 {
        pool.insert(transaction(1, nonce, 0), 0, 0).unwrap();
    }
    pool.insert(transaction(2, 0, 0), 0, 0).unwrap();
    pool.drop_above_gas(21_000);
    assert_eq!(pool.size().executable, 4);
    pool.drop_above_gas(20_999);
    assert_eq!(pool.size(), PoolSize::default());
    pool.insert(transaction(1, 0, 0), 0, 0).unwrap();
    assert_eq!(executable(&pool), [(1, 0)]);
}

#[test]
fn a_used_nonce_and_one_too_far_ahead_are_refused() {
    let mut pool = Pool::new(limits());
    let low = InvalidReason::NonceTooLow {
        transaction: 4,
        account: 5,
    };
    assert_eq!(pool.insert(transaction(1, 4, 0), 5, 0), Err(PoolError::Invalid(low)));
    let far = PoolError::NonceTooFar {
        next: 5,
        found: 16,
        ahead: 10,
    };
    assert_eq!(pool.insert(transaction(1, 16, 0), 5, 0), Err(far));
    assert_eq!(pool.insert(transaction(1, 15, 0), 5, 0), Ok(()));
}

#[test]
fn what_a_block_included_leaves_and_what_it_made_executable_moves_up() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (2, 0), (1, 3)]);
    // The block held nonces 0 to 2 of sender 1, one of which this pool never saw.
    included(&mut pool, 1, &[0, 1, 2].map(|nonce| (1, Slot::Nonce(nonce))));
    assert_eq!(executable(&pool), [(2, 0), (1, 3)]);
    assert!(!pool.contains(&hash(1, 1, 0)));
    included(&mut pool, 2, &[(2, Slot::Nonce(0)), (1, Slot::Nonce(3))]);
    assert_eq!(pool.size(), Default::default(), "an empty pool counts nothing");
}

#[test]
fn a_full_pool_takes_a_replacement_only() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
    assert_eq!(pool.insert(transaction(2, 0, 0), 0, 0), Err(PoolError::Full));
    assert_eq!(pool.insert(transaction(1, 5, 1), 0, 0), Ok(()));
}

#[test]
fn what_waits_too_long_expires_with_what_follows_it() {
    let mut pool = pool_of(&[(1, 0), (1, 1)]);
    pool.insert(transaction(2, 0, 0), 0, 900).unwrap();
    assert_eq!(pool.expire(1_001), 2);
    assert_eq!(executable(&pool), [(2, 0)]);
}

#[test]
fn a_removed_transaction_takes_those_behind_it_along() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (2, 0)]);
    pool.remove(&hash(1, 0, 0));
    assert_eq!(executable(&pool), [(2, 0)]);
    assert_eq!(pool.size().bytes, transaction(2, 0, 0).transaction.raw().len());
}

#[test]
fn what_has_no_nonce_is_executable_at_once_in_the_order_of_arrival() {
    let mut pool = Pool::new(limits());
    pool.insert(fisco(1, 90, 500, 0), 0, 0).unwrap();
    pool.insert(transaction(1, 1, 0), 0, 0).unwrap();
    pool.insert(fisco(1, 20, 500, 0), 0, 0).unwrap();
    pool.insert(transaction(1, 0, 0), 0, 0).unwrap();
    pool.insert(fisco(2, 90, 500, 0), 7, 0).unwrap();
    assert_eq!(executable(&pool), [(1, 90), (1, 20), (1, 0), (1, 1), (2, 90)]);
    assert_eq!(pool.size().queued, 0);
    assert_eq!(
        (pool.pending_nonce(&sender(1)), pool.pending_nonce(&sender(2))),
        (Some(2), Some(7))
    );
}

#[test]
fn a_randomid_waits_once_for_its_sender() {
    let mut pool = Pool::new(limits());
    pool.insert(fisco(1, 5, 500, 0), 0, 0).unwrap();
    assert_eq!(pool.insert(fisco(1, 5, 500, 0), 0, 0), Err(PoolError::AlreadyKnown));
    let waits = PoolError::RandomIdWaits(U256::from(5));
    assert_eq!(pool.insert(fisco(1, 5, 500, 1), 0, 0), Err(waits));
    assert_eq!(pool.insert(fisco(2, 5, 500, 0), 0, 0), Ok(()));
    // A block may hold another one than waits here.
    included(&mut pool, 1, &[(1, random_id(5)), (1, random_id(6))]);
    assert_eq!(executable(&pool), [(2, 5)]);
    assert_eq!(
        pool.insert(fisco(1, 5, 500, 1), 0, 0),
        Ok(()),
        "the pool itself remembers nothing"
    );
}

#[test]
fn what_no_block_takes_any_more_goes_when_its_limit_has_passed() {
    let mut pool = Pool::new(limits());
    for limit in [9, 7, 8, 8] {
        let id = pool.size().executable as u64;
        pool.insert(fisco(1, id, limit, 0), 0, 0).unwrap();
    }
    pool.insert(transaction(2, 0, 0), 0, 0).unwrap();
    included(&mut pool, 6, &[]);
    assert_eq!(executable(&pool).len(), 5);
    included(&mut pool, 7, &[]);
    assert_eq!(executable(&pool), [(1, 0), (1, 2), (1, 3), (2, 0)]);
    included(&mut pool, 8, &[(1, random_id(2))]);
    assert_eq!(executable(&pool), [(1, 0), (2, 0)]);
    included(&mut pool, 900, &[(2, Slot::Nonce(0))]);
    assert_eq!(pool.size(), PoolSize::default());
}

#[test]
fn whether_anything_of_a_sender_waits_is_known_in_both_formats() {
    let mut pool = pool_of(&[(1, 0)]);
    pool.insert(fisco(2, 5, 100, 0), 0, 0).unwrap();
    let waits = |pool: &Pool| [1, 2, 3].map(|from| pool.has_of(&sender(from)));
    assert_eq!(waits(&pool), [true, true, false]);
    included(&mut pool, 1, &[(1, Slot::Nonce(0)), (2, random_id(5))]);
    assert_eq!(waits(&pool), [false; 3]);
}

#[test]
fn a_deployment_in_fiscos_format_moves_its_accounts_nonces_on() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (1, 2)]);
    pool.insert(fisco(1, 5, 500, 0), 0, 0).unwrap();
    included(&mut pool, 1, &[(1, random_id(5)), (1, Slot::Nonce(1))]);
    assert_eq!(executable(&pool), [(1, 2)]);
}

#[test]
fn one_that_leaves_takes_no_other_without_a_nonce_along() {
    let mut pool = pool_of(&[(1, 0), (1, 1)]);
    for id in 5..8 {
        pool.insert(fisco(1, id, 500, 0), 0, id * 100).unwrap();
    }
    pool.remove(&fisco(1, 6, 500, 0).transaction.hash());
    assert_eq!(executable(&pool), [(1, 0), (1, 1), (1, 5), (1, 7)]);
    assert_eq!(pool.expire(1_501), 3, "both nonces, and one that is as old");
    assert_eq!(executable(&pool), [(1, 7)]);
    pool.drop_above_gas(0);
    assert_eq!(executable(&pool), [(1, 7)], "its gas is what is in force");
}

#[test]
fn a_full_pool_takes_no_more_without_a_nonce() {
    let mut pool = pool_of(&[(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]);
    pool.insert(fisco(1, 5, 500, 0), 0, 0).unwrap();
    assert_eq!(pool.insert(fisco(1, 6, 500, 0), 0, 0), Err(PoolError::Full));
    included(&mut pool, 1, &[(1, random_id(5))]);
    assert_eq!(pool.insert(fisco(1, 6, 500, 0), 0, 0), Ok(()));
    let all: usize = pool
        .executable()
        .map(|recovered| recovered.transaction.raw().len())
        .sum();
    assert_eq!(pool.size().bytes, all);
}
