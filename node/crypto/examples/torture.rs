//! Hostile bytes for every decoder and signature of both editions, as many cases as asked for; counts panics and false accepts.
//!
//! `cargo run -p althing-crypto --example torture -- [cases] [seed]`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/it/cases.rs"]
mod cases;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use cases::Cases;

/// Cases between two lines of progress.
const STEP: u64 = 50_000;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>().unwrap());
    let (count, seed) = (words.next().unwrap_or(100_000), words.next().unwrap_or(1));
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    println!("{count} cases from seed {seed} on {threads} threads");
    let (next, panics, accepts) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (cases, start) = (Cases::new(), Instant::now());
    // Each seed has its own cases: the multiplier spreads them over all numbers.
    let first = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let work = || {
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= count {
                return;
            }
            if index % STEP == 0 && index > 0 {
                println!("{index} after {:.0} s", start.elapsed().as_secs_f64());
            }
            match catch_unwind(AssertUnwindSafe(|| cases.try_case(first.wrapping_add(index)))) {
                Ok(Ok(())) => {}
                Ok(Err(accepted)) => {
                    accepts.fetch_add(1, Relaxed);
                    println!("false accept: {}", accepted.0);
                }
                Err(_) => {
                    panics.fetch_add(1, Relaxed);
                    println!("panic: case {}", first.wrapping_add(index));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (panics, accepts) = (panics.into_inner(), accepts.into_inner());
    println!(
        "{count} cases in {:.0} s: {panics} panics, {accepts} false accepts",
        start.elapsed().as_secs_f64()
    );
    match panics + accepts {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
