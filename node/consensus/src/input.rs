//! What the shell tells a consensus.

use alloy_primitives::B256;
use althing_types::{CommitCertificate, NodeId, SealerSet};

use crate::{Candidate, Record, Recovered, Verified};

/// The time of a step, read by the shell just before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that never goes back, from any origin. Timers and intervals are measured by it.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970 by the wall clock. Only a proposal's time is compared with it.
    pub unix_ms: u64,
}

/// The last block of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub hash: B256,
    /// The block's time in milliseconds since 1970.
    pub unix_ms: u64,
}

/// A round: one leader's turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The height being decided.
    pub height: u64,
    /// The view inside the height, from 0.
    pub view: u64,
}

/// The name of one [`crate::Output::Persist`]; ascending within one run, starting anew with each [`Start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersistId(pub u64);

/// The timers a consensus may set. Setting one again moves it; each kind runs at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The current round lasted too long.
    Round,
    /// The pause after the parent's commit is over, a block may be built.
    Seal,
    /// What this node said in a later view is sent again.
    Resend,
    /// Others seem to be at a higher height: time to ask for what is missing.
    Behind,
}

/// Why there is something to do. The shell turns reasons on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The pool holds an executable transaction: this node builds a block when it leads. To be said again (`on: true`)
    /// whenever new transactions come, because a [`Input::Built`] without a candidate is not asked again before.
    Pool,
    /// The pool can fill a block by count, bytes or gas: the pause after the parent's commit is not waited for.
    Full,
    /// This transaction, already forwarded to the current leader, still waits. It runs the round timer, and is retired
    /// as a reason after three heights that were decided without it although a round of theirs ran out of time here; until
    /// it, or another that waits with it, is turned off. The shell names a few of its transactions, those that a leader
    /// takes first; beyond [`crate::pbft::WAITING_MAX`] they are ignored.
    Waiting(B256),
}

/// How a candidate executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To exactly what its header says.
    Valid {
        /// The sealers of the next height.
        next_sealers: SealerSet,
    },
    /// To something else, or not at all.
    Invalid {
        /// What differs, for logs.
        reason: String,
    },
}

/// A block this node built, and so has executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The block.
    pub candidate: Candidate,
    /// The sealers of the height after it.
    pub next_sealers: SealerSet,
}

/// What a consensus starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The last block of the ledger.
    pub head: Head,
    /// The sealers of `head.height + 1`.
    pub sealers: SealerSet,
    /// Every record of the vote log above `head.height`, in the order written. Lower ones may be given and are ignored.
    pub log: Vec<Record>,
    /// Set when the vote log is absent or older than peers can prove: no vote is sent up to this height. With H the
    /// highest certified height among this node's own ledger and a quorum of sealers it is H + 1 while the ledger is
    /// intact, and H + 2 when the ledger is gone too (this node may have voted one height above what it alone had seen
    /// certified), and 0 when a quorum shows that the group has not begun. `u64::MAX` while that is not yet known; a
    /// second `Start` then says it. The consensus writes it to the new log, so with the log in place later starts say None
    /// and the log's word holds; a log without such a word, or whose last word is `u64::MAX`, counts as absent.
    pub abstain_through: Option<u64>,
    /// The height that is decided under a recovery: that of this start, or the one below it, about which peers may still ask.
    pub recovered: Option<Recovered>,
}

/// What the shell tells a consensus.
#[derive(Clone, Debug)]
pub enum Input {
    /// The first input. Given again it replaces everything the consensus knew; connected peers are to be told again.
    Start(Start),
    /// A message whose signatures hold.
    Message(Verified),
    /// The record of this id, and every record before it, is on the disk.
    Persisted(PersistId),
    /// The answer to [`crate::Output::Build`]. Without a candidate in view 0 there was nothing to do; in a later view a
    /// real empty block is to be built instead.
    Built {
        /// The slot of the question.
        slot: Slot,
        /// The block.
        fresh: Option<Fresh>,
    },
    /// The answer to [`crate::Output::Execute`].
    Executed {
        /// The candidate's hash.
        hash: B256,
        /// How it went.
        outcome: Outcome,
    },
    /// Sync wrote a certified block to the ledger. Heights may be skipped when several were written.
    Imported {
        /// The block.
        head: Head,
        /// The certificate it was accepted by, already verified.
        certificate: CommitCertificate,
        /// The sealers the certificate was verified against.
        sealers: SealerSet,
        /// The sealers of the height after it.
        next_sealers: SealerSet,
        /// The digest of the recovery that the block carries, and was certified under.
        recovery: Option<B256>,
    },
    /// A reason to do something came or went.
    Work {
        /// The reason.
        reason: Reason,
        /// Whether it holds now.
        on: bool,
    },
    /// A peer of this group was connected or lost.
    Peer {
        /// The peer.
        id: NodeId,
        /// Whether it is connected now.
        up: bool,
    },
    /// The group has agreed on how long round 0 may last, milliseconds. It counts from now, for a round under way too.
    Timeout {
        /// The time.
        timeout_ms: u64,
    },
    /// A timer's time has come. A late one does no harm.
    Wake(Timer),
}
