//! A group whose blocks come when a test says so.

use althing_governance::{Ballot, Governance, Moment, Outcome, Proof, Refusal, Role, Wish};
use althing_types::genesis::{Committee, Genesis, Seat};
use althing_types::{Address, B256, GroupId, NodeId, SealerSet};

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;

pub(crate) fn node(number: u8) -> NodeId {
    NodeId::new([number; 64])
}

pub(crate) fn account(number: u8) -> Address {
    Address::repeat_byte(number)
}

/// Sealers 1 to `sealers`, seats 1 to `seats` of equal weight, passing above half of it.
pub(crate) fn genesis(sealers: u8, seats: u8) -> Genesis {
    let seat = |number| Seat {
        account: account(number),
        weight: 1,
    };
    let sealers = SealerSet::new((1..=sealers).map(node).collect());
    let plain = Genesis::with_defaults(20_260, GroupId::try_from(1).unwrap(), sealers).unwrap();
    Genesis {
        committee: Committee {
            seats: (1..=seats).map(seat).collect(),
            threshold: if seats == 0 { 0 } else { 50 },
        },
        ..plain
    }
}

/// A group and the block that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) group: Governance,
    pub(crate) now: Moment,
}

impl Scene {
    pub(crate) fn new(sealers: u8, seats: u8) -> Self {
        Self {
            group: Governance::new(&genesis(sealers, seats), B256::repeat_byte(9)),
            now: Moment {
                height: 1_000,
                unix_ms: 1_000_000 * SECOND,
            },
        }
    }

    /// A later block.
    pub(crate) fn later(&mut self, ms: u64) {
        self.now.height += 1;
        self.now.unix_ms += ms;
    }

    pub(crate) fn vote(&mut self, seat: u8, wish: Wish) -> Result<Outcome, Refusal> {
        let number = self.group.next_number(&wish.subject());
        self.ballot(seat, wish, number, false)
    }

    pub(crate) fn ballot(&mut self, seat: u8, wish: Wish, number: u64, force: bool) -> Result<Outcome, Refusal> {
        let ballot = Ballot { wish, number, force };
        self.group.vote(self.now, account(seat), &ballot, self.now.height)
    }

    /// A copy of a vote that was decided after the block of this height.
    pub(crate) fn late(&mut self, seat: u8, wish: Wish, seen: u64) -> Result<Outcome, Refusal> {
        let number = self.group.next_number(&wish.subject());
        let ballot = Ballot {
            wish,
            number,
            force: false,
        };
        self.group.vote(self.now, account(seat), &ballot, seen)
    }

    /// Seats 1 and 2 and 3 vote: enough of four.
    pub(crate) fn agree(&mut self, wish: &Wish) {
        assert_eq!(self.vote(1, wish.clone()), Ok(Outcome::Recorded));
        assert_eq!(self.vote(2, wish.clone()), Ok(Outcome::Recorded));
        assert_eq!(self.vote(3, wish.clone()), Ok(Outcome::Passed));
    }

    /// These nodes prove that they hold the last block.
    pub(crate) fn prove(&mut self, nodes: impl IntoIterator<Item = u8>) {
        for number in nodes {
            let proof = Proof {
                node: node(number),
                height: self.now.height - 1,
                unix_ms: self.now.unix_ms,
            };
            self.group.alive(self.now, &proof).unwrap();
        }
    }

    pub(crate) fn role(&self, number: u8) -> Role {
        self.group.role(&node(number))
    }

    pub(crate) fn sealers(&self) -> Vec<u8> {
        let sealers = self.group.sealers();
        sealers.as_slice().iter().map(|node| node.as_bytes()[0]).collect()
    }
}
