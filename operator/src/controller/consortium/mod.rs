//! Consortium: the chain certificates, how one gives way to the next, and who is no longer trusted.

pub mod plan;
mod rollover;
pub mod validate;

pub use plan::{ChainFacts, plan};
pub use validate::{
    RegistrarMode, RevocationList, ValidatedConsortium, chain_keys, known_chain_keys, revocations_message, validate,
};
