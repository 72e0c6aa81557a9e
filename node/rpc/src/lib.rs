//! JSON-RPC 2.0 over HTTP and WebSocket: Ethereum's methods for each group, FISCO's beside them.

pub mod backend;
mod backend_scan;
