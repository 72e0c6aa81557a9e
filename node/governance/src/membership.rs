//! How an approved change of a role is carried out: step by step, one at a time, and only while a quorum is proven to live
//! (LEDGER.md 4).

use althing_types::{Address, NodeId, SealerSet};

use crate::vote::holds;
use crate::{Ballot, ChangeId, Event, Governance, Lapse, Moment, Outcome, Refusal, Role, Subject, Wish};

/// For how long a step waits for what it needs before others have their turn, milliseconds of block time.
pub const PATIENCE_MS: u64 = 600_000;

/// What a step lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The node that is to seal has not proved lately that it lives.
    #[error("node {} has not proved within a minute that it lives and follows the group", .0.short())]
    NotLive(NodeId),
    /// Too few of the sealers that there would be have.
    #[error("{live} of the sealers that there would be have proved within a minute that they live, {needed} must")]
    Quorum {
        /// How many have.
        live: usize,
        /// How many must.
        needed: usize,
    },
    /// The sealers change once in a block.
    #[error("the sealers have changed in this block already")]
    OnceABlock,
    /// Nobody would seal.
    #[error("nobody would seal")]
    LastSealer,
}

/// A change of a role that has its votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approved {
    pub(crate) id: ChangeId,
    pub(crate) node: NodeId,
    /// The role that was voted on; the way there may have several steps.
    pub(crate) to: Role,
    pub(crate) force: bool,
    /// The number under which it was wanted first: another one than its own where it lapsed before.
    pub(crate) first: u64,
    /// When it passed.
    pub(crate) at: Moment,
    /// Since when its present step is tried, milliseconds since 1970.
    pub(crate) tried_ms: Option<u64>,
    /// Why it gave way to others, until somebody advances it.
    pub(crate) blocked: Option<Blocked>,
}

/// A change of a role whose approval became too old before it was carried out, while nothing else was decided about its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lapsed {
    pub(crate) to: Role,
    pub(crate) force: bool,
    /// The number under which it was wanted first.
    pub(crate) first: u64,
}

/// A change that has its votes and is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its identity.
    pub id: ChangeId,
    /// Whose role it changes.
    pub node: NodeId,
    /// The role that was voted on.
    pub to: Role,
    /// Whether it gave way to others, and waits to be advanced.
    pub gave_way: bool,
    /// What its next step lacks at this moment.
    pub lacks: Option<Blocked>,
}

impl Approved {
    pub(crate) const fn holds(&self, now: Moment) -> bool {
        holds(self.at, now)
    }
}

impl Governance {
    /// Whether this passed under this number, lapsed before it was carried out, and nothing else was decided about its subject since.
    /// Who still declares it does not declare an older state of things: it wants what was decided last (ADR 0021).
    pub fn has_lapsed(&self, ballot: &Ballot) -> bool {
        let Wish::Role(node, to) = ballot.wish else {
            return false;
        };
        let subject = Subject::Node(node);
        let is_it = |lapsed: &Lapsed| {
            (lapsed.to, lapsed.force) == (to, ballot.force)
                && (lapsed.first..self.next_number(&subject)).contains(&ballot.number)
        };
        self.lapsed.get(&node).is_some_and(is_it)
    }

    /// The changes that have their votes and are not carried out, in the order in which they passed.
    pub fn pending(&self, now: Moment) -> Vec<Pending> {
        let pending = self.approved.iter().map(|found| Pending {
            id: found.id,
            node: found.node,
            to: found.to,
            gave_way: found.blocked.is_some(),
            lacks: self.step(now, found).err(),
        });
        pending.collect()
    }

    /// A seat has a change looked at again that gave way to others.
    ///
    /// # Errors
    /// Who has no seat, and a change that is not approved, or not any more.
    pub fn advance(&mut self, now: Moment, account: Address, id: ChangeId) -> Result<Outcome, Refusal> {
        self.admit(&account)?;
        self.expire(now);
        let found = self.approved.iter_mut().find(|found| found.id == id);
        let found = found.ok_or(Refusal::Unknown("approved change"))?;
        if found.blocked.take().is_some() {
            found.tried_ms = None;
        }
        self.look(now);
        match self.approved.iter().any(|found| found.id == id) {
            true => Ok(Outcome::Recorded),
            false => Ok(Outcome::Passed),
        }
    }

    /// Carries out what can be: the first change that has not given way, and the next ones once it is done.
    pub(crate) fn look(&mut self, now: Moment) {
        while let Some(index) = self.approved.iter().position(|found| found.blocked.is_none()) {
            let Some(found) = self.approved.get(index).cloned() else {
                return;
            };
            if self.role(&found.node) == found.to {
                self.approved.remove(index);
                self.events.push(Event::Done { id: found.id });
                continue;
            }
            match self.step(now, &found) {
                Ok(next) => self.take_step(now, index, &found, next),
                Err(_) if self.is_patient(now, index) => return,
                Err(blocked) => {
                    if let Some(found) = self.approved.get_mut(index) {
                        found.blocked = Some(blocked);
                    }
                    let why = Lapse::Step(blocked);
                    self.events.push(Event::Lapsed { id: found.id, why });
                }
            }
        }
    }

    /// Whether a blocked step may wait longer; its time begins with the first look at it.
    fn is_patient(&mut self, now: Moment, index: usize) -> bool {
        let Some(found) = self.approved.get_mut(index) else {
            return true;
        };
        let since = *found.tried_ms.get_or_insert(now.unix_ms);
        now.unix_ms.saturating_sub(since) < PATIENCE_MS
    }

    /// The role that a change's next step gives, if that can be now.
    fn step(&self, now: Moment, change: &Approved) -> Result<Role, Blocked> {
        let from = self.role(&change.node);
        let next = from.towards(change.to);
        if next != Role::Sealer && from != Role::Sealer {
            return Ok(next);
        }
        if self.sealers_changed_at == Some(now.height) {
            return Err(Blocked::OnceABlock);
        }
        let mut sealers = self.sealers().as_slice().to_vec();
        match next {
            Role::Sealer => sealers.push(change.node),
            Role::Observer | Role::Free => sealers.retain(|node| *node != change.node),
        }
        let sealers = SealerSet::new(sealers);
        if sealers.is_empty() {
            return Err(Blocked::LastSealer);
        }
        if change.force {
            return Ok(next);
        }
        let live = self.live(now);
        if next == Role::Sealer && !live.contains(&change.node) {
            return Err(Blocked::NotLive(change.node));
        }
        let (live, needed) = (
            live.iter().filter(|node| sealers.contains(node)).count(),
            sealers.quorum(),
        );
        match live >= needed {
            true => Ok(next),
            false => Err(Blocked::Quorum { live, needed }),
        }
    }

    fn take_step(&mut self, now: Moment, index: usize, change: &Approved, to: Role) {
        let (node, from) = (change.node, self.role(&change.node));
        match to {
            Role::Free => {
                self.members.remove(&node);
                self.proofs.remove(&node);
                if self.lease.as_ref().is_some_and(|lease| lease.node == node) {
                    self.end_lease();
                }
            }
            Role::Observer | Role::Sealer => drop(self.members.insert(node, to)),
        }
        if from == Role::Sealer || to == Role::Sealer {
            self.sealers_changed_at = Some(now.height);
        }
        if let Some(found) = self.approved.get_mut(index) {
            found.tried_ms = None;
        }
        let id = change.id;
        self.events.push(Event::Stepped { id, node, from, to });
    }
}
