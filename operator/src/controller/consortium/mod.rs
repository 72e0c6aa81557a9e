//! Consortium: the chain certificate and who is no longer trusted.

pub mod plan;
pub mod validate;

pub use plan::{ChainFacts, plan};
pub use validate::{RegistrarMode, RevocationList, ValidatedConsortium, validate};
