//! Manifests become ledgers: the declarative half of Althing.
//!
//! ```text
//! YAML ─▶ manifest ─▶ controller::{consortium,agency,node,group}: validate ─▶ plan ─▶ plan::NamespacePlan
//!                                   ▲                              │                     │
//!              edge: Observe ───────┘ pki, genesis, node_files ◀───┘        edge: Apply, WriteStatus
//! ```
//!
//! [`plan_namespace`] is the whole of it: a pure function of manifests, what an edge observed, where nodes stand, and the time.
//! An edge carries a plan out and asks again; a plan without steps is the fix point.
//!
//! Invariant: nothing outside [`edge`] knows a socket, a disk, a process, a clock or a client.

pub mod clients;
pub mod controller;
mod cut_off;
pub mod edge;
pub mod genesis;
pub mod governance;
pub mod manifest;
pub mod name;
mod namespace;
pub mod node_files;
pub mod pki;
pub mod plan;
mod processes;
pub mod recovery;
mod report;
mod signing;
pub mod status;
pub mod suite;
pub mod transaction;

pub use namespace::plan_namespace;
