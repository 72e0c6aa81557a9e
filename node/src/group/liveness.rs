//! Proofs that this node lives, follows the group and may vote in it: sent while something on the chain waits for them (LEDGER.md 4).
//!
//! A node that sits out blocks because its votes may have been lost (LEDGER.md 3) proves nothing: a change that counts on it would
//! leave the group without a quorum, and with it without the blocks that the node sits out. It knocks instead, with transactions
//! that say nothing, since an idle group would never make those blocks.
//!
//! Nor does a node prove anything whose clock is so far behind that it refuses the blocks of the others.

use std::sync::Arc;

use althing_consensus::{ConsensusStatus, Settings};
use althing_crypto::{NodeKey, Suite};
use althing_execution::{GOVERNANCE, alive_call, alive_digest, governance};
use althing_governance::{Moment, PROOF_BLOCKS, Role};
use althing_ledger::Ledger;
use althing_types::{B256, Bytes, NodeId};
use tracing::{debug, warn};

use super::own_account::OwnAccount;
use crate::txpool::{Origin, TxPool};

/// How often a node proves that it lives, milliseconds.
const PAUSE_MS: u64 = 10_000;
/// How soon it does so again at first while the chain holds no proof of it, milliseconds; from then on each pause is twice the last.
const PAUSE_MS_MIN: u64 = 1_000;

/// Who proves, and to which group.
pub(crate) struct Liveness {
    own: NodeId,
    key: Arc<dyn NodeKey>,
    suite: Arc<dyn Suite>,
    ledger: Ledger,
    pool: Arc<TxPool>,
    account: OwnAccount,
    /// The height that was looked at last, and what waits there.
    looked_at: Option<(u64, Waits)>,
    sent_ms: Option<u64>,
    pause: Pause,
}

/// Whether something on the chain waits for proofs of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Nothing,
    /// Proofs are wanted, and the newest one holds.
    Proven,
    /// Proofs are wanted, and there is none that holds.
    Unproven,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// That the node lives and may vote on the next block.
    Proof,
    /// Nothing, in a transaction, so that there is a block.
    Knock,
}

impl Liveness {
    pub(crate) fn new(
        own: NodeId,
        key: Arc<dyn NodeKey>,
        suite: Arc<dyn Suite>,
        ledger: Ledger,
        pool: Arc<TxPool>,
        account: OwnAccount,
    ) -> Self {
        Self {
            own,
            key,
            suite,
            ledger,
            pool,
            account,
            looked_at: None,
            sent_ms: None,
            pause: Pause::default(),
        }
    }

    /// Sends what is due from a node whose clock is so far behind the median of all clocks, milliseconds.
    pub(crate) fn tick(&mut self, consensus: &ConsensusStatus, behind_ms: i64, now_ms: u64) {
        let waits = self.waits();
        let pause_ms = self.pause.before_the_next(waits);
        if self.sent_ms.is_some_and(|at| now_ms.saturating_sub(at) < pause_ms) {
            return;
        }
        let Some(word) = due(consensus, waits != Waits::Nothing, behind_ms) else {
            return;
        };
        self.sent_ms = Some(now_ms);
        self.pause.sent(waits);
        self.send(word);
    }

    /// What waits for proofs of this node; looked up once a block.
    fn waits(&mut self) -> Waits {
        let head = self.ledger.head();
        if let Some((looked_at, waits)) = self.looked_at
            && looked_at == head.height
        {
            return waits;
        }
        let found = governance(&self.ledger.state_latest());
        let found = found.inspect_err(|error| warn!("the governance state cannot be read: {error}"));
        let now = Moment {
            height: head.height,
            unix_ms: head.section.unix_ms,
        };
        let wanted = found
            .ok()
            .flatten()
            .filter(|found| found.wants_proofs() && found.role(&self.own) != Role::Free);
        let waits = match wanted {
            None => Waits::Nothing,
            Some(found) if found.is_proven(&self.own, now) => Waits::Proven,
            Some(_) => Waits::Unproven,
        };
        self.looked_at = Some((head.height, waits));
        waits
    }

    fn send(&self, word: Word) {
        let address = self.account.address();
        if self.pool.with(|pool| pool.has_of(&address)) {
            debug!("what was sent last still waits for a block");
            return;
        }
        let head = self.ledger.head();
        let (to, input) = match word {
            Word::Proof => (GOVERNANCE, self.proof(head.height, head.hash)),
            Word::Knock => (address, Bytes::new()),
        };
        // A block above that limit would take no proof that was made now.
        let raw = self.account.call(to, input, &head.hash, head.height + PROOF_BLOCKS);
        let answers = self.pool.submit(vec![raw], Origin::Client, &self.ledger.state_latest());
        for refused in answers.into_iter().filter_map(Result::err) {
            debug!("the pool takes no proof of life: {refused}");
        }
    }

    fn proof(&self, height: u64, block: B256) -> Bytes {
        let genesis = self.ledger.genesis_hash();
        let digest = alive_digest(self.suite.hash_fn(), &genesis, &self.own, height, &block);
        alive_call(&self.own, height, block, &self.key.sign(&digest))
    }
}

/// How long it is between proofs. Who waits for the first one that holds, or for one after its lease, is not made to wait for long; but
/// what the chain does not take is not sent every second for as long as it is waited for.
struct Pause {
    /// Before the next where none holds, milliseconds.
    unproven_ms: u64,
}

impl Default for Pause {
    fn default() -> Self {
        Self {
            unproven_ms: PAUSE_MS_MIN,
        }
    }
}

impl Pause {
    /// Before the next one, milliseconds.
    fn before_the_next(&mut self, waits: Waits) -> u64 {
        match waits {
            Waits::Unproven => self.unproven_ms,
            Waits::Nothing | Waits::Proven => {
                *self = Self::default();
                PAUSE_MS
            }
        }
    }

    fn sent(&mut self, waits: Waits) {
        if waits == Waits::Unproven {
            self.unproven_ms = (2 * self.unproven_ms).min(PAUSE_MS);
        }
    }
}

/// What is due from a node where this is so. One that does not know yet through which block it abstains says nothing at all, and one
/// that would take the time of the others' blocks for one to come votes for none of them.
fn due(consensus: &ConsensusStatus, is_waited_for: bool, behind_ms: i64) -> Option<Word> {
    let takes_their_time = behind_ms <= i64::try_from(Settings::default().ahead_ms_max).unwrap_or(i64::MAX);
    match consensus
        .abstaining_through
        .filter(|through| *through >= consensus.height)
    {
        None => (is_waited_for && takes_their_time).then_some(Word::Proof),
        Some(u64::MAX) => None,
        Some(_) => (consensus.sealing || is_waited_for).then_some(Word::Knock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing;

    fn consensus(sealing: bool, abstaining_through: Option<u64>) -> ConsensusStatus {
        ConsensusStatus {
            sealing,
            abstaining_through,
            ..testing::consensus()
        }
    }

    #[test]
    fn who_may_vote_on_the_next_block_proves_it_when_something_waits() {
        for through in [None, Some(0), Some(10)] {
            for sealing in [false, true] {
                assert_eq!(due(&consensus(sealing, through), true, 0), Some(Word::Proof));
                assert_eq!(due(&consensus(sealing, through), false, 0), None);
            }
        }
    }

    #[test]
    fn who_is_not_proven_says_it_again_soon_and_less_and_less_often() {
        let mut pause = Pause::default();
        let pauses = std::array::from_fn(|_| {
            let before = pause.before_the_next(Waits::Unproven);
            pause.sent(Waits::Unproven);
            before
        });
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        // Once one holds, the next that is missing is said soon again.
        assert_eq!(pause.before_the_next(Waits::Proven), PAUSE_MS);
        pause.sent(Waits::Proven);
        assert_eq!(pause.before_the_next(Waits::Unproven), PAUSE_MS_MIN);
    }

    #[test]
    fn who_sits_out_the_next_block_proves_nothing_and_brings_the_group_on() {
        for through in [11, 12] {
            assert_eq!(due(&consensus(true, Some(through)), false, 0), Some(Word::Knock));
            assert_eq!(due(&consensus(false, Some(through)), true, 0), Some(Word::Knock));
            assert_eq!(due(&consensus(false, Some(through)), false, 0), None);
        }
        assert_eq!(due(&consensus(true, Some(u64::MAX)), true, 0), None);
    }

    #[test]
    fn who_refuses_the_others_blocks_because_its_clock_is_behind_proves_nothing() {
        for (behind_ms, word) in [
            (15_000, Some(Word::Proof)),
            (15_001, None),
            (300_000, None),
            (i64::MAX, None),
            // Who is ahead makes no block that others take, and votes for theirs.
            (-300_000, Some(Word::Proof)),
        ] {
            for sealing in [false, true] {
                assert_eq!(due(&consensus(sealing, None), true, behind_ms), word, "{behind_ms}");
            }
        }
        // It brings a group on in which it sits out blocks: whoever makes them.
        assert_eq!(due(&consensus(true, Some(11)), false, 300_000), Some(Word::Knock));
    }
}
