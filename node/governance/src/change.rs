//! What can be voted on, and the identity of a change (GOVERNANCE.md 1).

use alloy_primitives::keccak256;
use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};
use althing_types::{Address, B256, NodeId};

use crate::Role;

/// The hash that names a change wherever it is spoken of.
pub type ChangeId = B256;

/// Keeps the hash apart from every other one.
const DOMAIN: &str = "althing/vote/v1";

/// What a change is about. One counter each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A node's role.
    Node(NodeId),
    /// A seat of the committee.
    Seat(Address),
    /// Above which percentage of the weight a change passes.
    Threshold,
    /// A key of the system configuration.
    Config(String),
    /// Whether an account is an operator, who may deploy contracts where not everybody may.
    Operator(Address),
    /// Whether an account is frozen.
    Account(Address),
}

impl Subject {
    /// Whether it changes who decides, which voids all open votes.
    pub const fn is_of_the_committee(&self) -> bool {
        matches!(self, Self::Seat(_) | Self::Threshold)
    }

    /// Its kind and its name in bytes, as it is hashed and stored.
    pub(crate) fn parts(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Node(node) => (0, node.as_bytes().to_vec()),
            Self::Seat(account) => (1, account.to_vec()),
            Self::Threshold => (2, vec![]),
            Self::Config(key) => (3, key.as_bytes().to_vec()),
            Self::Operator(account) => (4, account.to_vec()),
            Self::Account(account) => (5, account.to_vec()),
        }
    }

    pub(crate) fn from_parts(kind: u8, name: &[u8]) -> Option<Self> {
        match kind {
            0 => Some(Self::Node(NodeId::new(name.try_into().ok()?))),
            1 => Some(Self::Seat(Address::new(name.try_into().ok()?))),
            2 => name.is_empty().then_some(Self::Threshold),
            3 => Some(Self::Config(String::from_utf8(name.to_vec()).ok()?)),
            4 => Some(Self::Operator(Address::new(name.try_into().ok()?))),
            5 => Some(Self::Account(Address::new(name.try_into().ok()?))),
            _ => None,
        }
    }
}

/// What a subject is, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a node.
    Role(Role),
    /// A weight, 0 being no seat; or a percentage.
    Number(u32),
    /// Of the system configuration; empty when it is not set.
    Text(String),
    /// Whether an account is an operator, or is frozen.
    Is(bool),
}

impl Value {
    pub(crate) fn parts(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Role(role) => (0, vec![*role as u8]),
            Self::Number(number) => (1, number.to_be_bytes().to_vec()),
            Self::Text(text) => (2, text.as_bytes().to_vec()),
            Self::Is(is) => (3, vec![u8::from(*is)]),
        }
    }

    pub(crate) fn from_parts(kind: u8, bytes: &[u8]) -> Option<Self> {
        match (kind, bytes) {
            (0, [role]) => Role::from_number(*role).map(Self::Role),
            (1, bytes) => Some(Self::Number(u32::from_be_bytes(bytes.try_into().ok()?))),
            (2, bytes) => Some(Self::Text(String::from_utf8(bytes.to_vec()).ok()?)),
            (3, [is @ (0 | 1)]) => Some(Self::Is(*is == 1)),
            _ => None,
        }
    }
}

/// What somebody wants. A subject and a value that is of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That a node has this role.
    Role(NodeId, Role),
    /// That an account has a seat of this weight; 0 takes its seat.
    Weight(Address, u32),
    /// That a change passes above this percentage.
    Threshold(u32),
    /// That a key has this value.
    Config(String, String),
    /// That an account is an operator, or is none.
    Operator(Address, bool),
    /// That an account is frozen, or is not.
    Frozen(Address, bool),
}

impl Wish {
    /// That a subject is this; none where the value is of another kind.
    pub fn of(subject: &Subject, to: &Value) -> Option<Self> {
        Some(match (subject, to) {
            (Subject::Node(node), Value::Role(role)) => Self::Role(*node, *role),
            (Subject::Seat(account), Value::Number(weight)) => Self::Weight(*account, *weight),
            (Subject::Threshold, Value::Number(percent)) => Self::Threshold(*percent),
            (Subject::Config(key), Value::Text(text)) => Self::Config(key.clone(), text.clone()),
            (Subject::Operator(account), Value::Is(is)) => Self::Operator(*account, *is),
            (Subject::Account(account), Value::Is(frozen)) => Self::Frozen(*account, *frozen),
            _ => return None,
        })
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Role(node, _) => Subject::Node(*node),
            Self::Weight(account, _) => Subject::Seat(*account),
            Self::Threshold(_) => Subject::Threshold,
            Self::Config(key, _) => Subject::Config(key.clone()),
            Self::Operator(account, _) => Subject::Operator(*account),
            Self::Frozen(account, _) => Subject::Account(*account),
        }
    }

    /// What it is to be.
    pub fn to(&self) -> Value {
        match self {
            Self::Role(_, role) => Value::Role(*role),
            Self::Weight(_, number) | Self::Threshold(number) => Value::Number(*number),
            Self::Config(_, text) => Value::Text(text.clone()),
            Self::Operator(_, is) | Self::Frozen(_, is) => Value::Is(*is),
        }
    }
}

/// A change in all that makes it this one and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is wanted.
    pub wish: Wish,
    /// Its number among the changes of its subject, from 1.
    pub number: u64,
    /// What the subject was when it was voted on.
    pub from: Value,
    /// Whether it is carried out without proofs of life.
    pub force: bool,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Hashed {
    domain: String,
    genesis: B256,
    epoch: u64,
    subject_kind: u8,
    subject: Vec<u8>,
    number: u64,
    from_kind: u8,
    from: Vec<u8>,
    to_kind: u8,
    to: Vec<u8>,
    force: bool,
}

impl Change {
    /// The identity of the change in a group, under one committee. Keccak-256 in both editions: it names, and proves nothing.
    pub fn id(&self, genesis: B256, epoch: u64) -> ChangeId {
        let (subject_kind, subject) = self.wish.subject().parts();
        let (from_kind, from) = self.from.parts();
        let (to_kind, to) = self.wish.to().parts();
        let hashed = Hashed {
            domain: DOMAIN.to_owned(),
            genesis,
            epoch,
            subject_kind,
            subject,
            number: self.number,
            from_kind,
            from,
            to_kind,
            to,
            force: self.force,
        };
        let mut bytes = vec![];
        hashed.encode(&mut bytes);
        keccak256(bytes)
    }
}
