//! The rows of FISCO's table `_sys_table_access_`: which accounts may write to a table. They lie in the storage of 0x1005.
//!
//! ```text
//! H = hash of the table's name        H         how many rows, first block in which they count
//!                                     H + 1 + n the n-th row: its account, first block in which it counts
//!                                     hash(H, account) the place of the account's row, from 1, and that block again
//! ```
//!
//! A check reads two words, whatever the length of the list.

use althing_types::{Address, U256};

use super::words::{Called, Words, account_in, number_in, slot_of};
use super::{Failure, PERMISSION};

/// How many contracts have rows: where none has, nobody looks any further.
const CONTRACTS: U256 = U256::ZERO;

/// A table, by where its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    head: U256,
    is_contract: bool,
}

/// A row that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) account: Address,
    /// The first block in which it counts.
    pub(super) since: u64,
}

struct Head {
    rows: u64,
    since: u64,
}

impl Table {
    /// One of FISCO's own.
    pub(super) fn system(name: &str) -> Self {
        Self {
            head: slot_of(&[name.as_bytes()]),
            is_contract: false,
        }
    }

    /// What a contract keeps.
    pub(super) fn contract(address: Address) -> Self {
        Self {
            head: slot_of(&[b"c_", address.as_slice()]),
            is_contract: true,
        }
    }

    fn row(self, index: u64) -> U256 {
        self.head.wrapping_add(U256::from(index)).wrapping_add(U256::from(1))
    }

    fn place(self, account: Address) -> U256 {
        slot_of(&[&self.head.to_be_bytes::<32>(), account.as_slice()])
    }

    fn head<W: Words>(self, words: &mut W) -> Result<Head, W::Error> {
        let word = words.word(PERMISSION, self.head)?;
        Ok(Head {
            rows: number_in(word, 0),
            since: number_in(word, 1),
        })
    }

    /// Whether an account may write: it has a row, or nobody has one. A row counts from the block after the one that made it.
    pub(super) fn admits<W: Words>(self, words: &mut W, account: Address, height: u64) -> Result<bool, W::Error> {
        let head = self.head(words)?;
        if head.rows == 0 || head.since > height {
            return Ok(true);
        }
        let place = words.word(PERMISSION, self.place(account))?;
        Ok(!place.is_zero() && number_in(place, 1) <= height)
    }

    /// Whether an account has a row.
    pub(super) fn has<W: Words>(self, words: &mut W, account: Address) -> Result<bool, W::Error> {
        Ok(!words.word(PERMISSION, self.place(account))?.is_zero())
    }

    /// How many rows there are.
    pub(super) fn len<W: Words>(self, words: &mut W) -> Result<u64, W::Error> {
        Ok(self.head(words)?.rows)
    }

    /// All rows.
    pub(super) fn rows<W: Words>(self, words: &mut W) -> Result<Vec<Row>, W::Error> {
        let mut rows = vec![];
        for index in 0..self.len(words)? {
            let word = words.word(PERMISSION, self.row(index))?;
            rows.push(row_in(word));
        }
        Ok(rows)
    }

    /// Gives an account a row that has none.
    pub(super) fn insert(self, words: &mut Called<'_, '_>, account: Address) -> Result<(), Failure> {
        let head = self.head(words)?;
        let since = words.height().saturating_add(1);
        if head.rows == 0 && self.is_contract {
            let contracts = words.word(PERMISSION, CONTRACTS)?;
            words.write(PERMISSION, CONTRACTS, contracts.saturating_add(U256::from(1)))?;
        }
        let first = if head.rows == 0 { since } else { head.since };
        words.write(PERMISSION, self.head, numbers(head.rows + 1, first))?;
        let row = Row { account, since };
        words.write(PERMISSION, self.row(head.rows), word_of(row))?;
        words.write(PERMISSION, self.place(account), numbers(head.rows + 1, since))
    }

    /// Takes the row of an account that has one, at once. The last row moves into its place.
    pub(super) fn remove(self, words: &mut Called<'_, '_>, account: Address) -> Result<(), Failure> {
        let head = self.head(words)?;
        let place = number_in(words.word(PERMISSION, self.place(account))?, 0);
        let (Some(index), Some(last)) = (place.checked_sub(1), head.rows.checked_sub(1)) else {
            return Ok(());
        };
        if index != last {
            let moved = words.word(PERMISSION, self.row(last))?;
            words.write(PERMISSION, self.row(index), moved)?;
            let moved = row_in(moved);
            words.write(PERMISSION, self.place(moved.account), numbers(place, moved.since))?;
        }
        words.write(PERMISSION, self.row(last), U256::ZERO)?;
        words.write(PERMISSION, self.place(account), U256::ZERO)?;
        if last > 0 {
            return words.write(PERMISSION, self.head, numbers(last, head.since));
        }
        words.write(PERMISSION, self.head, U256::ZERO)?;
        if self.is_contract {
            let contracts = words.word(PERMISSION, CONTRACTS)?;
            words.write(PERMISSION, CONTRACTS, contracts.saturating_sub(U256::from(1)))?;
        }
        Ok(())
    }
}

/// Whether any contract has rows.
pub(super) fn any_contract<W: Words>(words: &mut W) -> Result<bool, W::Error> {
    Ok(!words.word(PERMISSION, CONTRACTS)?.is_zero())
}

/// Two numbers in a word.
fn numbers(low: u64, next: u64) -> U256 {
    U256::from_limbs([low, next, 0, 0])
}

fn word_of(row: Row) -> U256 {
    U256::from_be_bytes(row.account.into_word().0) | (U256::from(row.since) << 192)
}

fn row_in(word: U256) -> Row {
    Row {
        account: account_in(word),
        since: number_in(word, 3),
    }
}
