//! What TLS with SM2, SM3 and SM4 costs: the CPU of a mutual handshake for both ends together, and of bulk data sealed
//! and opened, on one thread of this process.
//!
//! ```text
//! cargo run -p althing-sm-tls --example handshake_cost -- --count 200
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where it fails, and tells its figures"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/it/pair.rs"]
#[allow(dead_code, reason = "nothing is refused here")]
mod pair;

use std::sync::Arc;
use std::time::Duration;

use common::{client, end, server, sm};
use pair::Pair;
use rustix::time::{ClockId, clock_gettime};

/// Runs, of which the median is told.
const RUNS: usize = 7;

/// Octets of bulk data a run.
const BULK: usize = 8 << 20;

fn main() {
    let count = count();
    let client = Arc::new(client(sm(), Some(end("client"))));
    let server = Arc::new(server(sm(), end("server"), Vec::new()));
    let handshake = median(|| {
        for _ in 0..count {
            Pair::new(&client, &server).handshake().unwrap();
        }
    });
    let each = handshake.as_secs_f64() * 1e3 / f64::from(count);
    println!("a mutual handshake, both ends together: {each:.2} ms of CPU (median of {RUNS} runs of {count})");

    let data = vec![0x5a; BULK];
    let mut pair = Pair::new(&client, &server);
    pair.handshake().unwrap();
    let bulk = median(|| assert_eq!(pair.at_server(&data).len(), data.len()));
    let rate = BULK as f64 / 1e6 / bulk.as_secs_f64();
    println!(
        "data sealed and opened, both ends together: {rate:.0} MB a second of CPU (median of {RUNS} runs of {} MiB)",
        BULK >> 20
    );
}

/// How often a run shakes hands: `--count`, or 200.
fn count() -> u32 {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => 200,
        ["--count", count] => count.parse().ok().filter(|count| *count > 0).unwrap_or_else(|| usage()),
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("handshake_cost takes --count N, how many handshakes a run has, from 1");
    std::process::exit(2);
}

/// The CPU that a run takes of this process, whatever else the machine does meanwhile.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = cpu();
            run();
            cpu().saturating_sub(started)
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap_or_default()
}

fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}
