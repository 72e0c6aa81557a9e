//! What an ERC-20 transfer costs in a block of 1000 over a state in memory: verifying, building, and without events.
//!
//! `cargo run -p althing-execution --example transfer_cost`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, TxKind, hex, keccak256};
use althing_execution::memory::MemoryState;
use althing_execution::{BlockBuilder, BlockContext, ChainIds, Limits, RandomIds, Rules, execute_block};
use althing_types::genesis::EvmHash;
use althing_types::{Address, GroupId, Receipt, Recovered, Transaction, U256};

const CREATION: &str = include_str!("../tests/it/fixtures/erc20_preset_fixed_supply.hex");
const TRANSFERS: u64 = 1000;
const ROUNDS: u32 = 20;

static NEVER: AtomicBool = AtomicBool::new(false);

fn transaction(from: Address, nonce: u64, to: TxKind, input: Vec<u8>) -> Recovered {
    let transaction = TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: 3_000_000,
        to,
        input: input.into(),
        ..TxEip1559::default()
    };
    let envelope = TxEnvelope::from(transaction.into_signed(Signature::new(U256::from(1), U256::from(1), false)));
    let transaction = Transaction::decode(envelope.encoded_2718().into(), |bytes| keccak256(bytes)).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender: from,
    }
}

fn word(n: u64) -> [u8; 32] {
    U256::from(n).to_be_bytes()
}

fn creation(owner: Address) -> Vec<u8> {
    let mut code = hex::decode(CREATION.trim()).unwrap();
    code.extend([word(0x80), word(0xa0), word(u64::MAX)].concat());
    code.extend(owner.into_word());
    code.extend([word(0), word(0)].concat());
    code
}

fn transfer(to: Address) -> Vec<u8> {
    [&hex!("a9059cbb")[..], &to.into_word()[..], &word(1)].concat()
}

fn best(mut work: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn main() {
    let rules = Rules::of_version(1, Arc::new(althing_crypto::StandardSuite), EvmHash::Keccak256).unwrap();
    let limits = Limits {
        transactions: 1000,
        bytes: 4 << 20,
        gas: 300_000_000,
    };
    let context = BlockContext {
        number: 1,
        unix_ms: 1000,
        beneficiary: Address::ZERO,
        ids: ChainIds {
            evm: 1,
            chain: 1,
            group: GroupId::try_from(1).unwrap(),
        },
        limits,
        timeout_ms: 3_000,
    };
    let owner = Address::repeat_byte(1);
    let token = owner.create(0);
    let account = |n: u64| Address::repeat_byte(2).create(n);
    let (mut state, used) = (MemoryState::default(), RandomIds::default());
    let mut prepare = vec![transaction(owner, 0, TxKind::Create, creation(owner))];
    prepare.extend((0..TRANSFERS).map(|n| transaction(owner, n + 1, TxKind::Call(token), transfer(account(n)))));
    for chunk in prepare.chunks(500) {
        let executed = execute_block(&rules, &state, &used, &context, chunk, &NEVER).unwrap();
        assert!(executed.receipts.iter().all(Receipt::succeeded));
        state.apply(&executed.changes);
    }
    // Everybody sends to somebody new: the costliest usual case.
    let block: Vec<_> = (0..TRANSFERS)
        .map(|n| transaction(account(n), 0, TxKind::Call(token), transfer(account(n + TRANSFERS))))
        .collect();
    let executed = execute_block(&rules, &state, &used, &context, &block, &NEVER).unwrap();
    assert!(executed.receipts.iter().all(Receipt::succeeded));
    let verify = best(|| {
        execute_block(&rules, &state, &used, &context, &block, &NEVER).unwrap();
    });
    let build = best(|| {
        let mut builder = BlockBuilder::new(&rules, &state, &used, &context, &NEVER);
        for transaction in &block {
            builder.try_push(transaction).unwrap();
        }
        builder.finish();
    });
    let one = best(|| {
        execute_block(
            &rules,
            &state,
            &used,
            &context,
            block.get(..1).unwrap_or_default(),
            &NEVER,
        )
        .unwrap();
    });
    println!(
        "verify a block of {TRANSFERS}: {:.2} us a transfer",
        verify.as_secs_f64() * 1e6 / TRANSFERS as f64
    );
    println!(
        "build a block of {TRANSFERS}: {:.2} us a transfer",
        build.as_secs_f64() * 1e6 / TRANSFERS as f64
    );
    println!("verify a block of 1: {:.2} us", one.as_secs_f64() * 1e6);
    println!("gas a transfer: {}", executed.gas_used / TRANSFERS);
}
