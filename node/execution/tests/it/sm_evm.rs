//! The suite on a group of the SM edition that hashes with SM3 inside its EVM too.

use althing_types::genesis::{Cryptography, EvmHash};

use crate::kind::Kind;

pub(crate) const KIND: Kind = Kind {
    cryptography: Cryptography::Sm,
    evm_hash: EvmHash::Sm3,
};

#[path = "suite/mod.rs"]
pub(crate) mod suite;
