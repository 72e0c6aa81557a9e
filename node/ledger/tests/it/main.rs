//! The ledger on a real disk.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod blocks;
mod damage;
mod history;
mod log_search;
mod opening;
mod roots;
mod support;
