//! Proposals: the leader's turn, and what a voter asks of one.

use alloy_primitives::B256;

use super::Pbft;
use super::candidates::State;
use crate::{
    Evidence, Fresh, Message, Outcome, Output, Phase, Proposal, Reason, Record, Refusal, SignedTag, Slot, Timer,
};

impl Pbft {
    pub(super) fn on_work(&mut self, reason: Reason, on: bool) {
        self.reasons.set(reason, on);
        // A block that could not be built before may be possible now.
        if on && self.round.slot.view == 0 && self.round.fresh.is_none() {
            self.round.asked = None;
        }
    }

    pub(super) fn on_built(&mut self, slot: Slot, fresh: Option<Fresh>) {
        let Some(Fresh {
            candidate,
            next_sealers,
        }) = fresh
        else {
            return;
        };
        let extends = candidate.height == slot.height && candidate.parent == self.head.hash;
        let wanted = slot == self.round.slot && self.round.asked == Some(slot) && self.round.fresh.is_none();
        if !extends || !wanted {
            if self.round.candidates.get(&candidate.hash).is_none() {
                self.out.push(Output::Discard(candidate.hash));
            }
            return;
        }
        self.hold(&candidate, slot.view);
        self.round
            .candidates
            .set_state(&candidate.hash, State::Valid(next_sealers));
        self.round.fresh = Some(candidate.hash);
    }

    /// The leader's turn. In view 0: a block of what waits in the pool, no sooner than the pause after the parent's
    /// commit. Later: with a quorum of round changes the highest prepared block, else a fresh one, be it empty.
    pub(super) fn rule_propose(&mut self) -> bool {
        let slot = self.round.slot;
        let my_turn = self.leader() == Some(self.me) && self.may_vote();
        if !my_turn || self.round.accepted.is_some() || self.round.has_signed(Phase::Propose, slot.view) {
            return false;
        }
        if slot.view == 0 {
            return match self.round.fresh {
                Some(block) => self.propose(block, Vec::new(), None),
                None => self.reasons.can_build() && self.pause_is_over() && self.ask_for_block(),
            };
        }
        let Some(justification) = self
            .round
            .round_changes
            .justify(slot.view, self.quorum(), &self.round.candidates)
        else {
            return false;
        };
        match (justification.highest, self.round.fresh) {
            (Some((claim, proof)), _) => self.propose(claim.block, justification.changes, Some(proof)),
            (None, Some(block)) => self.propose(block, justification.changes, None),
            (None, None) => self.ask_for_block(),
        }
    }

    /// Whether the least time since the parent's commit has passed, or the block is full; sets the timer if not.
    fn pause_is_over(&mut self) -> bool {
        let due = self
            .committed_at_ms
            .map_or(0, |at| at.saturating_add(self.settings.seal_pause_ms));
        let left = due.saturating_sub(self.now.monotonic_ms);
        if left == 0 || self.reasons.full() {
            return true;
        }
        self.timers.seal.set_if_idle(self.now, left, Timer::Seal, &mut self.out);
        false
    }

    fn ask_for_block(&mut self) -> bool {
        let slot = self.round.slot;
        if self.round.asked == Some(slot) {
            return false;
        }
        self.round.asked = Some(slot);
        self.out.push(Output::Build {
            slot,
            parent: self.head,
        });
        true
    }

    fn propose(
        &mut self,
        block: B256,
        round_changes: Vec<crate::RoundChange>,
        certificate: Option<std::sync::Arc<crate::VoteCertificate>>,
    ) -> bool {
        let slot @ Slot { view, .. } = self.round.slot;
        let Some(candidate) = self.round.candidates.get(&block).cloned() else {
            return false;
        };
        let by = self.sign(slot, Phase::Propose, block);
        let proposal = Proposal {
            view,
            candidate,
            by,
            round_changes,
            certificate,
        };
        let id = self.persist(&Record::Proposed(Box::new(proposal.clone())), None);
        self.round.logged.push(block);
        self.send_own(Phase::Propose, view, Message::Proposal(Box::new(proposal)), id);
        self.round.proposed = Some((view, block, by));
        self.accept(view, block);
        true
    }

    /// A proposal is taken if it is its leader's, justified, on top of the head, and not of the future.
    pub(super) fn on_proposal(&mut self, proposal: Proposal) {
        let Slot { height, view } = proposal.slot();
        let sender = proposal.by.sealer;
        if !self.sealers.contains(&sender) {
            return self.refuse(sender, Refusal::NotASealer);
        }
        if self.sealers.leader(height, view) != Some(&sender) {
            return self.refuse(sender, Refusal::NotTheLeader);
        }
        if view < self.round.slot.view && !self.faults.stale_view {
            return;
        }
        if self.is_known(&proposal) {
            return;
        }
        if !self.is_justified(&proposal) {
            return self.refuse(sender, Refusal::Unjustified);
        }
        if view > self.round.slot.view {
            self.follow_to(view);
        }
        for change in &proposal.round_changes {
            self.round.round_changes.add(*change, None);
        }
        let block = proposal.candidate.hash;
        self.round.proposed = Some((view, block, proposal.by));
        if let Some(reason) = self.objection(&proposal) {
            self.refuse(sender, reason);
            return self.give_up_view();
        }
        if self.round.accepted.is_some() && !self.faults.stale_view {
            return;
        }
        self.hold(&proposal.candidate, view);
        self.missed.remove(&sender);
        self.accept(view, block);
    }

    /// Whether this view's proposal is known already. A second, different one is evidence.
    fn is_known(&mut self, proposal: &Proposal) -> bool {
        let block = proposal.candidate.hash;
        match self.round.proposed {
            Some((view, first, by)) if view == proposal.view => {
                if first != block {
                    self.out.push(Output::Evidence(Box::new(Evidence {
                        offender: by.sealer,
                        slot: proposal.slot(),
                        phase: Phase::Propose,
                        first: SignedTag {
                            subject: first,
                            signature: by.signature,
                        },
                        second: SignedTag {
                            subject: block,
                            signature: proposal.by.signature,
                        },
                    })));
                }
                true
            }
            _ => false,
        }
    }

    /// A proposal of a later view needs a quorum of round changes, and must be the block of the highest claim among
    /// them, proven by its prepared certificate (QBFT, predicate `JustifyPrePrepare`).
    fn is_justified(&self, proposal: &Proposal) -> bool {
        let Proposal {
            view,
            ref candidate,
            ref round_changes,
            ref certificate,
            ..
        } = *proposal;
        if view == 0 {
            return round_changes.is_empty() && certificate.is_none();
        }
        if self.faults.unjustified_view {
            return true;
        }
        let from_sealers = round_changes
            .iter()
            .all(|change| self.sealers.contains(&change.by.sealer));
        if !from_sealers || round_changes.len() < self.quorum() {
            return false;
        }
        let highest = round_changes
            .iter()
            .filter_map(|change| change.claim)
            .map(|claim| claim.view)
            .max();
        match (highest, certificate) {
            (None, None) => true,
            (Some(claimed), Some(proof)) => {
                claimed < view
                    && proof.slot.view == claimed
                    && proof.block == candidate.hash
                    && self.is_quorum_certificate(proof, Phase::Prepare)
            }
            _ => false,
        }
    }

    /// Whether a certificate, its signatures verified, is of a quorum of this height's sealers.
    pub(super) fn is_quorum_certificate(&self, certificate: &crate::VoteCertificate, phase: Phase) -> bool {
        certificate.phase == phase
            && certificate.slot.height == self.round.slot.height
            && certificate.is_ordered()
            && certificate.signers_in(&self.sealers) >= self.quorum()
    }

    /// Why a justified proposal is not voted for all the same.
    fn objection(&self, proposal: &Proposal) -> Option<Refusal> {
        let latest = self.now.unix_ms.saturating_add(self.settings.ahead_ms_max);
        if proposal.candidate.parent != self.head.hash {
            Some(Refusal::WrongParent)
        } else if proposal.candidate.unix_ms > latest {
            Some(Refusal::TooFarInTheFuture)
        } else {
            None
        }
    }

    /// The proposal of this view may be voted for, once it has executed.
    fn accept(&mut self, view: u64, block: B256) {
        self.round.accepted = Some((view, block));
        self.round.proposal_seen = true;
        self.execute(block);
        if matches!(self.round.candidates.state(&block), Some(State::Invalid(_))) {
            return self.give_up_view();
        }
        self.extend_round_timer();
    }

    pub(super) fn on_executed(&mut self, block: B256, outcome: Outcome) {
        let (state, invalid) = match outcome {
            Outcome::Valid { next_sealers } => (State::Valid(next_sealers), false),
            Outcome::Invalid { reason } => (State::Invalid(reason), true),
        };
        let known = self.round.candidates.set_state(&block, state);
        let current = self.round.accepted.is_some_and(|(_, accepted)| accepted == block);
        if known && invalid && current {
            self.give_up_view();
        }
    }
}
