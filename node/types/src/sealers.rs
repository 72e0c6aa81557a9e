//! The sealers of one height, and the one quorum function of the whole project (LEDGER.md 1).

use crate::{B256, HashFn, NodeId};

/// How many of `n` sealers must agree: `n − ⌊(n−1)/3⌋`. Zero sealers have no quorum that could be met.
pub const fn quorum(n: usize) -> usize {
    match n {
        0 => 1,
        _ => n - (n - 1) / 3,
    }
}

/// How many of `n` sealers may lie or be silent: `⌊(n−1)/3⌋`.
pub const fn faults_tolerable(n: usize) -> usize {
    n.saturating_sub(1) / 3
}

/// The sealers of one height, ascending by nodeID and without repeats.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealerSet(Vec<NodeId>);

impl SealerSet {
    /// Sorts and removes repeats.
    pub fn new(mut sealers: Vec<NodeId>) -> Self {
        sealers.sort_unstable();
        sealers.dedup();
        Self(sealers)
    }

    /// The sealers in order.
    pub fn as_slice(&self) -> &[NodeId] {
        &self.0
    }

    /// How many sealers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody seals.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// [`quorum`] of this set.
    pub fn quorum(&self) -> usize {
        quorum(self.len())
    }

    /// [`faults_tolerable`] of this set.
    pub fn faults_tolerable(&self) -> usize {
        faults_tolerable(self.len())
    }

    /// The position of a sealer.
    pub fn index_of(&self, node: &NodeId) -> Option<usize> {
        self.0.binary_search(node).ok()
    }

    /// Whether this node seals.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.index_of(node).is_some()
    }

    /// The sealer at a position.
    pub fn get(&self, index: usize) -> Option<&NodeId> {
        self.0.get(index)
    }

    /// The leader of a round: position `(view + height) mod n`. None when nobody seals.
    pub fn leader(&self, height: u64, view: u64) -> Option<&NodeId> {
        let n = u128::try_from(self.len()).ok().filter(|n| *n > 0)?;
        let position = (u128::from(height) + u128::from(view)) % n;
        self.0.get(usize::try_from(position).ok()?)
    }

    /// The hash that a block's section carries of the sealers of the next height.
    pub fn hash(&self, hash: HashFn) -> B256 {
        let bytes: Vec<u8> = self.0.iter().flat_map(|node| *node.as_bytes()).collect();
        hash(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorum_is_n_minus_a_third_of_the_others() {
        let table = [
            (1, 1),
            (2, 2),
            (3, 3),
            (4, 3),
            (5, 4),
            (6, 5),
            (7, 5),
            (8, 6),
            (9, 7),
            (10, 7),
        ];
        for (n, expected) in table {
            assert_eq!(quorum(n), expected, "quorum({n})");
        }
    }

    #[test]
    fn two_quorums_of_one_set_share_an_honest_sealer() {
        for n in 1..200 {
            assert!(2 * quorum(n) > n + faults_tolerable(n), "{n} sealers");
        }
    }

    #[test]
    fn sealers_are_ordered_by_ascending_node_id_and_lead_by_view_plus_height() {
        let node = |byte| NodeId::new([byte; 64]);
        let set = SealerSet::new(vec![node(3), node(1), node(2), node(1)]);
        assert_eq!(set.as_slice(), [node(1), node(2), node(3)]);
        assert_eq!(set.leader(1, 0), Some(&node(2)));
        assert_eq!(set.leader(1, 1), Some(&node(3)));
        assert_eq!(
            set.leader(u64::MAX, u64::MAX),
            Some(&node(1)),
            "the sum does not overflow"
        );
        assert_eq!(SealerSet::new(vec![]).leader(1, 0), None);
    }
}
