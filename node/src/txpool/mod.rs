//! The transactions that wait: decoded, their senders recovered once, ordered by arrival and nonce.
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
mod shared;

pub use admission::{Admission, PoolError};
pub use pool::{Pool, PoolLimits, PoolSize};
pub use shared::{OnEntered, Origin, TxPool};
