//! What a consensus asks of the shell.

use alloy_primitives::{B256, Bytes};
use althing_types::{CommitCertificate, NodeId};

use crate::{Candidate, Head, PersistId, Phase, Slot, Timer};

/// Who a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every connected peer of the group but this node: sealers, and observers, who follow by the same messages.
    All,
    /// One peer, if connected.
    One(NodeId),
}

/// A signature and what it was made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedTag {
    /// The hash the tag names.
    pub subject: B256,
    /// r‖s.
    pub signature: [u8; 64],
}

/// Proof that a sealer signed two different things of one height, view and phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who signed.
    pub offender: NodeId,
    /// The round.
    pub slot: Slot,
    /// The phase.
    pub phase: Phase,
    /// What came first (and counts).
    pub first: SignedTag,
    /// What came second (and does not).
    pub second: SignedTag,
}

/// Why a message with good signatures was not taken: counted, and charged to its sender where it can only be malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The sender seals nothing at this height. May be honest around a membership change.
    NotASealer,
    /// A proposal by somebody who does not lead that view.
    NotTheLeader,
    /// A proposal or round change without the proof it needs.
    Unjustified,
    /// A proposal that does not extend this node's head, or whose height is not its own.
    WrongParent,
    /// A proposal whose time is more than 15 s ahead of this node's clock.
    TooFarInTheFuture,
    /// More than two heights ahead: not kept. A hint that this node is behind, not an offence by itself.
    TooFarAhead,
}

impl Refusal {
    /// A short fixed name, for metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotASealer => "not_a_sealer",
            Self::NotTheLeader => "not_the_leader",
            Self::Unjustified => "unjustified",
            Self::WrongParent => "wrong_parent",
            Self::TooFarInTheFuture => "too_far_in_the_future",
            Self::TooFarAhead => "too_far_ahead",
        }
    }

    /// Whether only a liar sends such a message. Proofs are not covered by the sender's signature, so it is charged only
    /// to a peer who sent it on its own connection; messages are not relayed.
    pub const fn is_malice(self) -> bool {
        matches!(self, Self::NotTheLeader | Self::Unjustified)
    }
}

/// What a consensus asks of the shell, to be begun in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append to the vote log and make durable, then answer [`crate::Input::Persisted`]. Records of one step may share one
    /// disk synchronisation. Records of heights the ledger has passed may be dropped.
    Persist {
        /// The name to answer with.
        id: PersistId,
        /// The height the record belongs to.
        height: u64,
        /// The encoded [`crate::Record`].
        record: Bytes,
    },
    /// Send a signed, encoded message, but never before `after` (and everything before it) is durable.
    Send {
        /// To whom.
        to: To,
        /// The message.
        message: Bytes,
        /// The record it must wait for.
        after: Option<PersistId>,
    },
    /// Wake this timer after so many milliseconds, instead of when it was set to before.
    Timer {
        /// The timer.
        timer: Timer,
        /// From now.
        after_ms: u64,
    },
    /// Do not wake this timer.
    Cancel {
        /// The timer.
        timer: Timer,
    },
    /// Build a block on this parent and answer [`crate::Input::Built`]. In view 0 never an empty one; in a later view an
    /// empty one if there is nothing else. A question about a newer slot replaces an older one.
    Build {
        /// The round.
        slot: Slot,
        /// The block to build on.
        parent: Head,
    },
    /// Execute a candidate over its parent, which is the ledger's head, and answer [`crate::Input::Executed`].
    Execute {
        /// The parent's hash.
        parent: B256,
        /// The candidate; its hash is the key of the overlay.
        candidate: Candidate,
    },
    /// Forget a candidate: its overlay is of no use any more, an execution under way may be cancelled.
    Discard(B256),
    /// Aura only: the tip that reads shall see, which is not final.
    Head(B256),
    /// Write this block to the ledger, irrevocably: receipts are released, `safe` and `finalized` move. Everything after
    /// this output stands on it. A block that sync has written in the meantime is the same block and changes nothing.
    Commit {
        /// The block's hash.
        hash: B256,
        /// The block, executed as [`crate::Outcome::Valid`].
        candidate: Candidate,
        /// Its certificate, stored beside it.
        certificate: CommitCertificate,
    },
    /// Get the blocks up to this height through sync, from one of these peers; answered by [`crate::Input::Imported`].
    /// Only a hint: a liar can cause it.
    Fetch {
        /// The height others are thought to have.
        height: u64,
        /// The block's hash, where it is certified.
        hash: Option<B256>,
        /// Who should have it.
        from: Vec<NodeId>,
    },
    /// A sealer lied provably.
    Evidence(Box<Evidence>),
    /// A message was not taken.
    Refused {
        /// Its sender.
        sender: NodeId,
        /// Why.
        reason: Refusal,
    },
    /// A block with a valid certificate is not what this node executed: the group halts on this node, with an alarm.
    /// Nothing is answered after it.
    Halt {
        /// The height.
        height: u64,
        /// The certified block.
        hash: B256,
        /// What differs.
        reason: String,
    },
}
