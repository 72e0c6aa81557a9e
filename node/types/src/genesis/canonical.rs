//! The canonical document of a genesis: the one sequence of bytes that equal values have, which agencies hash and sign
//! and block 0 keeps.
//!
//! JSON without white space, keys in alphabetical order, every default explicit, nodeIDs and accounts in lower case and
//! ascending order. A document that is not written this way is refused, so that one value never has two hashes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, FORMAT_VERSION, Genesis, GenesisError, Predeploy,
    Seat, StateKind, limits,
};
use crate::{B256, GroupId, HashFn, NodeId, SealerSet};

/// Bytes a document may have: room for all sealers and seats a group may have, several times over.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// The document. Fields stand in the alphabetical order of their names, which is the order they are written in.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    block_bytes: u64,
    chain_id: u64,
    committee: CommitteeDocument,
    consensus: ConsensusDocument,
    cryptography: Cryptography,
    evm_chain_id: u64,
    evm_hash: EvmHash,
    format_version: u32,
    gas_limit: u64,
    group_id: GroupId,
    predeploys: BTreeSet<Predeploy>,
    protocol_version: u32,
    sealers: Vec<NodeId>,
    state: StateKind,
    timestamp_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommitteeDocument {
    seats: Vec<SeatDocument>,
    threshold: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SeatDocument {
    account: String,
    weight: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsensusDocument {
    heartbeat_ms: Option<u64>,
    max_transactions: u32,
    timeout_ms: u64,
    r#type: ConsensusKind,
}

/// The canonical document.
pub fn canonical_document(genesis: &Genesis) -> Vec<u8> {
    // Writing plain structs into memory has no failure: no map with odd keys, no writer that ends.
    serde_json::to_vec(&Document::from(genesis)).unwrap_or_default()
}

/// Reads a canonical document, and only a canonical one.
pub fn parse_canonical(bytes: &[u8]) -> Result<Genesis, GenesisError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let text = format!("has {} bytes; at most {DOCUMENT_BYTES_MAX} are accepted", bytes.len());
        return Err(GenesisError::Document(text));
    }
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| GenesisError::Document(format!("cannot be read: {e}")))?;
    if document.format_version != FORMAT_VERSION {
        let text = format!(
            "has format version {}; accepted is {FORMAT_VERSION}",
            document.format_version
        );
        return Err(GenesisError::Document(text));
    }
    let genesis = document.into_genesis()?;
    limits::check("the canonical genesis document", &genesis)?;
    if canonical_document(&genesis) != bytes {
        let text = "is not canonical: accepted is JSON without white space, keys sorted, lists ascending, no repeats";
        return Err(GenesisError::Document(text.to_owned()));
    }
    Ok(genesis)
}

/// The hash of the canonical document, in the hash of the edition.
pub fn genesis_hash(genesis: &Genesis, hash: HashFn) -> B256 {
    hash(&canonical_document(genesis))
}

/// A field in which two genesis differ, in the words of the canonical document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GenesisDifference {
    /// The field, `consensus.timeoutMs`.
    pub field: String,
    /// Its value on the left, as JSON.
    pub left: String,
    /// Its value on the right, as JSON.
    pub right: String,
}

/// The fields in which two genesis differ; none when they are equal.
pub fn differences(left: &Genesis, right: &Genesis) -> Vec<GenesisDifference> {
    let as_value = |genesis| serde_json::to_value(Document::from(genesis)).unwrap_or_default();
    let mut found = Vec::new();
    compare("", &as_value(left), &as_value(right), &mut found);
    found
}

fn compare(field: &str, left: &serde_json::Value, right: &serde_json::Value, found: &mut Vec<GenesisDifference>) {
    let (Some(left_fields), Some(right_fields)) = (left.as_object(), right.as_object()) else {
        if left != right {
            found.push(GenesisDifference {
                field: field.to_owned(),
                left: left.to_string(),
                right: right.to_string(),
            });
        }
        return;
    };
    for (name, left_value) in left_fields {
        let path = if field.is_empty() {
            name.clone()
        } else {
            format!("{field}.{name}")
        };
        let right_value = right_fields.get(name).unwrap_or(&serde_json::Value::Null);
        compare(&path, left_value, right_value, found);
    }
}

impl From<&Genesis> for Document {
    fn from(genesis: &Genesis) -> Self {
        let seat = |seat: &Seat| SeatDocument {
            account: format!("{:#x}", seat.account),
            weight: seat.weight,
        };
        Self {
            block_bytes: genesis.block_bytes,
            chain_id: genesis.chain_id,
            committee: CommitteeDocument {
                seats: genesis.committee.seats.iter().map(seat).collect(),
                threshold: genesis.committee.threshold,
            },
            consensus: ConsensusDocument {
                heartbeat_ms: genesis.consensus.heartbeat_ms,
                max_transactions: genesis.consensus.max_transactions,
                timeout_ms: genesis.consensus.timeout_ms,
                r#type: genesis.consensus.kind,
            },
            cryptography: genesis.cryptography,
            evm_chain_id: genesis.evm_chain_id,
            evm_hash: genesis.evm_hash,
            format_version: FORMAT_VERSION,
            gas_limit: genesis.gas_limit,
            group_id: genesis.group_id,
            predeploys: genesis.predeploys.clone(),
            protocol_version: genesis.protocol_version,
            sealers: genesis.sealers.as_slice().to_vec(),
            state: genesis.state,
            timestamp_ms: genesis.timestamp_ms,
        }
    }
}

impl Document {
    fn into_genesis(self) -> Result<Genesis, GenesisError> {
        let seat = |seat: SeatDocument| match seat.account.parse() {
            Ok(account) => Ok(Seat {
                account,
                weight: seat.weight,
            }),
            Err(_) => Err(limits::rule(
                "the canonical genesis document",
                "committee.seats.account",
                seat.account,
                "0x and 40 hex digits",
            )),
        };
        Ok(Genesis {
            protocol_version: self.protocol_version,
            chain_id: self.chain_id,
            group_id: self.group_id,
            cryptography: self.cryptography,
            timestamp_ms: self.timestamp_ms,
            consensus: ConsensusConfig {
                kind: self.consensus.r#type,
                max_transactions: self.consensus.max_transactions,
                timeout_ms: self.consensus.timeout_ms,
                heartbeat_ms: self.consensus.heartbeat_ms,
            },
            sealers: SealerSet::new(self.sealers),
            state: self.state,
            evm_chain_id: self.evm_chain_id,
            evm_hash: self.evm_hash,
            gas_limit: self.gas_limit,
            block_bytes: self.block_bytes,
            committee: Committee {
                seats: self.committee.seats.into_iter().map(seat).collect::<Result<_, _>>()?,
                threshold: self.committee.threshold,
            },
            predeploys: self.predeploys,
        })
    }
}
