//! Against OpenSSL 4 and Tongsuo, which nobody of this project wrote: their command-line tools as processes on loopback,
//! in both directions, with certificates on both sides. `scripts/setup.sh sm-peers` builds the two.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

#[path = "../common/mod.rs"]
mod common;
mod peer;

mod dialled;
mod dialling;
