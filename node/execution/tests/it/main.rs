//! Execution through its public entry points, over a state in memory.

#![allow(clippy::unwrap_used)] // In the helpers too, not only in test functions.

mod accounts;
mod agreement;
mod block;
mod calls;
mod cancel;
mod configuration;
mod faults;
mod fisco;
mod genesis;
mod lifecycle;
mod limits;
mod membership;
mod permission;
mod recovery;
mod rights;
mod sender;
mod support;
mod system;
mod token;
