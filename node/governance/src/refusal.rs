//! Why a call is refused, with FISCO's code where FISCO has one.

use althing_types::{Address, NodeId};

use crate::RecoveryFault;

/// Why a call left everything as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller has no seat in a group that has a committee.
    #[error("{0} has no seat in the committee of this group")]
    NoSeat(Address),
    /// The number is not the next one of its subject.
    #[error("change {found} of this subject is not the next one: {next} is; an older one is a stale manifest")]
    Number {
        /// What was named.
        found: u64,
        /// What is next.
        next: u64,
    },
    /// Nothing would change.
    #[error("it is so already")]
    NoChange,
    /// Nobody would seal.
    #[error("it would take the last sealer")]
    LastSealer,
    /// There is no committee that could be changed.
    #[error("this group was made without a committee, which its genesis settled for ever")]
    NoCommittee,
    /// Nobody would vote.
    #[error("it would take the last seat")]
    LastSeat,
    /// The value is out of its range.
    #[error("{what} is {found}, accepted is {accepted}")]
    Range {
        /// Of what.
        what: &'static str,
        /// What was asked for.
        found: u64,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// A system configuration key that does not exist, or a value it does not take.
    #[error("{key} = {value:?} is no system configuration; accepted is {accepted}")]
    Config {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// There is no such vote, change or lease.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// It rests on what is not so any more.
    #[error("the {what} is of block {found}, and not of block {seen} any more: what this rested on has changed since")]
    Changed {
        /// Of what.
        what: &'static str,
        /// The block that was named.
        seen: u64,
        /// The block that it is of; 0 where there is none.
        found: u64,
    },
    /// It was decided before something that makes it void.
    #[error(
        "it was decided after block {seen}, and {what} in block {height}: what was signed before that is void; vote anew, on the newest block"
    )]
    Late {
        /// The newest block that was known when it was decided.
        seen: u64,
        /// The block since.
        height: u64,
        /// What happened there.
        what: &'static str,
    },
    /// It was decided longer ago than is remembered what makes it void.
    #[error(
        "it was decided after block {seen}, more than {accepted} blocks before block {height}; vote anew, on the newest block"
    )]
    LongAgo {
        /// The newest block that was known when it was decided.
        seen: u64,
        /// The block that is made.
        height: u64,
        /// How many before it.
        accepted: u64,
    },
    /// There is as much as may be.
    #[error("there are {found} {what}, at most {accepted} are accepted")]
    Full {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        accepted: usize,
    },
    /// A proof about a block that is too old, or not there yet.
    #[error("the proof is about block {found}; accepted are the {accepted} blocks before {height}")]
    ProofHeight {
        /// Its block.
        found: u64,
        /// The block that is made.
        height: u64,
        /// How many before it.
        accepted: u64,
    },
    /// Somebody's proof who is in no list of this group.
    #[error("node {} is neither sealer nor observer of this group", .0.short())]
    NotAMember(NodeId),
    /// Another node is disturbed, or waits to be.
    #[error("node {} has the lease until {until_ms}", node.short())]
    LeaseHeld {
        /// Which.
        node: NodeId,
        /// Until when at most, milliseconds since 1970.
        until_ms: u64,
    },
    /// The group stands still without the node, and nobody said that it may.
    #[error("the group tolerates no fault: without node {} it stands still, which only an announced pause allows", .0.short())]
    PauseOnly(NodeId),
    /// A seat decides who are operators, and is none.
    #[error("{0} has a seat in the committee; an operator has none")]
    SeatIsNoOperator(Address),
    /// An operator would decide who are operators.
    #[error("{0} is an operator; it can have a seat once it is none any more")]
    OperatorHasNoSeat(Address),
    /// Who decides is not silenced.
    #[error("{0} has a seat in the committee, which cannot be frozen; its seat can be taken first")]
    SeatIsNotFrozen(Address),
    /// Who cannot act cannot decide.
    #[error("{0} is frozen; it can have a seat once it is not any more")]
    FrozenHasNoSeat(Address),
    /// A recovery that does nothing.
    #[error(transparent)]
    Recovery(#[from] RecoveryFault),
}

impl Refusal {
    /// FISCO's code for it (FISCO BCOS 2.x, `PrecompiledCodes`); -50000 where it has none.
    pub const fn code(&self) -> i32 {
        match self {
            Self::NoSeat(_) | Self::NoCommittee => -50_000,
            Self::LastSealer => -51_101,
            Self::Config { .. } => -51_300,
            Self::LastSeat => -52_001,
            Self::Range { .. } => -52_003,
            Self::OperatorHasNoSeat(_) => -52_004,
            Self::SeatIsNoOperator(_) => -52_005,
            Self::FrozenHasNoSeat(_) => -52_011,
            Self::NoChange => -52_012,
            Self::Number { .. }
            | Self::Unknown(_)
            | Self::Changed { .. }
            | Self::Late { .. }
            | Self::LongAgo { .. }
            | Self::Full { .. }
            | Self::ProofHeight { .. }
            | Self::NotAMember(_)
            | Self::LeaseHeld { .. }
            | Self::PauseOnly(_)
            | Self::SeatIsNotFrozen(_)
            | Self::Recovery(_) => -50_000,
        }
    }
}
