//! The fixed config of a group: what `group.N.genesis` says and block 0 keeps for ever.
//!
//! Every default is explicit in a [`Genesis`]; two agencies that hold equal values render equal bytes, so the hash of the
//! canonical document is what they compare.

mod canonical;
mod limits;
mod parse;
mod render;

pub use canonical::{
    DOCUMENT_BYTES_MAX, GenesisDifference, canonical_document, differences, genesis_hash, parse_canonical,
};
pub use limits::CHAIN_IDS;
pub use parse::{GenesisError, parse_genesis};
pub use render::render_genesis;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Address, GroupId, SealerSet};

/// The format version of the canonical document.
pub const FORMAT_VERSION: u32 = 1;
/// The newest protocol version this code speaks: EVM specification, gas table, system contracts, digest rules.
pub const PROTOCOL_VERSION: u32 = 1;
/// FISCO's default gas limit, of a transaction and of a block's gas used.
pub const GAS_LIMIT_DEFAULT: u64 = 300_000_000;
/// FISCO's default transactions in a block.
pub const TRANSACTIONS_DEFAULT: u32 = 1000;
/// Bytes of a block unless genesis says otherwise.
pub const BLOCK_BYTES_DEFAULT: u64 = 4 * 1024 * 1024;
/// FISCO's default round timeout.
pub const TIMEOUT_MS_DEFAULT: u64 = 3000;

/// The fixed config of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Protocol version of block 1.
    pub protocol_version: u32,
    /// The consortium's chain id.
    pub chain_id: u64,
    /// The group.
    pub group_id: GroupId,
    /// The edition.
    pub cryptography: Cryptography,
    /// Time of block 0, milliseconds since 1970.
    pub timestamp_ms: u64,
    /// How blocks are agreed on.
    pub consensus: ConsensusConfig,
    /// The sealers of block 1.
    pub sealers: SealerSet,
    /// What the state root commits to.
    pub state: StateKind,
    /// The chain id the EVM and Ethereum clients see.
    pub evm_chain_id: u64,
    /// The hash inside the EVM.
    pub evm_hash: EvmHash,
    /// Gas a transaction may be given and a block may use.
    pub gas_limit: u64,
    /// Bytes a block may have.
    pub block_bytes: u64,
    /// Who votes on changes.
    pub committee: Committee,
    /// Contracts that exist from block 0 on.
    pub predeploys: BTreeSet<Predeploy>,
}

impl Genesis {
    /// What a group is that decides nothing but these three: every default, PBFT, and nobody with a seat. None where the chain id leaves
    /// no room for the one that Ethereum clients see.
    pub fn with_defaults(chain_id: u64, group_id: GroupId, sealers: SealerSet) -> Option<Self> {
        Some(Self {
            protocol_version: PROTOCOL_VERSION,
            chain_id,
            group_id,
            cryptography: Cryptography::Standard,
            timestamp_ms: 0,
            consensus: ConsensusConfig {
                kind: ConsensusKind::Pbft,
                max_transactions: TRANSACTIONS_DEFAULT,
                timeout_ms: TIMEOUT_MS_DEFAULT,
                heartbeat_ms: None,
            },
            sealers,
            state: StateKind::Storage,
            evm_chain_id: default_evm_chain_id(chain_id, group_id)?,
            evm_hash: EvmHash::Keccak256,
            gas_limit: GAS_LIMIT_DEFAULT,
            block_bytes: BLOCK_BYTES_DEFAULT,
            committee: Committee::default(),
            predeploys: BTreeSet::new(),
        })
    }
}

/// The cryptographic edition of a consortium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cryptography {
    /// P-256 identities, secp256k1 accounts, Keccak-256.
    Standard,
    /// SM2, SM3, SM4.
    Sm,
}

impl Cryptography {
    /// What the key `sm_crypto` says of it, in `config.ini` and in a genesis.
    pub const fn sm_crypto(self) -> bool {
        matches!(self, Self::Sm)
    }

    /// The edition of which `sm_crypto` says so.
    pub const fn of_sm_crypto(sm_crypto: bool) -> Self {
        match sm_crypto {
            true => Self::Sm,
            false => Self::Standard,
        }
    }
}

impl std::fmt::Display for Cryptography {
    /// As a manifest writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Standard => "Standard",
            Self::Sm => "SM",
        })
    }
}

/// How blocks are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsensusConfig {
    /// The protocol.
    pub kind: ConsensusKind,
    /// Transactions a block may have.
    pub max_transactions: u32,
    /// The timeout of view 0, milliseconds.
    pub timeout_ms: u64,
    /// Seal an empty block after this many idle milliseconds; none is on demand only. Aura needs it.
    pub heartbeat_ms: Option<u64>,
}

/// The consensus protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsensusKind {
    /// Practical Byzantine fault tolerance.
    Pbft,
    /// Raft: crash faults only.
    Raft,
    /// Authority round, final by two thirds.
    Aura,
}

/// What the state root commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateKind {
    /// A digest of each block's change set, chained.
    Storage,
    /// The Ethereum trie.
    Mpt,
}

/// The hash inside the EVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvmHash {
    /// Keccak-256, as Ethereum's contracts expect.
    Keccak256,
    /// SM3, for contracts compiled for FISCO's SM edition.
    Sm3,
}

/// The governance accounts of a group.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Committee {
    /// The seats, ascending by account.
    pub seats: Vec<Seat>,
    /// A change passes strictly above this percentage of the weight.
    pub threshold: u32,
}

/// One agency's voice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The agency's governance account.
    pub account: Address,
    /// The weight of its vote.
    pub weight: u32,
}

/// Contracts a genesis may put into block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Predeploy {
    /// Multicall3 at 0xcA11bde05977b3631167028862bE2a173976CA11.
    Multicall3,
    /// The deterministic CREATE2 deployer at 0x4e59b44847b379578588920cA78FbF26c0B4956C.
    Create2,
}

/// The EVM chain id of a group unless its genesis says otherwise: `chainId · 32768 + groupId`, which stays below 2^53 so
/// that wallets take it. None when the chain id is too large for that.
pub fn default_evm_chain_id(chain_id: u64, group: GroupId) -> Option<u64> {
    let id = chain_id.checked_mul(32_768)?.checked_add(u64::from(group.get()))?;
    (id < 1 << 53).then_some(id)
}
