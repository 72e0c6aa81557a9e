//! Asking nodes where they stand: `althing_status` over TLS, with the admin certificate of their agency; asking one node of each
//! group what holds on its chain, and bringing it what own agencies do there.
//!
//! Nodes are asked at their pods' addresses under the names in their certificates, so that neither the cluster's DNS nor a
//! Service without ready endpoints stands in between. A node that does not answer has no report, and counts as down for
//! everybody but itself.

mod client;
mod reports;

pub use client::{Admin, AskError, Clients, Door, ask, ask_chain, ask_through, send};
pub use reports::{Heard, Reports};
