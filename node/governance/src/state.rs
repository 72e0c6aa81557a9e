//! The value that all of it is about.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use althing_types::{Address, B256, Genesis, NodeId, SealerSet};

use crate::lease::Lease;
use crate::membership::{Approved, Lapsed};
use crate::moment::{Event, Lapse, Moment};
use crate::vote::Vote;
use crate::{Ballot, Refusal, Setting, Subject, Value};

/// What a node is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// Connected, in no list of the group; gets nothing of it.
    Free = 0,
    /// Follows, does not vote.
    Observer = 1,
    /// Votes on blocks.
    Sealer = 2,
}

impl Role {
    /// The role of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Free),
            1 => Some(Self::Observer),
            2 => Some(Self::Sealer),
            _ => None,
        }
    }

    /// The next role on the way to another one: one step at a time.
    pub const fn towards(self, to: Self) -> Self {
        match (self, to) {
            (Self::Free, Self::Free) => Self::Free,
            (Self::Sealer, Self::Sealer) => Self::Sealer,
            (Self::Observer, to) => to,
            (Self::Free | Self::Sealer, _) => Self::Observer,
        }
    }
}

/// How much there may be of everything, so that no account can make the state large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits;

impl Limits {
    /// Sealers and observers.
    pub const MEMBERS: usize = 1_024;
    /// Seats, as in genesis.
    pub const SEATS: usize = 256;
    /// Subjects that one account has open votes on.
    pub const VOTES_OF_AN_ACCOUNT: usize = 16;
    /// Approved changes that are not carried out yet.
    pub const APPROVED: usize = 64;
    /// Operators.
    pub const OPERATORS: usize = 256;
    /// Accounts that a change was ever about, as operators and as frozen ones: each keeps its number for good.
    pub const ACCOUNTS: usize = 4_096;
    /// Letters of a reason.
    pub const REASON_BYTES: usize = 128;
    /// Bytes of all of it. Everything else at its limit fits; the numbers of changes, one for every node and seat that ever had one,
    /// are what is left to grow.
    pub const BYTES: usize = 1 << 20;
}

/// Who takes part and what is being decided, after some block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governance {
    pub(crate) genesis: B256,
    pub(crate) members: BTreeMap<NodeId, Role>,
    pub(crate) seats: BTreeMap<Address, u32>,
    pub(crate) threshold: u32,
    pub(crate) epoch: u64,
    /// The last block that changed the committee, or recovered the group.
    pub(crate) epoch_since: Option<u64>,
    pub(crate) config: BTreeMap<String, Setting>,
    /// The number of the last change that passed, of each subject that ever had one.
    pub(crate) counters: BTreeMap<Subject, u64>,
    pub(crate) votes: BTreeMap<Subject, BTreeMap<Address, Vote>>,
    /// Whose vote on what was taken back or expired lately, and the last block in which that account said something about it.
    pub(crate) ended: BTreeMap<(Subject, Address), u64>,
    /// In the order in which they passed.
    pub(crate) approved: VecDeque<Approved>,
    /// What was decided last about a node, where that lapsed.
    pub(crate) lapsed: BTreeMap<NodeId, Lapsed>,
    /// The time of the newest block that each node has shown to hold, milliseconds since 1970.
    pub(crate) proofs: BTreeMap<NodeId, u64>,
    pub(crate) lease: Option<Lease>,
    /// The operators, with the first block in which they are.
    pub(crate) operators: BTreeMap<Address, u64>,
    pub(crate) frozen: BTreeSet<Address>,
    /// The last block that changed the sealers of the next one.
    pub(crate) sealers_changed_at: Option<u64>,
    /// What happened since [`Self::take_events`]; not part of the state.
    pub(crate) events: Vec<Event>,
}

impl Governance {
    /// The state of block 0.
    pub fn new(genesis: &Genesis, genesis_hash: B256) -> Self {
        let sealers = genesis.sealers.as_slice().iter();
        let seats = genesis.committee.seats.iter();
        Self {
            genesis: genesis_hash,
            members: sealers.map(|node| (*node, Role::Sealer)).collect(),
            seats: seats.map(|seat| (seat.account, seat.weight)).collect(),
            threshold: genesis.committee.threshold,
            epoch: 0,
            epoch_since: None,
            config: BTreeMap::new(),
            counters: BTreeMap::new(),
            votes: BTreeMap::new(),
            ended: BTreeMap::new(),
            approved: VecDeque::new(),
            lapsed: BTreeMap::new(),
            proofs: BTreeMap::new(),
            lease: None,
            operators: BTreeMap::new(),
            frozen: BTreeSet::new(),
            sealers_changed_at: None,
            events: vec![],
        }
    }

    /// The genesis hash of the group, which keeps its identities and signatures apart from those of others.
    pub const fn genesis(&self) -> B256 {
        self.genesis
    }

    /// The sealers of the next block.
    pub fn sealers(&self) -> SealerSet {
        SealerSet::new(self.of_role(Role::Sealer).collect())
    }

    /// The observers, ascending.
    pub fn observers(&self) -> Vec<NodeId> {
        self.of_role(Role::Observer).collect()
    }

    fn of_role(&self, wanted: Role) -> impl Iterator<Item = NodeId> {
        let members = self.members.iter();
        members.filter(move |(_, role)| **role == wanted).map(|(node, _)| *node)
    }

    /// Sealers and observers.
    pub const fn members(&self) -> &BTreeMap<NodeId, Role> {
        &self.members
    }

    /// What a node is.
    pub fn role(&self, node: &NodeId) -> Role {
        self.members.get(node).copied().unwrap_or(Role::Free)
    }

    /// The seats with their weights, ascending by account.
    pub const fn seats(&self) -> &BTreeMap<Address, u32> {
        &self.seats
    }

    /// Whether an account may take part in decisions: it has a seat, or nobody has one.
    pub fn may_decide(&self, account: &Address) -> bool {
        self.seats.is_empty() || self.seats.contains_key(account)
    }

    /// The operators, ascending, with the first block in which they are.
    pub const fn operators(&self) -> &BTreeMap<Address, u64> {
        &self.operators
    }

    /// The accounts whose transactions do nothing.
    pub const fn frozen(&self) -> &BTreeSet<Address> {
        &self.frozen
    }

    /// Above which percentage of the weight a change passes.
    pub const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// How many committee changes there were.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A value of the system configuration that was voted on.
    pub fn config(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(|setting| setting.value.as_str())
    }

    /// The number that the next change of a subject has.
    pub fn next_number(&self, subject: &Subject) -> u64 {
        self.counters.get(subject).copied().unwrap_or(0) + 1
    }

    /// The open votes by subject and account.
    pub const fn votes(&self) -> &BTreeMap<Subject, BTreeMap<Address, Vote>> {
        &self.votes
    }

    /// As it is at this moment: what is too old by then is not in it. Votes lie in the state until a call finds them too old.
    #[must_use]
    pub fn as_of(mut self, now: Moment) -> Self {
        self.expire(now);
        self.events.clear();
        self
    }

    /// The vote of an account on a subject.
    pub fn vote_of(&self, subject: &Subject, account: &Address) -> Option<&Vote> {
        self.votes.get(subject)?.get(account)
    }

    /// Whether the vote of an account on a subject is this one.
    pub fn has_voted(&self, account: &Address, ballot: &Ballot) -> bool {
        let vote = self.vote_of(&ballot.wish.subject(), account);
        vote.is_some_and(|vote| vote.to == ballot.wish.to() && vote.force == ballot.force)
    }

    /// The weight that a change needs: the smallest that is strictly above the threshold; 0 where one vote is enough because nobody
    /// has a seat.
    pub fn needed(&self) -> u64 {
        match self.seats.values().map(|weight| u64::from(*weight)).sum::<u64>() {
            0 => 0,
            all => all * u64::from(self.threshold) / 100 + 1,
        }
    }

    /// The lease that is asked for or granted.
    pub const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Whether members should prove that they live: something waits for it.
    pub fn wants_proofs(&self) -> bool {
        !self.approved.is_empty() || self.lease.is_some()
    }

    /// What a subject is to be: what was approved last, where that is not carried out yet, else what it is.
    pub fn decided(&self, subject: &Subject) -> Value {
        let Subject::Node(node) = subject else {
            return self.value(subject);
        };
        let approved = self.approved.iter().rev().find(|found| found.node == *node);
        approved.map_or_else(|| self.value(subject), |found| Value::Role(found.to))
    }

    /// What a subject is now.
    pub fn value(&self, subject: &Subject) -> Value {
        match subject {
            Subject::Node(node) => Value::Role(self.role(node)),
            Subject::Seat(account) => Value::Number(self.seats.get(account).copied().unwrap_or(0)),
            Subject::Threshold => Value::Number(self.threshold),
            Subject::Config(key) => Value::Text(self.config(key).unwrap_or_default().to_owned()),
            Subject::Operator(account) => Value::Is(self.operators.contains_key(account)),
            Subject::Account(account) => Value::Is(self.frozen.contains(account)),
        }
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whoever may decide: a seat, or anybody where there is no committee, as in FISCO.
    pub(crate) fn admit(&self, account: &Address) -> Result<(), Refusal> {
        match self.may_decide(account) {
            true => Ok(()),
            false => Err(Refusal::NoSeat(*account)),
        }
    }

    /// Forgets what is too old. Every call begins with it, so that what is too old never counts.
    pub(crate) fn expire(&mut self, now: Moment) {
        for (subject, votes) in &mut self.votes {
            for (account, vote) in votes.extract_if(.., |_, vote| !vote.holds(now)) {
                self.ended.insert((subject.clone(), account), vote.at.height);
            }
        }
        self.votes.retain(|_, votes| !votes.is_empty());
        self.forget_ended(now);
        let (kept, old): (VecDeque<_>, VecDeque<_>) = self.approved.drain(..).partition(|found| found.holds(now));
        self.approved = kept;
        for found in old {
            let lapsed = Lapsed {
                to: found.to,
                force: found.force,
                first: found.first,
            };
            self.lapsed.insert(found.node, lapsed);
            self.events.push(Event::Lapsed {
                id: found.id,
                why: Lapse::Expired,
            });
        }
        self.expire_lease(now);
    }
}
