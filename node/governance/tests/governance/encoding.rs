//! The state as bytes.

use althing_governance::{Ballot, DecodeError, Governance, LeaseWish, Limits, Moment, Role, Subject, VOTE_MS, Wish};
use althing_types::genesis::Seat;
use althing_types::{Address, B256, NodeId, SealerSet};

use crate::scene::{MINUTE, Scene, account, genesis, node};

#[test]
fn a_state_with_everything_in_it_comes_back_as_it_was() {
    let mut scene = Scene::new(4, 4);
    scene.prove(1..=4);
    scene.agree(&Wish::Weight(account(7), 1));
    scene.agree(&Wish::Config("tx_count_limit".to_owned(), "10".to_owned()));
    scene.agree(&Wish::Role(node(9), Role::Sealer));
    scene.agree(&Wish::Role(node(4), Role::Free));
    scene.agree(&Wish::Operator(account(8), true));
    scene.agree(&Wish::Frozen(account(6), true));
    scene.vote(2, Wish::Operator(account(8), false)).unwrap();
    scene.vote(2, Wish::Frozen(account(5), true)).unwrap();
    scene.vote(1, Wish::Threshold(70)).unwrap();
    scene.vote(3, Wish::Threshold(70)).unwrap();
    let voted_in = scene.now.height;
    scene
        .group
        .withdraw(scene.now, account(3), &Subject::Threshold, voted_in)
        .unwrap();
    let wish = LeaseWish {
        node: node(2),
        reason: "upgrade".to_owned(),
        until_ms: scene.now.unix_ms + MINUTE,
        pause: false,
        asked_in: 0,
    };
    scene.group.ask_lease(scene.now, account(2), &wish).unwrap();
    scene.later(10 * MINUTE);
    scene.prove([1]);
    scene.group.take_events();
    assert_eq!(Governance::decode(&scene.group.encode()), Ok(scene.group.clone()));
    // A week later what was approved has lapsed.
    scene.later(VOTE_MS);
    scene.prove([1]);
    let sealer = Ballot {
        wish: Wish::Role(node(9), Role::Sealer),
        number: 1,
        force: false,
    };
    assert!(scene.group.has_lapsed(&sealer));
    scene.group.take_events();
    assert_eq!(Governance::decode(&scene.group.encode()), Ok(scene.group));
}

#[test]
fn everything_at_its_limit_fits() {
    let mut genesis = genesis(1, 1);
    let account = |number: u32| Address::left_padding_from(&number.to_be_bytes());
    let seat = |number| Seat {
        account: account(number),
        weight: 1_000_000,
    };
    genesis.committee.seats = (1..=256).map(seat).collect();
    let node = |number: u32| {
        let mut id = [0xff; 64];
        id[..4].copy_from_slice(&number.to_be_bytes());
        NodeId::new(id)
    };
    genesis.sealers = SealerSet::new((1..=1_024).map(node).collect());
    let mut group = Governance::new(&genesis, B256::repeat_byte(9));
    let now = Moment {
        height: u64::from(u32::MAX),
        unix_ms: 4_000_000_000_000,
    };
    // As many open votes as there may be, none of which passes.
    for seat in 1..=256_u32 {
        for subject in 0..16 {
            let ballot = Ballot {
                wish: Wish::Role(node(seat % 64 * 16 + subject + 1), Role::Observer),
                number: 1,
                force: false,
            };
            drop(group.vote(now, account(seat), &ballot, now.height));
        }
    }
    let open: usize = group.votes().values().map(|votes| votes.len()).sum();
    assert!(open > 4_000, "{open}");
    let bytes = group.encode().len();
    // Beside them are the accounts (`accounts.rs`).
    assert!(bytes + 128 * 1_024 < Limits::BYTES, "{bytes}");
}

#[test]
fn other_bytes_are_refused_and_nothing_panics() {
    let bytes = Scene::new(4, 4).group.encode();
    assert_eq!(Governance::decode(&[]), Err(DecodeError::Layout { found: None }));
    for found in [1, 3] {
        let other = [&[found], &bytes[1..]].concat();
        assert_eq!(
            Governance::decode(&other),
            Err(DecodeError::Layout { found: Some(found) })
        );
    }
    for cut in 1..bytes.len() {
        assert!(Governance::decode(&bytes[..cut]).is_err(), "{cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(Governance::decode(&longer).is_err());
}
