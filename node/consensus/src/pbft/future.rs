//! Messages of heights to come, kept until this node gets there.

use std::collections::{BTreeMap, VecDeque};

use althing_types::{NodeId, SealerSet};

use crate::Message;

/// How many heights ahead a message may be and is kept, without harm to its sender: others commit a moment earlier.
pub const FUTURE_HEIGHTS: u64 = 2;
/// Messages kept of one sender; the newest stay.
pub const FUTURE_MESSAGES_MAX: usize = 12;
/// Blocks kept of one sender: one for each height.
const FUTURE_BLOCKS_MAX: usize = 2;
/// Senders kept that seal nothing now. They may seal by then, one membership change being in flight at a time.
const STRANGERS_MAX: usize = 4;

/// The messages, by sender.
#[derive(Debug, Default)]
pub(super) struct Future(BTreeMap<NodeId, VecDeque<Message>>);

impl Future {
    /// Keeps a message. A round change is kept without proof and block, which its sender repeats.
    pub(super) fn push(&mut self, sender: NodeId, mut message: Message, sealers: &SealerSet) {
        if let Message::RoundChange(change) = &mut message {
            change.certificate = None;
            change.candidate = None;
        }
        if !self.0.contains_key(&sender) && !sealers.contains(&sender) {
            let strangers = self.0.keys().filter(|known| !sealers.contains(known)).count();
            if strangers >= STRANGERS_MAX {
                return;
            }
        }
        let kept = self.0.entry(sender).or_default();
        if kept.contains(&message) {
            return;
        }
        let is_block = |message: &Message| matches!(message, Message::Proposal(_));
        let too_many = is_block(&message) && kept.iter().filter(|m| is_block(m)).count() >= FUTURE_BLOCKS_MAX;
        if too_many && let Some(oldest) = kept.iter().position(is_block) {
            kept.remove(oldest);
        }
        if kept.len() >= FUTURE_MESSAGES_MAX {
            kept.pop_front();
        }
        kept.push_back(message);
    }

    /// The messages of a height now reached. Those below it are dropped.
    pub(super) fn take(&mut self, height: u64) -> Vec<Message> {
        let mut due = Vec::new();
        for kept in self.0.values_mut() {
            for message in std::mem::take(kept) {
                match message.slot().height {
                    of if of == height => due.push(message),
                    of if of > height => kept.push_back(message),
                    _ => {}
                }
            }
        }
        self.0.retain(|_, kept| !kept.is_empty());
        due
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::{Phase, SignedBy, Slot, Vote};

    fn vote(sealer: NodeId, height: u64, view: u64) -> Message {
        let by = SignedBy {
            sealer,
            signature: [0; 64],
        };
        Message::Vote(Vote {
            slot: Slot { height, view },
            phase: Phase::Prepare,
            block: B256::ZERO,
            by,
        })
    }

    #[test]
    fn buffered_future_messages_are_bounded_per_sender() {
        let [liar, honest] = [NodeId::new([1; 64]), NodeId::new([2; 64])];
        let sealers = SealerSet::new(vec![liar, honest]);
        let mut future = Future::default();
        future.push(honest, vote(honest, 5, 0), &sealers);
        for view in 0..1_000 {
            future.push(liar, vote(liar, 5, view), &sealers);
        }
        let due = future.take(5);
        assert_eq!(due.len(), FUTURE_MESSAGES_MAX + 1);
        assert!(
            due.contains(&vote(honest, 5, 0)),
            "one sender's flood costs another nothing"
        );
    }

    #[test]
    fn strangers_cannot_fill_the_buffer() {
        let sealers = SealerSet::new(vec![]);
        let mut future = Future::default();
        for n in 0..100 {
            let stranger = NodeId::new([n; 64]);
            future.push(stranger, vote(stranger, 5, 0), &sealers);
        }
        assert_eq!(future.take(5).len(), STRANGERS_MAX);
    }

    #[test]
    fn passed_heights_are_dropped_and_later_ones_kept() {
        let sealer = NodeId::new([1; 64]);
        let sealers = SealerSet::new(vec![sealer]);
        let mut future = Future::default();
        for height in 4..7 {
            future.push(sealer, vote(sealer, height, 0), &sealers);
        }
        assert_eq!(future.take(5), [vote(sealer, 5, 0)]);
        assert_eq!(future.take(6), [vote(sealer, 6, 0)]);
        assert!(future.0.is_empty());
    }
}
