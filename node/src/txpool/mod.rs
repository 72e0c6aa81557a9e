//! The transactions that wait: decoded, their senders recovered once, ordered by arrival and nonce. What has no account nonce (FISCO's
//! format) is executable at once, until a block used its randomid or its limit has passed.
//!
//! ```text
//! raw bytes ──admission (parallel, no lock)──▶ Recovered ──Pool::insert──▶ executable ──sealer──▶ block
//!                                                              └─────────▶ queued (an earlier nonce is missing)
//! ```
//!
//! Invariant: of one sender only consecutive nonces from the account's next one on are executable, and their order of
//! arrival in the executable list is the order of their nonces.

mod account;
mod admission;
mod pool;
#[cfg(test)]
mod pool_tests;
mod senders;
mod shared;
mod taken;

pub use account::Slot;
pub use admission::{Admission, PoolError};
pub use pool::{Pool, PoolLimits, PoolSize};
pub use senders::Senders;
pub use shared::{OnEntered, Origin, TxPool};
pub use taken::taken_by;
