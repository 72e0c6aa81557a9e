//! The ledger node: the shell around the pure rooms.
//!
//! ```text
//! config.ini, conf/ ──files──▶ app ──▶ network (TLS, peers) ◀──frames──▶ group 1 … group N (threads each)
//!                               │                                         consensus, executor, sync, gossip, pool
//!                               └────▶ rpc, admin port ───reads, submits──▶ ledger (RocksDB)
//! ```
//!
//! Invariants: a group's trouble stays in the group; nothing is acknowledged before it is durable; the consensus is told the
//! time, never asks for it.

pub mod admin;
pub mod app;
pub mod backend;
pub mod clock;
mod cpu;
pub mod files;
mod gossip;
pub mod group;
pub mod groups;
mod lifecycle;
pub mod metrics;
mod one_line;
pub mod program;
pub mod reload;
mod rpc_tls;
pub mod sampler;
mod starter;
pub mod sync;
pub mod telemetry;
pub mod txpool;
