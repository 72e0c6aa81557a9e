//! Who may do what, asked at every border where it matters: a transaction's account, a contract that is called, a contract that is
//! created, a word that is written. The lists are the contracts' in `system/`; asking leaves no trace, and where nobody made a rule it
//! reads a word or two for a whole block.

use std::sync::atomic::AtomicBool;

use alloy_sol_types::{Revert, SolError};
use althing_types::{Address, Bytes, HashFn, StateError};
use revm::context::{Block, Transaction};
use revm::handler::FrameResult;
use revm::interpreter::interpreter_action::{FrameInit, FrameInput};
use revm::interpreter::{CallOutcome, CreateOutcome, Gas, InstructionResult, InterpreterResult};

use crate::evm::Host;
use crate::receipt::status;
use crate::selectors::selector;
use crate::system;

/// What the machine knows beside block, transaction and state.
pub(crate) struct Chain<'a> {
    /// Raised when the work is to stop.
    pub(crate) cancel: &'a AtomicBool,
    /// What the EVM hashes with.
    pub(crate) hash: HashFn,
    /// Why the transaction as a whole is refused.
    pub(crate) denied: Option<Denied>,
    /// Whether any contract says who may write to it. A new rule counts from the next block, so that it is asked once a transaction.
    pub(crate) has_write_rules: bool,
}

impl<'a> Chain<'a> {
    pub(crate) const fn new(cancel: &'a AtomicBool, hash: HashFn) -> Self {
        Self {
            cancel,
            hash,
            denied: None,
            has_write_rules: false,
        }
    }
}

/// A right that is lacking. The sentence says whose, and who can give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// The account is frozen.
    #[error("account {0:#x} is frozen; a vote of the committee can unfreeze it (unfreezeAccount of 0x1008)")]
    Account(Address),
    /// The contract is frozen.
    #[error(
        "contract {0:#x} is frozen; one of its managers or a seat of the committee can unfreeze it (unfreeze of 0x1007)"
    )]
    Contract(Address),
    /// Not everybody may deploy.
    #[error(
        "account {0:#x} may not deploy contracts; a vote (grantOperator of 0x1008) or a seat of the committee (insert of \
         _sys_tables_ at 0x1005) can let it"
    )]
    Deployment(Address),
    /// Not everybody may write there.
    #[error(
        "account {account:#x} may not write to contract {contract:#x}; one of its managers can let it (grantWrite of 0x1005)"
    )]
    Write {
        /// Who signed.
        account: Address,
        /// Whose words they are.
        contract: Address,
    },
}

impl Denied {
    /// FISCO's status number.
    pub(crate) const fn status(self) -> u32 {
        match self {
            Self::Account(_) => status::ACCOUNT_FROZEN,
            Self::Contract(_) => status::CONTRACT_FROZEN,
            Self::Deployment(_) | Self::Write { .. } => status::PERMISSION_DENIED,
        }
    }

    /// The sentence as Solidity's `Error(string)`, which clients of both kinds read, with the selector that this hash gives.
    pub(crate) fn output(self, hash: HashFn) -> Bytes {
        let mut output = Revert::from(self.to_string()).abi_encode();
        output.splice(..4, selector(hash, Revert::SIGNATURE));
        output.into()
    }
}

/// What a call or a creation lacks, before it begins. Who signed is who acts, however deep.
pub(crate) fn lacking(host: &mut Host<'_>, frame: &FrameInit) -> Result<Option<Denied>, StateError> {
    let account = host.tx.caller();
    // What carries its own signatures is nobody's act who brings it.
    let is_own_act = frame.depth == 0 && !system::speaks_for_itself(&host.tx);
    if is_own_act && system::is_account_frozen(host, account)? {
        return Ok(Some(Denied::Account(account)));
    }
    match &frame.frame_input {
        FrameInput::Call(inputs) => {
            let contract = inputs.bytecode_address;
            let has_code = !inputs.known_bytecode.1.is_empty() && !system::is_contract(&contract);
            let is_frozen = has_code && system::is_contract_frozen(host, contract)?;
            Ok(is_frozen.then_some(Denied::Contract(contract)))
        }
        FrameInput::Create(_) => {
            let height = host.block.number().saturating_to();
            let may = system::may_deploy(host, account, height)?;
            Ok((!may).then_some(Denied::Deployment(account)))
        }
        FrameInput::Empty => Ok(None),
    }
}

/// What the signer lacks to write to a contract.
pub(crate) fn lacking_to_write(host: &mut Host<'_>, contract: Address) -> Result<Option<Denied>, StateError> {
    if !host.chain.has_write_rules {
        return Ok(None);
    }
    let (account, height) = (host.tx.caller(), host.block.number().saturating_to());
    let may = system::may_write(host, contract, account, height)?;
    Ok((!may).then_some(Denied::Write { account, contract }))
}

/// The end of a call or a creation that never began: its gas goes back, its caller sees a revert.
pub(crate) fn refused(frame: FrameInit, denied: Denied, hash: HashFn) -> FrameResult {
    let result = |gas| InterpreterResult::new(InstructionResult::Revert, denied.output(hash), Gas::new(gas));
    match frame.frame_input {
        FrameInput::Call(inputs) => FrameResult::Call(CallOutcome::new(
            result(inputs.gas_limit),
            inputs.return_memory_offset.clone(),
        )),
        FrameInput::Create(inputs) => FrameResult::Create(CreateOutcome::new(result(inputs.gas_limit()), None)),
        FrameInput::Empty => FrameResult::Create(CreateOutcome::new(result(0), None)),
    }
}
