//! From what the EVM says to receipts, with FISCO's status numbers.

use std::hash::{BuildHasher, Hash};

use alloy_primitives::map::{AddressMap, B256Map, HashMap};
use alloy_primitives::{BloomInput, keccak256};
use althing_types::{B256, Bloom, Bytes, Log, Receipt};
use revm::context::result::{ExecutionResult, HaltReason, Output};

use crate::evm::Ended;

/// FISCO's transaction status numbers, as far as a receipt of this ledger can hold them.
pub mod status {
    /// It succeeded.
    pub const OK: u32 = 0;
    /// It failed for a reason without a number of its own.
    pub const UNKNOWN: u32 = 1;
    /// It sent more than it had.
    pub const NOT_ENOUGH_CASH: u32 = 7;
    /// It met a byte that is no instruction.
    pub const BAD_INSTRUCTION: u32 = 10;
    /// It jumped to where no jump may go.
    pub const BAD_JUMP_DESTINATION: u32 = 11;
    /// Its gas ran out; also code too long to be stored, as FISCO counts it.
    pub const OUT_OF_GAS: u32 = 12;
    /// It pushed too much.
    pub const OUT_OF_STACK: u32 = 13;
    /// It popped too much.
    pub const STACK_UNDERFLOW: u32 = 14;
    /// A precompiled contract refused its input.
    pub const PRECOMPILED_ERROR: u32 = 21;
    /// It reverted.
    pub const REVERT: u32 = 22;
    /// The address of the contract to create is taken.
    pub const ADDRESS_ALREADY_USED: u32 = 24;
    /// Its account may not deploy contracts, or not write to that one.
    pub const PERMISSION_DENIED: u32 = 25;
    /// The contract that it calls is frozen.
    pub const CONTRACT_FROZEN: u32 = 30;
    /// Its account is frozen.
    pub const ACCOUNT_FROZEN: u32 = 31;
}

/// The status number of an exceptional halt.
pub(crate) const fn halt_status(reason: &HaltReason) -> u32 {
    match reason {
        HaltReason::OutOfGas(_)
        | HaltReason::OutOfOffset
        | HaltReason::CreateContractSizeLimit
        | HaltReason::CreateInitCodeSizeLimit => status::OUT_OF_GAS,
        HaltReason::OpcodeNotFound
        | HaltReason::InvalidFEOpcode
        | HaltReason::NotActivated
        | HaltReason::CreateContractStartingWithEF => status::BAD_INSTRUCTION,
        HaltReason::InvalidJump => status::BAD_JUMP_DESTINATION,
        HaltReason::StackOverflow => status::OUT_OF_STACK,
        HaltReason::StackUnderflow => status::STACK_UNDERFLOW,
        HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => status::PRECOMPILED_ERROR,
        HaltReason::CreateCollision => status::ADDRESS_ALREADY_USED,
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => status::NOT_ENOUGH_CASH,
        HaltReason::NonceOverflow
        | HaltReason::StateChangeDuringStaticCall
        | HaltReason::CallNotAllowedInsideStatic
        | HaltReason::CallTooDeep => status::UNKNOWN,
    }
}

/// Hashes that blooms were made of: the same few addresses and topics recur through a block.
#[derive(Default)]
pub(crate) struct BloomHashes {
    addresses: AddressMap<B256>,
    topics: B256Map<B256>,
}

impl BloomHashes {
    /// More of either kind are not kept: a block may hold very many different topics.
    const KEPT_MAX: usize = 4096;

    /// The bloom of events (Yellow Paper 4.3.1): their addresses and topics.
    fn bloom(&mut self, logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            bloom.accrue(BloomInput::Hash(remembered(&mut self.addresses, log.address)));
            for topic in log.topics() {
                bloom.accrue(BloomInput::Hash(remembered(&mut self.topics, *topic)));
            }
        }
        bloom
    }
}

fn remembered<K: AsRef<[u8]> + Eq + Hash, S: BuildHasher>(known: &mut HashMap<K, B256, S>, key: K) -> B256 {
    if let Some(hash) = known.get(&key) {
        return *hash;
    }
    let hash = keccak256(&key);
    if known.len() < BloomHashes::KEPT_MAX {
        known.insert(key, hash);
    }
    hash
}

/// The receipt of a transaction that ran after `gas_before` was used in its block.
///
/// A creation's output is empty: the code is in the state under the contract's address.
pub(crate) fn receipt(
    transaction_type: u8,
    Ended { result, revert_status }: Ended,
    gas_before: u64,
    hashes: &mut BloomHashes,
) -> Receipt {
    let gas_used = result.tx_gas_used();
    let mut receipt = Receipt {
        transaction_type,
        status: status::OK,
        gas_used,
        cumulative_gas_used: gas_before + gas_used,
        logs: Vec::new(),
        logs_bloom: Bloom::ZERO,
        contract: Bytes::new(),
        output: Bytes::new(),
    };
    match result {
        ExecutionResult::Success { logs, output, .. } => {
            receipt.logs_bloom = hashes.bloom(&logs);
            receipt.logs = logs;
            match output {
                Output::Call(data) => receipt.output = data,
                Output::Create(_, address) => {
                    receipt.contract = address
                        .map(|address| Bytes::copy_from_slice(address.as_slice()))
                        .unwrap_or_default();
                }
            }
        }
        ExecutionResult::Revert { output, .. } => {
            receipt.status = revert_status;
            receipt.output = output;
        }
        ExecutionResult::Halt { reason, .. } => receipt.status = halt_status(&reason),
    }
    receipt
}
