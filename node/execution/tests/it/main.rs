//! Execution through its public entry points, over a state in memory.
//!
//! `suite` is one set of tests that is compiled once for every kind of group: the kind is a constant of the module around it.

#![allow(clippy::unwrap_used)] // In the helpers too, not only in test functions.
#![allow(clippy::duplicate_mod)] // The suite, on purpose.

mod kind;
mod sender;
mod sm;
mod sm_compiler;
mod sm_evm;
mod standard;
