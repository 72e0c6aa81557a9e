//! What the listener promises in every edition. What differs is asked of [`transactions`].

use super::EDITION;

mod administration;
pub(crate) mod chain;
mod ethereum;
mod filters;
mod fisco;
mod hostile;
mod limits;
mod node;
mod receipts;
pub(crate) mod server;
pub(crate) mod transactions;
mod transport;
mod websocket;
