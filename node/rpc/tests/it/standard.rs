//! The suite in the standard edition.

use althing_types::genesis::Cryptography;

pub(crate) const EDITION: Cryptography = Cryptography::Standard;

#[path = "suite/mod.rs"]
pub(crate) mod suite;
