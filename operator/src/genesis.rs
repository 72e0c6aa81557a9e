//! Group spec and node identities → the canonical genesis, rendered once and never again.
//!
//! A recorded document always wins: what is in it is in block 0. Comparing it with what the manifest says only tells people.

use std::collections::{BTreeMap, BTreeSet};

use althing_crds::v1alpha1::{
    ConsensusType, EvmHash as SpecEvmHash, GroupGenesis, Predeploy as SpecPredeploy, StateType,
};
use althing_types::genesis::{
    Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, Genesis, PROTOCOL_VERSION, Predeploy, Seat,
    StateKind, canonical_document, default_evm_chain_id, differences, parse_canonical,
};
use althing_types::{Address, B256, GroupId, NodeId, SealerSet};
use jiff::SignedDuration;

use crate::controller::{Hold, Outcome, duration};
use crate::name::{AgencyName, NodeName};
use crate::status::Reason;
use crate::suite;

/// The shortest and longest round timeout.
const TIMEOUT: (SignedDuration, SignedDuration) = (SignedDuration::from_millis(100), SignedDuration::from_secs(60));
/// The shortest and longest heartbeat.
const HEARTBEAT: (SignedDuration, SignedDuration) = (SignedDuration::from_millis(100), SignedDuration::from_hours(1));

/// A genesis with its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisDocument {
    /// The value.
    pub genesis: Genesis,
    /// The canonical document.
    pub document: String,
    /// Its hash.
    pub hash: B256,
}

/// The genesis document's hash, in the hash of its edition.
pub fn hash_of(cryptography: Cryptography, document: &str) -> B256 {
    suite::of(cryptography).hash_fn()(document.as_bytes())
}

impl GenesisDocument {
    /// The document of a value.
    pub fn of(genesis: Genesis) -> Outcome<Self> {
        let bytes = canonical_document(&genesis);
        // Held to the same rules that the node reads it with, before anybody signs or records it.
        parse_canonical(&bytes).map_err(|error| Hold::wrong(Reason::InvalidSpec, format!("spec.genesis: {error}")))?;
        let document = String::from_utf8(bytes).map_err(|error| Hold::field("spec.genesis", error, "text"))?;
        Ok(Self {
            hash: hash_of(genesis.cryptography, &document),
            genesis,
            document,
        })
    }

    /// A recorded document.
    pub fn recorded(document: &str) -> Outcome<Self> {
        let genesis = parse_canonical(document.as_bytes()).map_err(|error| {
            Hold::wrong(
                Reason::GenesisRecordDiffers,
                format!("the recorded genesis is damaged: {error}; put it back from a backup"),
            )
        })?;
        Ok(Self {
            hash: hash_of(genesis.cryptography, document),
            genesis,
            document: document.to_owned(),
        })
    }

    /// In which fields somebody else's genesis differs, in words, each side by its name; none when it does not.
    pub fn compared(&self, here: &str, other: &Genesis, there: impl std::fmt::Display) -> Option<String> {
        let found = differences(&self.genesis, other);
        let words = found
            .iter()
            .map(|d| format!("{}: {here} {}, {there} {}", d.field, d.left, d.right));
        (!found.is_empty()).then(|| words.collect::<Vec<_>>().join("; "))
    }

    /// In which fields another genesis differs, in words; none when it does not. The protocol version is not compared:
    /// the record has the one of its day.
    pub fn difference(&self, other: &Genesis) -> Option<String> {
        let other = Genesis {
            protocol_version: self.genesis.protocol_version,
            ..other.clone()
        };
        let found = differences(&self.genesis, &other);
        let words = found
            .iter()
            .map(|d| format!("{}: recorded {}, manifest {}", d.field, d.left, d.right));
        (!found.is_empty()).then(|| words.collect::<Vec<_>>().join("; "))
    }
}

/// What a genesis is made of beside its spec.
#[derive(Clone, Copy, Debug)]
pub struct Ingredients<'a> {
    /// The consortium's chain id.
    pub chain_id: u64,
    /// Its edition.
    pub cryptography: Cryptography,
    /// The group's number.
    pub group_id: GroupId,
    /// The nodeIDs of the sealers.
    pub sealers: &'a BTreeMap<NodeName, NodeId>,
    /// The accounts of the seats.
    pub accounts: &'a BTreeMap<AgencyName, Address>,
}

/// Makes the genesis value, every default explicit.
pub fn make(spec: &GroupGenesis, ingredients: &Ingredients<'_>) -> Outcome<Genesis> {
    let number = |field: &str, value: i64| {
        u64::try_from(value).map_err(|_| Hold::field(field, value, "a positive whole number"))
    };
    let default_id = default_evm_chain_id(ingredients.chain_id, ingredients.group_id);
    let evm_chain_id = match spec.evm_chain_id {
        Some(id) => number("spec.genesis.evmChainId", id)?,
        None => default_id.ok_or_else(|| Hold::field("spec.chainId", ingredients.chain_id, "1 to 274877906942"))?,
    };
    let timestamp_ms = spec.timestamp.0.as_millisecond();
    let evm_hash = match (spec.evm_hash, ingredients.cryptography) {
        (SpecEvmHash::Keccak256, _) => EvmHash::Keccak256,
        (SpecEvmHash::SM3, Cryptography::Sm) => EvmHash::Sm3,
        (SpecEvmHash::SM3, Cryptography::Standard) => {
            let accepted = "Keccak256 in the standard edition";
            return Err(Hold::field("spec.genesis.evmHash", "SM3", accepted));
        }
    };
    Ok(Genesis {
        protocol_version: PROTOCOL_VERSION,
        chain_id: ingredients.chain_id,
        group_id: ingredients.group_id,
        cryptography: ingredients.cryptography,
        timestamp_ms: number("spec.genesis.timestamp", timestamp_ms)?,
        consensus: consensus(spec)?,
        sealers: sealers(spec, ingredients)?,
        state: match spec.state {
            StateType::Storage => StateKind::Storage,
            StateType::MPT => StateKind::Mpt,
        },
        evm_chain_id,
        evm_hash,
        gas_limit: number("spec.genesis.gasLimit", spec.gas_limit)?,
        block_bytes: number("spec.genesis.blockBytes", spec.block_bytes)?,
        committee: committee(spec, ingredients)?,
        predeploys: spec.predeploys.iter().map(predeploy).collect(),
    })
}

fn consensus(spec: &GroupGenesis) -> Outcome<ConsensusConfig> {
    let milliseconds = |field: &str, text: &str, range: (SignedDuration, SignedDuration)| {
        let parsed = duration::parse(field, text, range.0, range.1)?;
        u64::try_from(parsed.as_millis()).map_err(|_| Hold::field(field, text, "a duration"))
    };
    let heartbeat = spec.consensus.heartbeat.as_deref();
    let max = spec.consensus.max_transactions;
    Ok(ConsensusConfig {
        kind: match spec.consensus.kind {
            ConsensusType::PBFT => ConsensusKind::Pbft,
            ConsensusType::Raft => ConsensusKind::Raft,
            ConsensusType::Aura => ConsensusKind::Aura,
        },
        max_transactions: u32::try_from(max)
            .map_err(|_| Hold::field("spec.genesis.consensus.maxTransactions", max, "1 to 100000"))?,
        timeout_ms: milliseconds("spec.genesis.consensus.timeout", &spec.consensus.timeout, TIMEOUT)?,
        heartbeat_ms: heartbeat
            .map(|text| milliseconds("spec.genesis.consensus.heartbeat", text, HEARTBEAT))
            .transpose()?,
    })
}

fn sealers(spec: &GroupGenesis, ingredients: &Ingredients<'_>) -> Outcome<SealerSet> {
    let ids = spec.sealers.iter().map(|name| {
        let id = ingredients.sealers.get(name.as_str());
        id.copied().ok_or_else(|| {
            Hold::pending(
                Reason::DependencyNotReady,
                format!("spec.genesis.sealers: the nodeID of Node {name} is not known yet"),
            )
        })
    });
    let ids = ids.collect::<Outcome<Vec<_>>>()?;
    let set = SealerSet::new(ids.clone());
    match set.len() == ids.len() {
        true => Ok(set),
        false => Err(Hold::field(
            "spec.genesis.sealers",
            "two nodes with one nodeID",
            "every identity once",
        )),
    }
}

fn committee(spec: &GroupGenesis, ingredients: &Ingredients<'_>) -> Outcome<Committee> {
    let Some(committee) = &spec.committee else {
        return Ok(Committee::default());
    };
    let seats = committee.seats.iter().map(|seat| {
        let account = ingredients.accounts.get(seat.agency.as_str()).ok_or_else(|| {
            let text = format!(
                "spec.genesis.committee: the governance account of Agency {} is not known yet",
                seat.agency
            );
            Hold::pending(Reason::DependencyNotReady, text)
        })?;
        let weight = u32::try_from(seat.weight)
            .map_err(|_| Hold::field("spec.genesis.committee.seats.weight", seat.weight, "1 to 1000000"))?;
        Ok(Seat {
            account: *account,
            weight,
        })
    });
    let mut seats = seats.collect::<Outcome<Vec<_>>>()?;
    seats.sort();
    let accounts: BTreeSet<_> = seats.iter().map(|seat| seat.account).collect();
    if accounts.len() != seats.len() {
        return Err(Hold::field(
            "spec.genesis.committee.seats",
            "two agencies with one account",
            "every account once",
        ));
    }
    let threshold = u32::try_from(committee.threshold)
        .map_err(|_| Hold::field("spec.genesis.committee.threshold", committee.threshold, "50 to 99"))?;
    Ok(Committee { seats, threshold })
}

const fn predeploy(predeploy: &SpecPredeploy) -> Predeploy {
    match predeploy {
        SpecPredeploy::Multicall3 => Predeploy::Multicall3,
        SpecPredeploy::Create2 => Predeploy::Create2,
    }
}
