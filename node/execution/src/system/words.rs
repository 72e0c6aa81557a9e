//! Words in the storage of the ledger's own contracts: how a call reads and writes them, and how everybody else looks at them.

use alloy_primitives::keccak256;
use althing_types::{Address, StateError, U256};
use revm::context::{Block, ContextTr, JournalTr, Transaction};
use revm::interpreter::{Gas, InstructionResult};

use super::{Failure, READ_GAS, Standing, WRITE_GAS, charge, standing};
use crate::evm::Host;

/// Gas of a word that was zero: what Ethereum takes for one, so that no contract of the ledger grows more cheaply than any other.
const NEW_WORD_GAS: u64 = 20_000;

/// Words that can be read.
pub(super) trait Words {
    /// Why one cannot.
    type Error: From<StateError>;

    /// The word in a slot of a contract.
    fn word(&mut self, contract: Address, slot: U256) -> Result<U256, Self::Error>;
}

/// The slot that names these bytes. Keccak-256 in both editions, as the layout of Solidity has it.
pub(super) fn slot_of(parts: &[&[u8]]) -> U256 {
    U256::from_be_bytes(keccak256(parts.concat()).0)
}

/// The account in the last 20 bytes of a word.
pub(super) fn account_in(word: U256) -> Address {
    Address::from_word(word.into())
}

/// The number in 8 bytes of a word, counted from its low end in such numbers.
pub(super) fn number_in(word: U256, place: usize) -> u64 {
    word.as_limbs().get(place).copied().unwrap_or_default()
}

/// A call under way: words cost gas, and what is written is taken back with the call's frame.
pub(super) struct Called<'b, 'a> {
    pub(super) context: &'b mut Host<'a>,
    /// None where nobody pays: what is written is a part of something that was paid for.
    pub(super) gas: Option<&'b mut Gas>,
    pub(super) is_static: bool,
}

impl Called<'_, '_> {
    fn charge(&mut self, cost: u64) -> Result<(), Failure> {
        match &mut self.gas {
            Some(gas) => charge(gas, cost),
            None => Ok(()),
        }
    }

    /// Writes a word.
    pub(super) fn write(&mut self, contract: Address, slot: U256, word: U256) -> Result<(), Failure> {
        if self.is_static {
            return Err(Failure::Halt(InstructionResult::StateChangeDuringStaticCall));
        }
        let old = self.word(contract, slot)?;
        if old == word {
            return Ok(());
        }
        self.charge(if old.is_zero() { NEW_WORD_GAS } else { WRITE_GAS })?;
        let journal = self.context.journal_mut();
        journal.sstore(contract, slot, word).map_err(|error| error.0)?;
        journal.touch_account(contract);
        Ok(())
    }

    /// The height of the block that is made.
    pub(super) fn height(&self) -> u64 {
        self.context.block().number().saturating_to()
    }

    /// Who signed the transaction.
    pub(super) fn account(&self) -> Address {
        self.context.tx().caller()
    }

    /// What is at an address.
    pub(super) fn standing(&mut self, address: Address) -> Result<Standing, Failure> {
        self.charge(READ_GAS)?;
        Ok(standing(self.context, address)?)
    }
}

impl Words for Called<'_, '_> {
    type Error = Failure;

    fn word(&mut self, contract: Address, slot: U256) -> Result<U256, Failure> {
        self.charge(READ_GAS)?;
        let journal = self.context.journal_mut();
        journal.load_account(contract).map_err(|error| error.0)?;
        Ok(journal.sload(contract, slot).map_err(|error| error.0)?.data)
    }
}

/// A look at what is so now, which leaves no trace: nothing is charged, and nothing is warm because of it.
pub(super) struct Look<'b, 'a>(pub(super) &'b mut Host<'a>);

impl Words for Look<'_, '_> {
    type Error = StateError;

    fn word(&mut self, contract: Address, slot: U256) -> Result<U256, StateError> {
        let journal = &mut self.0.journaled_state;
        let written = journal.inner.state.get(&contract);
        match written.and_then(|account| account.storage.get(&slot)) {
            Some(word) => Ok(word.present_value),
            None => journal.database.look(contract, slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_an_account_beside_numbers() {
        let account = Address::repeat_byte(0xab);
        let word = U256::from_be_bytes(account.into_word().0) | (U256::from(7_u64) << 192);
        assert_eq!((account_in(word), number_in(word, 3)), (account, 7));
    }
}
