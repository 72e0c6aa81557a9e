//! A group before it runs: its files read, its ledger and vote log open. Everything that may fail at a start fails here.

use std::path::PathBuf;
use std::sync::Arc;

use althing_consensus::Record;
use althing_crypto::Suite;
use althing_execution::genesis_changes;
use althing_ledger::vote_log::VoteLogError;
use althing_ledger::{Ledger, OpenError, SharedMemory, VoteLog, vote_log};
use althing_types::config::GroupConfig;
use althing_types::genesis::{ConsensusKind, Cryptography, GenesisDifference, genesis_hash};
use althing_types::{B256, Genesis, GroupId, NodeId};
use tracing::{error, warn};

use super::assemble::Assembler;
use super::recovery::Installed;
use crate::metrics::Metrics;

/// What a group is made from.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// What `group.N.genesis` says today; block 0 wins where it says otherwise.
    pub genesis: Genesis,
    /// What `group.N.ini` says.
    pub config: GroupConfig,
    /// Keccak-256 of its text; none where there is no such file.
    pub settings_digest: Option<B256>,
    /// What `group.N.recovery` says.
    pub installed: Installed,
    /// The folder of this group's data.
    pub folder: PathBuf,
    /// The chain id of `config.ini`.
    pub chain_id: u64,
    /// The edition of `config.ini`.
    pub cryptography: Cryptography,
    /// This node.
    pub own: NodeId,
}

/// Why a group does not start. The node's other groups do.
#[derive(Debug, thiserror::Error)]
pub enum OpenGroupError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The vote log cannot be used.
    #[error(transparent)]
    VoteLog(#[from] VoteLogError),
    /// A record of the vote log is not what consensus writes.
    #[error("the vote log {file}: record {index}: {why}; move the file away, the node then abstains until it is safe")]
    Record {
        /// The file.
        file: PathBuf,
        /// Which record, from 0.
        index: usize,
        /// What was found.
        why: String,
    },
    /// The genesis asks for what this program does not speak.
    #[error("group {group}: {what}")]
    Unsupported {
        /// The group.
        group: GroupId,
        /// What is asked for and what is accepted.
        what: String,
    },
}

/// An open group.
#[derive(Debug)]
pub struct OpenGroup {
    pub(super) spec: GroupSpec,
    pub(super) ledger: Ledger,
    pub(super) vote_log: VoteLog,
    pub(super) records: Vec<Record>,
    /// Whether peers have yet to say through which height this node abstains.
    pub(super) abstention_open: bool,
    pub(super) assembler: Arc<Assembler>,
    pub(super) suite: Arc<dyn Suite>,
    pub(super) metrics: Metrics,
}

impl OpenGroup {
    /// Opens ledger and vote log, making them where the group is new.
    pub fn open(
        spec: GroupSpec,
        suite: Arc<dyn Suite>,
        shared: &SharedMemory,
        metrics: Metrics,
    ) -> Result<Self, OpenGroupError> {
        supported(&spec)?;
        let changes = genesis_changes(&spec.genesis, genesis_hash(&spec.genesis, suite.hash_fn()));
        let folder = spec.folder.join("block");
        let opened = Ledger::open_or_create(&folder, &spec.genesis, &changes, spec.own, Arc::clone(&suite), shared)?;
        let ledger = opened.ledger;
        alarm_of_edits(spec.genesis.group_id, &opened.genesis_differences, &metrics);
        let file = spec.folder.join("votes.log");
        let votes = VoteLog::open(&file)?;
        if votes.torn_bytes > 0 {
            warn!(group = %spec.genesis.group_id, bytes = votes.torn_bytes, "the torn end of the vote log was cut off");
        }
        let records = decode_records(&file, &votes.records)?;
        // A new log and one that was lost look alike, and a crash may have come before peers told them apart.
        let abstention_open = Record::abstention(&records).is_none_or(|through| through == u64::MAX);
        let assembler = Assembler::new(&ledger, Arc::clone(&suite)).map_err(|what| OpenGroupError::Unsupported {
            group: spec.genesis.group_id,
            what,
        })?;
        metrics.height(ledger.head().height);
        Ok(Self {
            spec,
            ledger,
            vote_log: votes.log,
            records,
            abstention_open,
            assembler: Arc::new(assembler),
            suite,
            metrics,
        })
    }

    /// The group.
    pub fn id(&self) -> GroupId {
        self.ledger.genesis().group_id
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Says that `group.N.genesis` is not what block 0 holds (`left`), which wins; without differences, that it is.
pub(crate) fn alarm_of_edits(group: GroupId, differences: &[GenesisDifference], metrics: &Metrics) {
    metrics.genesis_differs(!differences.is_empty());
    for difference in differences {
        error!(
            alarm = "genesis_differs", %group,
            "group.{group}.genesis was edited: {} is {}, block 0 holds {}; block 0 wins, nothing has changed; put the file back",
            difference.field, difference.right, difference.left
        );
    }
}

fn decode_records(file: &std::path::Path, records: &[vote_log::Record]) -> Result<Vec<Record>, OpenGroupError> {
    let decode = |(index, record): (usize, &vote_log::Record)| {
        Record::decode(&record.payload).map_err(|e| OpenGroupError::Record {
            file: file.to_path_buf(),
            index,
            why: e.to_string(),
        })
    };
    records.iter().enumerate().map(decode).collect()
}

fn supported(spec: &GroupSpec) -> Result<(), OpenGroupError> {
    let genesis = &spec.genesis;
    let refuse = |what: String| {
        Err(OpenGroupError::Unsupported {
            group: genesis.group_id,
            what,
        })
    };
    if genesis.chain_id != spec.chain_id {
        return refuse(format!(
            "group.{}.genesis is of chain {}, config.ini [chain] id is {}; use the files of one chain",
            genesis.group_id, genesis.chain_id, spec.chain_id
        ));
    }
    if genesis.consensus.kind != ConsensusKind::Pbft {
        return refuse(format!(
            "consensus_type {:?} is not spoken by this program; pbft is",
            genesis.consensus.kind
        ));
    }
    if genesis.consensus.heartbeat_ms.is_some() {
        return refuse("a heartbeat is for consensus_type=aura; pbft seals on demand, remove the key".to_owned());
    }
    if genesis.cryptography != spec.cryptography {
        return refuse(format!(
            "group.{}.genesis has [chain] sm_crypto={}, config.ini has sm_crypto={}; use the files of one chain",
            genesis.group_id,
            genesis.cryptography.sm_crypto(),
            spec.cryptography.sm_crypto()
        ));
    }
    Ok(())
}
