//! The contracts that are part of the ledger: at FISCO's addresses with FISCO's interfaces and codes, and one of our own beside
//! them (GOVERNANCE.md 1). They run over the transaction's journal, so a revert takes them back.
//!
//! A call is made directly or from a contract; who acts is always who signed the transaction, as in FISCO. What is refused changes
//! nothing and returns FISCO's code; a call that no contract here knows ends as an exception.

mod accounts;
mod committee;
mod configuration;
mod consensus;
mod crypto;
mod events;
mod lifecycle;
mod look;
mod own;
mod permission;
mod recovery;
mod rows;
mod store;
mod words;

pub(crate) use look::{
    any_write_rules, is_account_frozen, is_contract_frozen, may_deploy, may_write, record_creation, speaks_for_itself,
};

pub use own::{alive_call, alive_digest};
pub use recovery::{calls_recover, carried_recovery, check_recovery, recover_call, recovery_signers};
pub use store::{changed_governance, governance};

use std::sync::Arc;

use alloy_primitives::{address, map::AddressSet};
use althing_crypto::Suite;
use althing_governance::{Governance, Limits, Moment, Outcome, Refusal, SystemConfig, abi};
use althing_types::{Address, B256, Bytes, StateError, U256};
use revm::context::{Block, ContextTr, JournalTr, Transaction};
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult};
use revm::primitives::hardfork::SpecId;

use self::accounts::Accounts;
use self::words::Called;
use crate::evm::Host;
use crate::genesis::SYSTEM_CONTRACTS;
use crate::selectors::canonical;

/// FISCO's system configuration.
pub const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000001000");
/// FISCO's list of sealers and observers.
pub const CONSENSUS: Address = address!("0000000000000000000000000000000000001003");
/// FISCO's lists of who may write where.
pub const PERMISSION: Address = address!("0000000000000000000000000000000000001005");
/// FISCO's managers of contracts, and what they froze.
pub const LIFE_CYCLE: Address = address!("0000000000000000000000000000000000001007");
/// FISCO's committee.
pub const CHAIN_GOVERNANCE: Address = address!("0000000000000000000000000000000000001008");
/// FISCO's hashes and signatures of the SM edition.
pub const CRYPTO: Address = address!("0000000000000000000000000000000000005006");
/// The contract of our own, whose storage holds the governance of the group.
pub const GOVERNANCE: Address = abi::ADDRESS;

const CONTRACTS: [Address; 7] = [
    SYSTEM_CONFIG,
    CONSENSUS,
    PERMISSION,
    LIFE_CYCLE,
    CHAIN_GOVERNANCE,
    CRYPTO,
    GOVERNANCE,
];

/// The signatures of what they are called by.
pub(crate) fn functions() -> impl Iterator<Item = &'static str> {
    let all = [
        configuration::FUNCTIONS,
        consensus::FUNCTIONS,
        permission::FUNCTIONS,
        lifecycle::FUNCTIONS,
        committee::FUNCTIONS,
        accounts::FUNCTIONS,
        crypto::FUNCTIONS,
        abi::FUNCTIONS,
    ];
    all.into_iter().flatten().copied()
}

/// Gas of a call, of a word that is read, and of a word that is written.
const CALL_GAS: u64 = 3_000;
const READ_GAS: u64 = 200;
const WRITE_GAS: u64 = 5_000;
/// Gas of a byte of a recovery: a signature of 65 bytes costs what Ethereum takes for recovering its account.
const RECOVERY_BYTE_GAS: u64 = 50;

/// What storage holds before anything was decided.
pub(crate) fn genesis_storage(governance: &Governance) -> impl Iterator<Item = ((Address, U256), U256)> {
    let words = store::words(governance).into_iter();
    words
        .filter(|(_, word)| !word.is_zero())
        .map(|(slot, word)| ((GOVERNANCE, slot), word))
}

/// Whether one of our own contracts answers at an address.
pub(crate) fn is_contract(address: &Address) -> bool {
    CONTRACTS.contains(address)
}

/// Ethereum's precompiled contracts and ours.
pub(crate) struct Contracts {
    ethereum: EthPrecompiles,
    addresses: AddressSet,
    suite: Arc<dyn Suite>,
    in_force: SystemConfig,
    /// Whether what runs is the first transaction of a block.
    pub(crate) leads: bool,
}

impl Contracts {
    pub(crate) fn new(spec: SpecId, suite: Arc<dyn Suite>, in_force: SystemConfig) -> Self {
        let ethereum = EthPrecompiles::new(spec);
        let mut addresses = ethereum.warm_addresses().clone();
        addresses.extend(CONTRACTS);
        Self {
            ethereum,
            addresses,
            suite,
            in_force,
            leads: false,
        }
    }
}

impl<'a> PrecompileProvider<Host<'a>> for Contracts {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        PrecompileProvider::<Host<'a>>::set_spec(&mut self.ethereum, spec)
    }

    fn run(&mut self, context: &mut Host<'a>, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        if !is_contract(&inputs.bytecode_address) {
            return self.ethereum.run(context, inputs);
        }
        let input = inputs.input.bytes(context);
        let mut gas = Gas::new(inputs.gas_limit);
        let outcome = self.call(context, inputs, &canonical(&input), &mut gas);
        let (result, output) = match outcome {
            Ok(output) => (InstructionResult::Return, output.into()),
            Err(Failure::Halt(result)) => {
                gas.spend_all();
                (result, Bytes::new())
            }
            Err(Failure::State(error)) => return Err(error.to_string()),
        };
        Ok(Some(InterpreterResult::new(result, output, gas)))
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.addresses
    }
}

/// Why a call has no answer.
enum Failure {
    /// Its frame ends as an exception.
    Halt(InstructionResult),
    /// The state cannot be read: this node's fault.
    State(StateError),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing that the state knows.
    Nobody,
    /// An account that somebody signs for.
    Account,
    /// A contract that somebody deployed, or genesis.
    Contract,
    /// A part of the ledger.
    Ledger,
}

fn standing(context: &mut Host<'_>, address: Address) -> Result<Standing, StateError> {
    if SYSTEM_CONTRACTS.contains(&address) {
        return Ok(Standing::Ledger);
    }
    let account = context.journal_mut().load_account(address).map_err(|error| error.0)?;
    Ok(match (account.info.is_empty(), account.info.is_empty_code_hash()) {
        (true, _) => Standing::Nobody,
        (false, true) => Standing::Account,
        (false, false) => Standing::Contract,
    })
}

/// What a call may ask of the block and the chain around it.
pub(crate) trait Surroundings {
    /// The block that is made.
    fn now(&self) -> Moment;
    /// Who signed the transaction.
    fn account(&self) -> Address;
    /// Hash and time, in milliseconds since 1970, of an older block; none when there is no such one.
    fn ancestor(&mut self, height: u64) -> Result<Option<(B256, u64)>, StateError>;
    /// Whether a node has signed this.
    fn is_signed(&self, node: &althing_types::NodeId, digest: &B256, signature: &[u8]) -> bool;
    /// The hash of the edition.
    fn hash(&self, bytes: &[u8]) -> B256;
    /// Whether this is the call of the first transaction of a block, made by no contract.
    fn leads(&self) -> bool;
    /// The edition.
    fn suite(&self) -> &dyn Suite;
    /// What is at an address.
    fn standing(&mut self, address: Address) -> Result<Standing, StateError>;
}

/// What a call of a contract came to.
pub(crate) enum Reply {
    /// Nothing is written.
    View(Vec<u8>),
    /// What changed is written.
    Changed(Vec<u8>),
    /// The contract has no such function, or its arguments are no such ones.
    Unknown,
}

impl Contracts {
    fn call(
        &self,
        context: &mut Host<'_>,
        inputs: &CallInputs,
        input: &[u8],
        gas: &mut Gas,
    ) -> Result<Vec<u8>, Failure> {
        // Another contract's storage is none of theirs.
        if inputs.target_address != inputs.bytecode_address {
            return Err(Failure::Halt(InstructionResult::PrecompileError));
        }
        if inputs.bytecode_address == CRYPTO {
            return crypto::call(input, gas);
        }
        charge(gas, CALL_GAS)?;
        if own::is_recovery(inputs.bytecode_address, input) {
            charge(gas, RECOVERY_BYTE_GAS * input.len() as u64)?;
        }
        let (found, before) = read(context, gas)?;
        if ![PERMISSION, LIFE_CYCLE].contains(&inputs.bytecode_address) {
            return self.decide(context, inputs, input, gas, found, &before);
        }
        let is_static = inputs.is_static;
        let gas = Some(gas);
        let mut words = Called {
            context,
            gas,
            is_static,
        };
        let reply = match inputs.bytecode_address {
            PERMISSION => permission::call(&found, &mut words, input)?,
            _ => lifecycle::call(&found, &mut words, input)?,
        };
        match reply {
            Reply::View(output) | Reply::Changed(output) => Ok(output),
            Reply::Unknown => Err(Failure::Halt(InstructionResult::PrecompileError)),
        }
    }

    /// The contracts whose calls may change the governance value.
    fn decide(
        &self,
        context: &mut Host<'_>,
        inputs: &CallInputs,
        input: &[u8],
        gas: &mut Gas,
        mut found: Governance,
        before: &[(U256, U256)],
    ) -> Result<Vec<u8>, Failure> {
        let accounts = Accounts::of(&found);
        let mut around = Around {
            context: &mut *context,
            suite: &*self.suite,
            leads: self.leads,
        };
        let reply = match inputs.bytecode_address {
            SYSTEM_CONFIG => configuration::call(&mut found, &around, &self.in_force, input),
            CONSENSUS => consensus::call(&mut found, &around, input),
            CHAIN_GOVERNANCE => committee::call(&mut found, &mut around, input)?,
            _ => own::call(&mut found, &mut around, input)?,
        };
        match reply {
            Reply::View(output) => Ok(output),
            Reply::Unknown => Err(Failure::Halt(InstructionResult::PrecompileError)),
            Reply::Changed(_) if inputs.is_static => Err(Failure::Halt(InstructionResult::StateChangeDuringStaticCall)),
            Reply::Changed(output) => {
                write(context, &mut found, before, gas)?;
                let (gas, is_static) = (Some(gas), false);
                accounts.follow(
                    &mut Called {
                        context,
                        gas,
                        is_static,
                    },
                    &found,
                )?;
                Ok(output)
            }
        }
    }
}

/// The governance value, with the words that it is in.
fn read(context: &mut Host<'_>, gas: &mut Gas) -> Result<(Governance, Vec<(U256, U256)>), Failure> {
    let mut before = vec![];
    let journal = context.journal_mut();
    journal.load_account(GOVERNANCE).map_err(|error| error.0)?;
    let found = store::load(|slot| {
        // Before each read: a call with little gas must not make a node read much.
        charge(gas, READ_GAS)?;
        let value = journal.sload(GOVERNANCE, slot).map_err(|error| error.0)?.data;
        before.push((slot, value));
        Ok::<_, Failure>(value)
    })?;
    let found = found.ok_or(Failure::Halt(InstructionResult::PrecompileError))?;
    Ok((found, before))
}

/// Writes the words that differ, and the events of what happened.
fn write(
    context: &mut Host<'_>,
    governance: &mut Governance,
    before: &[(U256, U256)],
    gas: &mut Gas,
) -> Result<(), Failure> {
    let events = governance.take_events();
    let after = store::words(governance);
    // A state that could not be read again is never written.
    if after.len() > Limits::BYTES / 32 {
        return Err(Failure::Halt(InstructionResult::PrecompileError));
    }
    // Both list the same slots in the same order, as far as the shorter one goes.
    let gone = before.iter().skip(after.len()).map(|(slot, _)| (*slot, U256::ZERO));
    let words = after.iter().copied().chain(gone).enumerate();
    let changed: Vec<_> = words.filter(|(index, word)| before.get(*index) != Some(word)).collect();
    charge(gas, WRITE_GAS * changed.len() as u64)?;
    let hash = context.chain.hash;
    let journal = context.journal_mut();
    for (_, (slot, word)) in changed {
        journal.sstore(GOVERNANCE, slot, word).map_err(|error| error.0)?;
    }
    journal.touch_account(GOVERNANCE);
    for event in events {
        journal.log(events::log(&event, hash));
    }
    Ok(())
}

fn charge(gas: &mut Gas, cost: u64) -> Result<(), Failure> {
    match gas.record_regular_cost(cost) {
        true => Ok(()),
        false => Err(Failure::Halt(InstructionResult::PrecompileOOG)),
    }
}

/// The block under way.
struct Around<'b, 'a> {
    context: &'b mut Host<'a>,
    suite: &'b dyn Suite,
    leads: bool,
}

impl Surroundings for Around<'_, '_> {
    fn now(&self) -> Moment {
        let block = self.context.block();
        Moment {
            height: block.number().saturating_to(),
            unix_ms: block.timestamp().saturating_to::<u64>().saturating_mul(1_000),
        }
    }

    fn account(&self) -> Address {
        self.context.tx().caller()
    }

    fn ancestor(&mut self, height: u64) -> Result<Option<(B256, u64)>, StateError> {
        self.context.journal_mut().db_mut().ancestor(height)
    }

    fn is_signed(&self, node: &althing_types::NodeId, digest: &B256, signature: &[u8]) -> bool {
        self.suite.verify_node(node.as_bytes(), digest, signature).is_ok()
    }

    fn hash(&self, bytes: &[u8]) -> B256 {
        (self.suite.hash_fn())(bytes)
    }

    fn leads(&self) -> bool {
        // A contract of the ledger calls nobody: when the transaction is to it, this is the transaction's own call.
        self.leads && self.context.tx().kind().to() == Some(&GOVERNANCE)
    }

    fn suite(&self) -> &dyn Suite {
        self.suite
    }

    fn standing(&mut self, address: Address) -> Result<Standing, StateError> {
        standing(self.context, address)
    }
}

/// FISCO's number for what became of a call.
fn code(outcome: &Result<Outcome, Refusal>) -> i32 {
    match outcome {
        Ok(Outcome::Recorded) => 0,
        Ok(Outcome::Passed) => 1,
        Err(refusal) => refusal.code(),
    }
}
