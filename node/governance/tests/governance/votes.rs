//! GOVERNANCE.md 1.

use std::collections::BTreeSet;

use althing_governance::{
    Change, Event, Outcome, Refusal, Role, Subject, SystemConfig, VOTE_BLOCKS, VOTE_MS, Value, Wish,
};
use althing_types::B256;

use crate::scene::{Scene, account, genesis, node};

fn observer(number: u8) -> Wish {
    Wish::Role(node(number), Role::Observer)
}

#[test]
fn a_change_passes_strictly_above_the_threshold() {
    let mut scene = Scene::new(4, 4);
    assert_eq!(scene.vote(1, observer(9)), Ok(Outcome::Recorded));
    // Two of four are half of the weight, which is not above half.
    assert_eq!(scene.vote(2, observer(9)), Ok(Outcome::Recorded));
    assert_eq!(scene.role(9), Role::Free);
    assert_eq!(scene.vote(3, observer(9)), Ok(Outcome::Passed));
    assert_eq!(scene.role(9), Role::Observer);
}

#[test]
fn weight_counts_and_not_heads() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&Wish::Weight(account(1), 10));
    assert_eq!(scene.vote(1, observer(9)), Ok(Outcome::Passed));
}

#[test]
fn who_has_no_seat_decides_nothing() {
    let mut scene = Scene::new(4, 4);
    let before = scene.group.clone();
    assert_eq!(scene.vote(9, observer(9)), Err(Refusal::NoSeat(account(9))));
    assert_eq!(scene.group, before);
    assert_eq!(Refusal::NoSeat(account(9)).code(), -50_000);
}

#[test]
fn a_vote_of_the_same_seat_counts_once_and_the_newest_is_it() {
    let mut scene = Scene::new(4, 4);
    for _ in 0..5 {
        assert_eq!(scene.vote(1, observer(9)), Ok(Outcome::Recorded));
    }
    scene.vote(2, observer(9)).unwrap();
    scene.vote(2, Wish::Role(node(9), Role::Sealer)).unwrap();
    assert_eq!(scene.vote(3, observer(9)), Ok(Outcome::Recorded));
    assert_eq!(scene.vote(4, observer(9)), Ok(Outcome::Passed));
}

#[test]
fn a_stale_manifest_votes_for_nothing() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&observer(9));
    let refused = scene.ballot(1, Wish::Role(node(9), Role::Free), 1, false);
    assert_eq!(refused, Err(Refusal::Number { found: 1, next: 2 }));
    let refused = scene.ballot(1, Wish::Role(node(9), Role::Free), 3, false);
    assert_eq!(refused, Err(Refusal::Number { found: 3, next: 2 }));
}

#[test]
fn the_first_change_to_pass_moves_the_counter_and_its_rivals_die() {
    let mut scene = Scene::new(4, 4);
    scene.vote(4, Wish::Role(node(9), Role::Sealer)).unwrap();
    scene.agree(&observer(9));
    assert_eq!(scene.group.next_number(&Subject::Node(node(9))), 2);
    assert!(scene.group.votes().is_empty());
}

#[test]
fn what_is_so_already_is_no_change() {
    let mut scene = Scene::new(4, 4);
    let sealer = |number| Wish::Role(node(number), Role::Sealer);
    assert_eq!(scene.vote(1, sealer(1)), Err(Refusal::NoChange));
    // What was decided counts, also before it is carried out.
    scene.agree(&sealer(9));
    assert_eq!(scene.role(9), Role::Observer);
    assert_eq!(scene.vote(1, sealer(9)), Err(Refusal::NoChange));
    // And it can be decided otherwise.
    scene.agree(&observer(9));
    assert_eq!(
        scene.group.decided(&Subject::Node(node(9))),
        Value::Role(Role::Observer)
    );
    assert!(scene.group.pending(scene.now).is_empty());
}

#[test]
fn a_vote_that_was_withdrawn_does_not_count() {
    let mut scene = Scene::new(4, 4);
    scene.vote(1, observer(9)).unwrap();
    scene.vote(2, observer(9)).unwrap();
    let subject = Subject::Node(node(9));
    let voted_in = scene.now.height;
    let withdraw = |scene: &mut Scene| scene.group.withdraw(scene.now, account(1), &subject, voted_in);
    assert_eq!(withdraw(&mut scene), Ok(Outcome::Recorded));
    assert_eq!(withdraw(&mut scene), Err(Refusal::Unknown("vote")));
    assert_eq!(scene.vote(3, observer(9)), Ok(Outcome::Recorded));
}

#[test]
fn a_vote_that_was_given_since_is_not_taken_back_on_an_older_view() {
    let mut scene = Scene::new(4, 4);
    scene.vote(1, observer(9)).unwrap();
    let (seen, subject) = (scene.now.height, Subject::Node(node(9)));
    scene.later(1_000);
    scene.vote(1, Wish::Role(node(9), Role::Sealer)).unwrap();
    let refused = scene.group.withdraw(scene.now, account(1), &subject, seen);
    let found = scene.now.height;
    let what = "vote";
    assert_eq!(refused, Err(Refusal::Changed { what, seen, found }));
    assert!(scene.group.vote_of(&subject, &account(1)).is_some());
    let taken = scene.group.withdraw(scene.now, account(1), &subject, found);
    assert_eq!(taken, Ok(Outcome::Recorded));
}

#[test]
fn a_late_copy_of_a_vote_that_was_taken_back_is_no_vote() {
    let mut scene = Scene::new(4, 4);
    let (seen, subject) = (scene.now.height, Subject::Node(node(9)));
    scene.later(1_000);
    scene.vote(1, observer(9)).unwrap();
    let voted_in = scene.now.height;
    scene.later(1_000);
    scene.group.withdraw(scene.now, account(1), &subject, voted_in).unwrap();
    let height = scene.now.height;
    for blocks in [0, 1, 998] {
        scene.now.height = height + blocks;
        for seen in [seen, voted_in] {
            let what = "this account's vote on it ended";
            assert_eq!(
                scene.late(1, observer(9), seen),
                Err(Refusal::Late { seen, height, what })
            );
        }
        assert!(scene.group.votes().is_empty());
    }
    // Others' votes are their own, and who decided anew may.
    assert_eq!(scene.late(2, observer(9), seen), Ok(Outcome::Recorded));
    assert_eq!(scene.late(1, observer(9), height), Ok(Outcome::Recorded));
}

#[test]
fn that_a_vote_ended_is_remembered_for_as_long_as_a_vote_of_before_is_taken() {
    let mut scene = Scene::new(4, 4);
    let (seen, subject) = (scene.now.height - 1, Subject::Node(node(9)));
    scene.vote(1, observer(9)).unwrap();
    let height = scene.now.height;
    scene.group.withdraw(scene.now, account(1), &subject, height).unwrap();
    scene.now.height = height + 1_000;
    assert!(matches!(scene.late(1, observer(9), seen), Err(Refusal::Late { .. })));
    // Then it is forgotten, and so is whoever decided before it.
    scene.now.height = height + 1_001;
    for seen in [0, seen, height] {
        let (height, accepted) = (height + 1_001, 1_000);
        assert_eq!(
            scene.late(1, observer(9), seen),
            Err(Refusal::LongAgo { seen, height, accepted })
        );
    }
    assert_eq!(scene.late(1, observer(9), height + 1), Ok(Outcome::Recorded));
}

#[test]
fn a_late_copy_of_a_vote_does_not_overwrite_a_newer_one() {
    let mut scene = Scene::new(4, 4);
    let seen = scene.now.height;
    scene.later(1_000);
    scene.vote(1, observer(9)).unwrap();
    scene.later(1_000);
    scene.vote(1, Wish::Role(node(9), Role::Sealer)).unwrap();
    let (height, what) = (scene.now.height, "this account voted on it");
    scene.later(1_000);
    assert_eq!(
        scene.late(1, observer(9), seen),
        Err(Refusal::Late { seen, height, what })
    );
    let vote = scene.group.vote_of(&Subject::Node(node(9)), &account(1)).unwrap();
    assert_eq!(vote.to, Value::Role(Role::Sealer));
}

#[test]
fn a_late_copy_of_a_vote_that_expired_is_no_vote() {
    let mut scene = Scene::new(4, 4);
    let seen = scene.now.height;
    scene.later(1_000);
    scene.vote(1, observer(9)).unwrap();
    let height = scene.now.height;
    // An idle group: a week and one block.
    scene.later(VOTE_MS);
    let what = "this account's vote on it ended";
    assert_eq!(
        scene.late(1, observer(9), seen),
        Err(Refusal::Late { seen, height, what })
    );
    // Whoever knows the block of the vote decides anew.
    assert_eq!(scene.late(1, observer(9), height), Ok(Outcome::Recorded));
}

#[test]
fn what_was_signed_under_another_committee_is_void_when_it_comes_late() {
    let mut scene = Scene::new(4, 4);
    let seen = scene.now.height;
    scene.later(1_000);
    scene.agree(&Wish::Weight(account(4), 0));
    let (height, what) = (scene.now.height, "the committee was changed");
    scene.later(1_000);
    assert_eq!(
        scene.late(1, observer(9), seen),
        Err(Refusal::Late { seen, height, what })
    );
    assert_eq!(scene.late(1, observer(9), height), Ok(Outcome::Recorded));
}

#[test]
fn votes_that_ended_lately_take_the_room_of_open_ones() {
    let mut scene = Scene::new(4, 4);
    for number in 100..116 {
        scene.vote(1, observer(number)).unwrap();
        let (now, subject) = (scene.now, Subject::Node(node(number)));
        scene.group.withdraw(now, account(1), &subject, now.height).unwrap();
    }
    let refused = scene.vote(1, observer(200)).unwrap_err();
    assert!(matches!(refused, Refusal::Full { found: 16, .. }), "{refused}");
    // On the same subjects there is room.
    scene.vote(1, observer(100)).unwrap();
    scene.now.height += 1_001;
    scene.vote(1, observer(200)).unwrap();
}

#[test]
fn a_vote_expires_by_blocks_and_by_time() {
    for (blocks, ms) in [(VOTE_BLOCKS, 0), (1, VOTE_MS)] {
        let mut scene = Scene::new(4, 4);
        scene.vote(1, observer(9)).unwrap();
        scene.vote(2, observer(9)).unwrap();
        scene.now.height += blocks;
        scene.now.unix_ms += ms;
        assert_eq!(scene.vote(3, observer(9)), Ok(Outcome::Recorded));
        // Voting again is allowed.
        scene.vote(1, observer(9)).unwrap();
        assert_eq!(scene.vote(2, observer(9)), Ok(Outcome::Passed));
    }
}

#[test]
fn a_vote_counts_to_its_last_block_and_its_last_millisecond() {
    for (blocks, ms) in [(VOTE_BLOCKS - 1, 0), (1, VOTE_MS - 1)] {
        let mut scene = Scene::new(4, 4);
        scene.vote(1, observer(9)).unwrap();
        scene.vote(2, observer(9)).unwrap();
        scene.now.height += blocks;
        scene.now.unix_ms += ms;
        assert_eq!(
            scene.vote(3, observer(9)),
            Ok(Outcome::Passed),
            "{blocks} blocks, {ms} ms"
        );
    }
}

#[test]
fn the_order_of_the_seats_does_not_matter_and_each_part_of_a_change_makes_another_one() {
    let scene = Scene::new(4, 4);
    let first = scene.group.change(&observer(9), false);
    let mut all = vec![scene.group.id_of(&first)];
    let seal = Wish::Role(node(9), Role::Sealer);
    let others = [
        Change {
            wish: observer(8),
            ..first.clone()
        },
        Change {
            wish: seal,
            ..first.clone()
        },
        Change {
            number: 2,
            ..first.clone()
        },
        Change {
            from: Value::Role(Role::Sealer),
            ..first.clone()
        },
        Change {
            force: true,
            ..first.clone()
        },
    ];
    all.extend(others.iter().map(|change| scene.group.id_of(change)));
    all.push(first.id(scene.group.genesis(), scene.group.epoch() + 1));
    all.push(first.id(B256::ZERO, scene.group.epoch()));
    let different: BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:?}");
    // Whoever opens it, it is the same change.
    let passed_by = |seats: [u8; 3]| {
        let mut scene = Scene::new(4, 4);
        for seat in seats {
            scene.vote(seat, observer(9)).unwrap();
        }
        scene.group.take_events().into_iter().find_map(|event| match event {
            Event::Passed { id } => Some(id),
            _ => None,
        })
    };
    assert_eq!(passed_by([1, 2, 3]), all.first().copied());
    assert_eq!(passed_by([4, 3, 1]), all.first().copied());
}

#[test]
fn the_weight_of_now_decides_and_not_that_of_when_a_vote_was_given() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&Wish::Weight(account(1), 4));
    // Four of seven.
    assert_eq!(scene.vote(1, observer(9)), Ok(Outcome::Passed));
    assert_eq!(scene.vote(1, Wish::Weight(account(1), 1)), Ok(Outcome::Passed));
    assert_eq!(scene.vote(1, observer(8)), Ok(Outcome::Recorded));
    assert_eq!(
        scene
            .group
            .tally(&observer(8).subject(), &Value::Role(Role::Observer), false),
        (1, 4)
    );
}

#[test]
fn a_committee_change_voids_all_open_votes_and_every_identity() {
    let mut scene = Scene::new(4, 4);
    let change = scene.group.change(&observer(9), false);
    let id = scene.group.id_of(&change);
    scene.vote(1, observer(9)).unwrap();
    scene.vote(2, observer(9)).unwrap();
    scene.vote(4, Wish::Threshold(60)).unwrap();
    scene.agree(&Wish::Weight(account(7), 1));
    assert_eq!(scene.group.epoch(), 1);
    assert!(scene.group.votes().is_empty());
    assert_eq!(scene.vote(3, observer(9)), Ok(Outcome::Recorded));
    assert_ne!(scene.group.id_of(&change), id);
}

#[test]
fn a_seat_that_goes_has_no_voice() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&Wish::Weight(account(4), 0));
    assert_eq!(scene.vote(4, observer(9)), Err(Refusal::NoSeat(account(4))));
}

#[test]
fn the_last_seat_stays() {
    let mut scene = Scene::new(4, 1);
    assert_eq!(scene.vote(1, Wish::Weight(account(1), 0)), Err(Refusal::LastSeat));
}

#[test]
fn a_threshold_below_half_is_refused() {
    let mut scene = Scene::new(4, 4);
    for percent in [0, 49, 100] {
        let refused = scene.vote(1, Wish::Threshold(percent)).unwrap_err();
        assert_eq!(refused.code(), -52_003, "{refused}");
    }
    scene.vote(4, observer(9)).unwrap();
    scene.agree(&Wish::Threshold(80));
    assert_eq!(scene.group.threshold(), 80);
    assert_eq!(
        (scene.group.epoch(), scene.group.votes().len()),
        (1, 0),
        "it is a change of the committee"
    );
    for seat in 1..=3 {
        assert_eq!(scene.vote(seat, observer(9)), Ok(Outcome::Recorded));
    }
    assert_eq!(scene.vote(4, observer(9)), Ok(Outcome::Passed));
}

#[test]
fn system_configuration_is_voted_on_and_written_in_one_way() {
    let mut scene = Scene::new(4, 4);
    let set = |key: &str, value: &str| Wish::Config(key.to_owned(), value.to_owned());
    for (key, value) in [
        ("tx_count_limit", "0"),
        ("tx_count_limit", "0100"),
        ("tx_count_limit", "many"),
        ("tx_count_limit", "100001"),
        ("tx_gas_limit", "9999999"),
        ("tx_gas_limit", "9007199254740992"),
        ("consensus_timeout", "2"),
        ("consensus_timeout", "61"),
        ("consensus_timeout", "3.5"),
        ("colour", "red"),
    ] {
        let refused = scene.vote(1, set(key, value)).unwrap_err();
        assert_eq!(refused.code(), -51_300, "{refused}");
    }
    scene.agree(&set("tx_count_limit", "500"));
    assert_eq!(scene.group.config("tx_count_limit"), Some("500"));
}

#[test]
fn what_was_voted_on_holds_from_the_next_block_and_the_rest_is_genesis() {
    let mut scene = Scene::new(4, 4);
    let genesis = SystemConfig::from(&genesis(4, 4));
    assert_eq!(scene.group.system_config(&genesis), genesis);
    assert_eq!(scene.group.setting("tx_gas_limit"), None);
    let set = |key: &str, value: &str| Wish::Config(key.to_owned(), value.to_owned());
    scene.agree(&set("tx_count_limit", "7"));
    scene.agree(&set("consensus_timeout", "5"));
    let expected = SystemConfig {
        transactions: 7,
        timeout_ms: 5_000,
        ..genesis
    };
    assert_eq!(scene.group.system_config(&genesis), expected);
    let setting = scene.group.setting("tx_count_limit").unwrap();
    assert_eq!((setting.value.as_str(), setting.since), ("7", scene.now.height + 1));
    assert_eq!(expected.text("consensus_timeout").unwrap(), "5");
    assert_eq!(expected.text("colour"), None);
    assert_eq!(scene.vote(1, set("tx_count_limit", "7")), Err(Refusal::NoChange));
}

#[test]
fn without_a_committee_anybody_acts_and_nobody_takes_the_first_seat() {
    let mut scene = Scene::new(4, 0);
    assert_eq!(scene.vote(9, observer(9)), Ok(Outcome::Passed));
    assert_eq!(scene.vote(9, Wish::Weight(account(9), 1)), Err(Refusal::NoCommittee));
    assert_eq!(scene.vote(9, Wish::Threshold(60)), Err(Refusal::NoCommittee));
}

#[test]
fn an_account_cannot_open_votes_without_end() {
    let mut scene = Scene::new(4, 4);
    for number in 100..116 {
        scene.vote(1, observer(number)).unwrap();
    }
    let refused = scene.vote(1, observer(200)).unwrap_err();
    assert!(matches!(refused, Refusal::Full { found: 16, .. }), "{refused}");
    // Others still can, and it can still say otherwise about what it has voted on.
    scene.vote(2, observer(200)).unwrap();
    scene.vote(1, Wish::Role(node(100), Role::Sealer)).unwrap();
}

#[test]
fn what_happened_is_told_in_order_and_once() {
    let mut scene = Scene::new(4, 4);
    scene.agree(&observer(9));
    let told = scene.group.take_events();
    let names: Vec<_> = told
        .iter()
        .map(|event| match event {
            Event::Voted { .. } => "voted",
            Event::Passed { .. } => "passed",
            Event::Stepped { .. } => "stepped",
            Event::Done { .. } => "done",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["voted", "voted", "voted", "passed", "stepped", "done"]);
    assert!(scene.group.take_events().is_empty());
}
