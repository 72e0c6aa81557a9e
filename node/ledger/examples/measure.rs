//! What a block of 1000 token transfers costs the ledger, and what opening a chain of 100,000 transactions costs.
//!
//! `cargo run -p althing-ledger --example measure [storage|mpt] [blocks]`

#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, run by hand"
)]

#[path = "../tests/it/suite/support.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use althing_types::genesis::{Cryptography, PROTOCOL_VERSION, StateKind};
use althing_types::transaction::Transaction;
use althing_types::{B256, ChangeSet, Log, Receipt, StateReader, U256};
use support::{Content, account, address, assemble, contract, open, receipt, transaction};

/// What is measured.
const EDITION: Cryptography = Cryptography::Standard;
/// Transfers of a block.
const TRANSFERS: u64 = 1000;
/// Token holders.
const HOLDERS: u64 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let kind = if arguments.get(1).is_some_and(|kind| kind == "mpt") {
        StateKind::Mpt
    } else {
        StateKind::Storage
    };
    let blocks = arguments.get(2).and_then(|blocks| blocks.parse().ok()).unwrap_or(100);
    idle_groups();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), kind);
    let (mut prepare, mut commit, mut cpu) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for height in 1..=blocks {
        let content = transfers(&ledger, height);
        let (start, cpu_start) = (Instant::now(), process_cpu());
        let prepared = ledger.prepare(None, PROTOCOL_VERSION, &content.changes).unwrap();
        prepare += start.elapsed();
        let committed = assemble(&ledger, &ledger.head(), prepared, content);
        let start = Instant::now();
        ledger.commit(committed).unwrap();
        commit += start.elapsed();
        cpu += process_cpu() - cpu_start;
    }
    let per_block = |time: Duration| time.as_secs_f64() * 1000.0 / blocks as f64;
    println!("{kind:?}, {blocks} blocks of {TRANSFERS} transfers ({HOLDERS} holders)");
    println!(
        "prepare {:.2} ms, commit {:.2} ms wall per block",
        per_block(prepare),
        per_block(commit)
    );
    println!(
        "{:.2} ms CPU per block, compaction in the background included",
        per_block(cpu)
    );
    drop(ledger);
    let start = Instant::now();
    let ledger = open(folder.path(), kind);
    println!(
        "opened {} transactions in {:.0} ms",
        ledger.head().transactions_total,
        start.elapsed().as_secs_f64() * 1000.0
    );
    println!(
        "resident memory {} MiB, on disk {} MiB",
        resident_bytes() >> 20,
        folder_bytes(folder.path()) >> 20
    );
}

/// Two groups that do nothing.
fn idle_groups() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let _ledgers = folders.each_ref().map(|folder| open(folder.path(), StateKind::Storage));
    println!(
        "two idle groups: {} MiB resident, the process included",
        resident_bytes() >> 20
    );
}

/// A block: two balances and a log per transfer, one account for the sender's nonce in all.
fn transfers(ledger: &althing_ledger::Ledger, height: u64) -> Content {
    let state = ledger.state_latest();
    let mut changes = ChangeSet::default();
    changes.accounts.insert(address(0), Some(account(height, 1)));
    let mut transactions: Vec<(Arc<Transaction>, Receipt)> = Vec::new();
    for index in 0..TRANSFERS {
        let number = height * TRANSFERS + index;
        let holders = [
            number.wrapping_mul(7919) % HOLDERS,
            number.wrapping_mul(104_729) % HOLDERS,
        ];
        for holder in holders {
            let slot = U256::from_be_bytes(alloy_primitives::keccak256(holder.to_be_bytes()).0);
            // Execution reads what it writes.
            let old = state.storage(&contract(), &slot).unwrap();
            changes.storage.insert((contract(), slot), old + U256::from(number));
        }
        let topics = holders.map(|holder| address(holder).into_word());
        let topics = vec![B256::repeat_byte(1), topics[0], topics[1]];
        let log = Log::new_unchecked(contract(), topics, U256::from(number).to_be_bytes_vec().into());
        transactions.push((transaction(number), receipt(vec![log])));
    }
    Content {
        changes,
        transactions,
        next_sealers: None,
    }
}

/// CPU time of the process, from the kernel's count of clock ticks (100 a second).
fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}
