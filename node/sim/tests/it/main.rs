//! What the simulator promises about the consensus, and about itself.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod recovery;

use std::sync::Arc;

use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_sim::suite::IDENTITIES_MAX;
use althing_sim::{Counts, Crypto, Options, Planted, Report, run};
use p256::pkcs8::{EncodePrivateKey, LineEnding};

/// Seeds of every run of the tests; `althing-sim --seeds 0..20000` runs many more.
const SEEDS: u64 = 2_000;
/// Seeds within which a planted mistake must be found; each is found among the first dozen.
const SEEDS_TO_FIND: u64 = 200;

fn first_violation(seeds: std::ops::Range<u64>, options: &Options) -> Option<Report> {
    seeds
        .map(|seed| run(seed, options))
        .find(|report| report.violation.is_some())
}

#[test]
fn no_seed_breaks_an_invariant() {
    let violated = std::thread::scope(|scope| {
        let half = |from| scope.spawn(move || first_violation(from..from + SEEDS / 2, &Options::toy()));
        let halves = [half(0), half(SEEDS / 2)];
        halves.into_iter().find_map(|half| half.join().unwrap())
    });
    let Some(Report { seed, violation, .. }) = violated else {
        return;
    };
    panic!("{violation:?}; to see it: althing-sim --replay {seed}");
}

/// Five minutes: what a machine without a time service is off by after some weeks.
const CLOCK_OFF_MS: i64 = 300_000;
/// Seeds of each direction in which a clock is off.
const SEEDS_OF_CLOCKS: u64 = 300;

#[test]
fn a_sealer_whose_clock_is_five_minutes_off_costs_the_group_nothing_and_follows_it() {
    for clock_off_ms in [CLOCK_OFF_MS, -CLOCK_OFF_MS] {
        let options = Options {
            clock_off_ms: Some(clock_off_ms),
            ..Options::toy()
        };
        // That every honest node goes on after the chaos, the one with the clock included, is among the invariants.
        let violated = first_violation(0..SEEDS_OF_CLOCKS, &options);
        let violated = violated.map(|report| (report.seed, report.violation));
        assert_eq!(violated, None, "{clock_off_ms} ms");
    }
}

/// The keys of a run in a real edition.
fn crypto(suite: Arc<dyn Suite>, pem: fn(&[u8; 32]) -> String) -> Crypto {
    let key = |n: usize| suite.node_key(&pem(&[u8::try_from(n).unwrap() + 1; 32])).unwrap();
    let mut keys: Vec<_> = (0..IDENTITIES_MAX).map(key).collect();
    keys.sort_by_key(|key| key.public_key());
    Crypto { suite, keys }
}

#[test]
fn the_real_suites_keep_the_same_promises() {
    let standard = crypto(Arc::new(StandardSuite), |secret| {
        let key = p256::SecretKey::from_slice(secret).unwrap();
        key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    });
    let sm = crypto(Arc::new(SmSuite), |secret| {
        let key = sm2::SecretKey::from_slice(secret).unwrap();
        key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    });
    for crypto in [standard, sm] {
        let options = Options {
            crypto,
            ..Options::toy()
        };
        let reports: Vec<Report> = (0..12).map(|seed| run(seed, &options)).collect();
        assert!(reports.iter().all(|report| report.violation.is_none()), "{reports:?}");
        assert!(
            reports.iter().map(|report| report.height).sum::<u64>() > 36,
            "blocks were made"
        );
    }
}

#[test]
fn a_hundred_of_a_hundred_replays_give_the_same_trace() {
    let trace = |seed| run(seed, &Options::toy());
    let same = (0..100).filter(|seed| trace(*seed) == trace(*seed)).count();
    assert_eq!(same, 100);
    assert_ne!(
        trace(0).trace_hash,
        trace(1).trace_hash,
        "different seeds are different runs"
    );
}

#[test]
fn every_adversity_really_happens() {
    let mut counts = Counts::default();
    for seed in 0..500 {
        counts.add(&run(seed, &Options::toy()).counts);
    }
    // What needs a person is the only thing that may be too rare for so few runs.
    let rare = "abstentions lifted by a person";
    let absent: Vec<_> = counts
        .rows()
        .into_iter()
        .filter(|(what, count)| *what != rare && *count < 10)
        .collect();
    assert_eq!(absent, [], "in 500 runs");
    assert!(counts.later_views * 10 > counts.written, "leaders fail: {counts:?}");
}

#[test]
fn keeping_the_lines_changes_nothing_of_the_run() {
    let quiet = run(7, &Options::toy());
    let loud = run(
        7,
        &Options {
            trace: true,
            ..Options::toy()
        },
    );
    assert_eq!(quiet.trace_hash, loud.trace_hash);
    assert!(loud.lines.len() as u64 >= loud.events);
}

/// The first violation that the mistake leads to, of an invariant that is about such mistakes.
fn found(planted: Planted, invariants: &[&str]) {
    let options = Options {
        planted: Some(planted),
        ..Options::toy()
    };
    let report = first_violation(0..SEEDS_TO_FIND, &options).unwrap_or_else(|| panic!("{planted:?} was not found"));
    let violation = report.violation.unwrap();
    assert!(invariants.contains(&violation.invariant), "{violation:?}");
    assert_eq!(
        run(report.seed, &Options::toy()).violation,
        None,
        "without it the seed is good"
    );
}

#[test]
fn a_quorum_one_too_small_is_found() {
    found(Planted::QuorumTooSmall, &["certificate quorum", "agreement"]);
}

#[test]
fn a_lock_that_is_not_persisted_is_found() {
    found(Planted::LockNotPersisted, &["no double vote", "agreement"]);
}

#[test]
fn signatures_that_nobody_checks_are_found() {
    let invariants = ["no false accusation", "certificate quorum", "agreement"];
    found(Planted::SignatureUnchecked, &invariants);
}

#[test]
fn a_stale_view_that_is_accepted_is_found() {
    found(Planted::StaleView, &["no double vote", "agreement"]);
}

#[test]
fn a_new_view_without_justification_is_found() {
    found(Planted::UnjustifiedView, &["agreement"]);
}
