//! Consensus as pure state machines behind one trait, [`Consensus`].
//!
//! ```text
//!  network ──decode_message──▶ Message ──verify_message──▶ Verified ─┐
//!  execution, vote log, timers, peers, transaction pool ──────────────┴▶ Input ──▶ step ──▶ Outputs
//!                                                                                            │
//!      vote log ◀─ Persist   network ◀─ Send (after: …)   ledger ◀─ Commit   sync ◀─ Fetch ◀─┘
//! ```
//!
//! Invariant: nothing here knows a clock, randomness, a socket, a disk, a thread or a runtime, and no output depends on
//! the order of a hash map. The same state and the same inputs give the same outputs, in the simulator as in the node.
//!
//! The rules are LEDGER.md section 3. The message rules of [`pbft`] are those of QBFT (Moniz, *The Istanbul BFT Consensus
//! Algorithm*, 2020, with the justified round changes of its section 4), the timer rules those of PBFT (Castro and
//! Liskov, OSDI 1999, section 4.5.2) as LEDGER.md bounds them.

mod candidate;
mod certificate;
mod domain;
mod input;
mod message;
mod output;
pub mod pbft;
mod record;
mod settings;
mod status;
mod tag;
mod verify;
mod wire;

pub use candidate::{Blocks, Candidate, Described};
pub use certificate::{CertificateError, VoteCertificate, verify_certificate};
pub use domain::{Domains, Recovered, unwrap};
pub use input::{Fresh, Head, Input, Now, Outcome, PersistId, Reason, Slot, Start, Timer};
pub use message::{Committed, Message, PreparedClaim, Proposal, RoundChange, RoundChangeMessage, SignedBy, Vote};
pub use output::{Evidence, Output, Refusal, SignedTag, To};
pub use pbft::Pbft;
pub use record::{Record, RecordError};
pub use settings::Settings;
pub use status::ConsensusStatus;
pub use tag::{Phase, Tag};
pub use verify::{Refused, Verified, verify_message};
pub use wire::{Limits, WireError, decode_message, encode_message};

/// A consensus of one group. PBFT is the first; Raft and Aura join behind the same trait.
///
/// One value serves one group of one node. The shell feeds inputs one at a time and carries the outputs out in the order
/// given; it may do so later and in parallel where an output's description allows it.
pub trait Consensus: Send {
    /// Takes one input and says what must be done about it.
    fn step(&mut self, now: Now, input: Input) -> Vec<Output>;

    /// Where the consensus stands, for RPC, metrics and readiness.
    fn status(&self) -> ConsensusStatus;
}
