//! The state of block 0.

use alloy_primitives::{address, hex};
use althing_governance::Governance;
use althing_types::genesis::Predeploy;
use althing_types::{Account, Address, B256, Bytes, ChangeSet, Genesis, HashFn, U256};

use crate::evm_hash::{code_hash, hash_of};

/// Where Multicall3 is on public chains, and here.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Where the deterministic CREATE2 deployer is on public chains, and here.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// FISCO's system contracts: system config, table factory, CRUD, consensus, name service, permission, parallel config,
/// contract life cycle, governance, gas charging, key-value tables, working sealers, hashes and signatures.
/// The last one is our own.
pub const SYSTEM_CONTRACTS: [Address; 14] = [
    address!("0000000000000000000000000000000000001000"),
    address!("0000000000000000000000000000000000001001"),
    address!("0000000000000000000000000000000000001002"),
    address!("0000000000000000000000000000000000001003"),
    address!("0000000000000000000000000000000000001004"),
    address!("0000000000000000000000000000000000001005"),
    address!("0000000000000000000000000000000000001006"),
    address!("0000000000000000000000000000000000001007"),
    address!("0000000000000000000000000000000000001008"),
    address!("0000000000000000000000000000000000001009"),
    address!("0000000000000000000000000000000000001010"),
    address!("0000000000000000000000000000000000001011"),
    crate::system::CRYPTO,
    crate::system::GOVERNANCE,
];

/// The code system contracts carry, so that Solidity's size check before a call passes (LEDGER.md 5): one `INVALID`. It
/// runs only where the protocol version has no such contract, and there a call must fail. `STOP` would look like success.
const STUB: [u8; 1] = [0xfe];

const MULTICALL3_CODE: [u8; 3808] = code(include_bytes!("../data/multicall3.hex"));
const CREATE2_CODE: [u8; 69] = code(include_bytes!("../data/create2.hex"));

/// Reads a data file while compiling.
const fn code<const N: usize>(text: &[u8]) -> [u8; N] {
    match hex::const_decode_to_array(text) {
        Ok(code) => code,
        Err(_) => panic!("a data file is not hex of the expected length"),
    }
}

/// The changes that make the state of block 0 from nothing: system contract stubs, who takes part, and the predeploys genesis
/// asks for. `hash` is that of the canonical genesis document.
pub fn genesis_changes(genesis: &Genesis, hash: B256) -> ChangeSet {
    let mut changes = ChangeSet::default();
    let governance = Governance::new(genesis, hash);
    changes.storage.extend(crate::system::genesis_storage(&governance));
    let evm_hash = hash_of(genesis.evm_hash);
    for address in SYSTEM_CONTRACTS {
        install(&mut changes, evm_hash, address, &STUB);
    }
    for predeploy in &genesis.predeploys {
        match predeploy {
            Predeploy::Multicall3 => install(&mut changes, evm_hash, MULTICALL3, &MULTICALL3_CODE),
            Predeploy::Create2 => install(&mut changes, evm_hash, CREATE2_DEPLOYER, &CREATE2_CODE),
        }
    }
    changes
}

fn install(changes: &mut ChangeSet, evm_hash: HashFn, address: Address, code: &'static [u8]) {
    let code_hash = code_hash(evm_hash, code);
    // Nonce 1, as of any contract (EIP-161).
    changes.accounts.insert(
        address,
        Some(Account {
            nonce: 1,
            balance: U256::ZERO,
            code_hash,
        }),
    );
    changes.code.insert(code_hash, Bytes::from_static(code));
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{b256, keccak256};

    use super::*;

    #[test]
    fn predeployed_code_is_what_public_chains_have() {
        assert_eq!(
            keccak256(MULTICALL3_CODE),
            b256!("d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891")
        );
        assert_eq!(
            keccak256(CREATE2_CODE),
            b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989")
        );
    }
}
