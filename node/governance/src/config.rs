//! The system configuration that a group can vote on (FISCO BCOS 2.x, `SystemConfigPrecompiled`).

use std::ops::RangeInclusive;

use crate::Refusal;

/// A key with the values it takes.
struct Key {
    name: &'static str,
    values: RangeInclusive<u64>,
    accepted: &'static str,
}

const KEYS: [Key; 3] = [
    Key {
        name: "tx_count_limit",
        values: 1..=100_000,
        accepted: "1 to 100000 transactions",
    },
    Key {
        name: "tx_gas_limit",
        values: 100_000..=9_007_199_254_740_991,
        accepted: "100000 gas to 2^53 - 1",
    },
    Key {
        name: "consensus_timeout",
        values: 3..=3_600,
        accepted: "3 to 3600 seconds",
    },
];

/// Whether a key takes a value.
pub(crate) fn check(key: &str, value: &str) -> Result<(), Refusal> {
    let refusal = |accepted| Refusal::Config {
        key: key.to_owned(),
        value: value.to_owned(),
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
