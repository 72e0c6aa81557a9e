//! The rules of execution, one set per protocol version (LEDGER.md 1).
//!
//! A binary keeps every version it ever spoke: old blocks replay under the version of their height.

use std::sync::Arc;

use althing_crypto::Suite;
use althing_types::genesis::EvmHash;
use althing_types::{Address, B256, HashFn, U256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::handler::EthPrecompiles;
use revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE;
use revm::primitives::hardfork::SpecId;

use crate::BlockContext;
use crate::evm_hash::hash_of;

/// Contract code a version-1 account may hold: FISCO's 256 KiB.
const CODE_BYTES_MAX: usize = 0x4_0000;

/// What the randomness opcode gives. The ledger has no randomness every sealer agrees on before the block exists, so the
/// opcode is defined and says nothing, rather than something a proposer chooses.
const PREVRANDAO: B256 = B256::ZERO;

/// A protocol version this code does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("protocol version {0} is not known; this program speaks version 1, a newer program may speak more")]
pub struct UnknownProtocolVersion(pub u32);

/// The rules of execution under one protocol version.
///
/// Version 1 is Ethereum's Osaka with these differences:
/// - no transaction gas cap below the block's (EIP-7825 is lifted), as LEDGER.md 1 says;
/// - code up to 256 KiB, initialisation code up to twice that;
/// - base fee and effective gas price are 0; nothing is paid to anybody;
/// - what the EVM hashes, it hashes as the group's genesis says: with Keccak-256, or with SM3 (ADR 0029);
/// - `PREVRANDAO` and `DIFFICULTY` give 0, `BLOBBASEFEE` gives 1 (EIP-4844's minimum), `BLOBHASH` gives 0;
/// - none of the system calls of Ethereum's beacon chain (EIP-2935, EIP-4788, EIP-7002, EIP-7251).
#[derive(Clone, Debug)]
pub struct Rules {
    version: u32,
    spec: SpecId,
    code_bytes_max: usize,
    suite: Arc<dyn Suite>,
    evm_hash: HashFn,
}

impl Rules {
    /// The rules of a protocol version, in an edition, with a hash inside the EVM.
    pub fn of_version(version: u32, suite: Arc<dyn Suite>, evm_hash: EvmHash) -> Result<Self, UnknownProtocolVersion> {
        match version {
            1 => Ok(Self {
                version,
                spec: SpecId::OSAKA,
                code_bytes_max: CODE_BYTES_MAX,
                suite,
                evm_hash: hash_of(evm_hash),
            }),
            unknown => Err(UnknownProtocolVersion(unknown)),
        }
    }

    /// The protocol version.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Bytes of code an account may hold.
    pub const fn code_bytes_max(&self) -> usize {
        self.code_bytes_max
    }

    /// Bytes of initialisation code a creation may carry.
    pub const fn init_code_bytes_max(&self) -> usize {
        self.code_bytes_max * 2
    }

    pub(crate) const fn suite(&self) -> &Arc<dyn Suite> {
        &self.suite
    }

    /// What the EVM hashes with: the opcode, addresses of contracts, hashes of their code, selectors and topics of the ledger's own.
    pub(crate) const fn evm_hash(&self) -> HashFn {
        self.evm_hash
    }

    pub(crate) const fn spec(&self) -> SpecId {
        self.spec
    }

    /// The EVM's configuration on a chain.
    pub(crate) fn cfg(&self, evm_chain_id: u64) -> CfgEnv {
        let mut cfg = CfgEnv::new_with_spec(self.spec);
        cfg.chain_id = evm_chain_id;
        cfg.tx_chain_id_check = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.limit_contract_code_size = Some(self.code_bytes_max);
        cfg.limit_contract_initcode_size = Some(self.init_code_bytes_max());
        cfg
    }

    /// What the block opcodes show.
    pub(crate) fn block_env(&self, block: &BlockContext) -> BlockEnv {
        BlockEnv {
            number: U256::from(block.number),
            beneficiary: block.beneficiary,
            timestamp: U256::from(block.timestamp()),
            gas_limit: block.limits.gas,
            basefee: 0,
            difficulty: U256::ZERO,
            prevrandao: Some(PREVRANDAO),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(0, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE)),
            slot_num: 0,
        }
    }

    /// Whether an address answers without code under these rules.
    pub(crate) fn is_precompile(&self, address: &Address) -> bool {
        crate::system::is_contract(address) || EthPrecompiles::new(self.spec).contains(address)
    }
}

#[cfg(test)]
mod tests {
    use althing_crypto::StandardSuite;

    use super::*;

    #[test]
    fn an_unknown_protocol_version_is_refused_by_number() {
        let error = Rules::of_version(2, Arc::new(StandardSuite), EvmHash::Keccak256).unwrap_err();
        assert_eq!(error, UnknownProtocolVersion(2));
        assert!(error.to_string().starts_with("protocol version 2 is not known"));
    }

    #[test]
    fn version_1_has_no_transaction_gas_cap_and_fisco_code_size() {
        let rules = Rules::of_version(1, Arc::new(StandardSuite), EvmHash::Keccak256).unwrap();
        let cfg = rules.cfg(7);
        assert_eq!(cfg.tx_gas_limit_cap, Some(u64::MAX));
        assert_eq!(cfg.limit_contract_code_size, Some(262_144));
        assert_eq!(cfg.limit_contract_initcode_size, Some(524_288));
        assert_eq!((cfg.chain_id, cfg.tx_chain_id_check), (7, true));
    }
}
