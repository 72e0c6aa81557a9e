//! A core under test, with the keys of everybody around it.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use althing_consensus::*;
use althing_crypto::NodeKey;
use althing_types::{NodeId, SealerSet};

use super::{key, suite};

pub(crate) const GENESIS: B256 = B256::repeat_byte(0xAA);
pub(crate) const LIMITS: Limits = Limits { block_bytes: 10_000 };
pub(crate) const UNIX_MS: u64 = 1_800_000_000_000;

/// `n` keys, ascending by nodeID.
pub(crate) fn keys(n: u8) -> Vec<Arc<dyn NodeKey>> {
    let mut keys: Vec<_> = (0..n).map(key).collect();
    keys.sort_by_key(|key| key.public_key());
    keys
}

/// Block bytes: height, parent, time, content.
pub(crate) fn block(height: u64, parent: B256, unix_ms: u64, content: u8) -> Candidate {
    let mut bytes = height.to_be_bytes().to_vec();
    bytes.extend_from_slice(parent.as_slice());
    bytes.extend_from_slice(&unix_ms.to_be_bytes());
    bytes.push(content);
    Candidate {
        height,
        parent,
        hash: keccak256(&bytes),
        unix_ms,
        bytes: bytes.into(),
    }
}

pub(crate) fn describe(bytes: &Bytes) -> Option<Described> {
    let number = |range: std::ops::Range<usize>| Some(u64::from_be_bytes(bytes.get(range)?.try_into().ok()?));
    (bytes.len() == 49).then_some(())?;
    Some(Described {
        height: number(0..8)?,
        parent: B256::from_slice(bytes.get(8..40)?),
        hash: keccak256(bytes),
        unix_ms: number(40..48)?,
    })
}

pub(crate) fn verified(message: Message) -> Verified {
    verify_message(message, suite(), GENESIS).unwrap()
}

pub(crate) fn decoded(bytes: &[u8]) -> Message {
    decode_message(bytes, LIMITS, &describe).unwrap()
}

/// One node, and the world around it.
pub(crate) struct House {
    pub(crate) keys: Vec<Arc<dyn NodeKey>>,
    pub(crate) ids: Vec<NodeId>,
    pub(crate) me: usize,
    pub(crate) core: Pbft,
    pub(crate) now_ms: u64,
    pub(crate) head: Head,
}

impl House {
    /// Node `me` among `n` sealers, started on block 0, everybody connected.
    pub(crate) fn new(n: u8, me: usize) -> Self {
        let mut house = Self::unstarted(n, me);
        house.start(Vec::new(), None);
        house
    }

    pub(crate) fn unstarted(n: u8, me: usize) -> Self {
        // One key more than sealers: the stranger, who comes last.
        let mut keys = keys(n + 1);
        let stranger = keys.remove(usize::from(n) / 2);
        keys.push(stranger);
        let ids = keys.iter().map(|key| NodeId::new(key.public_key())).collect();
        let core = Pbft::new(keys[me].clone(), suite().hash_fn(), GENESIS, Settings::default());
        let head = Head {
            height: 0,
            hash: GENESIS,
            unix_ms: 0,
        };
        Self {
            keys,
            ids,
            me,
            core,
            now_ms: 1_000,
            head,
        }
    }

    pub(crate) fn sealers(&self) -> SealerSet {
        SealerSet::new(self.ids[..self.ids.len() - 1].to_vec())
    }

    pub(crate) fn start(&mut self, log: Vec<Record>, abstain_through: Option<u64>) -> Vec<Output> {
        let (head, sealers) = (self.head, self.sealers());
        let mut out = self.step(Input::Start(Start {
            head,
            sealers,
            log,
            abstain_through,
            recovered: None,
        }));
        let me = self.me;
        for other in (0..self.ids.len()).filter(|other| *other != me) {
            out.extend(self.step(Input::Peer {
                id: self.ids[other],
                up: true,
            }));
        }
        out
    }

    pub(crate) fn step(&mut self, input: Input) -> Vec<Output> {
        let now = Now {
            monotonic_ms: self.now_ms,
            unix_ms: UNIX_MS + self.now_ms,
        };
        self.core.step(now, input)
    }

    pub(crate) fn message(&mut self, message: Message) -> Vec<Output> {
        self.step(Input::Message(verified(message)))
    }

    pub(crate) fn wake(&mut self, timer: Timer, after_ms: u64) -> Vec<Output> {
        self.now_ms += after_ms;
        self.step(Input::Wake(timer))
    }

    /// Says "persisted" to everything asked in these outputs, and gives what follows at once.
    pub(crate) fn persist(&mut self, outputs: &[Output]) -> Vec<Output> {
        let ids: Vec<PersistId> = outputs
            .iter()
            .filter_map(|o| {
                if let Output::Persist { id, .. } = o {
                    Some(*id)
                } else {
                    None
                }
            })
            .collect();
        ids.into_iter().flat_map(|id| self.step(Input::Persisted(id))).collect()
    }

    pub(crate) fn executed(&mut self, hash: B256) -> Vec<Output> {
        let outcome = Outcome::Valid {
            next_sealers: self.sealers(),
        };
        self.step(Input::Executed { hash, outcome })
    }

    // What the others say.

    pub(crate) fn by(&self, who: usize, slot: Slot, phase: Phase, subject: B256) -> SignedBy {
        let Slot { height, view } = slot;
        let digest = Tag {
            genesis: GENESIS,
            height,
            view,
            phase,
            subject,
        }
        .digest(suite().hash_fn());
        SignedBy {
            sealer: self.ids[who],
            signature: self.keys[who].sign(&digest),
        }
    }

    pub(crate) fn vote(&self, who: usize, slot: Slot, phase: Phase, block: B256) -> Message {
        Message::Vote(Vote {
            slot,
            phase,
            block,
            by: self.by(who, slot, phase, block),
        })
    }

    pub(crate) fn certificate(&self, who: &[usize], slot: Slot, phase: Phase, block: B256) -> VoteCertificate {
        let mut votes: Vec<_> = who.iter().map(|who| self.by(*who, slot, phase, block)).collect();
        votes.sort_by_key(|by| by.sealer);
        VoteCertificate {
            slot,
            phase,
            block,
            votes,
        }
    }

    pub(crate) fn change(&self, who: usize, slot: Slot, claim: Option<PreparedClaim>) -> RoundChange {
        let unsigned = RoundChange {
            slot,
            claim,
            by: SignedBy {
                sealer: self.ids[who],
                signature: [0; 64],
            },
        };
        let by = self.by(who, slot, Phase::RoundChange, unsigned.subject(suite().hash_fn()));
        RoundChange { by, ..unsigned }
    }

    pub(crate) fn round_change(&self, who: usize, slot: Slot) -> Message {
        let change = self.change(who, slot, None);
        Message::RoundChange(Box::new(RoundChangeMessage {
            change,
            certificate: None,
            candidate: None,
        }))
    }

    pub(crate) fn proposal(
        &self,
        view: u64,
        candidate: &Candidate,
        changes: Vec<RoundChange>,
        proof: Option<VoteCertificate>,
    ) -> Message {
        let slot = Slot {
            height: candidate.height,
            view,
        };
        let leader = self.leader(slot);
        let by = self.by(leader, slot, Phase::Propose, candidate.hash);
        let mut round_changes = changes;
        round_changes.sort_by_key(|change| change.by.sealer);
        let certificate = proof.map(Arc::new);
        Message::Proposal(Box::new(Proposal {
            view,
            candidate: candidate.clone(),
            by,
            round_changes,
            certificate,
        }))
    }

    pub(crate) fn leader(&self, slot: Slot) -> usize {
        let leader = *self.sealers().leader(slot.height, slot.view).unwrap();
        self.ids.iter().position(|id| *id == leader).unwrap()
    }

    /// The node, if it does not lead height 1 in view 0 nor the views up to `views`.
    pub(crate) fn follower(n: u8, views: u64) -> Self {
        let me = (0..usize::from(n)).find(|me| {
            let house = Self::unstarted(n, *me);
            (0..=views).all(|view| house.leader(Slot { height: 1, view }) != *me)
        });
        Self::new(n, me.unwrap())
    }

    /// The node that leads this view of height 1.
    pub(crate) fn led_in(n: u8, view: u64) -> Self {
        let leader = Self::unstarted(n, 0).leader(Slot { height: 1, view });
        Self::new(n, leader)
    }

    pub(crate) fn others(&self) -> Vec<usize> {
        (0..self.ids.len() - 1).filter(|other| *other != self.me).collect()
    }

    pub(crate) fn child(&self, content: u8) -> Candidate {
        block(self.head.height + 1, self.head.hash, UNIX_MS, content)
    }

    /// Takes the height in flight to its COMMIT by this node: the outputs of the step that casts it.
    pub(crate) fn up_to_commit(&mut self, candidate: &Candidate) -> Vec<Output> {
        let slot = Slot {
            height: candidate.height,
            view: 0,
        };
        let proposal = self.proposal(0, candidate, Vec::new(), None);
        self.message(proposal);
        let mut out = self.executed(candidate.hash);
        let prepare = out.clone();
        out.extend(self.persist(&prepare));
        for other in self.others() {
            let vote = self.vote(other, slot, Phase::Prepare, candidate.hash);
            out.extend(self.message(vote));
        }
        out
    }
}

pub(crate) fn sent(outputs: &[Output]) -> Vec<(To, Message, Option<PersistId>)> {
    let one = |output: &Output| match output {
        Output::Send { to, message, after } => Some((*to, decoded(message), *after)),
        _ => None,
    };
    outputs.iter().filter_map(one).collect()
}

pub(crate) fn votes(outputs: &[Output], phase: Phase) -> Vec<(Vote, Option<PersistId>)> {
    let one = |(_, message, after)| match message {
        Message::Vote(vote) if vote.phase == phase => Some((vote, after)),
        _ => None,
    };
    sent(outputs).into_iter().filter_map(one).collect()
}

pub(crate) fn round_changes(outputs: &[Output]) -> Vec<RoundChangeMessage> {
    let one = |(_, message, _)| {
        if let Message::RoundChange(change) = message {
            Some(*change)
        } else {
            None
        }
    };
    sent(outputs).into_iter().filter_map(one).collect()
}

pub(crate) fn proposals(outputs: &[Output]) -> Vec<Proposal> {
    let one = |(_, message, _)| {
        if let Message::Proposal(proposal) = message {
            Some(*proposal)
        } else {
            None
        }
    };
    sent(outputs).into_iter().filter_map(one).collect()
}

pub(crate) fn records(outputs: &[Output]) -> Vec<(PersistId, Record)> {
    let one = |output: &Output| match output {
        Output::Persist { id, record, .. } => Some((*id, Record::decode(record).unwrap())),
        _ => None,
    };
    outputs.iter().filter_map(one).collect()
}

pub(crate) fn committed(outputs: &[Output]) -> Option<(B256, althing_types::CommitCertificate)> {
    outputs.iter().find_map(|output| match output {
        Output::Commit { hash, certificate, .. } => Some((*hash, certificate.clone())),
        _ => None,
    })
}

pub(crate) fn timer(outputs: &[Output], wanted: Timer) -> Option<u64> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Timer { timer, after_ms } if *timer == wanted => Some(*after_ms),
        _ => None,
    })
}

pub(crate) fn builds(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Build { .. }))
}
