//! The suite on a group of the SM edition.

use althing_types::genesis::{Cryptography, EvmHash};

use crate::kind::Kind;

pub(crate) const KIND: Kind = Kind {
    cryptography: Cryptography::Sm,
    evm_hash: EvmHash::Keccak256,
};

#[path = "suite/mod.rs"]
pub(crate) mod suite;
