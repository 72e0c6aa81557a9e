//! Random histories of manifests: edits, reverts, prunes, stale clones, disagreements, operators that are away or see an old
//! chain, people who approve or do not. No change without a current majority, no oscillation, and no change lost that a majority
//! keeps declaring (GOVERNANCE.md 1).

mod agency;
mod settling;
mod world;

use std::fmt;

use althing_governance::{PATIENCE_MS, Role, Subject, Wish};
use althing_types::NodeId;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::support::cases;
use world::World;

/// About ten seconds of the tests' profile. Bugs that were planted to try this test on were found within the first twenty
/// cases; the rarest real one took some hundreds.
const CASES: u32 = 5_000;
const NODES: u8 = 6;
const AGENCIES: usize = 5;
const DAYS_8_MS: u64 = 8 * 24 * 3_600_000;

type Checked<T = ()> = Result<T, TestCaseError>;

/// What an entry may want. Nobody may want 0 transactions.
#[derive(Clone, Copy, Debug)]
enum Want {
    Role(u8, Role),
    Config(&'static str, &'static str),
}

impl Want {
    fn wish(self) -> Wish {
        match self {
            Self::Role(number, role) => Wish::Role(node(number), role),
            Self::Config(key, value) => Wish::Config(key.to_owned(), value.to_owned()),
        }
    }
}

/// What an operator sees of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Its newest block.
    Newest,
    /// What it saw when its node fell behind.
    Stale,
    /// Nothing: it is away.
    Away,
}

/// Agencies are counted round.
#[derive(Clone, Debug)]
enum Step {
    /// These agencies commit the same entry; its number is the next one that each of them sees, and `ahead`.
    Edit {
        who: Vec<usize>,
        want: Want,
        ahead: i64,
        force: bool,
    },
    /// An agency goes so many commits back, or somebody applies a clone that is so old.
    Revert { who: usize, commits: usize },
    /// An entry goes.
    Prune { who: usize, want: Want },
    /// The whole `agreed` goes.
    PruneAll { who: usize },
    /// An operator goes, comes back, or its node falls behind.
    Turn { who: usize, sight: Sight },
    /// A person votes for one of the changes that are open to it.
    Person { who: usize, choice: usize },
    /// Copies of all votes come late.
    Late,
    /// These nodes prove that they live.
    Prove(Vec<u8>),
    /// Everybody acts, in turn from this one; a block so much later has it all.
    Block { first: usize, ms: u64 },
}

/// An agency with its seat.
#[derive(Clone, Copy, Debug)]
struct Seated {
    weight: u32,
    /// Its person votes, not its manifest.
    is_manual: bool,
    /// Its person approves in the end what its manifest declares.
    assents: bool,
}

#[derive(Clone)]
struct History {
    agencies: Vec<Seated>,
    threshold: u32,
    steps: Vec<Step>,
}

/// A line for each step, so that a failure can be read.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "more than {}% of", self.threshold)?;
        for (number, seated) in self.agencies.iter().enumerate() {
            writeln!(f, "  agency {number}: {seated:?}")?;
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))
    }
}

fn history() -> impl Strategy<Value = History> {
    let seated = (1..5_u32, prop::bool::weighted(0.25), any::<bool>());
    let seated = seated.prop_map(|(weight, is_manual, assents)| Seated {
        weight,
        is_manual,
        assents,
    });
    (
        prop::collection::vec(seated, 3..=AGENCIES),
        prop_oneof![Just(50_u32), Just(66)],
        prop::collection::vec(step(), 5..60),
    )
        .prop_map(|(agencies, threshold, steps)| History {
            agencies,
            threshold,
            steps,
        })
}

fn want() -> impl Strategy<Value = Want> {
    let role = prop_oneof![Just(Role::Free), Just(Role::Observer), Just(Role::Sealer)];
    let setting = prop_oneof![
        Just(("tx_count_limit", "0")),
        Just(("tx_count_limit", "500")),
        Just(("tx_count_limit", "900")),
        Just(("consensus_timeout", "3")),
        Just(("consensus_timeout", "9")),
    ];
    prop_oneof![
        3 => (1..=NODES, role).prop_map(|(node, role)| Want::Role(node, role)),
        2 => setting.prop_map(|(key, value)| Want::Config(key, value)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..AGENCIES;
    let ahead = prop_oneof![12 => Just(0_i64), 1 => Just(-1), 1 => Just(1), 1 => Just(2)];
    let some = || prop::sample::subsequence((0..AGENCIES).collect::<Vec<_>>(), 1..=AGENCIES);
    let sight = prop_oneof![3 => Just(Sight::Newest), 1 => Just(Sight::Stale), 1 => Just(Sight::Away)];
    let ms = prop_oneof![20 => 0..90_000_u64, 2 => Just(PATIENCE_MS + 1), 1 => Just(DAYS_8_MS)];
    prop_oneof![
        12 => (some(), want(), ahead, prop::bool::weighted(0.1))
            .prop_map(|(who, want, ahead, force)| Step::Edit { who, want, ahead, force }),
        3 => (who(), 1..6_usize).prop_map(|(who, commits)| Step::Revert { who, commits }),
        2 => (who(), want()).prop_map(|(who, want)| Step::Prune { who, want }),
        1 => who().prop_map(|who| Step::PruneAll { who }),
        3 => (who(), sight).prop_map(|(who, sight)| Step::Turn { who, sight }),
        3 => (who(), 0..8_usize).prop_map(|(who, choice)| Step::Person { who, choice }),
        3 => Just(Step::Late),
        6 => prop::sample::subsequence((1..=NODES).collect::<Vec<_>>(), 0..=NODES as usize).prop_map(Step::Prove),
        15 => (who(), ms).prop_map(|(first, ms)| Step::Block { first, ms }),
    ]
}

fn node(number: u8) -> NodeId {
    NodeId::new([number; 64])
}

fn subjects() -> Vec<Subject> {
    let keys = ["tx_count_limit", "consensus_timeout"].map(|key| Subject::Config(key.to_owned()));
    (1..=NODES)
        .map(|number| Subject::Node(node(number)))
        .chain(keys)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(CASES), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_without_a_current_majority_no_oscillation_and_none_lost_that_a_majority_declares(history in history()) {
        let mut world = World::new(&history);
        for step in &history.steps {
            world.step(step)?;
        }
        world.settle()?;
    }
}

/// What an agency's own earlier act takes, its later one does not get: the second of two sealers is not voted away by who has the
/// first one removed in the same block.
#[test]
fn acts_that_are_planned_together_are_played_together() {
    let seated = |weight, is_manual| Seated {
        weight,
        is_manual,
        assents: false,
    };
    let edit = |who: &[usize], number, role| Step::Edit {
        who: who.to_vec(),
        want: Want::Role(number, role),
        ahead: 0,
        force: false,
    };
    let block = |ms| Step::Block { first: 0, ms };
    let history = History {
        agencies: vec![
            seated(2, false),
            seated(1, true),
            seated(3, false),
            seated(1, false),
            seated(2, false),
        ],
        threshold: 50,
        steps: vec![
            edit(&[2, 4], 3, Role::Free),
            edit(&[2, 4], 4, Role::Observer),
            edit(&[0, 3, 4], 1, Role::Free),
            block(0),
            edit(&[2], 4, Role::Free),
            block(PATIENCE_MS + 1),
            Step::Prove(vec![1, 2, 3]),
            edit(&[0], 4, Role::Free),
            block(0),
            block(0),
            edit(&[3], 1, Role::Free),
            edit(&[4], 2, Role::Free),
            edit(&[4], 4, Role::Free),
        ],
    };
    let mut world = World::new(&history);
    for step in &history.steps {
        world.step(step).unwrap();
    }
    world.settle().unwrap();
}
