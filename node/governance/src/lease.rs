//! Disruption leases: one node of a group at a time is disturbed on purpose, and only while the others carry it (GOVERNANCE.md 2).

use althing_types::{Address, NodeId};

use crate::membership::PATIENCE_MS;
use crate::{Event, Governance, Limits, Moment, Outcome, Refusal, Role};

/// For how long at most a node may be disturbed, milliseconds of block time.
pub const LEASE_MS_MAX: u64 = 3_600_000;

/// The right to disturb a node, or the wish for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which node.
    pub node: NodeId,
    /// Who asked, and may give it back.
    pub holder: Address,
    /// Why, for people.
    pub reason: String,
    /// When it ends by itself, milliseconds since 1970.
    pub until_ms: u64,
    /// Whether the group may stand still meanwhile.
    pub pause: bool,
    /// Whether the node may be disturbed; until then it is a wish that waits for proofs of life.
    pub granted: bool,
    /// When it was asked for. What was seen after a block is told apart by the height: nothing of a block changes later.
    pub asked: Moment,
}

/// What somebody asks for who wants to disturb a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseWish {
    /// Which node.
    pub node: NodeId,
    /// Why, for people.
    pub reason: String,
    /// When it is to end, milliseconds since 1970.
    pub until_ms: u64,
    /// Whether the group may stand still meanwhile.
    pub pause: bool,
    /// The block in which the lease was asked for that this is instead of; 0 where there is to be none.
    pub asked_in: u64,
}

impl Governance {
    /// A seat asks to disturb a node. It is granted at once when the proofs of life allow it, else as soon as they do.
    ///
    /// # Errors
    /// Who has no seat, a node in no list, another lease than the one that was seen, a bound that is passed, and a group that tolerates
    /// no fault unless the pause is announced.
    pub fn ask_lease(&mut self, now: Moment, holder: Address, wish: &LeaseWish) -> Result<Outcome, Refusal> {
        let &LeaseWish {
            node, until_ms, pause, ..
        } = wish;
        self.admit(&holder)?;
        self.expire(now);
        let role = self.role(&node);
        if role == Role::Free {
            return Err(Refusal::NotAMember(node));
        }
        if !(now.unix_ms + 1..=now.unix_ms + LEASE_MS_MAX).contains(&until_ms) {
            return Err(Refusal::Range {
                what: "the end of the lease",
                found: until_ms,
                accepted: "up to an hour after the block",
            });
        }
        if wish.reason.len() > Limits::REASON_BYTES {
            return Err(Refusal::Full {
                what: "bytes of the reason",
                found: wish.reason.len(),
                accepted: Limits::REASON_BYTES,
            });
        }
        if let Some(held) = self
            .lease
            .as_ref()
            .filter(|held| held.node != node || held.holder != holder)
        {
            return Err(Refusal::LeaseHeld {
                node: held.node,
                until_ms: held.until_ms,
            });
        }
        self.is_lease_of(wish.asked_in)?;
        if role == Role::Sealer && self.sealers().faults_tolerable() == 0 && !pause {
            return Err(Refusal::PauseOnly(node));
        }
        let granted = self.lease.as_ref().is_some_and(|held| held.granted);
        self.lease = Some(Lease {
            node,
            holder,
            reason: wish.reason.clone(),
            until_ms,
            pause,
            granted,
            asked: now,
        });
        self.look_at_lease(now);
        match self.lease.as_ref().is_some_and(|lease| lease.granted) {
            true => Ok(Outcome::Passed),
            false => Ok(Outcome::Recorded),
        }
    }

    /// Whoever asked gives the lease back, because the node is in sync again or the wish is gone.
    ///
    /// # Errors
    /// When this account holds none on this node, or one that it asked for in another block.
    pub fn return_lease(
        &mut self,
        now: Moment,
        holder: Address,
        node: NodeId,
        asked_in: u64,
    ) -> Result<Outcome, Refusal> {
        self.expire(now);
        let is_it = |held: &Lease| held.node == node && held.holder == holder;
        if !self.lease.as_ref().is_some_and(is_it) {
            return Err(Refusal::Unknown("lease"));
        }
        self.is_lease_of(asked_in)?;
        self.end_lease();
        self.look(now);
        Ok(Outcome::Passed)
    }

    /// Whether the lease that is there was asked for in this block; 0 stands for none.
    fn is_lease_of(&self, seen: u64) -> Result<(), Refusal> {
        match self.lease.as_ref().map_or(0, |lease| lease.asked.height) {
            found if found == seen => Ok(()),
            found => Err(Refusal::Changed {
                what: "lease",
                seen,
                found,
            }),
        }
    }

    /// Grants what was asked for once the sealers that remain are proven to reach quorum.
    pub(crate) fn look_at_lease(&mut self, now: Moment) {
        let Some(lease) = self.lease.as_ref().filter(|lease| !lease.granted) else {
            return;
        };
        let (node, until_ms, sealers) = (lease.node, lease.until_ms, self.sealers());
        let mut live = self.live(now);
        let may_stand_still = lease.pause && sealers.faults_tolerable() == 0;
        if !may_stand_still {
            live.remove(&node);
        }
        let carried = live.iter().filter(|live| sealers.contains(live)).count() >= sealers.quorum();
        if carried || !sealers.contains(&node) {
            if let Some(lease) = &mut self.lease {
                lease.granted = true;
            }
            self.events.push(Event::LeaseGranted { node, until_ms });
        }
    }

    /// Ends what has ended: a lease at its end, a wish that nothing came of.
    pub(crate) fn expire_lease(&mut self, now: Moment) {
        let is_over = |lease: &Lease| {
            now.unix_ms >= lease.until_ms
                || (!lease.granted && now.unix_ms.saturating_sub(lease.asked.unix_ms) >= PATIENCE_MS)
        };
        if self.lease.as_ref().is_some_and(is_over) {
            self.end_lease();
        }
    }

    /// The lease of a node that is no member any more, too.
    pub(crate) fn end_lease(&mut self) {
        if let Some(lease) = self.lease.take() {
            // What it proved before it was disturbed says nothing about now.
            if lease.granted {
                self.proofs.remove(&lease.node);
            }
            self.events.push(Event::LeaseEnded { node: lease.node });
        }
    }
}
