//! PREPARE and COMMIT.

use std::sync::Arc;

use alloy_primitives::B256;

use super::Pbft;
use super::candidates::State;
use super::core::Unsaved;
use super::votes::Added;
use crate::{Evidence, Message, Output, Phase, Record, Refusal, SignedTag, Slot, Vote};

impl Pbft {
    pub(super) fn on_vote(&mut self, vote: Vote) {
        let Slot { view, .. } = vote.slot;
        if !self.sealers.contains(&vote.by.sealer) {
            return self.refuse(vote.by.sealer, Refusal::NotASealer);
        }
        let left = view < self.round.slot.view && !self.faults.stale_view;
        let added = match vote.phase {
            // PREPAREs of a view left behind lead nowhere: this node sends no COMMIT for them.
            Phase::Prepare if left => return,
            Phase::Prepare => self.round.prepares.add(view, vote.block, &vote.by),
            // COMMITs of any view may still complete a certificate.
            _ => self.round.commits.add(view, vote.block, &vote.by),
        };
        if let Added::Conflict(first) = added {
            let second = SignedTag {
                subject: vote.block,
                signature: vote.by.signature,
            };
            let evidence = Evidence {
                offender: vote.by.sealer,
                slot: vote.slot,
                phase: vote.phase,
                first,
                second,
            };
            self.out.push(Output::Evidence(Box::new(evidence)));
        }
    }

    /// PREPARE for the accepted proposal once it has executed; COMMIT once a quorum has prepared it.
    pub(super) fn rule_vote(&mut self) -> bool {
        let Some((view, block)) = self.round.accepted else {
            return false;
        };
        if !self.may_vote() || !matches!(self.round.candidates.state(&block), Some(State::Valid(_))) {
            return false;
        }
        if !self.has_voted(Phase::Prepare, view) {
            self.cast_prepare(view, block);
            return true;
        }
        let prepared = self.round.prepares.count(view, block) >= self.quorum();
        if prepared && !self.has_voted(Phase::Commit, view) {
            self.cast_commit(view, block);
            return true;
        }
        false
    }

    /// A node signs once per height, view and phase, and never below a view it has voted in.
    fn has_voted(&self, phase: Phase, view: u64) -> bool {
        if self.faults.stale_view {
            return self.round.own.get(&phase).is_some_and(|own| own.view == view);
        }
        self.round.has_signed(phase, view)
    }

    fn vote(&self, phase: Phase, view: u64, block: B256) -> Vote {
        let slot = Slot {
            height: self.round.slot.height,
            view,
        };
        Vote {
            slot,
            phase,
            block,
            by: self.sign(slot, phase, block),
        }
    }

    /// Durable before PREPARE leaves: the vote.
    fn cast_prepare(&mut self, view: u64, block: B256) {
        let vote = self.vote(Phase::Prepare, view, block);
        let id = self.persist(&Record::Prepare(vote), Some(Unsaved::Vote(vote)));
        self.send_own(Phase::Prepare, view, Message::Vote(vote), id);
    }

    /// Durable before COMMIT leaves: the vote, the full block and its prepared certificate, which lock this node.
    fn cast_commit(&mut self, view: u64, block: B256) {
        let vote = self.vote(Phase::Commit, view, block);
        let slot = Slot {
            height: self.round.slot.height,
            view,
        };
        let certificate = Arc::new(self.round.prepares.certificate(slot, Phase::Prepare, block));
        let logged = self.round.logged.contains(&block);
        let candidate = self.round.candidates.get(&block).filter(|_| !logged).cloned();
        let record = Record::Commit {
            vote,
            certificate: certificate.clone(),
            candidate,
        };
        let id = self.persist(&record, Some(Unsaved::Vote(vote)));
        self.round.lock = Some(certificate);
        if !logged {
            self.round.logged.push(block);
        }
        self.send_own(Phase::Commit, view, Message::Vote(vote), id);
    }
}
