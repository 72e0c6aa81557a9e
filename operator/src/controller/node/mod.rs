//! Node: its identity and its certificate. Its files are [`crate::node_files`]' business.

pub mod external;
pub mod plan;
pub mod validate;

pub use external::{Accepted, accept, external_id};
pub use plan::{Listener, NodeFacts, OwnNode, identity, plan};
pub use validate::{NodeForm, OwnSettings, ValidatedNode, validate};
