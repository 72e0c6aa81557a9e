//! What a namespace wants to hold on the chain, against what holds there: votes, and what they still lack (GOVERNANCE.md 1).
//!
//! ```text
//! Group.spec.agreed ─▶ Entry (node, agency or key; its number) ─┐
//! an own node's answer ─▶ ChainView ────────────────────────────┼─▶ agree ─▶ Agreement { acts, changes, differences }
//! own agencies with a seat ─▶ Voice ────────────────────────────┘
//! Act ─▶ crate::transaction, signed with the agency's governance key
//! ```
//!
//! Invariants: only an entry that is there, with the number that is next or of a change that lapsed, makes a vote; what is absent or
//! older says nothing (DESIGN.md 5.11). A change of the committee and a forced one are for people alone. Acts repeat until the chain shows what
//! they did: planned on the same block they are the same transaction, and on a later one the chain refuses what was done already.

mod act;
mod agree;
mod approval;
mod change;
mod entry;
mod names;
pub mod rpc;
mod view;

pub use act::{Act, Call, GIVEN_BACK, by_account, signed};
pub use agree::{Agreement, Ask, Opinion, Voice, agree};
pub use approval::{Open, open};
pub use change::{Change, Stage, value_text};
pub use entry::{Entry, asked, entries};
pub use names::{Names, short};
pub use view::{Answer, ChainView, teller};
