//! Leaving a view: round changes given and taken.

use super::Pbft;
use super::core::Unsaved;
use super::round::OwnChange;
use super::round_changes::Added;
use crate::{
    Evidence, Output, Phase, PreparedClaim, Record, Refusal, RoundChange, RoundChangeMessage, SignedTag, Slot, To,
};

impl Pbft {
    pub(super) fn on_round_change(&mut self, message: RoundChangeMessage) {
        let RoundChangeMessage {
            change,
            certificate,
            candidate,
        } = message;
        let sender = change.by.sealer;
        if !self.sealers.contains(&sender) {
            return self.refuse(sender, Refusal::NotASealer);
        }
        let view = change.slot.view;
        let possible = view > 0 && change.claim.is_none_or(|claim| claim.view < view);
        let proven = certificate
            .as_deref()
            .is_none_or(|proof| self.is_quorum_certificate(proof, Phase::Prepare));
        if !possible || !proven {
            return self.refuse(sender, Refusal::Unjustified);
        }
        // Only who leads that view needs the block, and only with its proof: nobody fills this node with blocks.
        let leads = self.sealers.leader(change.slot.height, view) == Some(&self.me);
        if let Some(candidate) = candidate.filter(|_| leads && certificate.is_some() && view >= self.round.slot.view) {
            self.hold(&candidate, view);
        }
        if let Added::Conflict(first) = self.round.round_changes.add(change, certificate) {
            let evidence = self.conflicting_changes(&first, &change);
            self.out.push(Output::Evidence(Box::new(evidence)));
        }
    }

    fn conflicting_changes(&self, first: &RoundChange, second: &RoundChange) -> Evidence {
        let tag = |change: &RoundChange| SignedTag {
            subject: change.subject(self.hash),
            signature: change.by.signature,
        };
        Evidence {
            offender: first.by.sealer,
            slot: first.slot,
            phase: Phase::RoundChange,
            first: tag(first),
            second: tag(second),
        }
    }

    /// f + 1 distinct sealers in higher views: at least one honest sealer has given up this one. Going to the view that
    /// all f + 1 have reached leaves nobody behind, and a single liar moves nobody, however huge its view.
    pub(super) fn rule_jump(&mut self) -> bool {
        match self.round.round_changes.view_reached_by(self.one_honest()) {
            Some(view) if view > self.round.slot.view => {
                self.enter_view(view);
                true
            }
            _ => false,
        }
    }

    /// The round leads nowhere: a bad proposal, or the timer.
    pub(super) fn give_up_view(&mut self) {
        if self.may_vote() {
            self.enter_view(self.round.slot.view.saturating_add(1));
        }
    }

    /// A justified proposal of a higher view proves that a quorum is there: this node follows without a round change.
    pub(super) fn follow_to(&mut self, view: u64) {
        self.leave_view(view);
    }

    fn leave_view(&mut self, view: u64) {
        let round = &mut self.round;
        round.slot.view = view;
        round.accepted = None;
        round.proposed = None;
        round.asked = None;
        round.fresh = None;
        self.timers.end_round(&mut self.out);
    }

    /// Leaves every view below. Durable before ROUND-CHANGE leaves: the new view.
    pub(super) fn enter_view(&mut self, view: u64) {
        self.leave_view(view);
        if !self.may_vote() {
            return;
        }
        let slot = Slot {
            height: self.round.slot.height,
            view,
        };
        let lock = self.round.lock.clone();
        let claim = lock.as_ref().map(|lock| PreparedClaim {
            view: lock.slot.view,
            block: lock.block,
        });
        let change = self.sign_change(slot, claim);
        let unsaved = Unsaved::RoundChange(change, lock.clone());
        let id = self.persist(&Record::RoundChange(change), Some(unsaved));
        self.round.own_change = Some(OwnChange {
            change,
            proof: lock,
            after: Some(id),
        });
        self.send_round_change();
    }

    /// Sends this node's round change: the signed core to all, proof and block to the leader of its view.
    pub(super) fn send_round_change(&mut self) {
        let Some(own) = self.round.own_change.clone() else {
            return;
        };
        let core = self.change_message(&own, false);
        self.send(To::All, &core, own.after);
        let leader = self
            .sealers
            .leader(own.change.slot.height, own.change.slot.view)
            .copied();
        if let Some(leader) = leader.filter(|leader| *leader != self.me && own.change.claim.is_some()) {
            let full = self.change_message(&own, true);
            self.send(To::One(leader), &full, own.after);
        }
    }
}
