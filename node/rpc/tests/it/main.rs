//! The listener over real sockets, against a small chain in memory behind the backend traits.
//!
//! `suite` is one set of tests that is compiled once for every edition: the edition is a constant of the module around it.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]
#![allow(clippy::duplicate_mod, reason = "the suite, on purpose")]

mod ethereum_formats;
mod sm;
mod sm_reads;
mod standard;
