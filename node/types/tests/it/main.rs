//! The promises of the files a node reads and an operator writes.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod config;
mod fisco;
mod genesis;
mod recovery;
