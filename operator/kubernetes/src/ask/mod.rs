//! Asking nodes where they stand: `althing_status` over TLS, with the admin certificate of their agency.
//!
//! Nodes are asked at their pods' addresses under the names in their certificates, so that neither the cluster's DNS nor a
//! Service without ready endpoints stands in between. A node that does not answer has no report, and counts as down for
//! everybody but itself.

mod client;
mod reports;

pub use client::{AskError, Clients, Door, ask};
pub use reports::Reports;
