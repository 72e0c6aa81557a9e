//! The listener over real sockets, against a small chain in memory behind the backend traits.

mod chain;
mod ethereum;
mod filters;
mod fisco;
mod hostile;
mod limits;
mod receipts;
mod server;
mod transport;
mod websocket;
