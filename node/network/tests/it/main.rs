//! The network over real sockets and real TLS.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod pki;
mod raw;
mod running;

mod lanes;
mod limits;
mod refusals;
mod reload;
mod start;
mod verify;
