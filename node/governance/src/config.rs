//! The system configuration that a group can vote on (FISCO BCOS 2.x, `SystemConfigPrecompiled`).

use std::ops::RangeInclusive;

use althing_types::Genesis;
use althing_types::ini_file::thousandths_text;

use crate::{Governance, Refusal};

/// Transactions that a block may hold.
pub const TX_COUNT_LIMIT: &str = "tx_count_limit";
/// Gas that a transaction may be given, and that those of a block may use together.
pub const TX_GAS_LIMIT: &str = "tx_gas_limit";
/// Seconds that view 0 may last.
pub const CONSENSUS_TIMEOUT: &str = "consensus_timeout";

/// A key with the values it takes.
struct Key {
    name: &'static str,
    values: RangeInclusive<u64>,
    accepted: &'static str,
}

const KEYS: [Key; 3] = [
    Key {
        name: TX_COUNT_LIMIT,
        values: 1..=100_000,
        accepted: "1 to 100000 transactions",
    },
    Key {
        // FISCO takes 100000 and more. A vote and a proof of life are transactions too, and cost more where there are many
        // members: with less, the group could never vote for more again.
        name: TX_GAS_LIMIT,
        values: 10_000_000..=9_007_199_254_740_991,
        accepted: "10000000 gas, which votes and proofs of life may need, to 2^53 - 1",
    },
    Key {
        // No round lasts longer than a minute (LEDGER.md 3).
        name: CONSENSUS_TIMEOUT,
        values: 3..=60,
        accepted: "3 to 60 seconds",
    },
];

/// Whether a key takes a value: what a vote for it is held to.
///
/// # Errors
/// [`Refusal::Config`], which says what would be accepted.
pub fn check_setting(key: &str, value: &str) -> Result<(), Refusal> {
    let refusal = |accepted| Refusal::Config {
        key: shortened(key),
        value: shortened(value),
        accepted,
    };
    let found = KEYS.iter().find(|found| found.name == key);
    let found = found.ok_or_else(|| refusal("tx_count_limit, tx_gas_limit, consensus_timeout"))?;
    // One way of writing a number: what is voted on has one identity.
    let number = value.parse::<u64>().ok().filter(|number| number.to_string() == value);
    match number.is_some_and(|number| found.values.contains(&number)) {
        true => Ok(()),
        false => Err(refusal(found.accepted)),
    }
}

/// What somebody wrote, as far as a sentence has room for it.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A value that was voted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As it was voted on.
    pub value: String,
    /// The first block that is held to it.
    pub since: u64,
}

/// What a block is held to: genesis' values, where nothing else was voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemConfig {
    /// Transactions of the block.
    pub transactions: u32,
    /// Gas of one transaction, and of all of them together.
    pub gas: u64,
    /// How long view 0 may last, milliseconds.
    pub timeout_ms: u64,
}

impl From<&Genesis> for SystemConfig {
    fn from(genesis: &Genesis) -> Self {
        Self {
            transactions: genesis.consensus.max_transactions,
            gas: genesis.gas_limit,
            timeout_ms: genesis.consensus.timeout_ms,
        }
    }
}

impl SystemConfig {
    /// A value as it is written; none for a key that there is not. A timeout has decimals where genesis gave it some.
    pub fn text(&self, key: &str) -> Option<String> {
        match key {
            TX_COUNT_LIMIT => Some(self.transactions.to_string()),
            TX_GAS_LIMIT => Some(self.gas.to_string()),
            CONSENSUS_TIMEOUT => Some(thousandths_text(self.timeout_ms)),
            _ => None,
        }
    }
}

impl Governance {
    /// What the next block is held to, in a group with these values in its genesis.
    pub fn system_config(&self, genesis: &SystemConfig) -> SystemConfig {
        let voted = |key| self.setting(key).and_then(|setting| setting.value.parse::<u64>().ok());
        let transactions = voted(TX_COUNT_LIMIT).and_then(|count| u32::try_from(count).ok());
        SystemConfig {
            transactions: transactions.unwrap_or(genesis.transactions),
            gas: voted(TX_GAS_LIMIT).unwrap_or(genesis.gas),
            timeout_ms: voted(CONSENSUS_TIMEOUT).map_or(genesis.timeout_ms, |seconds| seconds.saturating_mul(1_000)),
        }
    }

    /// What was voted on for a key; none where genesis' value holds, or there is no such key.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.config.get(key)
    }
}
