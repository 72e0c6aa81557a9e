//! End-to-end cases on this machine: real binaries, real sockets, real disks, real clients.

#![allow(clippy::unwrap_used, reason = "functions that cases share fail the case")]
#![allow(clippy::print_stdout, reason = "what a case measured")]

mod bundles;
mod clients;
mod console;
mod documents;
mod faults;
mod genesis;
mod identity;
mod isolation;
mod lifecycle;
mod lists;
mod load;
mod membership;
mod recovery;
mod room;
mod rotation;
mod seed_000;
mod torture;
