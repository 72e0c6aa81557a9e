//! A group whose quorum is gone for ever goes on by a recovery (ADR 0016), under every order of messages, restarts and returns: those who
//! take it up never part, nobody signs twice in one domain, and who comes back follows.
//!
//! A world of its own, smaller than the cluster: the true core and vote log, blocks that say whether they carry the recovery, disks that
//! are at once durable. What the shell of a node decides about a recovery is decided here alike.

mod post;
mod world;

use std::collections::BTreeSet;

use alloy_primitives::B256;
use althing_consensus::Record;
use althing_types::{GroupId, Recovery, SealerSet};

use world::{Event, GENESIS, World, carries};

/// What came of a seed, so that the test can say that it saw everything.
#[derive(Default)]
struct Seen {
    votes_before: u64,
    lost_blocks: u64,
    early_returns: u64,
    went_on_without: u64,
}

fn run(seed: u64, seen: &mut Seen) {
    let mut world = World::new(seed);
    let count = world.peers.len();
    let (quorum, blocks) = (world.old_sealers().quorum(), world.dice.between(1, 4));
    assert!(
        world.run_until(|world| (0..count).any(|node| world.head(node).height >= blocks)),
        "seed {seed}"
    );
    // Somewhere in the middle of a height the quorum is gone.
    let moment = world.dice.below(400);
    world.run_for(moment);
    let alive = 1 + world.dice.index(quorum - 1);
    let mut order: Vec<usize> = (0..count).collect();
    for n in (1..count).rev() {
        order.swap(n, world.dice.index(n + 1));
    }
    let (live, lost) = order.split_at(alive);
    for node in lost {
        world.kill(*node);
    }
    let highest = |world: &World| live.iter().map(|node| world.head(*node).height).max().unwrap();
    world.run_for(8_000);
    let height = highest(&world);
    assert!(
        live.iter().all(|node| world.head(*node).height == height),
        "seed {seed}: the live ones are equal"
    );
    let voted = |record: &Record| record.is_signed() && record.height() == height + 1;
    seen.votes_before += u64::from(live.iter().any(|node| world.peers[*node].log.iter().any(voted)));
    world.recovery = Some(Recovery {
        genesis: GENESIS,
        group: GroupId::try_from(1).unwrap(),
        height,
        block: world.head(live[0]).hash,
        replaces: None,
        sealers: SealerSet::new(live.iter().map(|node| world.ids[*node]).collect()),
        signatures: vec![],
    });
    let mut last = 0;
    for node in live {
        let at = world.dice.below(20_000);
        last = last.max(at);
        world.after(at, Event::Install { node: *node });
        if world.dice.per_mille(400) {
            let at = world.dice.below(25_000);
            world.after(at, Event::Restart { node: *node });
        }
    }
    let is_early = world.dice.per_mille(300);
    for node in lost {
        let at = match is_early {
            true => world.dice.below(last + 1),
            false => last + 1 + world.dice.below(20_000),
        };
        world.after(at, Event::Return { node: *node });
    }
    // Where one of them has a block that nobody else has, the others that come back need the document too, or they may fetch that one.
    let before: BTreeSet<usize> = lost
        .iter()
        .copied()
        .filter(|node| world.head(*node).height > height)
        .collect();
    for node in lost {
        world.peers[*node].holds = !before.is_empty();
    }
    seen.lost_blocks += u64::from(!before.is_empty());
    seen.early_returns += u64::from(is_early);
    judge(seed, &mut world, live, &before, is_early, seen);
}

/// Nobody who has taken it up parts from another who has; and where the lost ones stayed away until all had, everybody goes on.
fn judge(seed: u64, world: &mut World, live: &[usize], before: &BTreeSet<usize>, is_early: bool, seen: &mut Seen) {
    let recovery = world.recovery.clone().unwrap();
    let at = usize::try_from(recovery.height).unwrap();
    let goal = recovery.height + 3;
    let followers: Vec<usize> = (0..world.peers.len()).filter(|node| !before.contains(node)).collect();
    let reached =
        world.run_until(|world| world.now_ms > 60_000 && followers.iter().all(|node| world.head(*node).height >= goal));
    let took = |node: &usize| {
        world.peers[*node]
            .log
            .iter()
            .any(|record| matches!(record, Record::Recovered(_)))
    };
    let taken: Vec<usize> = live.iter().copied().filter(took).collect();
    let decided: BTreeSet<B256> = taken
        .iter()
        .filter_map(|node| Some(world.peers[*node].chain.get(at)?.hash))
        .collect();
    assert!(decided.len() <= 1, "seed {seed}: those who took it up part");
    for node in &taken {
        if let Some(stored) = world.peers[*node].chain.get(at) {
            assert!(
                carries(&stored.block),
                "seed {seed}: node {node} took it up and went on without it"
            );
        }
    }
    if is_early {
        let without = |node: &usize| {
            world.peers[*node]
                .chain
                .get(at)
                .is_some_and(|stored| !carries(&stored.block))
        };
        seen.went_on_without += u64::from(live.iter().any(without));
        return;
    }
    let heights: Vec<u64> = (0..world.peers.len()).map(|node| world.head(node).height).collect();
    assert!(
        reached,
        "seed {seed}: goes on from {} to {heights:?}, live {live:?}, ahead {before:?}",
        recovery.height
    );
    for height in 0..usize::try_from(goal).unwrap() {
        let hashes: BTreeSet<B256> = followers
            .iter()
            .map(|node| world.peers[*node].chain[height].hash)
            .collect();
        assert_eq!(hashes.len(), 1, "seed {seed}: a fork at {}", height + 1);
    }
    assert!(carries(&world.peers[live[0]].chain[at].block));
}

#[test]
fn a_group_that_lost_its_quorum_goes_on_by_a_recovery_without_a_fork_whoever_comes_back() {
    let mut seen = Seen::default();
    for seed in 0..160 {
        run(seed, &mut seen);
    }
    assert!(
        seen.votes_before > 20,
        "votes of the height were given before: {}",
        seen.votes_before
    );
    assert!(
        seen.lost_blocks > 2,
        "blocks that only lost sealers had: {}",
        seen.lost_blocks
    );
    assert!(
        seen.early_returns > 20,
        "returns before everybody had it: {}",
        seen.early_returns
    );
    assert!(
        seen.went_on_without > 2,
        "groups that went on without it: {}",
        seen.went_on_without
    );
}
