//! The suite in the SM edition.

use althing_types::genesis::Cryptography;

pub(crate) const EDITION: Cryptography = Cryptography::Sm;

#[path = "suite/mod.rs"]
pub(crate) mod suite;
