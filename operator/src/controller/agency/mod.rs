//! Agency: its keys, its certificate, its voice.

mod clients;
mod external;
pub mod plan;
pub mod validate;

pub use plan::{AgencyFacts, Orders, plan};
pub use validate::{AgencyForm, ValidatedAgency, validate};
