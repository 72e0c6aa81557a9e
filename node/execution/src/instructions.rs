//! The instructions that are other ones than Ethereum's.

use std::sync::atomic::Ordering;

use althing_types::state::EMPTY_CODE_HASH;
use althing_types::{B256, U256};
use revm::bytecode::opcode::{EXTCODEHASH, JUMPDEST, KECCAK256, SSTORE};
use revm::context::ContextError;
use revm::context_interface::Host as _;
use revm::context_interface::cfg::gas;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr, LoopControl};
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult, InterpreterAction,
    instructions as ethereum,
};
use revm::primitives::hardfork::SpecId;

use crate::evm::{Host, STOPPED};
use crate::rights;

/// Gas of `JUMPDEST`, as Ethereum charges it.
const JUMPDEST_GAS: u16 = 1;
/// What `SSTORE` costs whatever it does: it charges by itself.
const SSTORE_GAS: u16 = 0;
/// What `KECCAK256` costs beside what it charges by the word.
const HASH_GAS: u16 = gas::KECCAK256 as u16;
/// What `EXTCODEHASH` costs beside what it charges for an account that is not warm.
const CODE_HASH_GAS: u16 = gas::WARM_STORAGE_READ_COST as u16;

type Context<'c, 'a> = InstructionContext<'c, Host<'a>, EthInterpreter>;

/// Ethereum's instructions under a specification, with ours in their places.
pub(crate) fn instructions<'a>(spec: SpecId) -> EthInstructions<EthInterpreter, Host<'a>> {
    let mut all = EthInstructions::new_mainnet_with_spec(spec);
    all.insert_instruction(JUMPDEST, Instruction::new(jumpdest), JUMPDEST_GAS);
    all.insert_instruction(SSTORE, Instruction::new(sstore), SSTORE_GAS);
    all.insert_instruction(KECCAK256, Instruction::new(hash), HASH_GAS);
    all.insert_instruction(EXTCODEHASH, Instruction::new(code_hash), CODE_HASH_GAS);
    all
}

/// `JUMPDEST`, where every loop passes: stops when the flag is up.
fn jumpdest<'a>(context: Context<'_, 'a>) -> InstructionExecResult {
    if context.host.chain.cancel.load(Ordering::Relaxed) {
        context.host.error = Err(ContextError::Custom(STOPPED.to_owned()));
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}

/// `SSTORE`, where it is asked who may write. Who may not sees the call frame revert.
fn sstore<'a>(context: Context<'_, 'a>) -> InstructionExecResult {
    let (interpreter, host) = (context.interpreter, context.host);
    let contract = interpreter.input.target_address();
    match rights::lacking_to_write(host, contract) {
        Ok(None) => ethereum::host::sstore(InstructionContext { interpreter, host }),
        Ok(Some(denied)) => {
            if interpreter.input.depth() == 0 {
                host.chain.denied = Some(denied);
            }
            let output = denied.output(host.chain.hash);
            let action = InterpreterAction::new_return(InstructionResult::Revert, output, interpreter.gas);
            interpreter.bytecode.set_action(action);
            Err(InstructionResult::Revert)
        }
        Err(error) => {
            host.error = Err(ContextError::Db(error.into()));
            Err(InstructionResult::FatalExternalError)
        }
    }
}

/// Opcode 0x20, `KECCAK256` by its name: the hash of a piece of memory, by the hash of the group's EVM.
fn hash<'a>(context: Context<'_, 'a>) -> InstructionExecResult {
    let (interpreter, host) = (context.interpreter, context.host);
    let Some([offset, length]) = interpreter.stack.popn() else {
        return Err(InstructionResult::StackUnderflow);
    };
    let length = usize::try_from(length).map_err(|_| InstructionResult::InvalidOperandOOG)?;
    if !interpreter
        .gas
        .record_regular_cost(host.gas_params().keccak256_cost(length))
    {
        return Err(InstructionResult::OutOfGas);
    }
    let found = match length {
        0 => (host.chain.hash)(&[]),
        _ => {
            let offset = usize::try_from(offset).map_err(|_| InstructionResult::InvalidOperandOOG)?;
            interpreter.resize_memory(host.gas_params(), offset, length)?;
            (host.chain.hash)(&interpreter.memory.slice_len(offset, length))
        }
    };
    match interpreter.stack.push(found.into()) {
        true => Ok(()),
        false => Err(InstructionResult::StackOverflow),
    }
}

/// `EXTCODEHASH`. An account without code has Keccak's constant in the state, whatever the hash of the group's EVM.
fn code_hash<'a>(context: Context<'_, 'a>) -> InstructionExecResult {
    let (interpreter, host) = (context.interpreter, context.host);
    ethereum::host::extcodehash(InstructionContext {
        interpreter: &mut *interpreter,
        host: &mut *host,
    })?;
    if let Some(top) = interpreter.stack.top()
        && B256::from(*top) == EMPTY_CODE_HASH
    {
        *top = U256::from_be_bytes((host.chain.hash)(&[]).0);
    }
    Ok(())
}
