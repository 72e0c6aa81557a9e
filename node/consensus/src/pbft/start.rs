//! Starting, entering a height, and taking up what the vote log says.

use std::sync::Arc;

use alloy_primitives::B256;
use althing_types::SealerSet;

use super::Pbft;
use super::candidates::State;
use super::core::Unsaved;
use super::round::{Own, OwnChange, Round};
use crate::{Candidate, Head, Message, Output, Phase, Proposal, Record, RoundChange, Start, Vote, VoteCertificate};

impl Pbft {
    pub(super) fn on_start(&mut self, start: Start) {
        let Self {
            key,
            hash,
            domains,
            settings,
            faults,
            now,
            ..
        } = self;
        let fresh = Self::new(key.clone(), *hash, B256::ZERO, *settings).with_faults(*faults);
        let domains = domains.with(start.recovered);
        let now = *now;
        for timer in std::mem::replace(self, fresh).timers.running() {
            self.out.push(Output::Cancel { timer });
        }
        self.now = now;
        self.domains = domains;
        self.started = true;
        self.take_up_abstention(&start);
        self.log = Record::in_force(start.log);
        self.enter_height(start.head, start.sealers);
    }

    /// An abstention outlives the process: it is written to the new log before anything else, and read from it again.
    fn take_up_abstention(&mut self, start: &Start) {
        let logged = Record::abstention(&start.log);
        self.abstain_through = start.abstain_through.or(logged);
        if let Some(through) = start.abstain_through.filter(|through| logged != Some(*through)) {
            self.persist(&Record::Abstain { through }, None);
        }
    }

    /// The parent is final: everything of its height is forgotten, and view 0 of the next begins, or whatever view the
    /// vote log says this node was in.
    pub(super) fn enter_height(&mut self, head: Head, sealers: SealerSet) {
        let height = head.height.saturating_add(1);
        if self.round.timed_out {
            self.reasons.round_was_fruitless();
        }
        self.head = head;
        self.sealers = sealers;
        self.round = Round::new(height);
        self.unsaved.clear();
        self.timers.end_height(&mut self.out);
        self.ahead.retain(|_, seen| *seen > height);
        self.missed.retain(|leader| self.sealers.contains(leader));
        let (due, later) = std::mem::take(&mut self.log)
            .into_iter()
            .partition(|r| r.height() <= height);
        self.log = later;
        for record in due {
            if record.height() == height {
                self.take_up(record);
            }
        }
        self.finish_taking_up();
    }

    /// What the log holds was signed by this node: it stands, and is sent again verbatim when a peer connects.
    fn take_up(&mut self, record: Record) {
        match record {
            Record::Proposed(proposal) => self.take_up_proposal(*proposal),
            Record::Prepare(vote) => self.take_up_vote(vote),
            Record::Commit {
                vote,
                certificate,
                candidate,
            } => {
                self.take_up_vote(vote);
                self.take_up_lock(vote, certificate, candidate);
            }
            Record::RoundChange(change) => self.take_up_change(change),
            Record::Abstain { .. } | Record::Recovered(_) => {}
        }
    }

    fn take_up_proposal(&mut self, proposal: Proposal) {
        let view = proposal.view;
        self.reach(view);
        self.hold(&proposal.candidate, view);
        self.round.logged.push(proposal.candidate.hash);
        self.round.accepted = Some((view, proposal.candidate.hash));
        let message = Message::Proposal(Box::new(proposal));
        self.round.own.insert(
            Phase::Propose,
            Own {
                view,
                message,
                after: None,
            },
        );
    }

    fn take_up_vote(&mut self, vote: Vote) {
        self.reach(vote.slot.view);
        self.count_own(Unsaved::Vote(vote));
        self.round.own.insert(
            vote.phase,
            Own {
                view: vote.slot.view,
                message: Message::Vote(vote),
                after: None,
            },
        );
    }

    fn take_up_lock(&mut self, vote: Vote, certificate: Arc<VoteCertificate>, candidate: Option<Candidate>) {
        if let Some(candidate) = candidate {
            self.hold(&candidate, vote.slot.view);
            self.round.logged.push(candidate.hash);
        }
        self.round.accepted = Some((vote.slot.view, vote.block));
        self.round.lock = Some(certificate);
    }

    fn take_up_change(&mut self, change: RoundChange) {
        self.reach(change.slot.view);
        let proof = self.round.lock.clone().filter(|lock| {
            change
                .claim
                .is_some_and(|claim| claim.view == lock.slot.view && claim.block == lock.block)
        });
        self.count_own(Unsaved::RoundChange(change, proof.clone()));
        self.round.own_change = Some(OwnChange {
            change,
            proof,
            after: None,
        });
    }

    /// The log goes forward in views, as the node did.
    fn reach(&mut self, view: u64) {
        if view > self.round.slot.view {
            self.round.slot.view = view;
            self.round.accepted = None;
        }
    }

    /// Keeps a candidate without executing it yet.
    pub(super) fn hold(&mut self, candidate: &Candidate, view: u64) {
        let needed = self.round.needed();
        if let Some(evicted) = self.round.candidates.keep(candidate, view, &needed) {
            self.out.push(Output::Discard(evicted));
        }
    }

    fn finish_taking_up(&mut self) {
        self.round.proposal_seen = self.round.candidates.len() > 0;
        let wanted: Vec<B256> = self.round.needed();
        for block in wanted {
            self.execute(block);
        }
    }

    /// Asks for the execution of a candidate held and not executed yet.
    pub(super) fn execute(&mut self, block: B256) {
        if self.round.candidates.state(&block) != Some(&State::Held) {
            return;
        }
        if let Some(candidate) = self.round.candidates.get(&block).cloned() {
            self.round.candidates.set_state(&block, State::Executing);
            self.out.push(Output::Execute {
                parent: candidate.parent,
                candidate,
            });
        }
    }
}
