//! The suite on a group of the standard edition.

use althing_types::genesis::{Cryptography, EvmHash};

use crate::kind::Kind;

pub(crate) const KIND: Kind = Kind {
    cryptography: Cryptography::Standard,
    evm_hash: EvmHash::Keccak256,
};

#[path = "suite/mod.rs"]
pub(crate) mod suite;
