//! What peers announced, and what follows from it: how far behind this node is, whom to ask, through which height a node
//! without its vote log abstains. Plain values; time is passed in.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Who said, since this node started, that it has never voted in this group.
    seen_fresh: BTreeSet<NodeId>,
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
        self.offsets
            .insert(peer, signed(status.unix_ms).saturating_sub(signed(unix_ms)));
        if !status.begun {
            self.seen_fresh.insert(peer);
        }
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
        let request = Request {
            from: own_height + 1,
            count,
        };
        let peer = **peer;
        self.pending = Some(Pending {
            peer,
            request,
            deadline_ms: now_ms + REQUEST_TIMEOUT_MS,
        });
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

    /// Through which height a sealer abstains that starts without its vote log (LEDGER.md 3); 0 when it need not, none
    /// while too few sealers (this node included) have said where they are.
    ///
    /// - A quorum that has not begun, this node included, can have prepared nothing together with votes that were lost: the
    ///   group is new and nobody abstains. What a peer said before it began holds after it has: whatever it voted for since
    ///   came after this node's start.
    /// - Else, once so many have begun that no such quorum is left and this node has caught up, it is H + 2, H being the
    ///   highest height of a quorum: this node may have voted one height above what it alone had seen certified. Who claims
    ///   a height and cannot show its blocks is not believed.
    pub fn abstain_through(&self, own: &NodeId, own_status: Status, sealers: &SealerSet) -> Option<u64> {
        let believed = |peer: &NodeId| peer != own && sealers.contains(peer) && !self.resting.contains_key(peer);
        let others = || self.statuses.iter().filter(|(peer, _)| believed(peer));
        let own_vote = sealers.contains(own);
        let fresh = self
            .seen_fresh
            .iter()
            .filter(|peer| *peer != own && sealers.contains(peer))
            .count();
        let fresh = fresh + usize::from(own_vote && !own_status.begun);
        if fresh >= sealers.quorum() {
            return Some(0);
        }
        let known = others().count() + usize::from(own_vote);
        let begun = others()
            .filter(|(peer, status)| status.begun && !self.seen_fresh.contains(*peer))
            .count();
        let begun = begun + usize::from(own_vote && own_status.begun);
        if known < sealers.quorum() || sealers.len() - begun >= sealers.quorum() {
            return None;
        }
        let highest = others()
            .map(|(_, status)| status.height)
            .fold(own_status.height, u64::max);
        (highest <= own_status.height + 1).then_some(highest + 2)
    }

    /// Votes of this node were lost while it ran: what peers said before does not tell where it is safe.
    pub fn forget_beginnings(&mut self) {
        self.seen_fresh.clear();
    }
}

#[cfg(test)]
mod tests {
    use althing_types::B256;

    use super::*;

    fn node(byte: u8) -> NodeId {
        NodeId::new([byte; 64])
    }

    fn status(height: u64, begun: bool) -> Status {
        Status {
            height,
            hash: B256::ZERO,
            begun,
            unix_ms: 0,
        }
    }

    fn four() -> SealerSet {
        SealerSet::new((1..=4).map(node).collect())
    }

    #[test]
    fn a_node_whose_vote_log_is_absent_abstains_until_a_quorum_of_sealers_has_said_where_it_is() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(9, true), 0);
        peers.announced(node(9), status(50, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(10, true), &four()), None);
        peers.announced(node(3), status(10, true), 0);
        assert_eq!(
            peers.abstain_through(&node(1), status(0, false), &four()),
            None,
            "it has yet to catch up"
        );
        assert_eq!(peers.abstain_through(&node(1), status(9, true), &four()), Some(12));
        assert_eq!(peers.abstain_through(&node(1), status(10, true), &four()), Some(12));
    }

    #[test]
    fn one_liar_about_its_height_does_not_make_a_node_abstain_for_ever() {
        let mut peers = SyncPeers::default();
        for (peer, height) in [(2, 10), (3, 10), (4, u64::MAX / 2)] {
            peers.announced(node(peer), status(height, true), 0);
        }
        let own = status(10, true);
        assert_eq!(peers.abstain_through(&node(1), own, &four()), None);
        let (asked, _) = peers.next_request(10, 0).unwrap();
        assert_eq!(asked, node(4));
        peers.failed(&node(4), 100);
        assert_eq!(peers.abstain_through(&node(1), own, &four()), Some(12));
    }

    #[test]
    fn a_group_that_has_not_begun_starts_without_abstention() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), None);
        peers.announced(node(3), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Some(0));
    }

    #[test]
    fn a_group_of_one_that_has_not_begun_needs_nobody() {
        let one = SealerSet::new(vec![node(1)]);
        assert_eq!(
            SyncPeers::default().abstain_through(&node(1), status(0, false), &one),
            Some(0)
        );
    }

    #[test]
    fn a_sealer_that_begins_while_others_still_start_does_not_keep_them_from_beginning() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(0, false), 0);
        peers.announced(node(2), status(0, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), None);
        peers.announced(node(3), status(1, true), 0);
        assert_eq!(
            peers.abstain_through(&node(1), status(0, false), &four()),
            None,
            "the fourth may not have begun"
        );
        peers.announced(node(4), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Some(0));
    }

    #[test]
    fn two_sealers_of_four_that_had_begun_before_make_a_wiped_third_abstain() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(0, true), 0);
        peers.announced(node(4), status(0, false), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), None);
        peers.announced(node(3), status(0, true), 0);
        assert_eq!(peers.abstain_through(&node(1), status(0, false), &four()), Some(2));
    }

    #[test]
    fn votes_lost_while_running_are_not_excused_by_how_the_group_began() {
        let mut peers = SyncPeers::default();
        for peer in [2, 3, 4] {
            peers.announced(node(peer), status(0, false), 0);
            peers.announced(node(peer), status(7, true), 0);
        }
        peers.forget_beginnings();
        assert_eq!(peers.abstain_through(&node(1), status(7, true), &four()), Some(9));
    }

    #[test]
    fn a_peer_that_does_not_answer_is_not_asked_again_at_once() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(100, true), 0);
        peers.announced(node(3), status(100, true), 0);
        let (first, request) = peers.next_request(0, 0).unwrap();
        assert_eq!(
            request,
            Request {
                from: 1,
                count: BLOCKS_PER_REQUEST
            }
        );
        assert_eq!(peers.next_request(0, 10), None, "one request at a time");
        let (second, _) = peers.next_request(0, REQUEST_TIMEOUT_MS).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn a_clock_off_the_median_is_seen_and_one_liar_is_not() {
        let mut peers = SyncPeers::default();
        let at = |unix_ms| Status {
            unix_ms,
            ..status(0, true)
        };
        peers.announced(node(2), at(90_000), 10_000);
        peers.announced(node(3), at(10_001), 10_000);
        assert_eq!(peers.clock_offset_ms(), 1, "one peer lies");
        peers.announced(node(3), at(20_000), 10_000);
        peers.announced(node(4), at(20_000), 10_000);
        assert_eq!(
            peers.clock_offset_ms(),
            10_000,
            "three peers agree that this clock is late"
        );
    }

    #[test]
    fn a_node_at_the_height_of_all_others_asks_for_nothing() {
        let mut peers = SyncPeers::default();
        peers.announced(node(2), status(5, true), 0);
        assert_eq!(peers.next_request(5, 0), None);
    }
}
