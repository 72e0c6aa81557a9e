//! The listener over real sockets, against a small chain in memory behind the backend traits.

#![allow(clippy::unwrap_used, reason = "functions that tests share fail the test")]

mod administration;
mod chain;
mod ethereum;
mod filters;
mod fisco;
mod hostile;
mod limits;
mod node;
mod receipts;
mod server;
mod transactions;
mod transport;
mod websocket;
