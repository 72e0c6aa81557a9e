//! How a group goes on that lost its quorum for ever: by its committee's word, which names the block it goes on from and who seals from
//! then on (GOVERNANCE.md 5).
//!
//! The rule is of the state after that block, so that every node that has it decides alike, whether it was there or syncs later.

use std::collections::{BTreeMap, BTreeSet};

use althing_types::{Address, B256, NodeId, Recovery};

use crate::{Event, Governance, Lapse, Moment, Outcome, Refusal, Role};

/// Why a recovery does nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFault {
    /// Not in the place where it counts.
    #[error("a recovery counts only as the first transaction of a block, called directly")]
    Place,
    /// Not the document it should be.
    #[error("{0}")]
    Document(String),
    /// Of another ledger.
    #[error("it is for the ledger of genesis hash {found}; this one's is {accepted}")]
    Genesis {
        /// What it names.
        found: B256,
        /// What this ledger has.
        accepted: B256,
    },
    /// For another place in the chain.
    #[error("it goes on from block {found_height} {found}; here that is block {height} {hash}")]
    Block {
        /// The height it names.
        found_height: u64,
        /// The hash it names.
        found: B256,
        /// The newest block.
        height: u64,
        /// Its hash.
        hash: B256,
    },
    /// Nobody could have signed.
    #[error("this group was made without a committee, so nobody can sign for it; rebuild it from its data")]
    NoCommittee,
    /// A new sealer that does not follow the group.
    #[error("it names node {}, which is neither sealer nor observer of this group", .0.short())]
    NotAMember(NodeId),
    /// A signature that no account can have made.
    #[error("signature {0} of it does not hold")]
    Signature(usize),
    /// Too few signed.
    #[error("seats of weight {found} signed it, {needed} are needed")]
    Weight {
        /// The weight of those who did.
        found: u64,
        /// The weight it takes.
        needed: u64,
    },
}

impl Governance {
    /// Whether a recovery counts on this block, the newest one, after which this is the state. `signers` are the accounts that signed
    /// it, whether or not they have a seat.
    ///
    /// # Errors
    /// What it lacks, in a sentence.
    pub fn check_recovery(
        &self,
        recovery: &Recovery,
        (height, hash): (u64, B256),
        signers: &BTreeSet<Address>,
    ) -> Result<(), RecoveryFault> {
        if recovery.genesis != self.genesis {
            return Err(RecoveryFault::Genesis {
                found: recovery.genesis,
                accepted: self.genesis,
            });
        }
        if (recovery.height, recovery.block) != (height, hash) {
            return Err(RecoveryFault::Block {
                found_height: recovery.height,
                found: recovery.block,
                height,
                hash,
            });
        }
        if self.seats.is_empty() {
            return Err(RecoveryFault::NoCommittee);
        }
        let is_member = |node: &NodeId| self.members.contains_key(node);
        if let Some(stranger) = recovery.sealers.as_slice().iter().find(|node| !is_member(node)) {
            return Err(RecoveryFault::NotAMember(*stranger));
        }
        let (found, needed) = (self.weight_of(signers), self.needed());
        match found >= needed {
            true => Ok(()),
            false => Err(RecoveryFault::Weight { found, needed }),
        }
    }

    /// The weight of the seats of these accounts.
    pub fn weight_of(&self, accounts: &BTreeSet<Address>) -> u64 {
        let weights = accounts.iter().filter_map(|account| self.seats.get(account));
        weights.map(|weight| u64::from(*weight)).sum()
    }

    /// Carries out a recovery that was checked: exactly its nodes seal from the next block on. Who sealed before and is not named
    /// becomes an observer: it may come back with its disk and follows, and only a vote makes it more or less than that.
    ///
    /// What was open is void, as after a change of the committee: votes, approved changes, the lease, the proofs of life. All of it
    /// was about sealers that are not those of now.
    pub fn recover(&mut self, now: Moment, recovery: &Recovery, id: B256) -> Result<Outcome, Refusal> {
        self.expire(now);
        self.end_lease();
        self.proofs.clear();
        self.begin_epoch(now);
        self.lapsed.clear();
        let lapsed = self.approved.drain(..).map(|found| Event::Lapsed {
            id: found.id,
            why: Lapse::Recovered,
        });
        self.events.extend(lapsed);
        let height = recovery.height;
        self.events.push(Event::Recovered { id, height });
        for (node, from, to) in turns(&self.members, recovery) {
            self.members.insert(node, to);
            self.events.push(Event::Stepped { id, node, from, to });
        }
        self.sealers_changed_at = Some(now.height);
        Ok(Outcome::Passed)
    }
}

/// Whose role a recovery changes, and how.
fn turns(members: &BTreeMap<NodeId, Role>, recovery: &Recovery) -> Vec<(NodeId, Role, Role)> {
    let to = |node: &NodeId| match recovery.sealers.contains(node) {
        true => Role::Sealer,
        false => Role::Observer,
    };
    let turns = members.iter().map(|(node, from)| (*node, *from, to(node)));
    turns.filter(|(_, from, to)| from != to).collect()
}
