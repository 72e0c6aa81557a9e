//! PBFT: three phases inside a view, justified round changes between views, one height in flight.
//!
//! ```text
//!  leader (view + height) mod n      Build ─▶ PROPOSE ─┐
//!  every sealer                                        ▼
//!        Execute ─▶ valid ─▶ PREPARE ─▶ quorum ─▶ COMMIT ─▶ quorum ─▶ Commit, height + 1, view 0
//!             └─▶ invalid ┐                 └─ locked: certificate and block
//!        round timer ─────┴▶ ROUND-CHANGE(view + 1, highest lock) ─▶ quorum ─▶ the leader of that view proposes
//!                                                  └─ f + 1 of a higher view: jump there
//! ```
//!
//! A step takes one input into the state and then applies the rules until none applies; each rule looks only at the
//! state. So a rule cannot be missed because messages came in another order than expected.

mod behind;
mod candidates;
mod commit;
mod core;
mod faults;
mod future;
mod proposal;
mod reasons;
mod round;
mod round_change;
mod round_changes;
mod start;
mod timers;
mod votes;
mod voting;

pub use self::core::Pbft;
#[doc(hidden)]
pub use faults::Faults;
pub use future::{FUTURE_HEIGHTS, FUTURE_MESSAGES_MAX};
pub use reasons::{FRUITLESS_ROUNDS_MAX, WAITING_MAX};
