//! GOVERNANCE.md 2.

use althing_governance::{Blocked, LEASE_MS_MAX, LeaseWish, Outcome, PATIENCE_MS, Refusal, Role, Wish};

use crate::scene::{MINUTE, SECOND, Scene, account, node};

fn ask(scene: &mut Scene, seat: u8, number: u8) -> Result<Outcome, Refusal> {
    let wish = wish(scene, number, 5 * MINUTE);
    scene.group.ask_lease(scene.now, account(seat), &wish)
}

/// A wish for so long, over whatever lease there is.
fn wish(scene: &Scene, number: u8, ms: u64) -> LeaseWish {
    LeaseWish {
        node: node(number),
        reason: "upgrade".to_owned(),
        until_ms: scene.now.unix_ms + ms,
        pause: false,
        asked_in: asked_in(scene),
    }
}

fn asked_in(scene: &Scene) -> u64 {
    let group = scene.group.clone().as_of(scene.now);
    group.lease().map_or(0, |lease| lease.asked.height)
}

fn is_granted(scene: &Scene) -> bool {
    scene.group.lease().is_some_and(|lease| lease.granted)
}

#[test]
fn two_agencies_do_not_restart_two_of_four_sealers_at_once() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    assert_eq!(ask(&mut scene, 1, 1), Ok(Outcome::Passed));
    assert!(matches!(ask(&mut scene, 2, 2), Err(Refusal::LeaseHeld { .. })));
    let asked_in = asked_in(&scene);
    let returned = scene.group.return_lease(scene.now, account(1), node(1), asked_in);
    assert_eq!(returned, Ok(Outcome::Passed));
    // The one that was disturbed counts again once it has shown that it is back.
    assert_eq!(ask(&mut scene, 2, 2), Ok(Outcome::Recorded));
    scene.later(SECOND);
    scene.prove([1]);
    assert!(is_granted(&scene));
}

#[test]
fn a_lease_waits_for_proofs_of_life() {
    let mut scene = Scene::new(4, 4);
    assert_eq!(ask(&mut scene, 1, 1), Ok(Outcome::Recorded));
    assert!(scene.group.wants_proofs());
    scene.later(10 * SECOND);
    scene.prove([1, 2, 3]);
    assert!(!is_granted(&scene), "two of four would be left");
    scene.prove([4]);
    assert!(is_granted(&scene));
}

#[test]
fn an_observer_s_lease_needs_nobody() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&Wish::Role(node(9), Role::Observer));
    assert_eq!(ask(&mut scene, 1, 9), Ok(Outcome::Passed));
}

#[test]
fn a_group_that_tolerates_no_fault_stands_still_only_when_that_is_announced() {
    let mut scene = Scene::new(3, 4);
    scene.prove(1..=3);
    assert_eq!(ask(&mut scene, 1, 1), Err(Refusal::PauseOnly(node(1))));
    let announced = LeaseWish {
        pause: true,
        ..wish(&scene, 1, MINUTE)
    };
    let paused = scene.group.ask_lease(scene.now, account(1), &announced);
    assert_eq!(paused, Ok(Outcome::Passed));
}

#[test]
fn an_announced_pause_helps_nobody_in_a_group_that_tolerates_a_fault() {
    let mut scene = Scene::new(4, 4);
    scene.prove([1, 2, 3]);
    let announced = LeaseWish {
        pause: true,
        ..wish(&scene, 1, MINUTE)
    };
    let asked = scene.group.ask_lease(scene.now, account(1), &announced);
    assert_eq!(asked, Ok(Outcome::Recorded));
}

#[test]
fn a_lease_ends_by_itself_and_so_does_a_wish() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    ask(&mut scene, 1, 1).unwrap();
    scene.later(5 * MINUTE);
    scene.prove(2..=4);
    assert_eq!(scene.group.lease(), None);

    let mut scene = Scene::new(4, 4);
    let longest = wish(&scene, 1, LEASE_MS_MAX);
    scene.group.ask_lease(scene.now, account(1), &longest).unwrap();
    scene.later(PATIENCE_MS);
    assert_eq!(ask(&mut scene, 2, 2), Ok(Outcome::Recorded));
}

#[test]
fn a_leased_sealer_does_not_count_for_a_change_whatever_it_proved_before() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    ask(&mut scene, 1, 1).unwrap();
    scene.agree(&Wish::Role(node(4), Role::Observer));
    // Of 1, 2 and 3 all are needed, and 1 may be down.
    let pending = scene.group.pending(scene.now);
    assert_eq!(pending[0].lacks, Some(Blocked::Quorum { live: 2, needed: 3 }));
    assert_eq!(scene.sealers(), [1, 2, 3, 4]);
}

#[test]
fn only_who_asked_gives_a_lease_back_or_asks_again() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    ask(&mut scene, 1, 1).unwrap();
    let asked_in = asked_in(&scene);
    let refused = scene.group.return_lease(scene.now, account(2), node(1), asked_in);
    assert_eq!(refused, Err(Refusal::Unknown("lease")));
    assert!(matches!(ask(&mut scene, 2, 1), Err(Refusal::LeaseHeld { .. })));
    assert_eq!(ask(&mut scene, 1, 1), Ok(Outcome::Passed));
    assert_eq!(ask(&mut scene, 9, 1), Err(Refusal::NoSeat(account(9))));
}

#[test]
fn a_lease_has_an_end_within_an_hour_and_a_reason_of_a_line() {
    let mut scene = Scene::new(4, 4);
    let now = scene.now;
    let plain = wish(&scene, 1, 1);
    let mut ask = |reason: &str, until_ms| {
        let reason = reason.to_owned();
        let wish = LeaseWish {
            reason,
            until_ms,
            ..plain.clone()
        };
        scene.group.ask_lease(now, account(1), &wish)
    };
    for until in [0, now.unix_ms, now.unix_ms + LEASE_MS_MAX + 1, u64::MAX] {
        assert!(matches!(ask("x", until), Err(Refusal::Range { .. })), "{until}");
    }
    assert!(matches!(
        ask(&"x".repeat(129), now.unix_ms + 1),
        Err(Refusal::Full { .. })
    ));
    let stranger = wish(&scene, 77, 1);
    let stranger = scene.group.ask_lease(now, account(1), &stranger);
    assert_eq!(stranger, Err(Refusal::NotAMember(node(77))));
}

#[test]
fn a_lease_that_was_asked_for_anew_since_is_neither_replaced_nor_given_back_on_an_older_view() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    let first = wish(&scene, 1, 5 * MINUTE);
    scene.group.ask_lease(scene.now, account(1), &first).unwrap();
    let seen = scene.now.height;
    let changed = |seen, found| {
        Err(Refusal::Changed {
            what: "lease",
            seen,
            found,
        })
    };
    // The same call once more is no second lease.
    let again = scene.group.ask_lease(scene.now, account(1), &first);
    assert_eq!(again, changed(0, seen));
    scene.later(SECOND);
    let anew = wish(&scene, 1, 5 * MINUTE);
    scene.group.ask_lease(scene.now, account(1), &anew).unwrap();
    let newest = scene.now.height;
    let older = scene.group.ask_lease(scene.now, account(1), &anew);
    assert_eq!(older, changed(seen, newest));
    let older = scene.group.return_lease(scene.now, account(1), node(1), seen);
    assert_eq!(older, changed(seen, newest));
    let returned = scene.group.return_lease(scene.now, account(1), node(1), newest);
    assert_eq!(returned, Ok(Outcome::Passed));
    let late = scene.group.ask_lease(scene.now, account(1), &anew);
    assert_eq!(late, changed(seen, 0));
}
