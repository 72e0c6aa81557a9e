//! How a group fares, for whoever is about to disturb the node (`althing_status`) and for metrics.

use althing_consensus::ConsensusStatus;
use althing_rpc::backend::{GroupRole, GroupStatus, Head};
use althing_types::NodeId;

use super::Group;
use crate::sync::{Status, SyncView};

/// How long ago a peer may have said where it is and still count, milliseconds: ten times the pause between two
/// announcements, so that a loaded machine is not called dead.
const HEARD_MS: u64 = 5_000;
/// How many blocks an announcement may be behind: the newest is on its way.
const ON_ITS_WAY: u64 = 1;

impl Group {
    /// How the group fares on this node.
    pub fn status(&self) -> GroupStatus {
        let (consensus, sync, head) = (self.consensus(), self.sync(), self.ledger().head());
        let halted = self.halted().map(str::to_owned);
        let behind = sync
            .highest()
            .is_some_and(|highest| highest.height > head.height + ON_ITS_WAY);
        let abstains = abstention(&consensus);
        let in_sync = halted.is_none() && !behind && abstains.is_none();
        let live = live(
            self.own(),
            in_sync,
            head.height,
            &consensus,
            &sync,
            self.clock().monotonic_ms(),
        );
        GroupStatus {
            genesis_hash: Some(self.ledger().genesis_hash()),
            settings_digest: self.settings_digest(),
            head: Some(Head {
                height: head.height,
                hash: head.hash,
            }),
            view: consensus.view,
            leader: consensus.leader,
            sealers: consensus.sealers.as_slice().to_vec(),
            role: Some(match consensus.sealing {
                true => GroupRole::Sealer,
                false => GroupRole::Observer,
            }),
            in_sync,
            not_ready: self.readiness().err().or(abstains),
            halted,
            live,
            peers: consensus.connected.len() as u64,
        }
    }
}

/// Why a group that runs is not ready, as the rest of a sentence about it. A sealer that has not heard yet where voting is safe
/// is not: a transaction that came now could make the others begin without it, and it would have to sit out the first blocks.
pub(super) fn unreadiness(height: u64, highest: Option<Status>, consensus: &ConsensusStatus) -> Option<String> {
    if let Some(highest) = highest.filter(|highest| highest.height > height + 1) {
        return Some(format!("is at block {height}, a peer is at {}", highest.height));
    }
    if !consensus.quorum_connected() {
        return Some(format!(
            "reaches {} peers, which is no quorum of its {} sealers",
            consensus.connected.len(),
            consensus.sealers.len()
        ));
    }
    let waits = consensus.sealing && consensus.abstaining_through == Some(u64::MAX);
    waits.then(|| "waits for a quorum to say where voting is safe".to_owned())
}

/// Why a sealer does not vote, which makes it count as down (LEDGER.md 3).
fn abstention(consensus: &ConsensusStatus) -> Option<String> {
    match consensus.abstaining_through {
        Some(u64::MAX) if consensus.sealing => {
            Some("its votes may have been lost: it abstains until a quorum has said where voting is safe".to_owned())
        }
        Some(through) if consensus.sealing && through >= consensus.height => Some(format!(
            "its votes were lost: it abstains through block {through}, to which its proofs of life bring the group"
        )),
        _ => None,
    }
}

/// The sealers that are connected, were heard of lately and have the newest block this node knows to be one, or the one
/// before; ascending.
fn live(
    own: NodeId,
    own_in_sync: bool,
    own_height: u64,
    consensus: &ConsensusStatus,
    sync: &SyncView,
    now_ms: u64,
) -> Vec<NodeId> {
    let is_live = |sealer: &&NodeId| {
        if **sealer == own {
            return own_in_sync;
        }
        let heard = sync.heard(sealer, now_ms, HEARD_MS);
        consensus.connected.contains(sealer) && heard.is_some_and(|status| status.height + ON_ITS_WAY >= own_height)
    };
    consensus.sealers.as_slice().iter().filter(is_live).copied().collect()
}

#[cfg(test)]
mod tests {
    use althing_types::B256;

    use super::*;
    use crate::group::testing::{consensus, node};

    /// Peers with their heights, heard at these times.
    fn heard(peers: &[(u8, u64, u64)]) -> SyncView {
        let status = |height| Status {
            height,
            hash: B256::ZERO,
            begun: true,
            unix_ms: 0,
        };
        SyncView {
            peers: peers
                .iter()
                .map(|(peer, height, _)| (node(*peer), status(*height)))
                .collect(),
            heard_ms: peers.iter().map(|(peer, _, at)| (node(*peer), *at)).collect(),
            ..SyncView::default()
        }
    }

    #[test]
    fn live_are_the_sealers_connected_heard_of_lately_and_in_sync() {
        let check = |in_sync, peers: &[(u8, u64, u64)], expected: &[u8]| {
            let found = live(node(1), in_sync, 10, &consensus(), &heard(peers), 20_000);
            assert_eq!(
                found,
                expected.iter().map(|peer| node(*peer)).collect::<Vec<_>>(),
                "{peers:?}"
            );
        };
        check(true, &[(2, 10, 20_000), (3, 9, 20_000)], &[1, 2, 3]);
        check(false, &[(2, 10, 20_000), (3, 9, 20_000)], &[2, 3]);
        // Behind, silent, not connected (4), no sealer (5).
        check(true, &[(2, 8, 20_000)], &[1]);
        check(true, &[(2, 10, 14_000)], &[1]);
        check(true, &[(4, 10, 20_000), (5, 10, 20_000)], &[1]);
        check(true, &[], &[1]);
    }

    #[test]
    fn a_sealer_that_does_not_know_yet_where_voting_is_safe_is_not_ready() {
        let abstaining = |abstaining_through| ConsensusStatus {
            abstaining_through,
            ..consensus()
        };
        let ready = |consensus: &ConsensusStatus| unreadiness(10, None, consensus);
        assert_eq!(ready(&abstaining(None)), None);
        assert_eq!(ready(&abstaining(Some(12))), None);
        assert!(ready(&abstaining(Some(u64::MAX))).unwrap().contains("waits"));
        let observer = ConsensusStatus {
            sealing: false,
            connected: vec![node(1), node(2), node(3)],
            ..abstaining(Some(u64::MAX))
        };
        assert_eq!(ready(&observer), None);
    }

    #[test]
    fn a_sealer_that_abstains_is_down_and_says_through_which_block() {
        let abstaining = |abstaining_through| ConsensusStatus {
            abstaining_through,
            ..consensus()
        };
        assert_eq!(abstention(&abstaining(None)), None);
        assert_eq!(abstention(&abstaining(Some(10))), None);
        assert!(abstention(&abstaining(Some(12))).unwrap().contains("through block 12"));
        assert!(
            abstention(&abstaining(Some(u64::MAX)))
                .unwrap()
                .contains("until a quorum")
        );
    }
}
