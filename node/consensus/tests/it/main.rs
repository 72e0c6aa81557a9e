//! The rules of LEDGER.md 3 that concern the consensus, on the true core, once in each edition: the room `both` is here twice, and takes its
//! edition from its name. The simulator looks for what these tests do not think of.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]
#![allow(clippy::duplicate_mod, reason = "the same promises hold in both editions")]

#[path = "both/mod.rs"]
mod sm;
#[path = "both/mod.rs"]
mod standard;
