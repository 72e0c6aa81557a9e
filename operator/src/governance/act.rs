//! What an agency does on a chain.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::Bytes;
use althing_governance::{Ballot, ChangeId, Governance, LeaseWish, Moment, Outcome, Refusal, Subject, abi};
use althing_types::{Address, Genesis, NodeId};
use serde::{Serialize, Serializer};

use super::ChainView;
use super::change::value_text;
use crate::name::{AgencyName, GroupName};
use crate::pki::PrivateKey;
use crate::transaction::{Chain, Message, SignError, Signed, sign};

/// The reason of a lease that nothing is disturbed under any more. It is returned once the chain shows this mark: a return that is
/// on its way while the wish comes back would take the lease from a node that is just being disturbed (ADR 0015).
pub const GIVEN_BACK: &str = "to be given back";

/// One transaction of one agency's governance account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// In which group.
    pub group: GroupName,
    /// Its chain, as it was when this was planned.
    pub chain: Chain,
    /// Whose.
    pub agency: AgencyName,
    /// What.
    pub call: Call,
    /// What it is about, as this namespace names it.
    pub subject: String,
}

impl Chain {
    /// A group's chain as it was seen.
    pub const fn of(genesis: &Genesis, view: &ChainView) -> Self {
        Self {
            chain_id: genesis.chain_id,
            group: genesis.group_id,
            height: view.now.height,
        }
    }
}

/// The acts of each agency's account in each group.
pub fn by_account(acts: &[Act]) -> BTreeMap<(GroupName, AgencyName), Vec<Act>> {
    let mut grouped: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for act in acts {
        let account = (act.group.clone(), act.agency.clone());
        grouped.entry(account).or_default().push(act.clone());
    }
    grouped
}

/// The transactions of one account's acts in one group. The same act, planned on the same block, is the same transaction.
pub fn signed(acts: &[Act], key: &PrivateKey) -> Result<Vec<Signed>, SignError> {
    let messages = acts.iter().map(|act| Message {
        chain: act.chain,
        to: abi::ADDRESS,
        input: act.call.input(),
    });
    messages.map(|message| sign(key, &message)).collect()
}

/// What it calls. What rests on the chain being as it was says so, and the chain refuses it where that has changed since: then the act is
/// void, whenever it arrives and however often (ADR 0027).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A vote. It rests on the number of its change, and on what the account itself and the committee had said by then.
    Vote {
        /// For what.
        ballot: Ballot,
        /// The height of the newest block that was known.
        seen: u64,
    },
    /// A vote that is taken back.
    Withdraw {
        /// On what.
        subject: Subject,
        /// The block of the vote that was seen: a person may have given another one since, which is not this one's to take.
        voted_in: u64,
    },
    /// An approved change that gave way to others is looked at again.
    Advance(ChangeId),
    /// The right to disturb a node is asked for, asked for again, or marked as one that is given back; over the lease that was seen.
    AskLease(LeaseWish),
    /// That right is given back.
    ReturnLease {
        /// Which node.
        node: NodeId,
        /// The block in which the lease that was seen was asked for.
        asked_in: u64,
    },
}

impl Call {
    /// What is sent to [`abi::ADDRESS`].
    pub fn input(&self) -> Bytes {
        match self {
            Self::Vote { ballot, seen } => abi::vote(ballot, *seen),
            Self::Withdraw { subject, voted_in } => abi::withdraw(subject, *voted_in),
            Self::Advance(id) => abi::advance(*id),
            Self::AskLease(wish) => abi::ask_lease(wish),
            Self::ReturnLease { node, asked_in } => abi::return_lease(node, *asked_in),
        }
    }

    /// Does to a value what it does to the chain.
    ///
    /// # Errors
    /// What the chain would refuse it with.
    pub fn play(&self, chain: &mut Governance, now: Moment, account: Address) -> Result<Outcome, Refusal> {
        match self {
            Self::Vote { ballot, seen } => chain.vote(now, account, ballot, *seen),
            Self::Withdraw { subject, voted_in } => chain.withdraw(now, account, subject, *voted_in),
            Self::Advance(id) => chain.advance(now, account, *id),
            Self::AskLease(wish) => chain.ask_lease(now, account, wish),
            Self::ReturnLease { node, asked_in } => chain.return_lease(now, account, *node, *asked_in),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group, agency, subject, ..
        } = self;
        match &self.call {
            Call::Vote {
                ballot: Ballot { wish, number, .. },
                ..
            } => {
                let to = value_text(&wish.to());
                write!(
                    f,
                    "{agency} votes in {group}: {subject} is to be {to} (change {number})"
                )
            }
            Call::Withdraw { .. } => write!(f, "{agency} takes its vote on {subject} in {group} back"),
            Call::Advance(_) => write!(f, "{agency} has the change of {subject} in {group} looked at again"),
            Call::AskLease(wish) if wish.reason == GIVEN_BACK => {
                write!(
                    f,
                    "{agency} marks the lease of {group} for {subject} as one it gives back"
                )
            }
            Call::AskLease(wish) => {
                write!(
                    f,
                    "{agency} asks for the lease of {group} for {subject}: {}",
                    wish.reason
                )
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
