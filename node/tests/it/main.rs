//! The node's program as a person starts it, once in each edition: the room `both` is here twice, and takes its edition from its name.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]
#![allow(clippy::duplicate_mod, reason = "the same promises hold in both editions")]

#[path = "both/mod.rs"]
#[allow(dead_code, reason = "clients' TLS is standard in both editions, and is tested once")]
mod sm;
#[path = "both/mod.rs"]
mod standard;

mod ethereum;
mod one_choice;
mod ports;
mod rpc_access;
