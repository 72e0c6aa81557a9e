//! When the leader seals.

use althing_consensus::*;

use super::house::*;

const POOL: Input = Input::Work {
    reason: Reason::Pool,
    on: true,
};

#[test]
fn the_leader_builds_at_once_after_idleness() {
    let mut house = House::led_in(4, 0);
    assert!(builds(&house.step(POOL)));
    assert!(!builds(&House::follower(4, 0).step(POOL)), "the others do not");
}

#[test]
fn view_0_never_proposes_an_empty_block() {
    let mut house = House::led_in(4, 0);
    house.step(POOL);
    let slot = Slot { height: 1, view: 0 };
    let out = house.step(Input::Built { slot, fresh: None });
    assert!(out.is_empty(), "nothing to do, and not asked again");
    assert!(builds(&house.step(POOL)), "until new work comes");
}

/// One sealer that has just committed block 1.
fn just_committed() -> (House, Vec<Output>) {
    let mut house = House::new(1, 0);
    house.step(POOL);
    let candidate = house.child(1);
    let fresh = Fresh {
        candidate,
        next_sealers: house.sealers(),
    };
    let built = house.step(Input::Built {
        slot: Slot { height: 1, view: 0 },
        fresh: Some(fresh),
    });
    let prepared = house.persist(&built);
    let done = house.persist(&prepared);
    assert!(committed(&done).is_some());
    (house, done)
}

#[test]
fn the_next_block_waits_100_ms_since_the_parents_commit() {
    let (mut house, done) = just_committed();
    assert!(!builds(&done));
    assert_eq!(timer(&done, Timer::Seal), Some(100));
    assert!(!builds(&house.wake(Timer::Seal, 99)));
    assert!(builds(&house.wake(Timer::Seal, 1)));
}

#[test]
fn a_full_block_does_not_wait() {
    let (mut house, _) = just_committed();
    assert!(builds(&house.step(Input::Work {
        reason: Reason::Full,
        on: true
    })));
}

#[test]
fn a_block_built_for_a_round_that_is_over_is_discarded() {
    let mut house = House::led_in(4, 0);
    house.step(POOL);
    let candidate = house.child(1);
    let fresh = Some(Fresh {
        candidate: candidate.clone(),
        next_sealers: house.sealers(),
    });
    let out = house.step(Input::Built {
        slot: Slot { height: 1, view: 7 },
        fresh,
    });
    assert_eq!(out, [Output::Discard(candidate.hash)]);
}

#[test]
fn the_proposal_and_the_leaders_own_prepare_need_one_disk_synchronisation() {
    let mut house = House::led_in(4, 0);
    house.step(POOL);
    let fresh = Some(Fresh {
        candidate: house.child(1),
        next_sealers: house.sealers(),
    });
    let out = house.step(Input::Built {
        slot: Slot { height: 1, view: 0 },
        fresh,
    });
    assert_eq!(records(&out).len(), 2);
    assert_eq!((proposals(&out).len(), votes(&out, Phase::Prepare).len()), (1, 1));
    assert!(
        sent(&out).iter().all(|(_, _, after)| after.is_some()),
        "and neither leaves before"
    );
}
