//! Agency: its keys, its certificate, its voice.

pub mod plan;
pub mod validate;

pub use plan::{AgencyFacts, Orders, plan};
pub use validate::{AgencyForm, ValidatedAgency, validate};
