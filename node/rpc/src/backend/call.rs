//! Calls that are not signed: what is asked, what is pretended, how they end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use althing_types::{Address, B256, Bytes, U256};

/// Tells a running call that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Cancels.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for work that looks at it by its own means.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// Whether the call should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call that is not signed. Fees are accepted and change nothing: the effective gas price is 0 (LEDGER.md 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// The caller; the zero address when none is named.
    pub from: Option<Address>,
    /// The callee; none creates a contract.
    pub to: Option<Address>,
    /// The gas allowed; the group's limit when none is named.
    pub gas: Option<u64>,
    /// The price offered (`gasPrice` or `maxFeePerGas`), what the `GASPRICE` instruction must not see.
    pub gas_price: Option<U256>,
    /// Wei sent along.
    pub value: U256,
    /// The call data or the init code.
    pub input: Bytes,
    /// The nonce, unchecked.
    pub nonce: Option<u64>,
    /// The EIP-2930 access list: contracts and their slots.
    pub access_list: Vec<(Address, Vec<B256>)>,
}

/// Where and how a call runs.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The block whose state and environment it sees.
    pub height: u64,
    /// Accounts to see differently.
    pub state: StateOverrides,
    /// Block fields to see differently.
    pub block: BlockOverrides,
    /// To be looked at while running.
    pub cancel: Cancel,
}

/// Accounts that a call sees differently.
pub type StateOverrides = BTreeMap<Address, AccountOverride>;

/// How a call sees one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Another balance.
    pub balance: Option<U256>,
    /// Another nonce.
    pub nonce: Option<u64>,
    /// Other code.
    pub code: Option<Bytes>,
    /// All of its storage.
    pub state: Option<BTreeMap<U256, U256>>,
    /// Some of its storage; never beside `state`.
    pub state_diff: BTreeMap<U256, U256>,
}

/// Block fields that a call sees differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// `NUMBER`.
    pub number: Option<u64>,
    /// `TIMESTAMP`, seconds.
    pub timestamp: Option<u64>,
    /// `GASLIMIT`.
    pub gas_limit: Option<u64>,
    /// `COINBASE`.
    pub beneficiary: Option<Address>,
    /// `PREVRANDAO`.
    pub prev_randao: Option<B256>,
    /// `BASEFEE`.
    pub base_fee: Option<U256>,
    /// `BLOCKHASH` by height.
    pub block_hashes: BTreeMap<u64, B256>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned.
    Returned {
        /// What it returned.
        output: Bytes,
        /// Gas used.
        gas_used: u64,
    },
    /// It failed.
    Failed(CallFailure),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// `REVERT`, or a right that is lacking.
    Reverted {
        /// The revert data.
        output: Bytes,
        /// What it says, where it is an `Error(string)` or a `Panic(uint256)` by either hash.
        reason: Option<String>,
        /// Gas used.
        gas_used: u64,
        /// FISCO's receipt status: 22 for `REVERT`, 25, 30 or 31 for a right that is lacking.
        status: u32,
    },
    /// An exceptional halt; the reason in Ethereum clients' words, such as `out of gas` or `invalid opcode: INVALID`.
    Halted {
        /// The reason.
        reason: String,
        /// Gas used.
        gas_used: u64,
    },
    /// It could not begin, such as `insufficient funds for gas * price + value`.
    Refused(String),
}

/// What an estimate found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EstimateOutcome {
    /// The least gas.
    Gas(u64),
    /// The call fails with any gas allowed.
    Failed(CallFailure),
}

/// The access list of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// Contracts and their slots, without caller, callee and precompiled contracts unless slots were touched.
    pub list: Vec<(Address, Vec<B256>)>,
    /// Gas used with the list.
    pub gas_used: u64,
    /// Why the call failed, if it did.
    pub failure: Option<CallFailure>,
}
