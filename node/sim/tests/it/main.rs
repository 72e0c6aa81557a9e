//! What the simulator promises about the consensus, and about itself.

use std::sync::Arc;

use althing_crypto::{NodeKey, StandardSuite, Suite};
use althing_sim::suite::IDENTITIES_MAX;
use althing_sim::{Crypto, Options, Planted, Report, run};
use p256::pkcs8::EncodePrivateKey;

/// Seeds of every run of the tests; `make sim` runs many more.
const SEEDS: u64 = 1_500;
/// Seeds within which a planted mistake must be found.
const SEEDS_TO_FIND: u64 = 1_500;

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
    assert_eq!(violated, None, "replay it with `althing-sim --replay SEED`");
}

#[test]
fn the_standard_suite_keeps_the_same_promises() {
    let key = |n: usize| -> Arc<dyn NodeKey> {
        let secret = p256::SecretKey::from_slice(&[u8::try_from(n).unwrap() + 1; 32]).unwrap();
        StandardSuite
            .node_key(&secret.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap())
            .unwrap()
    };
    let mut keys: Vec<_> = (0..IDENTITIES_MAX).map(key).collect();
    keys.sort_by_key(|key| key.public_key());
    let crypto = Crypto {
        suite: Arc::new(StandardSuite),
        keys,
    };
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
fn runs_are_rough() {
    let reports: Vec<Report> = (0..100).map(|seed| run(seed, &Options::toy())).collect();
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    assert!(sum(|report| report.height) > 300);
    assert!(sum(|report| report.counts.later_views) > 100, "leaders fail");
    assert!(sum(|report| report.counts.evidence) > 100, "liars are caught");
    assert!(sum(|report| report.counts.refused) > 100, "and refused");
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

fn found(planted: Planted) -> Report {
    let options = Options {
        planted: Some(planted),
        ..Options::toy()
    };
    first_violation(0..SEEDS_TO_FIND, &options).unwrap_or_else(|| panic!("{planted:?} was not found"))
}

#[test]
fn a_quorum_one_too_small_is_found() {
    found(Planted::QuorumTooSmall);
}

#[test]
fn a_lock_that_is_not_persisted_is_found() {
    found(Planted::LockNotPersisted);
}

#[test]
fn signatures_that_nobody_checks_are_found() {
    found(Planted::SignatureUnchecked);
}

#[test]
fn a_stale_view_that_is_accepted_is_found() {
    found(Planted::StaleView);
}

#[test]
fn a_new_view_without_justification_is_found() {
    found(Planted::UnjustifiedView);
}
