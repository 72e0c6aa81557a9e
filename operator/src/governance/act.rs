//! What an agency does on a chain.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::Bytes;
use althing_governance::{
    Ballot, ChangeId, Governance, Lease, Moment, Outcome, Refusal, Subject, SystemConfig, Vote, abi,
};
use althing_types::{Address, Genesis, GroupId, NodeId};
use serde::{Serialize, Serializer};

use super::ChainView;
use super::change::value_text;
use crate::name::{AgencyName, GroupName};
use crate::pki::PrivateKey;
use crate::transaction::{Message, SignError, Signed, sign};

/// Gas an act may use: many times what any of these calls needs, and less than any block has room for.
const GAS: u64 = 30_000_000;

/// The reason of a lease that nothing is disturbed under any more. It is returned once the chain shows this mark: a return that is
/// on its way while the wish comes back would take the lease from a node that is just being disturbed (ADR 0015).
pub const GIVEN_BACK: &str = "to be given back";

/// One transaction of one agency's governance account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// In which group.
    pub group: GroupName,
    /// What a transaction of it needs.
    pub chain: Chain,
    /// Whose.
    pub agency: AgencyName,
    /// What.
    pub call: Call,
    /// What it is about, as this namespace names it.
    pub subject: String,
}

/// What a transaction of a group needs beside its call and nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The group's number.
    pub id: GroupId,
    /// The chain id that Ethereum clients see.
    pub evm_chain_id: u64,
    /// Gas a transaction may be given.
    pub gas_limit: u64,
}

impl Chain {
    /// As the genesis has it, and what was voted on since.
    pub fn of(genesis: &Genesis, governance: &Governance) -> Self {
        Self {
            id: genesis.group_id,
            evm_chain_id: genesis.evm_chain_id,
            gas_limit: governance.system_config(&SystemConfig::from(genesis)).gas,
        }
    }
}

impl Act {
    /// Whether it rests on something of the chain being as it was when the act was planned: the lease of its group, or the vote that
    /// it takes back.
    pub const fn rests_on_the_chain(&self) -> bool {
        matches!(
            self.call,
            Call::AskLease { .. } | Call::ReturnLease { .. } | Call::Withdraw { .. }
        )
    }

    /// Whether what it rests on is still so, for the account that acts. Whoever sends asks for the nonce first and for the chain
    /// afterwards: then the transaction of an act that holds is void as soon as the account has done anything else since.
    pub fn holds(&self, chain: &ChainView, account: &Address) -> bool {
        let lease = chain.governance.lease();
        match &self.call {
            Call::AskLease { found, .. } => found.as_ref() == lease,
            Call::ReturnLease { found } => Some(found) == lease,
            Call::Withdraw { subject, found } => chain.governance.vote_of(subject, account) == Some(found),
            Call::Vote(_) | Call::Advance(_) => true,
        }
    }
}

/// The acts of each agency's account in each group, which follow each other nonce by nonce.
pub fn by_account(acts: &[Act]) -> BTreeMap<(GroupName, AgencyName), Vec<Act>> {
    let mut grouped: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for act in acts {
        let account = (act.group.clone(), act.agency.clone());
        grouped.entry(account).or_default().push(act.clone());
    }
    grouped
}

/// The transactions of one account's acts in one group, from this nonce on. The same act at the same nonce is the same transaction.
pub fn signed(acts: &[Act], key: &PrivateKey, nonce: u64) -> Result<Vec<Signed>, SignError> {
    let messages = (nonce..).zip(acts).map(|(nonce, act)| Message {
        evm_chain_id: act.chain.evm_chain_id,
        nonce,
        gas_limit: act.chain.gas_limit.min(GAS),
        to: abi::ADDRESS,
        input: act.call.input(),
    });
    messages.map(|message| sign(key, message)).collect()
}

/// What it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A vote.
    Vote(Ballot),
    /// A vote that is taken back.
    Withdraw {
        /// On what.
        subject: Subject,
        /// The vote when this was planned: a person may have given another one since, which is not this one's to take.
        found: Vote,
    },
    /// An approved change that gave way to others is looked at again.
    Advance(ChangeId),
    /// The right to disturb a node is asked for, asked for again, or marked as one that is given back.
    AskLease {
        /// Which node.
        node: NodeId,
        /// Why, for people.
        reason: String,
        /// When it ends, milliseconds of block time since 1970.
        until_ms: u64,
        /// Whether the group may stand still meanwhile.
        pause: bool,
        /// The lease of the group when this was planned.
        found: Option<Lease>,
    },
    /// That right is given back.
    ReturnLease {
        /// The lease when this was planned.
        found: Lease,
    },
}

impl Call {
    /// What is sent to [`abi::ADDRESS`].
    pub fn input(&self) -> Bytes {
        match self {
            Self::Vote(ballot) => abi::vote(ballot),
            Self::Withdraw { subject, .. } => abi::withdraw(subject),
            Self::Advance(id) => abi::advance(*id),
            Self::AskLease {
                node,
                reason,
                until_ms,
                pause,
                ..
            } => abi::ask_lease(node, reason, *until_ms, *pause),
            Self::ReturnLease { found } => abi::return_lease(&found.node),
        }
    }

    /// Does to a value what it does to the chain.
    ///
    /// # Errors
    /// What the chain would refuse it with.
    pub fn play(&self, chain: &mut Governance, now: Moment, account: Address) -> Result<Outcome, Refusal> {
        match self {
            Self::Vote(ballot) => chain.vote(now, account, ballot),
            Self::Withdraw { subject, .. } => chain.withdraw(now, account, subject),
            Self::Advance(id) => chain.advance(now, account, *id),
            Self::AskLease {
                node,
                reason,
                until_ms,
                pause,
                ..
            } => chain.ask_lease(now, account, *node, reason, *until_ms, *pause),
            Self::ReturnLease { found } => chain.return_lease(now, account, found.node),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group, agency, subject, ..
        } = self;
        match &self.call {
            Call::Vote(Ballot { wish, number, .. }) => {
                let to = value_text(&wish.to());
                write!(
                    f,
                    "{agency} votes in {group}: {subject} is to be {to} (change {number})"
                )
            }
            Call::Withdraw { .. } => write!(f, "{agency} takes its vote on {subject} in {group} back"),
            Call::Advance(_) => write!(f, "{agency} has the change of {subject} in {group} looked at again"),
            Call::AskLease { reason, .. } if reason == GIVEN_BACK => {
                write!(
                    f,
                    "{agency} marks the lease of {group} for {subject} as one it gives back"
                )
            }
            Call::AskLease { reason, .. } => {
                write!(f, "{agency} asks for the lease of {group} for {subject}: {reason}")
            }
            Call::ReturnLease { .. } => write!(f, "{agency} gives the lease of {group} for {subject} back"),
        }
    }
}

/// As its sentence.
impl Serialize for Act {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
