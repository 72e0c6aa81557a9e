//! What a run is about: everything that is drawn from the seed before it begins.

use althing_types::{NodeId, SealerSet, quorum};

use crate::block::Block;
use crate::byzantine::Kind;
use crate::counts::Counts;
use crate::dice::Dice;
use crate::suite::{Crypto, IDENTITIES_MAX};

/// One transaction of so many changes the members, while there is a further set.
const CHANGE_EVERY: u64 = 6;

/// What is wrong with an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// Nothing: it may crash, and comes back with its disk.
    Honest,
    /// It loses its vote log once, and perhaps its ledger. It counts as a fault, as it is down until it may vote again.
    Forgetful,
    /// It lies.
    Liar(Kind),
}

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The nodeID of each identity, ascending.
    pub ids: Vec<NodeId>,
    /// What each identity is.
    pub traits: Vec<Trait>,
    /// The sets of sealers, in the order in which blocks with a membership change install them.
    pub sets: Vec<SealerSet>,
    /// Whether the group begins in the chaos; else every node has voted before.
    pub begins: bool,
    /// How many of a thousand records and decisions are followed by a crash within milliseconds.
    pub fragile: u64,
    /// How long the network and the nodes are bad, in milliseconds.
    pub chaos_ms: u64,
    /// Splits of the network: when, and for how long.
    pub splits: Vec<(u64, u64)>,
    /// Crashes: when, who, and for how long.
    pub crashes: Vec<(u64, usize, u64)>,
    /// How long an execution takes at most, in milliseconds; rarely.
    pub slow_execution_ms: u64,
    /// How far each identity's wall clock is off, in milliseconds.
    pub skews_ms: Vec<i64>,
}

impl Plan {
    /// The plan of this seed, for 4 to 7 sealers.
    pub fn draw(dice: &mut Dice, crypto: &Crypto) -> Self {
        let sealing = usize::try_from(dice.between(4, 7)).unwrap_or(4);
        let count = (sealing + dice.index(3)).min(IDENTITIES_MAX).min(crypto.keys.len());
        let ids: Vec<NodeId> = crypto
            .keys
            .iter()
            .take(count)
            .map(|key| NodeId::new(key.public_key()))
            .collect();
        let members = draw_members(dice, sealing, count);
        let traits = draw_traits(dice, &members, count);
        let chaos_ms = dice.between(8_000, 40_000);
        let set = |members: &[usize]| SealerSet::new(members.iter().filter_map(|n| ids.get(*n).copied()).collect());
        Self {
            sets: members.iter().map(|members| set(members)).collect(),
            begins: dice.per_mille(500),
            fragile: if dice.per_mille(600) { 0 } else { dice.between(1, 15) },
            splits: draw_splits(dice, chaos_ms),
            crashes: draw_crashes(dice, chaos_ms, &traits),
            slow_execution_ms: dice.between(1, 4_000),
            skews_ms: (0..count).map(|_| dice.below(4_000).cast_signed()).collect(),
            ids,
            traits,
            chaos_ms,
        }
    }

    /// The same with one fault alone: this identity's wall clock.
    pub fn with_clock_off(mut self, identity: usize, ms: i64) -> Self {
        self.traits.fill(Trait::Honest);
        if let Some(skew) = self.skews_ms.get_mut(identity) {
            *skew = ms;
        }
        self
    }

    /// The sealers of an epoch.
    pub fn sealers(&self, epoch: usize) -> SealerSet {
        let none = || SealerSet::new(Vec::new());
        self.sets.get(epoch).cloned().unwrap_or_else(none)
    }

    /// The epoch that follows a block of this one: the next, if the block holds a transaction that changes the members.
    pub fn epoch_after(&self, epoch: usize, block: &Block) -> usize {
        let changes = block
            .transactions
            .iter()
            .any(|transaction| transaction % CHANGE_EVERY == 2);
        (epoch + usize::from(changes)).min(self.sets.len().saturating_sub(1))
    }

    /// The identity of a nodeID.
    pub fn identity(&self, id: &NodeId) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }

    /// Counts the liars.
    pub fn count(&self, counts: &mut Counts) {
        for what in &self.traits {
            let Trait::Liar(kind) = what else { continue };
            counts.liars += 1;
            let of_kind = match kind {
                Kind::Silent => &mut counts.silent,
                Kind::Equivocator => &mut counts.equivocators,
                Kind::Twins => &mut counts.twins,
                Kind::Forger => &mut counts.forgers,
                Kind::Usurper => &mut counts.usurpers,
                Kind::Amnesiac => &mut counts.amnesiacs,
                Kind::LyingSync => &mut counts.lying_sync,
                Kind::BadBlocks => &mut counts.bad_blocks,
            };
            *of_kind += 1;
        }
    }

    /// Whether this identity never lies.
    pub fn is_honest(&self, identity: usize) -> bool {
        !matches!(self.traits.get(identity), Some(Trait::Liar(_)) | None)
    }
}

/// Membership changes by one at a time, between 4 and 7 sealers.
fn draw_members(dice: &mut Dice, sealing: usize, count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    for n in (1..count).rev() {
        order.swap(n, dice.index(n + 1));
    }
    let mut members: Vec<usize> = order.into_iter().take(sealing).collect();
    let mut sets = vec![members.clone()];
    for _ in 0..dice.index(4) {
        let outside: Vec<usize> = (0..count).filter(|n| !members.contains(n)).collect();
        let grow = members.len() < 7 && !outside.is_empty() && (members.len() <= 4 || dice.per_mille(500));
        if grow {
            members.extend(outside.get(dice.index(outside.len())));
        } else if members.len() > 4 {
            members.swap_remove(dice.index(members.len()));
        }
        sets.push(members.clone());
    }
    sets
}

/// Up to f faults in every set that will seal.
fn draw_traits(dice: &mut Dice, members: &[Vec<usize>], count: usize) -> Vec<Trait> {
    let mut traits = vec![Trait::Honest; count];
    let few_enough = |traits: &[Trait]| {
        members.iter().all(|set| {
            let faulty = set.iter().filter(|n| traits.get(**n) != Some(&Trait::Honest)).count();
            faulty <= set.len() - quorum(set.len())
        })
    };
    for _ in 0..dice.index(6) {
        let chosen = dice.index(count);
        let mut with = traits.clone();
        let fault = if dice.per_mille(200) {
            Trait::Forgetful
        } else {
            Trait::Liar(Kind::draw(dice))
        };
        if let Some(slot) = with.get_mut(chosen) {
            *slot = fault;
        }
        if few_enough(&with) {
            traits = with;
        }
    }
    traits
}

fn draw_splits(dice: &mut Dice, chaos_ms: u64) -> Vec<(u64, u64)> {
    (0..dice.below(5))
        .map(|_| (dice.below(chaos_ms), dice.between(200, 12_000)))
        .collect()
}

fn draw_crashes(dice: &mut Dice, chaos_ms: u64, traits: &[Trait]) -> Vec<(u64, usize, u64)> {
    let mut crashes = Vec::new();
    let heavy = dice.per_mille(300);
    for _ in 0..dice.below(if heavy { 25 } else { 6 }) {
        crashes.push((dice.below(chaos_ms), dice.index(traits.len()), dice.between(1, 5_000)));
    }
    for (identity, what) in traits.iter().enumerate() {
        if *what == Trait::Forgetful {
            crashes.push((dice.below(chaos_ms), identity, dice.between(1, 5_000)));
        }
    }
    // Sometimes everybody at once, as when the power fails.
    if dice.per_mille(150) {
        let at = dice.below(chaos_ms);
        crashes.extend((0..traits.len()).map(|identity| (at, identity, dice.between(1, 2_000))));
    }
    crashes.sort_unstable();
    crashes
}
