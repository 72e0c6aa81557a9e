//! Execution through its public entry points, over a state in memory.

mod agreement;
mod block;
mod calls;
mod cancel;
mod faults;
mod genesis;
mod limits;
mod sender;
mod support;
mod token;
