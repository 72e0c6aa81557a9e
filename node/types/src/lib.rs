//! The words every room of the ledger shares: identities, blocks, transactions, receipts, certificates, genesis and
//! configuration files.
//!
//! ```text
//! genesis, config files ──parse/render──▶ Genesis, NodeConfig, GroupConfig
//! wire bytes ──decode (bounded)──▶ Block, Transaction, CommitCertificate ──encode──▶ wire bytes
//! ```
//!
//! Invariant: nothing here knows a clock, a socket, a disk, a runtime or a cryptographic library. Where a hash is needed
//! the caller passes its edition's [`HashFn`].

pub mod block;
pub mod certificate;
pub mod codec;
pub mod config;
pub mod fisco;
pub mod genesis;
pub mod identity;
pub mod ini_file;
pub mod receipt;
pub mod recovery;
pub mod sealers;
pub mod state;
pub mod transaction;

pub use alloy_consensus::Header;
pub use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U256};
pub use block::{Block, Section};
pub use certificate::CommitCertificate;
pub use codec::DecodeError;
pub use fisco::{BLOCK_LIMIT_BLOCKS, FiscoRequest, FiscoSignature, FiscoTransaction};
pub use genesis::Genesis;
pub use identity::{GroupId, NodeId};
pub use receipt::Receipt;
pub use recovery::Recovery;
pub use sealers::{SealerSet, quorum};
pub use state::{Account, ChangeSet, StateError, StateReader};
pub use transaction::{Recovered, Transaction};

/// The hash of transactions, blocks, receipts and state in this ledger's edition (Keccak-256 or SM3).
pub type HashFn = fn(&[u8]) -> B256;
