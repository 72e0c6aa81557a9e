//! What a genesis may say: the range of every number and the rules between fields, for whichever text it came from.

use std::ops::RangeInclusive;

use super::{ConsensusKind, Genesis, GenesisError, PROTOCOL_VERSION};
use crate::codec::{BLOCK_BYTES_MAX, SEALERS_MAX};

/// Numbers that JavaScript clients read without loss.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Protocol versions this binary speaks.
pub(super) const PROTOCOL_VERSIONS: RangeInclusive<u32> = 1..=PROTOCOL_VERSION;
/// Chain ids a consortium may have: what [`super::default_evm_chain_id`] can still turn into an EVM chain id.
pub const CHAIN_IDS: RangeInclusive<u64> = 1..=SAFE_INTEGER / 32_768;
/// EVM chain ids wallets take.
pub(super) const EVM_CHAIN_IDS: RangeInclusive<u64> = 1..=SAFE_INTEGER;
/// Milliseconds since 1970.
pub(super) const TIMESTAMPS: RangeInclusive<u64> = 0..=SAFE_INTEGER;
/// Transactions of a block.
pub(super) const TRANSACTIONS: RangeInclusive<u32> = 1..=100_000;
/// Timeout of view 0, milliseconds; LEDGER.md 3 lets no round last longer than a minute.
pub(super) const TIMEOUTS: RangeInclusive<u64> = 100..=60_000;
/// Milliseconds between empty blocks.
pub(super) const HEARTBEATS: RangeInclusive<u64> = 100..=3_600_000;
/// Gas; the lower bound is FISCO's for `tx_gas_limit`.
pub(super) const GAS_LIMITS: RangeInclusive<u64> = 100_000..=SAFE_INTEGER;
/// Bytes of a block.
pub(super) const BLOCK_BYTES: RangeInclusive<u64> = 65_536..=BLOCK_BYTES_MAX as u64;
/// Weight of a seat.
pub(super) const WEIGHTS: RangeInclusive<u32> = 1..=1_000_000;
/// Percent of the weight that a change must exceed (GOVERNANCE.md 1: at least 50).
pub(super) const THRESHOLDS: RangeInclusive<u32> = 50..=99;
/// Seats a committee may have.
pub(super) const SEATS_MAX: usize = 256;

/// Holds a genesis to its ranges and rules. `source` is the name of the text it came from.
pub(super) fn check(source: &str, genesis: &Genesis) -> Result<(), GenesisError> {
    let range = |field, found: u64, range: RangeInclusive<u64>| match range.contains(&found) {
        true => Ok(()),
        false => Err(rule(
            source,
            field,
            found,
            format!("{} to {}", range.start(), range.end()),
        )),
    };
    let small = |range: &RangeInclusive<u32>| u64::from(*range.start())..=u64::from(*range.end());
    range(
        "protocolVersion",
        genesis.protocol_version.into(),
        small(&PROTOCOL_VERSIONS),
    )?;
    range("chainId", genesis.chain_id, CHAIN_IDS)?;
    range("timestampMs", genesis.timestamp_ms, TIMESTAMPS)?;
    range(
        "consensus.maxTransactions",
        genesis.consensus.max_transactions.into(),
        small(&TRANSACTIONS),
    )?;
    range("consensus.timeoutMs", genesis.consensus.timeout_ms, TIMEOUTS)?;
    range(
        "consensus.heartbeatMs",
        genesis.consensus.heartbeat_ms.unwrap_or(*HEARTBEATS.start()),
        HEARTBEATS,
    )?;
    range("evmChainId", genesis.evm_chain_id, EVM_CHAIN_IDS)?;
    range("gasLimit", genesis.gas_limit, GAS_LIMITS)?;
    range("blockBytes", genesis.block_bytes, BLOCK_BYTES)?;
    if genesis.consensus.kind == ConsensusKind::Aura && genesis.consensus.heartbeat_ms.is_none() {
        return Err(rule(
            source,
            "consensus.heartbeatMs",
            "none",
            "a heartbeat, because Aura seals by the clock",
        ));
    }
    if !(1..=SEALERS_MAX).contains(&genesis.sealers.len()) {
        return Err(rule(
            source,
            "sealers",
            genesis.sealers.len(),
            format!("1 to {SEALERS_MAX} sealers"),
        ));
    }
    check_committee(source, genesis)
}

fn check_committee(source: &str, genesis: &Genesis) -> Result<(), GenesisError> {
    let committee = &genesis.committee;
    if committee.seats.is_empty() {
        return match committee.threshold {
            0 => Ok(()),
            found => Err(rule(source, "committee.threshold", found, "0 without seats")),
        };
    }
    if committee.seats.len() > SEATS_MAX {
        return Err(rule(
            source,
            "committee.seats",
            committee.seats.len(),
            format!("at most {SEATS_MAX} seats"),
        ));
    }
    if !THRESHOLDS.contains(&committee.threshold) {
        return Err(rule(source, "committee.threshold", committee.threshold, "50 to 99"));
    }
    for (seat, next) in committee.seats.iter().zip(committee.seats.iter().skip(1)) {
        if seat.account >= next.account {
            return Err(rule(
                source,
                "committee.seats",
                next.account,
                "every account once, in ascending order",
            ));
        }
    }
    match committee.seats.iter().find(|seat| !WEIGHTS.contains(&seat.weight)) {
        None => Ok(()),
        Some(seat) => Err(rule(source, "committee.seats.weight", seat.weight, "1 to 1000000")),
    }
}

pub(super) fn rule(source: &str, field: &'static str, found: impl ToString, accepted: impl ToString) -> GenesisError {
    GenesisError::Rule {
        source_name: source.to_owned(),
        field,
        found: found.to_string(),
        accepted: accepted.to_string(),
    }
}
