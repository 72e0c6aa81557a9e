//! Runs seeds of the simulator: `althing-sim --seeds 0..20000`, or one with its trace: `althing-sim --replay 4711`.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use althing_sim::{Counts, Options, Planted, Report, run};
use clap::{Parser, ValueEnum};

/// Runs the consensus under seeded faults and liars, and checks its invariants.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seeds to run, the last excluded.
    #[arg(long, value_parser = range, default_value = "0..1000")]
    seeds: std::ops::Range<u64>,
    /// Run one seed and print its trace.
    #[arg(long)]
    replay: Option<u64>,
    /// Plant a mistake, to see that it is found.
    #[arg(long, value_enum)]
    planted: Option<Mistake>,
    /// Threads to run on; by default one for each processor.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mistake {
    QuorumTooSmall,
    LockNotPersisted,
    SignatureUnchecked,
    StaleView,
    UnjustifiedView,
}

impl From<Mistake> for Planted {
    fn from(mistake: Mistake) -> Self {
        match mistake {
            Mistake::QuorumTooSmall => Self::QuorumTooSmall,
            Mistake::LockNotPersisted => Self::LockNotPersisted,
            Mistake::SignatureUnchecked => Self::SignatureUnchecked,
            Mistake::StaleView => Self::StaleView,
            Mistake::UnjustifiedView => Self::UnjustifiedView,
        }
    }
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let parts = text
        .split_once("..")
        .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parts
        .filter(|range: &std::ops::Range<u64>| !range.is_empty())
        .ok_or_else(|| format!("a range of seeds is FROM..TO with FROM below TO, as in 0..20000; found {text:?}"))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        planted: arguments.planted.map(Into::into),
        ..Options::toy()
    };
    let outcome = match arguments.replay {
        Some(seed) => replay(seed, &arguments, &Options { trace: true, ..options }),
        None => run_all(&arguments, &options),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("althing-sim: cannot write its report: {error}");
        ExitCode::FAILURE
    })
}

fn replay(seed: u64, arguments: &Arguments, options: &Options) -> std::io::Result<ExitCode> {
    let report = run(seed, options);
    let mut out = std::io::stdout().lock();
    for line in &report.lines {
        writeln!(out, "{line}")?;
    }
    print(&mut out, &report, arguments)?;
    Ok(if report.violation.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print(out: &mut impl Write, report: &Report, arguments: &Arguments) -> std::io::Result<()> {
    let Report {
        seed,
        trace_hash,
        events,
        height,
        healed_ms,
        ..
    } = report;
    writeln!(
        out,
        "seed {seed}: trace {trace_hash:016x}, {events} events, height {height}, healed in {healed_ms} ms"
    )?;
    if let Some(violation) = &report.violation {
        writeln!(
            out,
            "seed {seed}: VIOLATION of {}: {}",
            violation.invariant, violation.what
        )?;
        let planted = arguments.planted.and_then(|mistake| mistake.to_possible_value());
        let planted = planted.map_or_else(String::new, |value| format!(" --planted {}", value.get_name()));
        writeln!(out, "seed {seed}: to see it: althing-sim --replay {seed}{planted}")?;
    }
    Ok(())
}

/// What the threads add up.
#[derive(Default)]
struct Sum {
    runs: u64,
    events: u64,
    blocks: u64,
    counts: Counts,
    slowest_ms: u64,
    /// The seeds that broke a promise.
    violations: BTreeSet<u64>,
}

fn run_all(arguments: &Arguments, options: &Options) -> std::io::Result<ExitCode> {
    let began = Instant::now();
    let next = AtomicU64::new(arguments.seeds.start);
    let sum = Mutex::new(Sum::default());
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.unwrap_or(available).max(1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= arguments.seeds.end {
                        break;
                    }
                    add(&sum, &run(seed, options), arguments);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary(
        &mut std::io::stdout().lock(),
        &sum,
        threads,
        began.elapsed().as_secs_f64(),
    )?;
    Ok(if sum.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn summary(out: &mut impl Write, sum: &Sum, threads: usize, seconds: f64) -> std::io::Result<()> {
    let Sum {
        runs, events, blocks, ..
    } = *sum;
    let (rate, slowest) = (runs as f64 / seconds, sum.slowest_ms as f64 / 1_000.0);
    writeln!(
        out,
        "{runs} seeds of 4 to 7 sealers on {threads} threads in {seconds:.1} s ({rate:.0} a second)"
    )?;
    for (what, count) in [("events", events), ("heights decided", blocks)]
        .into_iter()
        .chain(sum.counts.rows())
    {
        writeln!(out, "{count:>12}  {what}")?;
    }
    writeln!(out, "slowest healing: {slowest:.1} s of simulated time")?;
    match sum.violations.first() {
        None => writeln!(out, "no violation"),
        Some(first) => writeln!(
            out,
            "{} seeds with a violation, the first {first}",
            sum.violations.len()
        ),
    }
}

fn add(sum: &Mutex<Sum>, report: &Report, arguments: &Arguments) {
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.runs += 1;
    sum.events += report.events;
    sum.blocks += report.height;
    sum.counts.add(&report.counts);
    sum.slowest_ms = sum.slowest_ms.max(report.healed_ms);
    if report.violation.is_some() {
        sum.violations.insert(report.seed);
        // Told at once, so that a long run need not be waited for; a closed pipe is no reason to stop.
        let _ = print(&mut std::io::stdout().lock(), report, arguments);
    }
}
