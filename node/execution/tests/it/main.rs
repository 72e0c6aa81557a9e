//! Execution through its public entry points, over a state in memory.

#![allow(clippy::unwrap_used)] // In the helpers too, not only in test functions.

mod agreement;
mod block;
mod calls;
mod cancel;
mod configuration;
mod faults;
mod genesis;
mod limits;
mod recovery;
mod sender;
mod support;
mod system;
mod token;
