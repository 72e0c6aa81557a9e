//! The network over real sockets and real TLS.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod pki;
mod raw;
mod running;

mod lanes;
mod limits;
mod refusals;
mod reload;
mod start;
mod verify;
