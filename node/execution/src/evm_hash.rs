//! The hash of a group's EVM, as its genesis says, and what is named by it: addresses of contracts, and their code.
//!
//! What is not named by it: storage of the ledger's own contracts, blooms, and the constant that stands for no code. They have
//! Keccak-256 in every group (ADR 0029).

use alloy_rlp::{Encodable, Header};
use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_types::genesis::EvmHash;
use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{Address, B256, HashFn};

/// The function that genesis names.
pub(crate) fn hash_of(evm_hash: EvmHash) -> HashFn {
    match evm_hash {
        EvmHash::Keccak256 => StandardSuite.hash_fn(),
        EvmHash::Sm3 => SmSuite.hash_fn(),
    }
}

/// What the state knows code by.
pub(crate) fn code_hash(hash: HashFn, code: &[u8]) -> B256 {
    if code.is_empty() { EMPTY_CODE_HASH } else { hash(code) }
}

/// The address of what an account creates when this is its nonce (`CREATE`, and a transaction to nobody).
pub(crate) fn created(hash: HashFn, creator: &Address, nonce: u64) -> Address {
    let payload_length = creator.length() + nonce.length();
    let mut bytes = Vec::with_capacity(payload_length + 1);
    Header {
        list: true,
        payload_length,
    }
    .encode(&mut bytes);
    creator.encode(&mut bytes);
    nonce.encode(&mut bytes);
    Address::from_word(hash(&bytes))
}

/// The address of what a contract creates by `CREATE2` (EIP-1014): of its initialisation code, and of no nonce.
pub(crate) fn created2(hash: HashFn, creator: &Address, salt: &B256, init_code: &[u8]) -> Address {
    let code_hash = hash(init_code);
    let parts = [&[0xff], creator.as_slice(), salt.as_slice(), code_hash.as_slice()];
    Address::from_word(hash(&parts.concat()))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn by_keccak_they_are_ethereums(creator: [u8; 20], nonce: u64, salt: [u8; 32], code: Vec<u8>) {
            let hash: HashFn = |bytes| keccak256(bytes);
            let creator = Address::new(creator);
            for nonce in [0, 1, 0x7f, 0x80, nonce] {
                prop_assert_eq!(created(hash, &creator, nonce), creator.create(nonce));
            }
            let expected = creator.create2_from_code(salt, &code);
            prop_assert_eq!(created2(hash, &creator, &salt.into(), &code), expected);
        }
    }
}
