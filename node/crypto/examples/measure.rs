//! What an edition costs: hashing, signing, verifying, the root of a block's transactions. Medians, one thread.
//!
//! `cargo run -p althing-crypto --example measure`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod support;

use std::hint::black_box;
use std::time::Instant;

use alloy_primitives::B256;

use support::{editions, pkcs8};

/// Many and short, so that what else the machine does is not in the median.
const SAMPLES: usize = 1001;

/// The median of a call in microseconds, each sample over so many calls.
fn median<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| drop(black_box(call())));
            start.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[SAMPLES / 2]
}

fn main() {
    let digest = B256::repeat_byte(3);
    let large = vec![7; 16 * 1024];
    let block: Vec<Vec<u8>> = (0..1000_u32).map(|n| n.to_be_bytes().repeat(40)).collect();
    for edition in editions() {
        let suite = edition.suite;
        let hash = suite.hash_fn();
        let node = suite.node_key(&pkcs8(edition.node_curve.0, &[7; 32], None)).unwrap();
        let account = suite.account_key_of(&[7; 32]).unwrap();
        let (vote, public_key) = (node.sign(&digest), node.public_key());
        let signature = account.sign(&digest);
        println!("{suite:?}, microseconds:");
        let row = |name: &str, figure: f64| println!("  {name:<32} {figure:>9.2}");
        row("hash 64 bytes", median(100, || hash(&large[..64])));
        row("hash 16 KiB", median(1, || hash(&large)));
        row("node signs", median(1, || node.sign(&digest)));
        let verify = || suite.verify_node(&public_key, &digest, &vote);
        row("node signature verified", median(1, verify));
        row("account signs", median(1, || account.sign(&digest)));
        let recover = || suite.recover_account(&digest, &signature);
        row("account recovered", median(1, recover));
        row("root of 1000 transactions", median(1, || suite.ordered_root(&block)));
    }
    let ethereum = || alloy_trie::root::ordered_trie_root_with_encoder(&block, |item, out| out.extend_from_slice(item));
    println!(
        "  {:<32} {:>9.2}",
        "the standard root by alloy-trie",
        median(1, ethereum)
    );
}
