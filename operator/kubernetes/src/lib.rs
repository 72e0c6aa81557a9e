//! The Kubernetes edge: a plan becomes objects of the API server.
//!
//! ```text
//! watch ─▶ world ─▶ observe ─▶ plan_namespace ─▶ lower ─▶ diff ─▶ apply ─▶ status
//!  io       │        pure       althing-operator   pure     pure     io       io
//! nodes ─▶ ask ────────┘                                             └─▶ back into the world
//! ```
//!
//! One driver works through namespaces, because a namespace is a trust domain: everything a decision needs (whose seat, which
//! quorum, whose turn) is in it, and nothing outside of it may matter.

pub mod admin;
pub mod apply;
pub mod ask;
pub mod child;
pub mod cli;
pub mod diff;
pub mod driver;
pub mod events;
pub mod leader;
pub mod lower;
pub mod metrics;
pub mod names;
pub mod observe;
pub mod placement;
mod program;
mod run;
pub mod secrets;
pub mod status;
pub mod world;

pub use program::main;
pub use run::run;
