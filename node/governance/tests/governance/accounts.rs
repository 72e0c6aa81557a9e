//! Operators and frozen accounts.

use althing_governance::{Governance, Limits, Outcome, Refusal, Subject, Wish};
use althing_types::Address;

use crate::scene::{Scene, account};

fn freeze(number: u8) -> Wish {
    Wish::Frozen(account(number), true)
}

fn operator(number: u8) -> Wish {
    Wish::Operator(account(number), true)
}

#[test]
fn freezing_takes_a_majority_as_every_change_does() {
    let mut scene = Scene::new(4, 4);
    assert_eq!(scene.vote(9, freeze(7)), Err(Refusal::NoSeat(account(9))));
    scene.agree(&freeze(7));
    assert!(scene.group.frozen().contains(&account(7)));
    assert_eq!(scene.vote(1, freeze(7)), Err(Refusal::NoChange));
    scene.agree(&Wish::Frozen(account(7), false));
    assert!(scene.group.frozen().is_empty());
    assert_eq!(scene.group.next_number(&Subject::Account(account(7))), 3);
}

#[test]
fn who_decides_is_never_frozen_and_who_is_frozen_never_decides() {
    let mut scene = Scene::new(4, 4);
    let refused = scene.vote(1, freeze(2)).unwrap_err();
    assert_eq!(
        (&refused, refused.code()),
        (&Refusal::SeatIsNotFrozen(account(2)), -50_000)
    );
    scene.agree(&freeze(7));
    let refused = scene.vote(1, Wish::Weight(account(7), 1)).unwrap_err();
    assert_eq!(
        (&refused, refused.code()),
        (&Refusal::FrozenHasNoSeat(account(7)), -52_011)
    );
    // Once the seat is gone, it is an account like others.
    scene.agree(&Wish::Weight(account(4), 0));
    assert_eq!(scene.vote(1, freeze(4)), Ok(Outcome::Recorded));
}

#[test]
fn votes_to_freeze_an_account_are_void_when_it_gets_a_seat() {
    let mut scene = Scene::new(4, 4);
    scene.vote(1, freeze(7)).unwrap();
    scene.vote(2, freeze(7)).unwrap();
    scene.agree(&Wish::Weight(account(7), 1));
    assert_eq!(scene.vote(3, freeze(7)), Err(Refusal::SeatIsNotFrozen(account(7))));
    assert!(scene.group.frozen().is_empty());
}

#[test]
fn a_vote_for_a_seat_does_not_pass_once_its_account_is_an_operator_or_frozen() {
    for wish in [freeze(7), operator(7)] {
        let mut scene = Scene::new(4, 4);
        scene.vote(1, Wish::Weight(account(7), 1)).unwrap();
        scene.vote(2, Wish::Weight(account(7), 1)).unwrap();
        scene.agree(&wish);
        assert!(scene.vote(3, Wish::Weight(account(7), 1)).is_err());
        assert_eq!(scene.group.seats().len(), 4);
    }
}

#[test]
fn an_operator_has_no_seat_and_a_seat_is_no_operator() {
    let mut scene = Scene::new(4, 4);
    let refused = scene.vote(1, operator(2)).unwrap_err();
    assert_eq!(
        (&refused, refused.code()),
        (&Refusal::SeatIsNoOperator(account(2)), -52_005)
    );
    scene.agree(&operator(7));
    assert_eq!(scene.group.operators().get(&account(7)), Some(&(scene.now.height + 1)));
    let refused = scene.vote(1, Wish::Weight(account(7), 1)).unwrap_err();
    assert_eq!(
        (&refused, refused.code()),
        (&Refusal::OperatorHasNoSeat(account(7)), -52_004)
    );
    scene.agree(&Wish::Operator(account(7), false));
    scene.agree(&Wish::Weight(account(7), 1));
}

#[test]
fn without_a_committee_anybody_freezes_and_thaws() {
    let mut scene = Scene::new(4, 0);
    assert_eq!(scene.vote(9, freeze(7)), Ok(Outcome::Passed));
    assert_eq!(scene.vote(8, Wish::Frozen(account(7), false)), Ok(Outcome::Passed));
}

#[test]
fn what_changes_often_moves_nothing_of_the_accounts() {
    let mut scene = Scene::new(4, 4);
    for number in 20..120 {
        scene.agree(&freeze(number));
    }
    let before = scene.group.encode();
    scene.prove(1..=4);
    scene.vote(1, operator(7)).unwrap();
    scene.agree(&Wish::Config("tx_gas_limit".to_owned(), "20000000".to_owned()));
    let after = scene.group.encode();
    // The length in front, the genesis hash, then 100 rows.
    let same = before
        .iter()
        .zip(&after)
        .skip(4)
        .take_while(|(one, other)| one == other);
    assert!(same.count() > 100 * 22);
}

fn nth(number: u64) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

#[test]
fn nobody_makes_the_state_large_with_accounts() {
    let mut scene = Scene::new(1, 0);
    let before = scene.group.encode().len();
    let is_full = |outcome| matches!(outcome, Err(Refusal::Full { .. }));
    for number in 0..256 {
        scene.vote(9, Wish::Operator(nth(number), true)).unwrap();
    }
    assert!(is_full(scene.vote(9, Wish::Operator(nth(256), true))));
    for number in 0..Limits::ACCOUNTS as u64 - 256 {
        scene.vote(9, Wish::Frozen(nth(number), true)).unwrap();
    }
    assert!(is_full(scene.vote(9, Wish::Frozen(nth(9_999), true))));
    // Who has a number can still change.
    scene.vote(9, Wish::Frozen(nth(1), false)).unwrap();
    scene.vote(9, Wish::Operator(nth(1), false)).unwrap();
    let bytes = scene.group.encode();
    assert!(bytes.len() - before < 128 * 1_024, "{}", bytes.len());
    scene.group.take_events();
    assert_eq!(Governance::decode(&bytes), Ok(scene.group));
}
