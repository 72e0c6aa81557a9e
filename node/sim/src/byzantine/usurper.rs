//! Lets one node decide and forges the new view in which the others would decide otherwise.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, Bytes};
use althing_consensus::{Message, Phase, RoundChange, Slot};

use super::{Liar, Said, Whom, World};

/// Round changes kept.
const CHANGES_MAX: usize = 32;

/// Its COMMIT goes to one node only; at once it proposes another block, in the next view that it leads, with whatever it
/// can pass off as a reason to be there. Whoever believes it votes against a block that another node may have committed.
#[derive(Debug, Default)]
pub struct Usurper {
    /// Round changes heard, whatever they are for.
    heard: BTreeMap<Slot, Vec<RoundChange>>,
    /// The slots it has committed in.
    done: BTreeSet<Slot>,
}

impl Usurper {
    fn remember(&mut self, change: &RoundChange) {
        let of_slot = self.heard.entry(change.slot).or_default();
        if of_slot.len() < CHANGES_MAX && !of_slot.iter().any(|known| known.by.sealer == change.by.sealer) {
            of_slot.push(*change);
            of_slot.sort_by_key(|change| change.by.sealer);
        }
        while self.heard.len() > CHANGES_MAX {
            self.heard.pop_first();
        }
    }

    /// What it gives as its reason: nothing, itself, itself many times, those that claim nothing, or those of another
    /// view.
    fn excuse(&self, world: &mut World<'_>, slot: Slot) -> Vec<RoundChange> {
        let mine = world.change(slot, None);
        let of_slot = self.heard.get(&slot).cloned().unwrap_or_default();
        match world.dice.below(5) {
            0 => Vec::new(),
            1 => vec![mine],
            2 => vec![mine; 5],
            3 => {
                let mut changes: Vec<_> = of_slot.into_iter().filter(|change| change.claim.is_none()).collect();
                changes.retain(|change| change.by.sealer != mine.by.sealer);
                changes.push(mine);
                changes.sort_by_key(|change| change.by.sealer);
                changes
            }
            _ => self.heard.values().next_back().cloned().unwrap_or_default(),
        }
    }

    /// The proposal of another block, and its own votes for it.
    fn usurp(&self, world: &mut World<'_>, slot: Slot, not: B256) -> Option<Vec<Bytes>> {
        let view = world.view_it_leads(slot.view + 1)?;
        let slot = Slot { view, ..slot };
        let block = world.block().candidate(world.hash);
        if block.hash == not || block.height != slot.height {
            return None;
        }
        let excuse = self.excuse(world, slot);
        world.counts.forged_views += 1;
        let votes = [Phase::Prepare, Phase::Commit].map(|phase| world.vote(slot, phase, block.hash));
        let mut said = vec![world.proposal(view, block, excuse, None)];
        said.extend(votes);
        Some(said)
    }
}

impl Liar for Usurper {
    fn outgoing(&mut self, world: &mut World<'_>, to: Whom, message: &Message, bytes: Bytes) -> Said {
        let Message::Vote(vote) = message else {
            return vec![(to, bytes)];
        };
        if vote.phase != Phase::Commit || !self.done.insert(vote.slot) {
            return vec![(to, bytes)];
        }
        while self.done.len() > CHANGES_MAX {
            self.done.pop_first();
        }
        let chosen = world.dice.index(world.plan.ids.len());
        let mut said = vec![(Whom::One(chosen), bytes)];
        if let Some(lies) = self.usurp(world, vote.slot, vote.block) {
            let others = (0..world.plan.ids.len()).filter(|n| *n != chosen);
            said.extend(others.flat_map(|n| lies.iter().map(move |lie| (Whom::One(n), lie.clone()))));
        }
        said
    }

    fn incoming(&mut self, world: &mut World<'_>, message: &Message) -> Said {
        match message {
            Message::RoundChange(change) => self.remember(&change.change),
            // Others are about to decide: the earlier of the two may win.
            Message::Vote(vote) if vote.phase == Phase::Commit && world.dice.per_mille(100) => {
                let lies = self.usurp(world, vote.slot, vote.block);
                return lies
                    .unwrap_or_default()
                    .into_iter()
                    .map(|lie| (Whom::All, lie))
                    .collect();
            }
            _ => {}
        }
        Vec::new()
    }
}
