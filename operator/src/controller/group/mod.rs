//! Group: its genesis, once, and who takes part.

mod confirm;
pub mod plan;
pub mod validate;

pub use plan::{GroupFacts, Known, plan};
pub use validate::{ValidatedGroup, validate};
