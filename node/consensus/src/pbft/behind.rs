//! Others at another height: this node may be behind, or they.

use althing_types::NodeId;
use althing_types::codec::SEALERS_MAX;

use super::Pbft;
use super::future::FUTURE_HEIGHTS;
use crate::{Committed, Message, Output, Refusal, Timer, To};

/// How long others may be seen ahead before this node asks sync: normally their commits arrive in the meantime.
const BEHIND_MS: u64 = 200;
/// How often it asks again.
const BEHIND_AGAIN_MS: u64 = 1_000;
/// How often one peer is sent the head's certificate.
const HELP_MS: u64 = 500;

impl Pbft {
    /// A message of a height to come: its senders have committed what lies below. From up to two heights ahead it is kept
    /// and never penalised, because others commit a moment earlier.
    pub(super) fn on_ahead(&mut self, message: Message) {
        let height = message.slot().height;
        let distance = height - self.round.slot.height;
        let Some(sender) = message.sender() else {
            if let Message::Committed(committed) = &message {
                // Whoever committed a height stands one above it.
                for holder in self.holders(&committed.certificate) {
                    self.note_ahead(holder, height.saturating_add(1));
                }
            }
            return;
        };
        self.note_ahead(sender, height);
        if distance > FUTURE_HEIGHTS {
            return self.refuse(sender, Refusal::TooFarAhead);
        }
        self.future.push(sender, message, &self.sealers);
    }

    /// Only this height's sealers are believed, one height each: strangers cannot fill the table.
    fn note_ahead(&mut self, peer: NodeId, height: u64) {
        if self.sealers.contains(&peer) || self.ahead.contains_key(&peer) || self.ahead.len() < SEALERS_MAX {
            let seen = self.ahead.entry(peer).or_default();
            *seen = height.max(*seen);
        }
    }

    /// What was kept for this height is taken as if it came now.
    pub(super) fn rule_future(&mut self) -> bool {
        let due = self.future.take(self.round.slot.height);
        let any = !due.is_empty();
        for message in due {
            self.on_current(message);
        }
        any
    }

    /// Whether others are seen ahead, or a decided block is missing here.
    pub(super) fn is_behind(&self) -> bool {
        !self.ahead.is_empty() || self.round.fetched
    }

    pub(super) fn on_behind_timer(&mut self) {
        if !self.timers.behind.is_due(self.now, Timer::Behind, &mut self.out) || !self.is_behind() {
            return;
        }
        let decided = self.round.decided.as_ref().filter(|_| self.round.fetched);
        let (hash, mut from) = decided.map_or((None, Vec::new()), |c| (Some(c.block), self.holders(c)));
        from.extend(
            self.ahead
                .keys()
                .filter(|peer| !from.contains(peer))
                .copied()
                .collect::<Vec<_>>(),
        );
        self.out.push(Output::Fetch {
            height: self.round.slot.height,
            hash,
            from,
        });
        self.timers
            .behind
            .set(self.now, BEHIND_AGAIN_MS, Timer::Behind, &mut self.out);
    }

    pub(super) fn keep_behind_timer(&mut self) {
        if self.is_behind() {
            self.timers
                .behind
                .set_if_idle(self.now, BEHIND_MS, Timer::Behind, &mut self.out);
        } else {
            self.timers.behind.cancel(Timer::Behind, &mut self.out);
        }
    }

    /// A message of a height decided here. A round change, or anything more than a moment late, shows a peer that missed
    /// the decision: it is sent the head's certificate, which also serves a sealer that the decision removed. A vote for
    /// the block just decided is merely late.
    pub(super) fn on_passed(&mut self, message: &Message) {
        let Some(sender) = message.sender().filter(|sender| *sender != self.me) else {
            return;
        };
        let stuck = matches!(message, Message::RoundChange(_)) || message.slot().height < self.head.height;
        let Some(certificate) = self.head_certificate.clone().filter(|_| stuck) else {
            return;
        };
        let now = self.now.monotonic_ms;
        if self
            .helped_at_ms
            .get(&sender)
            .is_some_and(|at| now < at.saturating_add(HELP_MS))
        {
            return;
        }
        if self.helped_at_ms.len() >= SEALERS_MAX {
            self.helped_at_ms.retain(|_, at| now < at.saturating_add(HELP_MS));
        }
        if self.helped_at_ms.len() < SEALERS_MAX {
            self.helped_at_ms.insert(sender, now);
            self.send(To::One(sender), &Message::Committed(Committed { certificate }), None);
        }
    }
}
