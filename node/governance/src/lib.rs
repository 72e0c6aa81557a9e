//! Who takes part in a group, and who decides it: votes, changes, proofs of life, leases (GOVERNANCE.md 1 and 2, LEDGER.md 4).
//!
//! ```text
//! vote ─▶ tally ─▶ Change approved ─▶ its next Step ─┬─ quorum lives without and with it ─▶ members, config, committee
//! alive ─▶ Proofs ───────────────────────────────────┘                                  └─▶ sealers of the next block
//! lease ─▶ asked ─▶ granted to one node at a time ─▶ returned, or expired
//! ```
//!
//! [`Governance`] is a value: every call of a system contract turns it into another one or is refused and leaves it as it was. It
//! knows no state, signature or clock; the block in which a call executes is its [`Moment`]. All sealers compute the same.

pub mod abi;
mod change;
mod config;
mod encode;
mod lease;
mod membership;
mod moment;
mod proof;
mod recovery;
mod refusal;
mod state;
mod vote;

pub use change::{Change, ChangeId, Subject, Value, Wish};
pub use config::{CONSENSUS_TIMEOUT, Setting, SystemConfig, TX_COUNT_LIMIT, TX_GAS_LIMIT, check_setting};
pub use encode::DecodeError;
pub use lease::{LEASE_MS_MAX, Lease, LeaseWish};
pub use membership::{Blocked, PATIENCE_MS, Pending};
pub use moment::{Event, Lapse, Moment, Outcome};
pub use proof::{FRESH_MS, PROOF_BLOCKS, Proof};
pub use recovery::RecoveryFault;
pub use refusal::Refusal;
pub use state::{Governance, Limits, Role};
pub use vote::{Ballot, VOTE_BLOCKS, VOTE_MS, Vote};
