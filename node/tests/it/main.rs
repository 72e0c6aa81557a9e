//! The node's program as a person starts it.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod bad_files;
mod bad_identity;
mod client;
mod fisco;
mod folder;
mod groups;
mod lifecycle;
mod mount;
mod rights;
mod rpc_access;
mod running;
mod surroundings;
mod voted;
