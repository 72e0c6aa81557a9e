//! The state machine: inputs in, rules to a fix point, outputs out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::B256;
use althing_crypto::{HashFn, NodeKey};
use althing_types::{NodeId, SealerSet};

use super::faults::Faults;
use super::future::Future;
use super::reasons::Reasons;
use super::round::{Own, OwnChange, Round};
use super::timers::Timers;
use crate::{
    Consensus, ConsensusStatus, Domains, Head, Input, Message, Now, Output, PersistId, Phase, PreparedClaim, Record,
    Refusal, RoundChange, Settings, SignedBy, Slot, Tag, Timer, To, Vote, VoteCertificate, encode_message,
};

/// What this node signed and waits to see on the disk, before it counts it itself.
#[derive(Debug)]
pub(super) enum Unsaved {
    Vote(Vote),
    RoundChange(RoundChange, Option<Arc<VoteCertificate>>),
}

/// PBFT of one group on one node.
#[derive(Debug)]
pub struct Pbft {
    pub(super) key: Arc<dyn NodeKey>,
    pub(super) me: NodeId,
    pub(super) hash: HashFn,
    pub(super) domains: Domains,
    pub(super) settings: Settings,
    pub(super) faults: Faults,

    pub(super) now: Now,
    pub(super) started: bool,
    pub(super) halted: bool,
    pub(super) abstain_through: Option<u64>,
    pub(super) head: Head,
    /// When the head was committed, by the monotonic clock; none before the first commit of this run.
    pub(super) committed_at_ms: Option<u64>,
    /// The certificate of the head, for peers that are behind.
    pub(super) head_certificate: Option<Arc<VoteCertificate>>,
    pub(super) sealers: SealerSet,
    pub(super) round: Round,

    pub(super) connected: BTreeSet<NodeId>,
    /// Leaders whose last round ended without a block.
    pub(super) missed: BTreeSet<NodeId>,
    pub(super) reasons: Reasons,
    pub(super) future: Future,
    /// The highest height each sealer has been seen at, while above this node's.
    pub(super) ahead: BTreeMap<NodeId, u64>,
    /// When a peer was last sent the head's certificate.
    pub(super) helped_at_ms: BTreeMap<NodeId, u64>,
    /// Records of the vote log for heights not reached yet.
    pub(super) log: Vec<Record>,
    pub(super) unsaved: BTreeMap<PersistId, Unsaved>,
    pub(super) next_persist: u64,
    pub(super) timers: Timers,
    pub(super) out: Vec<Output>,
}

impl Pbft {
    /// A PBFT that signs with this node's key, for the ledger with this genesis hash. It does nothing before
    /// [`Input::Start`].
    pub fn new(key: Arc<dyn NodeKey>, hash: HashFn, genesis: B256, settings: Settings) -> Self {
        Self {
            me: NodeId::new(key.public_key()),
            key,
            hash,
            domains: genesis.into(),
            settings,
            faults: Faults::default(),
            now: Now::default(),
            started: false,
            halted: false,
            abstain_through: None,
            head: Head::default(),
            committed_at_ms: None,
            head_certificate: None,
            sealers: SealerSet::new(Vec::new()),
            round: Round::default(),
            connected: BTreeSet::new(),
            missed: BTreeSet::new(),
            reasons: Reasons::default(),
            future: Future::default(),
            ahead: BTreeMap::new(),
            helped_at_ms: BTreeMap::new(),
            log: Vec::new(),
            unsaved: BTreeMap::new(),
            next_persist: 0,
            timers: Timers::default(),
            out: Vec::new(),
        }
    }

    /// The same with planted mistakes, for the simulator.
    #[doc(hidden)]
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    pub(super) fn on_input(&mut self, input: Input) {
        match input {
            Input::Start(start) => self.on_start(start),
            _ if !self.started => {}
            Input::Message(verified) => self.on_message(verified.into_message()),
            Input::Persisted(id) => self.on_persisted(id),
            Input::Built { slot, fresh } => self.on_built(slot, fresh),
            Input::Executed { hash, outcome } => self.on_executed(hash, outcome),
            Input::Imported {
                head,
                certificate,
                sealers,
                next_sealers,
                recovery,
            } => {
                self.learn_recovery(head.height, recovery);
                self.on_imported(head, &certificate, &sealers, next_sealers);
            }
            Input::Work { reason, on } => self.on_work(reason, on),
            Input::Peer { id, up } => self.on_peer(id, up),
            Input::Timeout { timeout_ms } => self.on_timeout(timeout_ms),
            Input::Wake(Timer::Round) => self.on_round_timer(),
            Input::Wake(Timer::Seal) => self.timers.seal.wake(self.now, Timer::Seal, &mut self.out),
            Input::Wake(Timer::Resend) => self.on_resend_timer(),
            Input::Wake(Timer::Behind) => self.on_behind_timer(),
        }
    }

    /// Applies the rules until none applies. Each application moves the state forward (a vote cast, a height decided), so
    /// it ends.
    pub(super) fn apply_rules(&mut self) {
        while !self.halted
            && (self.rule_future() || self.rule_decide() || self.rule_jump() || self.rule_propose() || self.rule_vote())
        {
        }
        if !self.halted {
            self.keep_timers();
        }
    }

    /// A message at the height in flight is taken; one of a height to come is kept; one of the past is answered.
    pub(super) fn on_message(&mut self, message: Message) {
        let height = message.slot().height;
        if height > self.round.slot.height {
            self.on_ahead(message);
        } else if height < self.round.slot.height {
            self.on_passed(&message);
        } else {
            self.on_current(message);
        }
    }

    pub(super) fn on_current(&mut self, message: Message) {
        match message {
            Message::Proposal(proposal) => self.on_proposal(*proposal),
            Message::Vote(vote) => self.on_vote(vote),
            Message::RoundChange(message) => self.on_round_change(*message),
            Message::Committed(committed) => self.on_committed(committed.certificate),
        }
    }

    // What every rule asks.

    pub(super) fn quorum(&self) -> usize {
        self.sealers.quorum() - usize::from(self.faults.quorum_too_small)
    }

    /// f + 1: enough that one of them is honest.
    pub(super) fn one_honest(&self) -> usize {
        self.sealers.faults_tolerable() + 1
    }

    pub(super) fn leader(&self) -> Option<NodeId> {
        let Slot { height, view } = self.round.slot;
        self.sealers.leader(height, view).copied()
    }

    /// Whether this node takes part in this height: it seals, and has not lost its vote log.
    pub(super) fn may_vote(&self) -> bool {
        let abstains = self
            .abstain_through
            .is_some_and(|through| self.round.slot.height <= through);
        self.sealers.contains(&self.me) && !abstains
    }

    pub(super) fn refuse(&mut self, sender: NodeId, reason: Refusal) {
        self.out.push(Output::Refused { sender, reason });
    }

    // What every rule does.

    pub(super) fn sign(&self, slot: Slot, phase: Phase, subject: B256) -> SignedBy {
        let Slot { height, view } = slot;
        let digest = Tag {
            genesis: self.domains.at(height, self.hash),
            height,
            view,
            phase,
            subject,
        }
        .digest(self.hash);
        SignedBy {
            sealer: self.me,
            signature: self.key.sign(&digest),
        }
    }

    pub(super) fn sign_change(&self, slot: Slot, claim: Option<PreparedClaim>) -> RoundChange {
        let unsigned = RoundChange {
            slot,
            claim,
            by: SignedBy {
                sealer: self.me,
                signature: [0; 64],
            },
        };
        RoundChange {
            by: self.sign(slot, Phase::RoundChange, unsigned.subject(self.hash)),
            ..unsigned
        }
    }

    pub(super) fn persist(&mut self, record: &Record, unsaved: Option<Unsaved>) -> PersistId {
        let id = PersistId(self.next_persist);
        self.next_persist += 1;
        if let Some(unsaved) = unsaved {
            self.unsaved.insert(id, unsaved);
        }
        self.out.push(Output::Persist {
            id,
            height: record.height(),
            record: record.encode().into(),
        });
        id
    }

    pub(super) fn send(&mut self, to: To, message: &Message, after: Option<PersistId>) {
        self.out.push(Output::Send {
            to,
            message: self.domains.wrap(message.slot().height, encode_message(message)),
            after,
        });
    }

    /// Sends what was just signed, once it is durable, and keeps it to be sent again.
    pub(super) fn send_own(&mut self, phase: Phase, view: u64, message: Message, after: PersistId) {
        self.send(To::All, &message, Some(after));
        self.round.own.insert(
            phase,
            Own {
                view,
                message,
                after: Some(after),
            },
        );
    }

    /// The record and every one before it is durable: this node's own votes in them count now.
    fn on_persisted(&mut self, id: PersistId) {
        let later = self.unsaved.split_off(&PersistId(id.0.saturating_add(1)));
        for (_, unsaved) in std::mem::replace(&mut self.unsaved, later) {
            self.count_own(unsaved);
        }
    }

    /// Counts this node's own durable vote like anybody's. One of a height already decided is of no use.
    pub(super) fn count_own(&mut self, unsaved: Unsaved) {
        match unsaved {
            Unsaved::Vote(vote) if vote.slot.height == self.round.slot.height => {
                let votes = if vote.phase == Phase::Commit {
                    &mut self.round.commits
                } else {
                    &mut self.round.prepares
                };
                votes.add(vote.slot.view, vote.block, &vote.by);
            }
            Unsaved::RoundChange(change, proof) if change.slot.height == self.round.slot.height => {
                self.round.round_changes.add(change, proof);
            }
            Unsaved::Vote(_) | Unsaved::RoundChange(..) => {}
        }
    }

    fn on_peer(&mut self, id: NodeId, up: bool) {
        if id == self.me {
            return;
        }
        if up {
            self.connected.insert(id);
            self.resend_to(id);
        } else {
            self.connected.remove(&id);
        }
    }

    /// Gives a peer that was away what this node signed at this height, verbatim. Having announced a view, it says nothing
    /// in lower ones any more.
    fn resend_to(&mut self, peer: NodeId) {
        let view = self.round.slot.view;
        let current = self.round.own.values().filter(|own| own.view >= view);
        let own: Vec<_> = current.map(|own| (own.message.clone(), own.after)).collect();
        for (message, after) in own {
            self.send(To::One(peer), &message, after);
        }
        if let Some(own) = self.round.own_change.clone() {
            let message = self.change_message(&own, self.leader() == Some(peer));
            self.send(To::One(peer), &message, own.after);
        }
    }

    /// A round change as it is sent: with proof and block for the leader of its view, the signed core for the others.
    pub(super) fn change_message(&self, own: &OwnChange, for_leader: bool) -> Message {
        let claimed = own.change.claim.filter(|_| for_leader);
        Message::RoundChange(Box::new(crate::RoundChangeMessage {
            change: own.change,
            certificate: own.proof.clone().filter(|_| for_leader),
            candidate: claimed.and_then(|claim| self.round.candidates.get(&claim.block).cloned()),
        }))
    }
}

impl Consensus for Pbft {
    fn step(&mut self, now: Now, input: Input) -> Vec<Output> {
        if self.halted && !matches!(input, Input::Start(_)) {
            return Vec::new();
        }
        self.now = now;
        self.on_input(input);
        if self.started && !self.halted {
            self.apply_rules();
        }
        std::mem::take(&mut self.out)
    }

    fn status(&self) -> ConsensusStatus {
        let Slot { height, view } = self.round.slot;
        ConsensusStatus {
            head: self.head,
            height,
            view,
            leader: self.leader(),
            sealers: self.sealers.clone(),
            sealing: self.sealers.contains(&self.me),
            connected: self.connected.iter().copied().collect(),
            abstaining_through: self.abstain_through.filter(|through| height <= *through),
            halted: self.halted,
        }
    }
}
