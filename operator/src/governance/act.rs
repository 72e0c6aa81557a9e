//! What an agency does on a chain.

use std::fmt;

use alloy_primitives::Bytes;
use althing_governance::{Ballot, ChangeId, Role, Subject, Wish, abi};
use althing_types::GroupId;
use serde::{Serialize, Serializer};

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
        let input = self.call.input().ok_or(SignError::NoSuchFunction)?;
        sign(key, &self.chain, nonce, input)
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
    /// What is sent to [`abi::ADDRESS`]; none for what the contract has no function for.
    pub fn input(&self) -> Option<Bytes> {
        match self {
            Self::Vote(ballot) => abi::vote(ballot),
            Self::Withdraw(subject) => abi::withdraw(subject),
            Self::Advance(id) => Some(abi::advance(*id)),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, agency, .. } = self;
        match &self.call {
            Call::Vote(Ballot { wish, number, .. }) => {
                write!(f, "{agency} votes in {group}: {}, change {number}", wish_text(wish))
            }
            Call::Withdraw(subject) => {
                write!(
                    f,
                    "{agency} takes its vote in {group} on {} back",
                    subject_text(subject)
                )
            }
            Call::Advance(id) => write!(f, "{agency} has change {id} in {group} looked at again"),
        }
    }
}

/// As its sentence.
impl Serialize for Act {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn wish_text(wish: &Wish) -> String {
    match wish {
        Wish::Role(node, Role::Sealer) => format!("node {}… seals", node.short()),
        Wish::Role(node, Role::Observer) => format!("node {}… observes", node.short()),
        Wish::Role(node, Role::Free) => format!("node {}… is free", node.short()),
        Wish::Weight(account, weight) => format!("{account} has weight {weight}"),
        Wish::Threshold(percent) => format!("the threshold is {percent}%"),
        Wish::Config(key, value) => format!("{key} is {value}"),
    }
}

fn subject_text(subject: &Subject) -> String {
    match subject {
        Subject::Node(node) => format!("node {}…", node.short()),
        Subject::Seat(account) => account.to_string(),
        Subject::Threshold => "the threshold".to_owned(),
        Subject::Config(key) => key.clone(),
    }
}
