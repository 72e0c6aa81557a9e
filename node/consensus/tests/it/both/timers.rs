//! When the round timer runs, and how long.

use alloy_primitives::B256;
use althing_consensus::*;

use super::house::*;

fn at(view: u64) -> Slot {
    Slot { height: 1, view }
}

#[test]
fn an_idle_group_runs_no_round_timer() {
    let mut house = House::follower(4, 0);
    let started = house.start(vec![], None);
    let pool = house.step(Input::Work {
        reason: Reason::Pool,
        on: true,
    });
    for outputs in [started, pool] {
        assert_eq!(
            timer(&outputs, Timer::Round),
            None,
            "a pool that was not forwarded to the leader is no reason"
        );
    }
}

#[test]
fn the_round_timer_runs_when_a_valid_proposal_was_seen() {
    let mut house = House::follower(4, 0);
    let candidate = house.child(1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    let out = house.message(proposal);
    assert_eq!(timer(&out, Timer::Round), Some(3_000));
}

#[test]
fn the_round_timer_runs_while_a_forwarded_transaction_waits() {
    let mut house = House::follower(4, 0);
    let reason = Reason::Waiting(B256::repeat_byte(1));
    let out = house.step(Input::Work { reason, on: true });
    assert_eq!(timer(&out, Timer::Round), Some(3_000));
    let out = house.step(Input::Work { reason, on: false });
    assert!(out.contains(&Output::Cancel { timer: Timer::Round }));
}

#[test]
fn the_round_timer_runs_when_f_plus_one_round_changes_arrived() {
    let mut house = House::follower(4, 1);
    let mut out = Vec::new();
    for other in house.others() {
        let message = house.round_change(other, at(1));
        out.extend(house.message(message));
    }
    assert_eq!(timer(&out, Timer::Round), Some(4_500), "3 s × 1.5 in view 1");
}

#[test]
fn another_timeout_counts_from_now_for_a_round_under_way_too() {
    let mut house = House::follower(4, 0);
    let reason = Reason::Waiting(B256::repeat_byte(1));
    house.step(Input::Work { reason, on: true });
    let out = house.step(Input::Timeout { timeout_ms: 9_000 });
    assert_eq!(timer(&out, Timer::Round), Some(9_000));
    assert_eq!(house.step(Input::Timeout { timeout_ms: 9_000 }), []);
    // It outlives a start, which knows nothing of it.
    house.start(vec![], None);
    let out = house.step(Input::Work { reason, on: true });
    assert_eq!(timer(&out, Timer::Round), Some(9_000));
}

#[test]
fn another_timeout_starts_no_round_timer_in_an_idle_group() {
    let mut house = House::follower(4, 0);
    assert_eq!(house.step(Input::Timeout { timeout_ms: 9_000 }), []);
}

#[test]
fn a_node_that_cannot_reach_a_quorum_does_not_run_away_in_views() {
    let mut house = House::follower(4, 2);
    house.step(Input::Work {
        reason: Reason::Waiting(B256::repeat_byte(1)),
        on: true,
    });
    let out = house.wake(Timer::Round, 3_000);
    assert_eq!(house.core.status().view, 1);
    assert_eq!(timer(&out, Timer::Round), None, "alone in view 1");
    assert_eq!(timer(&out, Timer::Resend), Some(1_000), "it repeats itself instead");
    let again = house.wake(Timer::Resend, 1_000);
    assert_eq!(
        round_changes(&again)[0].change,
        round_changes(&out)[0].change,
        "verbatim"
    );
}

#[test]
fn a_disconnected_leader_is_given_300_ms() {
    let mut house = House::follower(4, 0);
    let leader = house.ids[house.leader(at(0))];
    house.step(Input::Peer { id: leader, up: false });
    let out = house.step(Input::Work {
        reason: Reason::Waiting(B256::repeat_byte(1)),
        on: true,
    });
    assert_eq!(timer(&out, Timer::Round), Some(300));
}

#[test]
fn a_leader_that_missed_its_last_turn_is_given_300_ms_until_it_proposes() {
    let mut house = House::follower(4, 1);
    let reason = Reason::Waiting(B256::repeat_byte(1));
    house.step(Input::Work { reason, on: true });
    house.wake(Timer::Round, 3_000);
    // The others commit blocks 1 to 4 without it, and the same leader's turn comes again.
    let mut head = house.head;
    let mut out = Vec::new();
    for height in 1..=4 {
        let candidate = block(height, head.hash, UNIX_MS + height, 1);
        head = Head {
            height,
            hash: candidate.hash,
            unix_ms: candidate.unix_ms,
        };
        let slot = Slot { height, view: 0 };
        let sealers = house.sealers();
        let certificate = house
            .certificate(&[0, 1, 2], slot, Phase::Commit, head.hash)
            .to_commit_certificate(&sealers);
        out = house.step(Input::Imported {
            head,
            certificate,
            sealers: sealers.clone(),
            next_sealers: sealers,
            recovery: None,
        });
    }
    assert_eq!(house.leader(at(0)), house.leader(Slot { height: 5, view: 0 }));
    assert_eq!(timer(&out, Timer::Round), Some(300));
    let candidate = block(5, head.hash, UNIX_MS + 5, 1);
    let proposal = house.proposal(0, &candidate, vec![], None);
    assert_eq!(
        timer(&house.message(proposal), Timer::Round),
        Some(3_000),
        "a proposal gets its full time"
    );
}

/// A height that others decide and sync brings.
fn import(house: &mut House, height: u64) -> Vec<Output> {
    let head = Head {
        height,
        hash: B256::repeat_byte(7),
        unix_ms: UNIX_MS,
    };
    let sealers = house.sealers();
    let certificate = house
        .certificate(&house.others(), Slot { height, view: 1 }, Phase::Commit, head.hash)
        .to_commit_certificate(&sealers);
    house.step(Input::Imported {
        head,
        certificate,
        sealers: sealers.clone(),
        next_sealers: sealers,
        recovery: None,
    })
}

fn waiting(transaction: u8) -> Input {
    Input::Work {
        reason: Reason::Waiting(B256::repeat_byte(transaction)),
        on: true,
    }
}

#[test]
fn three_fruitless_rounds_retire_a_transaction_as_a_reason() {
    let mut house = House::new(7, 0);
    house.step(waiting(1));
    for height in 1..=3 {
        house.wake(Timer::Round, 60_000);
        assert_eq!(house.core.status().view, 1, "the timer of height {height} ran");
        let out = import(&mut house, height);
        assert_eq!(timer(&out, Timer::Round).is_some(), height < 3, "after height {height}");
    }
    let out = house.step(waiting(2));
    assert!(timer(&out, Timer::Round).is_some(), "another transaction is a reason");
}

#[test]
fn rounds_that_decide_nothing_retire_no_transaction() {
    let mut house = House::follower(7, 4);
    house.step(waiting(1));
    for view in 1..=4 {
        house.wake(Timer::Round, 60_000);
        assert_eq!(house.core.status().view, view);
        for other in house.others() {
            let message = house.round_change(other, at(view));
            house.message(message);
        }
    }
    let out = import(&mut house, 1);
    assert!(
        timer(&out, Timer::Round).is_some(),
        "the next leader may be silent, and the transaction still waits"
    );
}

#[test]
fn a_sealer_that_followed_a_proposal_counts_as_being_in_its_view() {
    let mut house = House::follower(4, 1);
    house.step(waiting(1));
    house.wake(Timer::Round, 60_000);
    let [a, b, _] = house.others()[..] else { unreachable!() };
    let message = house.round_change(a, at(1));
    let out = house.message(message);
    assert_eq!(timer(&out, Timer::Round), None, "two of four are no quorum");
    let message = house.vote(b, at(1), Phase::Prepare, B256::repeat_byte(3));
    let out = house.message(message);
    assert!(timer(&out, Timer::Round).is_some(), "a vote shows where its sender is");
}

#[test]
fn votes_of_a_later_view_are_repeated_until_it_ends() {
    let mut house = House::follower(4, 2);
    let candidate = house.child(1);
    let changes: Vec<_> = house
        .others()
        .iter()
        .map(|other| house.change(*other, at(1), None))
        .collect();
    let proposal = house.proposal(1, &candidate, changes, None);
    house.message(proposal);
    let out = house.executed(candidate.hash);
    let (vote, after) = votes(&out, Phase::Prepare)[0];
    let again = house.wake(Timer::Resend, 1_000);
    assert_eq!(
        votes(&again, Phase::Prepare),
        [(vote, after)],
        "verbatim, and durable first"
    );
    house.wake(Timer::Round, 60_000);
    let later = house.wake(Timer::Resend, 1_000);
    assert!(votes(&later, Phase::Prepare).is_empty(), "that view is left");
}

#[test]
fn a_timer_that_fires_early_is_set_again_and_one_that_fires_late_does_no_harm() {
    let mut house = House::follower(4, 0);
    house.step(Input::Work {
        reason: Reason::Waiting(B256::repeat_byte(1)),
        on: true,
    });
    let early = house.wake(Timer::Round, 2_999);
    assert_eq!(
        early,
        [Output::Timer {
            timer: Timer::Round,
            after_ms: 1
        }]
    );
    assert_eq!(house.wake(Timer::Seal, 0), []);
    assert_eq!(house.wake(Timer::Resend, 0), []);
}
