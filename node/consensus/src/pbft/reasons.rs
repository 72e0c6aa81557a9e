//! Why there is something to do, and when a transaction ceases to be a reason.

use std::collections::BTreeMap;

use alloy_primitives::B256;

use crate::Reason;

/// Transactions that may be reasons for the round timer at once; one is enough to run it.
pub const WAITING_MAX: usize = 16;
/// Fruitless rounds before a transaction ceases to be a reason. A round is fruitless for a transaction when it ran out of
/// time here and the height was then decided without the transaction: what the group passed over three times is this node's
/// misjudgement, and would make empty blocks for ever. A round that decided nothing says nothing about a transaction: it
/// was the leader's or the network's fault, and the next silent leader must not find everybody without a reason.
pub const FRUITLESS_ROUNDS_MAX: u8 = 3;

/// The reasons that hold now.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    pool: bool,
    full: bool,
    waiting: BTreeMap<B256, u8>,
}

impl Reasons {
    pub(super) fn set(&mut self, reason: Reason, on: bool) {
        match reason {
            Reason::Pool => self.pool = on,
            Reason::Full => self.full = on,
            Reason::Waiting(transaction) if !on => {
                if self.waiting.remove(&transaction).is_some() {
                    // Something moved: the others are judged anew.
                    self.waiting.values_mut().for_each(|fruitless| *fruitless = 0);
                }
            }
            Reason::Waiting(transaction) => {
                if self.waiting.len() < WAITING_MAX {
                    self.waiting.entry(transaction).or_default();
                }
            }
        }
    }

    /// Whether this node has something to build a block of.
    pub(super) fn can_build(&self) -> bool {
        self.pool || self.full || !self.waiting.is_empty()
    }

    /// Whether a block would be full.
    pub(super) const fn full(&self) -> bool {
        self.full
    }

    /// Whether a transaction that is not retired waits for the leader.
    pub(super) fn wait_for_leader(&self) -> bool {
        self.waiting.values().any(|fruitless| *fruitless < FRUITLESS_ROUNDS_MAX)
    }

    /// A round ran out of time and the height was decided. What was included is turned off next; the rest still waits.
    pub(super) fn round_was_fruitless(&mut self) {
        for fruitless in self.waiting.values_mut() {
            *fruitless = fruitless.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_fruitless_rounds_retire_a_transaction_as_a_reason() {
        let mut reasons = Reasons::default();
        let stuck = B256::repeat_byte(1);
        reasons.set(Reason::Waiting(stuck), true);
        for round in 0..3 {
            assert!(reasons.wait_for_leader(), "round {round}");
            reasons.round_was_fruitless();
            reasons.set(Reason::Waiting(stuck), true);
        }
        assert!(!reasons.wait_for_leader());
        reasons.set(Reason::Waiting(B256::repeat_byte(2)), true);
        assert!(reasons.wait_for_leader(), "another transaction is a reason of its own");
    }

    #[test]
    fn once_a_waiting_transaction_is_gone_the_others_are_reasons_again() {
        let [stuck, other] = [B256::repeat_byte(1), B256::repeat_byte(2)];
        let mut reasons = Reasons::default();
        for transaction in [stuck, other] {
            reasons.set(Reason::Waiting(transaction), true);
        }
        for _ in 0..3 {
            reasons.round_was_fruitless();
        }
        assert!(!reasons.wait_for_leader());
        reasons.set(Reason::Waiting(B256::repeat_byte(3)), false);
        assert!(!reasons.wait_for_leader(), "a transaction nobody named changes nothing");
        reasons.set(Reason::Waiting(other), false);
        assert!(reasons.wait_for_leader());
    }

    #[test]
    fn waiting_transactions_are_bounded() {
        let mut reasons = Reasons::default();
        for n in 0..100 {
            reasons.set(Reason::Waiting(B256::repeat_byte(n)), true);
        }
        assert_eq!(reasons.waiting.len(), WAITING_MAX);
    }
}
