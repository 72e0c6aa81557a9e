//! JSON-RPC 2.0 over HTTP and WebSocket on one port: each group as an Ethereum chain, and FISCO's methods beside them.
//!
//! ```text
//! TCP ─▶ TLS? ─▶ server: connections, paths, CORS ─▶ transport: HTTP bodies, WebSocket messages, batches
//!                                                         │
//!                             batch ─▶ dispatch: table, deadline, where it runs, count
//!                                       │                 │                  │
//!                    eth, fisco, administration: handlers   raw transactions   subscriptions
//!                                       └────────┬────────┴──────────────────┘
//!                                   backend: NodeBackend, GroupBackend (the shell implements them)
//! ```
//!
//! - `/group/<id>` is that group as an Ethereum chain, `/` the node's default group. FISCO's methods, which name their
//!   group in their parameters, are served at every path.
//! - What administers the node (`althing_status` so far) asks for the admin certificate of the node's own agency.
//! - Invariant: nothing a client sends panics or grows without a bound; every bound is in [`Limits`].
//! - Invariant: answers are never cut. What is too much is an error that says how much is accepted.

mod administration;
pub mod backend;
mod batch;
mod client;
mod dispatch;
mod error;
mod eth;
mod fisco;
mod gate;
mod limits;
mod methods;
mod metrics;
mod path;
mod request;
mod server;
mod session;
mod types;

pub use client::{Client, ListenerTls};
pub use limits::Limits;
pub use server::{Origins, ServeConfig, ServeError, ServerHandle, serve};
