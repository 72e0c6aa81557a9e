//! The candidates of one height: several may coexist, bounded.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use althing_types::SealerSet;

use crate::Candidate;

/// Candidates kept at once: the locked one, the current one, and some that a late quorum may still decide.
pub(super) const CANDIDATES_MAX: usize = 8;

/// How far a candidate has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its bytes are held, nobody executes it.
    Held,
    /// The shell executes it.
    Executing,
    /// It executes to what its header says.
    Valid(SealerSet),
    /// It does not.
    Invalid(String),
}

#[derive(Debug)]
struct Entry {
    candidate: Candidate,
    state: State,
    last_view: u64,
}

/// The candidates by hash.
#[derive(Debug, Default)]
pub(super) struct Candidates(BTreeMap<B256, Entry>);

impl Candidates {
    /// Keeps a candidate, or notes that a later view wants it. Gives the hash of one that had to go for it.
    pub(super) fn keep(&mut self, candidate: &Candidate, view: u64, needed: &[B256]) -> Option<B256> {
        if let Some(entry) = self.0.get_mut(&candidate.hash) {
            entry.last_view = entry.last_view.max(view);
            return None;
        }
        let mut evicted = None;
        if self.0.len() >= CANDIDATES_MAX {
            let oldest = self
                .0
                .iter()
                .filter(|(hash, _)| !needed.contains(hash))
                .min_by_key(|(_, e)| e.last_view);
            evicted = oldest.map(|(hash, _)| *hash);
            if let Some(hash) = evicted {
                self.0.remove(&hash);
            }
        }
        let entry = Entry {
            candidate: candidate.clone(),
            state: State::Held,
            last_view: view,
        };
        self.0.insert(candidate.hash, entry);
        evicted
    }

    pub(super) fn get(&self, hash: &B256) -> Option<&Candidate> {
        self.0.get(hash).map(|entry| &entry.candidate)
    }

    pub(super) fn state(&self, hash: &B256) -> Option<&State> {
        self.0.get(hash).map(|entry| &entry.state)
    }

    pub(super) fn set_state(&mut self, hash: &B256, state: State) -> bool {
        let entry = self.0.get_mut(hash);
        let found = entry.is_some();
        if let Some(entry) = entry {
            entry.state = state;
        }
        found
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        self.0.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_bounded_and_the_needed_ones_stay() {
        let mut candidates = Candidates::default();
        let hash = |n: u64| B256::from(alloy_primitives::U256::from(n + 1));
        let locked = hash(0);
        let mut gone = Vec::new();
        for view in 0..20 {
            let candidate = Candidate {
                hash: hash(view),
                ..crate::pbft::round::tests::candidate(1)
            };
            gone.extend(candidates.keep(&candidate, view, &[locked]));
        }
        assert_eq!(candidates.len(), CANDIDATES_MAX);
        assert!(candidates.get(&locked).is_some());
        assert_eq!(gone, (1..13).map(hash).collect::<Vec<_>>());
    }
}
