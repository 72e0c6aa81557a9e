//! The one writer: every write to the API server is in this room.
//!
//! ```text
//! keys, records ──POST──▶ made once, "already exists" is read back
//! children ──────server-side apply, forced──▶ in the order of ChildKind
//! statuses ──────server-side apply of the status subresource──▶
//! deletions ─────with uid and resourceVersion──▶
//! ```
//!
//! Invariant: nothing is written that is there already, so that an operator at rest is silent.

mod authority;
mod error;
mod steps;
mod writer;

pub use error::WriteError;
pub(crate) use steps::adopt_key;
pub use steps::{StepFailure, Steps};
pub use writer::{Made, Target, Writer};
