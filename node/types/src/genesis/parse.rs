//! `group.N.genesis` → [`Genesis`], in FISCO's spelling and that of the seeds (`reference`: FISCO BCOS 2.x, group.N.genesis).

use std::collections::BTreeSet;

use super::limits::{self, rule};
use super::{
    BLOCK_BYTES_DEFAULT, Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, GAS_LIMIT_DEFAULT, Genesis,
    PROTOCOL_VERSION, Predeploy, Seat, StateKind, TIMEOUT_MS_DEFAULT, TRANSACTIONS_DEFAULT, default_evm_chain_id,
};
use crate::ini_file::{IniError, IniFile, SectionReader};
use crate::{GroupId, NodeId, SealerSet};

/// FISCO's chain id when nothing says otherwise.
const CHAIN_ID_DEFAULT: u64 = 1;
/// A change passes strictly above half of the weight unless genesis says otherwise.
const THRESHOLD_DEFAULT: u32 = 50;

/// Why a text is no genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The file is not the INI it should be, or a value is not what its key takes.
    #[error(transparent)]
    Ini(#[from] IniError),
    /// Every value is readable, but a rule between them, or of the ledger, does not hold.
    #[error("{source_name}: {field} is {found}; accepted is {accepted}")]
    Rule {
        /// The file or document.
        source_name: String,
        /// The field, in the words of the canonical document.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        accepted: String,
    },
    /// Not a canonical document.
    #[error("the canonical genesis document {0}")]
    Document(String),
}

/// Reads a `group.N.genesis`. Absent keys take FISCO's defaults; `file_name` is for errors only.
pub fn parse_genesis(file_name: &str, text: &str) -> Result<Genesis, GenesisError> {
    let mut file = IniFile::parse(file_name, text)?;
    let (consensus, sealers) = read_consensus(file_name, file.section(&["consensus"])?)?;
    let state = read_state(file.section(&["state"])?)?;
    let gas_limit = read_gas_limit(file.section(&["tx"])?)?;
    let (group_id, timestamp_ms) = read_group(file.section(&["group"])?)?;
    let (chain_id, cryptography, protocol_version) = read_chain(file.section(&["chain"])?)?;
    let (evm_chain_id, evm_hash) = read_evm(file.section(&["evm"])?, chain_id, group_id)?;
    let (block_bytes, heartbeat_ms) = read_block(file.section(&["block"])?)?;
    let committee = read_committee(file_name, file.section(&["committee"])?)?;
    let predeploys = read_predeploys(file.section(&["predeploy"])?)?;
    ignore_fisco_only(&mut file)?;
    file.finish()?;
    let genesis = Genesis {
        protocol_version,
        chain_id,
        group_id,
        cryptography,
        timestamp_ms,
        consensus: ConsensusConfig {
            heartbeat_ms,
            ..consensus
        },
        sealers,
        state,
        evm_chain_id,
        evm_hash,
        gas_limit,
        block_bytes,
        committee,
        predeploys,
    };
    limits::check(file_name, &genesis)?;
    Ok(genesis)
}

fn read_consensus(file: &str, mut section: SectionReader) -> Result<(ConsensusConfig, SealerSet), GenesisError> {
    let kinds = [
        ("pbft", ConsensusKind::Pbft),
        ("raft", ConsensusKind::Raft),
        ("aura", ConsensusKind::Aura),
    ];
    let kind = section.choice(&["consensus_type"], &kinds, ConsensusKind::Pbft)?;
    let keys = ["max_trans_num", "block_tx_count_limit"];
    let max_transactions = section.number(&keys, limits::TRANSACTIONS, TRANSACTIONS_DEFAULT)?;
    let timeout = section.optional_thousandths("consensus_timeout", limits::TIMEOUTS)?;
    let accepted = "a nodeID of 128 hex digits";
    let nodes: Vec<NodeId> = section.list("node", accepted, |text| text.parse().ok())?;
    if nodes.is_empty() {
        return Err(section
            .missing("node.0", "the nodeID of at least one sealer, 128 hex digits")
            .into());
    }
    // Of rPBFT and Raft only; FISCO's tools write them into every file.
    section.without_effect(&[
        "epoch_sealer_num",
        "epoch_block_num",
        "min_elect_time",
        "max_elect_time",
    ])?;
    section.finish()?;
    let mut seen = BTreeSet::new();
    if let Some(repeated) = nodes.iter().find(|node| !seen.insert(**node)) {
        return Err(rule(file, "sealers", format!("{repeated} twice"), "every sealer once"));
    }
    let timeout_ms = timeout.unwrap_or(TIMEOUT_MS_DEFAULT);
    Ok((
        ConsensusConfig {
            kind,
            max_transactions,
            timeout_ms,
            heartbeat_ms: None,
        },
        SealerSet::new(nodes),
    ))
}

fn read_state(mut section: SectionReader) -> Result<StateKind, IniError> {
    let kinds = [("storage", StateKind::Storage), ("mpt", StateKind::Mpt)];
    let state = section.choice(&["type"], &kinds, StateKind::Storage)?;
    section.finish()?;
    Ok(state)
}

fn read_gas_limit(mut section: SectionReader) -> Result<u64, IniError> {
    let limit = section.number(&["gas_limit"], limits::GAS_LIMITS, GAS_LIMIT_DEFAULT)?;
    section.finish()?;
    Ok(limit)
}

fn read_group(mut section: SectionReader) -> Result<(GroupId, u64), IniError> {
    let accepted = "a group id from 1 to 32767";
    let id = section.optional(&["id"], accepted, |text| {
        GroupId::try_from(text.parse::<u32>().ok()?).ok()
    })?;
    let timestamp_ms = section.number(&["timestamp"], limits::TIMESTAMPS, 0)?;
    let id = id.ok_or_else(|| section.missing("id", accepted))?;
    section.finish()?;
    Ok((id, timestamp_ms))
}

fn read_chain(mut section: SectionReader) -> Result<(u64, Cryptography, u32), IniError> {
    let id = section.number(&["id"], limits::CHAIN_IDS, CHAIN_ID_DEFAULT)?;
    let cryptography = Cryptography::of_sm_crypto(section.boolean("sm_crypto", false)?);
    let version = section.number(&["protocol_version"], limits::PROTOCOL_VERSIONS, PROTOCOL_VERSION)?;
    section.finish()?;
    Ok((id, cryptography, version))
}

fn read_evm(mut section: SectionReader, chain_id: u64, group: GroupId) -> Result<(u64, EvmHash), IniError> {
    let id = section.optional_number(&["chain_id"], limits::EVM_CHAIN_IDS)?;
    let hashes = [("keccak256", EvmHash::Keccak256), ("sm3", EvmHash::Sm3)];
    let hash = section.choice(&["hash", "evm_hash"], &hashes, EvmHash::Keccak256)?;
    // FISCO's free storage changes the gas table, which here is the protocol version's business.
    section.choice(&["enable_free_storage"], &[("false", ())], ())?;
    let id = id.or_else(|| default_evm_chain_id(chain_id, group));
    let id = id.ok_or_else(|| section.missing("chain_id", "a number below 2^53"))?;
    section.finish()?;
    Ok((id, hash))
}

fn read_block(mut section: SectionReader) -> Result<(u64, Option<u64>), IniError> {
    let bytes = section.number(&["bytes"], limits::BLOCK_BYTES, BLOCK_BYTES_DEFAULT)?;
    let heartbeat = section.optional_number(&["heartbeat_ms"], limits::HEARTBEATS)?;
    section.finish()?;
    Ok((bytes, heartbeat))
}

fn read_committee(file: &str, mut section: SectionReader) -> Result<Committee, GenesisError> {
    let threshold = section.optional_number(&["threshold"], limits::THRESHOLDS)?;
    let mut seats = section.list(
        "seat",
        "address:weight, 0x and 40 hex digits, weight 1 to 1000000",
        read_seat,
    )?;
    seats.sort_unstable();
    match (seats.is_empty(), threshold) {
        (true, None) => {
            section.finish()?;
            return Ok(Committee::default());
        }
        (true, Some(_)) => return Err(section.missing("seat.0", "address:weight of at least one seat").into()),
        (false, _) => section.finish()?,
    }
    for (seat, next) in seats.iter().zip(seats.iter().skip(1)) {
        if seat.account == next.account {
            return Err(rule(
                file,
                "committee.seats",
                format!("{} twice", next.account),
                "every account once",
            ));
        }
    }
    Ok(Committee {
        seats,
        threshold: threshold.unwrap_or(THRESHOLD_DEFAULT),
    })
}

fn read_seat(text: &str) -> Option<Seat> {
    let (account, weight) = text.split_once(':')?;
    let hex = account.strip_prefix("0x").filter(|hex| hex.len() == 40)?;
    let weight = weight.parse().ok().filter(|weight| limits::WEIGHTS.contains(weight))?;
    Some(Seat {
        account: hex.parse().ok()?,
        weight,
    })
}

fn read_predeploys(mut section: SectionReader) -> Result<BTreeSet<Predeploy>, IniError> {
    let mut found = BTreeSet::new();
    for (key, predeploy) in [("multicall3", Predeploy::Multicall3), ("create2", Predeploy::Create2)] {
        if section.boolean(key, false)? {
            found.insert(predeploy);
        }
    }
    section.finish()?;
    Ok(found)
}

/// Sections FISCO's tools write that say nothing a ledger depends on.
fn ignore_fisco_only(file: &mut IniFile) -> Result<(), IniError> {
    let mut section = file.section(&["event_filter"])?;
    section.without_effect(&["max_block_range", "max_block_per_process"])?;
    section.finish()
}
