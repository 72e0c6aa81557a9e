//! What an agency does on a chain.

use std::fmt;

use alloy_primitives::Bytes;
use althing_governance::{Ballot, ChangeId, Subject, abi};
use althing_types::GroupId;
use serde::{Serialize, Serializer};

use super::change::value_text;
use super::transaction::{SignError, Signed, sign};
use crate::name::{AgencyName, GroupName};
use crate::pki::PrivateKey;

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

/// What a transaction of a group needs beside its call and nonce, as the genesis has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The group's number.
    pub id: GroupId,
    /// The chain id that Ethereum clients see.
    pub evm_chain_id: u64,
    /// Gas a transaction may be given.
    pub gas_limit: u64,
}

impl Act {
    /// The transaction at this nonce of the agency's account.
    pub fn signed(&self, key: &PrivateKey, nonce: u64) -> Result<Signed, SignError> {
        sign(key, &self.chain, nonce, self.call.input())
    }
}

/// What it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A vote.
    Vote(Ballot),
    /// A vote that is taken back.
    Withdraw(Subject),
    /// An approved change that gave way to others is looked at again.
    Advance(ChangeId),
}

impl Call {
    /// What is sent to [`abi::ADDRESS`].
    pub fn input(&self) -> Bytes {
        match self {
            Self::Vote(ballot) => abi::vote(ballot),
            Self::Withdraw(subject) => abi::withdraw(subject),
            Self::Advance(id) => abi::advance(*id),
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
            Call::Withdraw(_) => write!(f, "{agency} takes its vote on {subject} in {group} back"),
            Call::Advance(_) => write!(f, "{agency} has the change of {subject} in {group} looked at again"),
        }
    }
}

/// As its sentence.
impl Serialize for Act {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
