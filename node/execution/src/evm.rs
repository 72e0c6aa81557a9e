//! The EVM as this ledger runs it: one machine for a whole block, one way through it for every transaction.
//!
//! Five things differ from Ethereum's own handler:
//! - nothing is charged, refunded or paid, whatever price was offered (LEDGER.md 5);
//! - a block's gas is what its transactions *used*, so a transaction is undone when it turns out not to fit;
//! - the work can be stopped: the flag is looked at before a transaction, on every call frame and on every `JUMPDEST`.
//!   Code without either is bounded by its length, a precompiled contract by its gas;
//! - who acts must have the right to it: a transaction, a call frame and an `SSTORE` are asked (`rights`);
//! - what it hashes, it hashes as genesis says (`evmHash`): the opcode, addresses of contracts, hashes of their code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use althing_types::{StateError, U256};
use revm::context::result::{
    ExecutionResult, FromStringError, HaltReason, InvalidHeader, InvalidTransaction, ResultGas,
};
use revm::context::{
    BlockEnv, CfgEnv, Context, ContextError, ContextTr, Evm, Journal, JournalTr, LocalContextTr, TxEnv,
};
use revm::context_interface::context::take_error;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::{Cfg as _, Transaction as _};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, EvmTr, FrameResult, Handler, ItemOrResult, post_execution, pre_execution};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_action::{FrameInit, FrameInput};
use revm::interpreter::{CreateInputs, CreateScheme, InitialAndFloorGas};

use crate::evm_hash::{code_hash, created, created2};
use crate::instructions::instructions;
use crate::receipt::status;
use crate::rights::{Chain, Denied};
use crate::state::{ReadError, StateCache};
use crate::system::Contracts;
use crate::{BlockContext, Rules, rights, system};

pub(crate) type Host<'a> = Context<BlockEnv, TxEnv, CfgEnv, StateCache<'a>, Journal<StateCache<'a>>, Chain<'a>>;

/// The machine. Its journal spans the transactions of a block: later ones see what earlier ones wrote.
pub(crate) type Machine<'a> =
    Evm<Host<'a>, (), EthInstructions<EthInterpreter, Host<'a>>, Contracts, EthFrame<EthInterpreter>>;

/// A machine over a state, at the start of a block.
pub(crate) fn machine<'a>(
    rules: &Rules,
    block: &BlockContext,
    block_env: BlockEnv,
    state: StateCache<'a>,
    cancel: &'a AtomicBool,
) -> Machine<'a> {
    let context: Context<BlockEnv, TxEnv, CfgEnv, StateCache<'a>> = Context::new(state, rules.spec());
    let context = context
        .with_cfg(rules.cfg(block.ids.evm))
        .with_block(block_env)
        .with_chain(Chain::new(cancel, rules.evm_hash()));
    let contracts = Contracts::new(rules.spec(), Arc::clone(rules.suite()), block.in_force());
    Evm::new(context, instructions(rules.spec()), contracts)
}

/// How the EVM carries the stop out of an instruction; [`TransactError::Cancelled`] everywhere else.
pub(crate) const STOPPED: &str = "stopped";

/// Why a transaction left no trace.
#[derive(Debug)]
pub(crate) enum TransactError {
    /// It must not be in this block.
    Invalid(InvalidTransaction),
    /// It used more gas than the block has left.
    BlockGas {
        /// The gas it used.
        used: u64,
    },
    /// The state could not be read.
    State(StateError),
    /// The flag was raised.
    Cancelled,
    /// The EVM itself failed.
    Internal(String),
}

impl From<InvalidTransaction> for TransactError {
    fn from(error: InvalidTransaction) -> Self {
        Self::Invalid(error)
    }
}

impl From<InvalidHeader> for TransactError {
    fn from(error: InvalidHeader) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<ReadError> for TransactError {
    fn from(error: ReadError) -> Self {
        Self::State(error.0)
    }
}

impl From<ContextError<ReadError>> for TransactError {
    fn from(error: ContextError<ReadError>) -> Self {
        match error {
            ContextError::Db(error) => error.into(),
            ContextError::Custom(text) => Self::from_string(text),
        }
    }
}

impl FromStringError for TransactError {
    fn from_string(text: String) -> Self {
        if text == STOPPED {
            Self::Cancelled
        } else {
            Self::Internal(text)
        }
    }
}

/// Whose work this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A signed transaction of a block.
    Transaction,
    /// A signed transaction of a block in a format without account nonces.
    WithoutNonce,
    /// A question: nonce and sender's code are not looked at.
    Call,
}

/// How a transaction ended.
pub(crate) struct Ended {
    pub(crate) result: ExecutionResult,
    /// FISCO's status number, where it reverted.
    pub(crate) revert_status: u32,
}

/// Runs one transaction. On success its effects are in the machine's journal; on an error it left none.
pub(crate) fn transact(
    machine: &mut Machine<'_>,
    transaction: TxEnv,
    purpose: Purpose,
    gas_left: u64,
) -> Result<Ended, TransactError> {
    if machine.ctx.chain.cancel.load(Ordering::Relaxed) {
        return Err(TransactError::Cancelled);
    }
    machine.ctx.tx = transaction;
    machine.ctx.error = Ok(());
    machine.ctx.chain.denied = None;
    machine.ctx.chain.has_write_rules = system::any_write_rules(&mut machine.ctx).map_err(TransactError::State)?;
    let result = Feeless {
        purpose,
        gas_left,
        machine: std::marker::PhantomData,
    }
    .run(machine)?;
    let denied = machine.ctx.chain.denied;
    Ok(Ended {
        result,
        revert_status: denied.map_or(status::REVERT, Denied::status),
    })
}

/// Begins a call or a creation, unless somebody lacks the right to it.
fn begin(evm: &mut Machine<'_>, mut frame: FrameInit) -> Result<Option<FrameResult>, TransactError> {
    let is_first = frame.depth == 0;
    let Some(denied) = rights::lacking(&mut evm.ctx, &frame).map_err(TransactError::State)? else {
        if let FrameInput::Create(inputs) = &mut frame.frame_input {
            place(&mut evm.ctx, inputs)?;
        }
        return Ok(match evm.frame_init(frame)? {
            ItemOrResult::Result(result) => Some(result),
            ItemOrResult::Item(_) => None,
        });
    };
    if is_first {
        evm.ctx.chain.denied = Some(denied);
        if evm.ctx.tx.kind.is_create() {
            // A creation counts its sender's nonce when it begins, which this one does not.
            let caller = evm.ctx.tx.caller;
            evm.ctx.journal_mut().load_account_mut(caller)?.data.bump_nonce();
        }
    }
    Ok(Some(rights::refused(frame, denied, evm.ctx.chain.hash)))
}

/// Says where a contract comes to be. The EVM would hash with Keccak-256 whatever genesis says.
fn place(host: &mut Host<'_>, creation: &mut CreateInputs) -> Result<(), TransactError> {
    let (hash, creator) = (host.chain.hash, creation.caller());
    let address = match creation.scheme() {
        // The nonce is not counted yet, also that of a transaction's sender.
        CreateScheme::Create => created(hash, &creator, host.journal_mut().load_account(creator)?.info.nonce),
        CreateScheme::Create2 { salt } => created2(hash, &creator, &salt.into(), creation.init_code()),
        CreateScheme::Custom { address } => address,
    };
    creation.set_scheme(CreateScheme::Custom { address });
    Ok(())
}

/// A creation that went well leaves a contract with a manager, whose code is known by its hash.
fn record(evm: &mut Machine<'_>, result: &FrameResult) -> Result<(), TransactError> {
    let FrameResult::Create(created) = result else {
        return Ok(());
    };
    let code = &created.result.output;
    let has_code = created.result.is_ok() && !code.is_empty();
    let Some(contract) = created.address.filter(|_| has_code) else {
        return Ok(());
    };
    if let Some(account) = evm.ctx.journaled_state.inner.state.get_mut(&contract) {
        // The EVM has hashed it with Keccak-256. Undoing the creation undoes this with it.
        account.info.code_hash = code_hash(evm.ctx.chain.hash, code);
    }
    system::record_creation(&mut evm.ctx, contract).map_err(TransactError::State)
}

/// Ethereum's handler without money.
struct Feeless<'a> {
    purpose: Purpose,
    gas_left: u64,
    machine: std::marker::PhantomData<Machine<'a>>,
}

impl<'a> Handler for Feeless<'a> {
    type Evm = Machine<'a>;
    type Error = TransactError;
    type HaltReason = HaltReason;

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _gas: &mut InitialAndFloorGas,
    ) -> Result<(), TransactError> {
        match self.purpose {
            // The price is 0 (see `transaction::environment`), so this asks for the value only and deducts nothing.
            Purpose::Transaction => pre_execution::validate_against_state_and_deduct_caller(evm.ctx()),
            Purpose::WithoutNonce => admit_without_nonce(evm),
            Purpose::Call => admit_call(evm),
        }
    }

    fn run_exec_loop(&mut self, evm: &mut Self::Evm, first: FrameInit) -> Result<FrameResult, TransactError> {
        if let Some(result) = begin(evm, first)? {
            return Ok(result);
        }
        loop {
            if evm.ctx.chain.cancel.load(Ordering::Relaxed) {
                return Err(TransactError::Cancelled);
            }
            let result = match evm.frame_run()? {
                ItemOrResult::Result(result) => {
                    record(evm, &result)?;
                    result
                }
                ItemOrResult::Item(inner) => match begin(evm, inner)? {
                    None => continue,
                    Some(result) => result,
                },
            };
            if let Some(last) = evm.frame_return_result(result)? {
                return Ok(last);
            }
        }
    }

    fn reimburse_caller(&self, _evm: &mut Self::Evm, _result: &mut FrameResult) -> Result<(), TransactError> {
        Ok(())
    }

    fn reward_beneficiary(&self, _evm: &mut Self::Evm, _result: &mut FrameResult) -> Result<(), TransactError> {
        Ok(())
    }

    fn execution_result(
        &mut self,
        evm: &mut Self::Evm,
        result: FrameResult,
        gas: ResultGas,
    ) -> Result<ExecutionResult, TransactError> {
        take_error::<TransactError, _>(evm.ctx().error())?;
        let used = gas.tx_gas_used();
        if used > self.gas_left {
            // The journal still knows how to undo this transaction; `run` does so for every error.
            return Err(TransactError::BlockGas { used });
        }
        let result = post_execution::output(evm.ctx(), result, gas);
        evm.ctx().journal_mut().commit_tx();
        evm.ctx().local_mut().clear();
        evm.frame_stack().clear();
        Ok(result)
    }
}

/// What a call needs of its sender: the value it sends. An account that does not exist will do.
fn admit_call(evm: &mut Machine<'_>) -> Result<(), TransactError> {
    let (_, transaction, _, journal, _, _) = evm.ctx.all_mut();
    let mut caller = journal.load_account_with_code_mut(transaction.caller())?.data;
    affords(transaction, *caller.balance())?;
    if transaction.kind().is_call() {
        caller.bump_nonce();
    }
    Ok(())
}

/// What a transaction without an account nonce needs of its sender: no code (EIP-3607), and the value it sends. A call leaves the
/// account's nonce alone; a creation counts it where the EVM begins it.
fn admit_without_nonce(evm: &mut Machine<'_>) -> Result<(), TransactError> {
    let (_, transaction, cfg, journal, _, _) = evm.ctx.all_mut();
    let caller = journal.load_account_with_code_mut(transaction.caller())?.data;
    let info = &caller.account().info;
    let nonce_is_checked = false;
    pre_execution::validate_account_nonce_and_code(info, 0, cfg.is_eip3607_disabled(), !nonce_is_checked)?;
    affords(transaction, info.balance)
}

/// Whether a balance pays the value that is sent. Fees are no part of it.
fn affords(transaction: &TxEnv, balance: U256) -> Result<(), TransactError> {
    let value = transaction.value();
    if value > balance {
        let (fee, balance) = (Box::new(value), Box::new(balance));
        return Err(InvalidTransaction::LackOfFundForMaxFee { fee, balance }.into());
    }
    Ok(())
}
