//! What peers announced, and what follows from it: how far behind this node is, whom to ask, through which height a node
//! without its vote log abstains. Plain values; time is passed in.

use std::collections::BTreeMap;

use althing_types::{NodeId, SealerSet};

use super::message::{BLOCKS_PER_REQUEST, Request, Status};

/// How long an answer may take before another peer is asked, milliseconds.
pub(super) const REQUEST_TIMEOUT_MS: u64 = 4_000;

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pending {
    peer: NodeId,
    request: Request,
    deadline_ms: u64,
}

/// The peers of a group as sync knows them.
#[derive(Debug, Default)]
pub struct SyncPeers {
    statuses: BTreeMap<NodeId, Status>,
    /// How far each peer's clock is ahead of this node's, milliseconds.
    offsets: BTreeMap<NodeId, i64>,
    pending: Option<Pending>,
    /// Peers that did not answer or answered wrongly, until when they are not asked.
    resting: BTreeMap<NodeId, u64>,
}

impl SyncPeers {
    /// A peer said where it is, while this node's wall clock said `unix_ms`.
    pub fn announced(&mut self, peer: NodeId, status: Status, unix_ms: u64) {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        self.offsets.insert(peer, signed(status.unix_ms).saturating_sub(signed(unix_ms)));
        self.statuses.insert(peer, status);
    }

    /// How far the median of all clocks, this node's included, is ahead of this node's, milliseconds. One liar or one
    /// message that took long does not move it.
    pub fn clock_offset_ms(&self) -> i64 {
        let mut offsets: Vec<i64> = self.offsets.values().copied().chain([0]).collect();
        offsets.sort_unstable();
        offsets.get((offsets.len() - 1) / 2).copied().unwrap_or(0)
    }

    /// A peer is gone.
    pub fn lost(&mut self, peer: &NodeId) {
        self.statuses.remove(peer);
        self.offsets.remove(peer);
        self.pending.take_if(|pending| pending.peer == *peer);
    }

    /// What each connected peer announced last.
    pub fn statuses(&self) -> &BTreeMap<NodeId, Status> {
        &self.statuses
    }

    /// The highest block announced. A hint: anybody can claim any height.
    pub fn highest(&self) -> Option<Status> {
        self.statuses.values().max_by_key(|status| status.height).copied()
    }

    /// The next request, if this node is behind and none is under way.
    pub fn next_request(&mut self, own_height: u64, now_ms: u64) -> Option<(NodeId, Request)> {
        if let Some(pending) = self.pending {
            if now_ms < pending.deadline_ms {
                return None;
            }
            self.failed(&pending.peer, now_ms);
        }
        self.resting.retain(|_, until| *until > now_ms);
        let mut candidates: Vec<_> = self
            .statuses
            .iter()
            .filter(|(peer, status)| status.height > own_height && !self.resting.contains_key(*peer))
            .collect();
        // Spread by height, so that not everybody asks the same peer for everything.
        candidates.sort_by_key(|(peer, _)| **peer);
        let position = usize::try_from(own_height / BLOCKS_PER_REQUEST).unwrap_or(0) % candidates.len().max(1);
        let (peer, status) = candidates.get(position)?;
        let count = (status.height - own_height).min(BLOCKS_PER_REQUEST);
        let request = Request { from: own_height + 1, count };
        let peer = **peer;
        self.pending = Some(Pending { peer, request, deadline_ms: now_ms + REQUEST_TIMEOUT_MS });
        Some((peer, request))
    }

    /// Whether blocks from this peer are the answer to a request; it is then no longer under way.
    pub fn answered(&mut self, peer: &NodeId) -> bool {
        self.pending.take_if(|pending| pending.peer == *peer).is_some()
    }

    /// A peer answered with what it should not have, or not at all: it rests.
    pub fn failed(&mut self, peer: &NodeId, now_ms: u64) {
        self.pending.take_if(|pending| pending.peer == *peer);
        self.resting.insert(*peer, now_ms + 2 * REQUEST_TIMEOUT_MS);
    }

    /// Whether a request is under way.
    pub fn is_requesting(&self) -> bool {
        self.pending.is_some()
    }

    /// Through which height a sealer abstains that starts without its vote log (LEDGER.md 3), once a quorum of sealers
    /// (this node included) has said where it is.
    ///
    /// - The highest height H of that quorum is certified; with the ledger gone too this node may have voted one height
    ///   above what it alone had seen certified, hence H + 2, else H + 1.
    /// - Where a quorum says that the group has not begun, nothing was ever voted for that could have been prepared, and
    ///   nobody abstains: this is how a new group starts.
    pub fn abstain_through(&self, own: &NodeId, own_status: Status, sealers: &SealerSet) -> Abstention {
        let known: Vec<Status> = self
            .statuses
            .iter()
            .filter(|(peer, _)| *peer != own && sealers.contains(peer))
            .map(|(_, status)| *status)
            .chain(sealers.contains(own).then_some(own_status))
            .collect();
        if known.len() < sealers.quorum() {
            return Abstention::Unknown;
        }
        let begun = known.iter().filter(|status| status.begun).count();
        if known.len() - begun >= sealers.quorum() {
            return Abstention::None;
        }
        let highest = known.iter().map(|status| status.height).max().unwrap_or(0);
        let margin = if own_status.height == 0 { 2 } else { 1 };
        Abstention::Through(highest + margin)
    }
}

/// What a node without its vote log may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abstention {
    /// Too few sealers have said where they are: vote for nothing yet.
    Unknown,
    /// The group has not begun: vote.
    None,
    /// Vote from the height after this one on.
    Through(u64),
}

#[cfg(test)]
mod tests {
    use althing_types::B256;

    use super::*;

    fn node(byte: u8) -> NodeId {
        NodeId::new([byte; 64])
    }

    fn status(height: u64, begun: bool) -> Status {
        Status { height, hash: B256::ZERO, begun, unix_ms: 0 }
    }

    fn four() -> SealerSet {
        SealerSet::new((1..=4).map(node).collect())
    }

    #[test]
    fn a_node_whose_vote_log_is_absent_abstains_until_a_quorum_of_sealers_has_said_where_it_is() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(9, true), 0);
        peers.announced(node(9), status(50, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::Unknown);
        peers.announced(node(3), status(10, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::Through(12));
        assert_eq!(peers.abstain_through(&node(1), status(10, true), &four()), Abstention::Through(11));
    }

    #[test]
    fn a_group_that_has_not_begun_starts_without_abstention() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::Unknown);
        peers.announced(node(3), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::None);
    }

    #[test]
    fn one_sealer_that_has_voted_is_not_enough_to_begin_but_two_are() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(0, true), 0);
        peers.announced(node(3), status(0, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::Through(2));
        peers.announced(node(4), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Abstention::Through(2));
    }

    #[test]
    fn a_peer_that_does_not_answer_is_not_asked_again_at_once() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(100, true), 0);
        peers.announced(node(3), status(100, true), 0);
        let (first, request) = peers.next_request(0, 0).unwrap();
        assert_eq!(request, Request { from: 1, count: BLOCKS_PER_REQUEST });
        assert_eq!(peers.next_request(0, 10), None, "one request at a time");
        let (second, _) = peers.next_request(0, REQUEST_TIMEOUT_MS).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn a_clock_off_the_median_is_seen_and_one_liar_is_not() {
        let mut peers = SyncPeers::default();
        let at = |unix_ms| Status { unix_ms, ..status(0, true) };
        peers.announced(node(2), at(90_000), 10_000);
        peers.announced(node(3), at(10_001), 10_000);
        assert_eq!(peers.clock_offset_ms(), 1, "one peer lies");
        peers.announced(node(3), at(20_000), 10_000);
        peers.announced(node(4), at(20_000), 10_000);
        assert_eq!(peers.clock_offset_ms(), 10_000, "three peers agree that this clock is late");
    }

    #[test]
    fn a_node_at_the_height_of_all_others_asks_for_nothing() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(5, true), 0);
        assert_eq!(peers.next_request(5, 0), None);
    }
}
