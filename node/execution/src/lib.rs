//! Execution: what a block does to the state, as a pure function.
//!
//! ```text
//! Transaction ──sender──▶ Recovered ─┐
//! BlockContext, Rules ───────────────┤
//! RandomIds of the blocks before ────┼─▶ execute_block / BlockBuilder ──▶ Executed { receipts, changes, gas, bloom }
//! StateReader (state of the parent) ─┘            │ one path per transaction: evm.rs
//!                                                 └▶ call, estimate_gas, create_access_list (nothing is kept)
//! ```
//!
//! Invariants:
//! - The result depends on the rules, the parent's state, the randomids of the blocks before, the block context and the
//!   transactions, and on nothing else: not on threads, time, hash-map order, or who asks. The leader's builder and the
//!   voters' verifier run the same code.
//! - A [`StateError`](althing_types::StateError) ends the work; it never turns into a default value.
//! - Nothing here knows a clock, a disk, a socket or a runtime. Stopping early is the caller's, through a flag that is
//!   looked at before every transaction, call frame and jump.
//! - Fees do not exist: no balance changes but by value (LEDGER.md 5).

mod block;
mod call;
mod context;
mod evm;
mod evm_hash;
mod genesis;
mod instructions;
pub mod memory;
mod protocol;
mod random_ids;
mod receipt;
mod revert;
mod rights;
mod selectors;
mod sender;
mod state;
mod system;
mod transaction;

pub use block::{BlockBuilder, Executed, ExecutionError, PushOutcome, execute_block};
pub use call::{
    AccessListOutcome, AccountOverride, BlockOverrides, CallContext, CallError, CallOutcome, CallRequest, GasEstimate,
    Halt, StateOverrides, StorageOverride, call, create_access_list, estimate_gas,
};
pub use context::{BlockContext, ChainIds, Limit, Limits, beneficiary};
pub use genesis::{CREATE2_DEPLOYER, MULTICALL3, SYSTEM_CONTRACTS, genesis_changes};
pub use protocol::{Rules, UnknownProtocolVersion};
pub use random_ids::{RandomId, RandomIds, block_limits, check_block_limit};
pub use receipt::status;
pub use revert::decode_revert_reason;
pub use sender::{SenderError, fisco_signature, is_replay_protected, recover};
pub use system::{
    CHAIN_GOVERNANCE, CONSENSUS, CRYPTO, GOVERNANCE, LIFE_CYCLE, PERMISSION, SYSTEM_CONFIG, alive_call, alive_digest,
    calls_recover, carried_recovery, changed_governance, check_recovery, governance, recover_call, recovery_signers,
};
pub use transaction::{InvalidReason, check_stateless, intrinsic_gas};
