//! The state as bytes.

use althing_governance::{DecodeError, Governance, Role, Wish};

use crate::scene::{MINUTE, Scene, account, node};

#[test]
fn a_state_with_everything_in_it_comes_back_as_it_was() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    scene.agree(&Wish::Weight(account(7), 1));
    scene.agree(&Wish::Config("tx_count_limit".to_owned(), "10".to_owned()));
    scene.agree(&Wish::Role(node(9), Role::Sealer));
    scene.agree(&Wish::Role(node(4), Role::Free));
    scene.vote(1, Wish::Threshold(70)).unwrap();
    let until = scene.now.unix_ms + MINUTE;
    let group = &mut scene.group;
    group
        .ask_lease(scene.now, account(2), node(2), "upgrade", until, false)
        .unwrap();
    scene.later(10 * MINUTE);
    scene.prove([1]);
    scene.group.take_events();
    assert_eq!(Governance::decode(&scene.group.encode()), Ok(scene.group));
}

#[test]
fn other_bytes_are_refused_and_nothing_panics() {
    let bytes = Scene::new(4, 4).group.encode();
    assert_eq!(Governance::decode(&[]), Err(DecodeError::Layout { found: None }));
    assert_eq!(Governance::decode(&[2]), Err(DecodeError::Layout { found: Some(2) }));
    for cut in 1..bytes.len() {
        assert!(Governance::decode(&bytes[..cut]).is_err(), "{cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(Governance::decode(&longer).is_err());
}
