//! The network over real sockets and real TLS, once in each edition: the room `both` is here twice, and takes its edition from its name.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]
#![allow(clippy::duplicate_mod, reason = "the same promises hold in both editions")]

#[path = "both/mod.rs"]
mod sm;
#[path = "both/mod.rs"]
mod standard;

mod sm_forms;
