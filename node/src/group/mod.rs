//! One group of the node: its ledger, pool and consensus, on threads of its own, so that a stuck group slows no other.
//!
//! ```text
//! consensus thread (core) ◀─────events─────▶ executor thread (the only writer of the ledger)
//!        ▲    └─ vote log                        ▲ blocks to import
//!   network frames                          sync thread ◀── statuses, requests ── network
//!                                           gossip threads ◀── transactions ──── network, pool
//! ```

mod assemble;
mod audience;
mod blocks;
mod carrying;
mod core;
mod event;
mod executor;
mod halt;
mod handle;
mod in_force;
mod liveness;
mod open;
mod outlet;
mod own_account;
mod recovery;
mod status;
mod taking_up;
#[cfg(test)]
mod testing;
mod timers;
mod used_ids;

// The same promises in both editions.
#[cfg(test)]
#[path = "assemble_tests.rs"]
mod sm;
#[cfg(test)]
#[allow(clippy::duplicate_mod, reason = "the same promises hold in both editions")]
#[path = "assemble_tests.rs"]
mod standard;

pub use assemble::{Assembler, StageTimes};
pub use halt::Halt;
pub use handle::Group;
pub use in_force::InForce;
pub use open::{GroupSpec, OpenGroup, OpenGroupError};
pub use recovery::Installed;
pub use used_ids::UsedIds;

pub(crate) use audience::Audience;
pub(crate) use event::CoreEvent;
pub(crate) use executor::Job;
pub(crate) use liveness::Liveness;
pub(crate) use open::alarm_of_edits;
pub(crate) use outlet::Outlet;
