//! The network over real sockets and real TLS.

mod pki;
mod raw;
mod running;

mod lanes;
mod limits;
mod refusals;
mod reload;
mod start;
mod verify;
