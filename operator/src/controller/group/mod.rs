//! Group: its genesis, once, and who takes part.

pub mod plan;
pub mod validate;

pub use plan::{GroupFacts, plan};
pub use validate::{ValidatedGroup, validate};
