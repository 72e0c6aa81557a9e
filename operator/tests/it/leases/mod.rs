//! Leases between operators (GOVERNANCE.md 2): small scenes, then whole histories.

mod histories;
mod world;

use althing_governance::{LEASE_MS_MAX, LeaseWish};
use althing_operator::governance::{Call, GIVEN_BACK};
use althing_operator::plan::disruption::{Rule, Taken};
use althing_operator::plan::{Disruption, Verdict};
use jiff::{SignedDuration, Timestamp};

use self::world::{FIRST_MS, Is, World, account, name};

/// Agency 0 runs nodes 0 and 1, agency 1 nodes 2 and 3, which seal one group.
fn two_agencies() -> World {
    World::new(&[0, 0, 1, 1], &[&[0, 1, 2, 3]])
}

fn verdict(decided: &[Disruption], i: usize) -> Result<(), (Rule, String)> {
    let found = decided.iter().find(|it| it.node == name(i)).unwrap();
    match &found.verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Blocked { rule, why } => Err((*rule, why.clone())),
    }
}

/// Why the node waits for a lease.
fn waits(decided: &[Disruption], i: usize) -> String {
    let (rule, why) = verdict(decided, i).unwrap_err();
    assert_eq!(rule, Rule::LeaseFirst, "{why}");
    assert!(why.contains("; "), "it says what would unblock it: {why}");
    why
}

fn sentences(taken: &Taken) -> Vec<String> {
    taken.acts.iter().map(ToString::to_string).collect()
}

fn minutes(minutes: i64) -> Timestamp {
    let first = Timestamp::from_millisecond(i64::try_from(FIRST_MS).unwrap()).unwrap();
    first + SignedDuration::from_mins(minutes)
}

impl World {
    /// Two blocks, so that every node had its turn to prove that it lives.
    fn blocks(&mut self) {
        for _ in 0..2 {
            self.block(5_000, |_| true);
        }
    }

    /// Asks for the node and waits until its operator has the lease.
    fn lease(&mut self, operator: usize, i: usize) {
        self.members[i].outdated = true;
        self.turn(operator, 0, 9);
        self.blocks();
        self.blocks();
        assert!(self.groups[0].chain().lease().unwrap().granted);
    }
}

#[test]
fn a_sealer_among_other_agencies_is_disturbed_under_a_lease_and_the_lease_is_given_back() {
    let mut world = two_agencies();
    world.members[0].outdated = true;
    let (decided, taken) = world.turn(0, 0, 3);
    let why = waits(&decided, 0);
    assert!(why.contains("agency-0 asks for the lease of group group-1"), "{why}");
    assert_eq!(
        sentences(&taken),
        ["agency-0 asks for the lease of group-1 for node-0: a restart for its configuration"]
    );
    world.block(5_000, |_| true);
    let (decided, taken) = world.turn(0, 0, 3);
    assert!(taken.acts.is_empty(), "it is asked already: {taken:?}");
    let why = waits(&decided, 0);
    assert!(why.contains("when 3 other sealers of it have proved to live"), "{why}");
    world.blocks();
    let (decided, _) = world.turn(0, 0, 3);
    assert_eq!(verdict(&decided, 0), Ok(()));
    assert_eq!(world.members[0].is, Is::Disturbed(3));

    for _ in 0..4 {
        let (decided, taken) = world.turn(0, 0, 3);
        assert!(decided.is_empty() && taken.acts.is_empty(), "it is away: {taken:?}");
        assert!(taken.held[0].granted && taken.held[0].node == name(0));
        world.block(5_000, |_| true);
    }
    let (_, taken) = world.turn(0, 0, 3);
    assert_eq!(
        sentences(&taken),
        ["agency-0 marks the lease of group-1 for node-0 as one it gives back"]
    );
    world.block(5_000, |_| true);
    let (_, taken) = world.turn(0, 0, 3);
    assert_eq!(
        sentences(&taken),
        ["agency-0 gives the lease of group-1 for node-0 back"]
    );
    world.block(5_000, |_| true);
    assert!(world.is_calm());
    assert_eq!(world.turn(0, 0, 3).1, Taken::default());
}

#[test]
fn of_two_agencies_that_want_it_at_once_one_waits_and_says_for_whom() {
    let mut world = two_agencies();
    (world.members[0].outdated, world.members[3].outdated) = (true, true);
    world.turn(0, 0, 9);
    world.turn(1, 0, 9);
    world.blocks();
    let (decided, taken) = world.turn(1, 0, 9);
    assert!(taken.acts.is_empty(), "{taken:?}");
    let why = waits(&decided, 3);
    assert!(
        why.contains("node-0 has its lease (agency-0, until ") || why.contains("node-0 waits for its lease"),
        "{why}"
    );
    assert!(
        why.contains("\"a restart for its configuration\"); node-3 follows"),
        "{why}"
    );
}

#[test]
fn within_one_operator_no_chain_is_asked() {
    let mut world = World::new(&[0, 0, 0, 0], &[&[0, 1, 2, 3]]);
    world.members[2].outdated = true;
    world.operators[0].deaf = true;
    let (decided, taken) = world.turn(0, 0, 3);
    assert_eq!((verdict(&decided, 2), taken), (Ok(()), Taken::default()));
}

#[test]
fn who_does_not_vote_needs_no_lease_so_that_healing_is_never_refused() {
    let mut world = two_agencies();
    (world.members[1].outdated, world.members[1].is) = (true, Is::Crashed);
    world.operators[0].deaf = true;
    let (decided, taken) = world.turn(0, 0, 3);
    assert_eq!((verdict(&decided, 1), taken.acts.len()), (Ok(()), 0));
}

#[test]
fn who_does_not_answer_and_is_heard_by_others_counts_as_one_that_votes() {
    let mut world = two_agencies();
    (world.members[1].outdated, world.members[1].is, world.members[1].answers) = (true, Is::Crashed, false);
    waits(&world.turn(0, 0, 3).0, 1);
    // Nobody hears it any more.
    world.block(5_000, |_| true);
    assert_eq!(verdict(&world.turn(0, 0, 3).0, 1), Ok(()));
}

#[test]
fn a_chain_that_nobody_tells_of_blocks_a_node_that_is_believed_to_live() {
    let mut world = two_agencies();
    world.members[0].outdated = true;
    world.operators[0].deaf = true;
    let (decided, taken) = world.turn(0, 0, 3);
    assert!(taken.acts.is_empty());
    let why = waits(&decided, 0);
    assert!(why.contains("no own node that is in sync there tells"), "{why}");
}

#[test]
fn an_agency_without_a_seat_cannot_take_a_lease_and_is_told_what_would_help() {
    let mut world = World::with_seats(&[0, 0, 1, 1], &[&[0, 1, 2, 3]], &[0]);
    world.members[3].outdated = true;
    let (decided, taken) = world.turn(1, 0, 3);
    assert!(taken.acts.is_empty());
    let why = waits(&decided, 3);
    assert!(
        why.contains("neither agency-1 nor") && why.contains("spec.agreed.committee"),
        "{why}"
    );
}

#[test]
fn without_a_committee_anybody_takes_a_lease() {
    let mut world = World::with_seats(&[0, 0, 1, 1], &[&[0, 1, 2, 3]], &[]);
    world.lease(1, 3);
    assert_eq!(world.groups[0].chain().lease().unwrap().holder, account(1));
}

#[test]
fn leases_are_taken_in_the_order_of_the_groups_and_the_next_only_under_the_one_before() {
    let mut world = World::new(&[0, 0, 1, 1], &[&[0, 1, 2, 3], &[0, 1, 2, 3]]);
    world.members[0].outdated = true;
    let (_, taken) = world.turn(0, 0, 9);
    assert_eq!(taken.acts.len(), 1);
    assert_eq!(taken.acts[0].group.as_str(), "group-1");
    world.block(5_000, |_| true);
    assert!(world.turn(0, 0, 9).1.acts.is_empty(), "it is not granted yet");
    world.blocks();
    let (decided, taken) = world.turn(0, 0, 9);
    assert!(waits(&decided, 0).contains("group-2"));
    assert_eq!((taken.acts.len(), taken.acts[0].group.as_str()), (1, "group-2"));
    world.blocks();
    world.blocks();
    assert_eq!(verdict(&world.turn(0, 0, 9).0, 0), Ok(()));
}

#[test]
fn who_lacks_a_lower_group_keeps_no_lease_in_a_higher_one() {
    let mut world = World::new(&[0, 0, 1, 1], &[&[0, 1, 2, 3], &[0, 1, 2, 3]]);
    world.members[0].outdated = true;
    for _ in 0..2 {
        world.turn(0, 0, 9);
        world.blocks();
        world.blocks();
    }
    assert!(world.groups[1].chain().lease().is_some());
    // The first one runs out while nothing is looked at, and somebody else takes it.
    let lease = world.groups[0].chain().lease().cloned().unwrap();
    let block = world.groups[0].blocks.last_mut().unwrap();
    block.view.now.unix_ms = lease.until_ms;
    block.view.governance = block.view.governance.clone().as_of(block.view.now);
    world.members[2].outdated = true;
    world.turn(1, 0, 9);
    world.block(5_000, |_| true);
    let (decided, taken) = world.turn(0, 0, 9);
    assert!(waits(&decided, 0).contains("node-2"));
    assert_eq!(
        sentences(&taken),
        ["agency-0 marks the lease of group-2 for node-0 as one it gives back"]
    );
}

#[test]
fn a_wish_that_is_gone_gives_the_lease_back_and_one_that_returns_takes_it_up_again() {
    let mut world = two_agencies();
    world.lease(0, 0);
    world.members[0].outdated = false;
    let (_, taken) = world.turn(0, 0, 9);
    assert!(
        matches!(&taken.acts[..], [act] if matches!(&act.call, Call::AskLease(wish) if wish.reason == GIVEN_BACK)),
        "{taken:?}"
    );
    world.block(5_000, |_| true);
    world.members[0].outdated = true;
    let (decided, taken) = world.turn(0, 0, 9);
    assert!(waits(&decided, 0).contains("agency-0 asks"), "a marked lease is none");
    assert_eq!(taken.acts.len(), 1);
    world.block(5_000, |_| true);
    assert_eq!(verdict(&world.turn(0, 0, 9).0, 0), Ok(()));
}

#[test]
fn a_lease_that_is_about_to_end_is_asked_for_again_before_its_node_goes() {
    let mut world = two_agencies();
    world.lease(0, 0);
    let until = world.groups[0].chain().lease().unwrap().until_ms;
    world.block(until - 19 * 60_000 - world.groups[0].newest().view.now.unix_ms, |_| {
        true
    });
    let (decided, taken) = world.turn(0, 0, 9);
    waits(&decided, 0);
    assert_eq!(taken.acts.len(), 1);
    assert_eq!(world.turn(0, 0, 9).1, taken, "the same act until the chain shows it");
    world.block(5_000, |_| true);
    let lease = world.groups[0].chain().lease().unwrap();
    assert!(lease.granted && lease.until_ms > until);
    assert_eq!(verdict(&world.turn(0, 0, 9).0, 0), Ok(()));
}

#[test]
fn what_a_person_took_by_hand_is_neither_used_nor_given_back() {
    let mut world = two_agencies();
    let block = world.groups[0].blocks.last_mut().unwrap();
    let (now, id) = (block.view.now, world_id());
    let until = now.unix_ms + LEASE_MS_MAX;
    let chain = &mut block.view.governance;
    let wish = LeaseWish {
        node: id,
        reason: "a new disk".to_owned(),
        until_ms: until,
        pause: false,
        asked_in: 0,
    };
    chain.ask_lease(now, account(0), &wish).unwrap();
    assert_eq!(world.turn(0, 0, 9).1, Taken::default());
    world.members[0].outdated = true;
    let (decided, taken) = world.turn(0, 0, 9);
    assert!(waits(&decided, 0).contains("\"a new disk\""));
    assert!(taken.acts.is_empty());
}

/// Node 0's.
fn world_id() -> althing_types::NodeId {
    althing_types::NodeId::new([1; 64])
}

#[test]
fn a_group_that_tolerates_no_fault_is_asked_for_an_announced_pause_no_longer_than_that() {
    let mut world = World::new(&[0, 1], &[&[0, 1]]);
    world.members[0].outdated = true;
    let (decided, taken) = world.turn(0, 0, 9);
    assert_eq!(verdict(&decided, 0).unwrap_err().0, Rule::AnnouncedPauseOnly);
    assert!(taken.acts.is_empty());
    world.groups[0].pause_until = Some(minutes(7));
    let (_, taken) = world.turn(0, 0, 9);
    let [act] = &taken.acts[..] else { panic!("{taken:?}") };
    let Call::AskLease(wish) = &act.call else {
        panic!("{act}")
    };
    assert_eq!((wish.until_ms, wish.pause), (FIRST_MS + 7 * 60_000, true));
    world.blocks();
    world.blocks();
    let (decided, taken) = world.turn(0, 0, 9);
    assert_eq!((verdict(&decided, 0), taken.acts.len()), (Ok(()), 0));
}

#[test]
fn a_lease_is_not_given_back_while_its_node_may_still_be_evicted() {
    let mut world = two_agencies();
    world.members[0].drained = true;
    world.turn(0, 0, 9);
    world.blocks();
    world.blocks();
    assert_eq!(verdict(&world.turn(0, 0, 9).0, 0), Ok(()));
    assert!(world.operators[0].opened.contains(&0));
    world.members[0].drained = false;
    assert!(world.plan(0).1.acts.is_empty(), "the budget is still open");
    world.turn(0, 0, 9);
    assert_eq!(world.turn(0, 0, 9).1.acts.len(), 1, "it is closed now");
}
