//! The ledger on a real disk.
//!
//! `suite` is one set of tests that is compiled once for every edition: the edition is a constant of the module around it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::duplicate_mod, reason = "the suite, on purpose")]

mod ethereum_trie;
mod sm;
mod standard;
