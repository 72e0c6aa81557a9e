//! Blocks made and checked. A header is a function of its parent, its section and what its transactions did; the leader
//! and the voters compute it by the same code, so a proposal is right when it is equal to what this node would have made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use althing_crypto::Suite;
use althing_execution::{
    BlockBuilder, BlockContext, ChainIds, Executed, ExecutionError, InvalidReason, PushOutcome, Rules, beneficiary,
    calls_recover, carried_recovery, changed_governance, check_recovery, execute_block, governance,
};
use althing_governance::{RecoveryFault, SystemConfig};
use althing_ledger::{Ledger, LedgerError, Prepared};
use althing_types::{
    Address, B256, Block, Bytes, Header, NodeId, Recovered, SealerSet, Section, StateReader, Transaction,
};

use super::audience::members;
use super::recovery::Carried;
use super::{InForce, UsedIds};
use crate::cpu::CpuTimer;

/// A block with everything that committing it needs.
#[derive(Debug)]
pub struct Sealed {
    /// The block.
    pub block: Arc<Block>,
    /// Its hash.
    pub hash: B256,
    /// The senders, one per transaction.
    pub senders: Vec<Address>,
    /// What its transactions did.
    pub executed: Executed,
    /// The state root with what the ledger needs to write it.
    pub prepared: Prepared,
    /// The sealers of the height after it.
    pub next_sealers: SealerSet,
    /// What that height is held to.
    pub next_config: SystemConfig,
    /// The sealers and observers of that height; none when the block changed nothing about them.
    pub next_members: Option<BTreeSet<NodeId>>,
    /// The recovery it carries.
    pub(super) carried: Option<Carried>,
}

/// The block a new one stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time in milliseconds since 1970.
    pub unix_ms: u64,
}

/// Why there is no block.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The block is not what its transactions make of its parent.
    #[error("{0}")]
    Invalid(String),
    /// The work was called off.
    #[error("the execution was cancelled")]
    Cancelled,
    /// This node cannot go on: unreadable state, a failing disk.
    #[error("{0}")]
    Fatal(String),
}

impl From<LedgerError> for AssembleError {
    fn from(error: LedgerError) -> Self {
        Self::Fatal(error.to_string())
    }
}

impl From<ExecutionError> for AssembleError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::Cancelled => Self::Cancelled,
            ExecutionError::State(_) | ExecutionError::Internal(_) => Self::Fatal(error.to_string()),
            ExecutionError::InvalidTransaction { .. } | ExecutionError::OverLimit { .. } => {
                Self::Invalid(error.to_string())
            }
        }
    }
}

/// What each stage of a block cost, seconds of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// The EVM.
    pub execute: f64,
    /// Transactions root, receipts root and header.
    pub roots: f64,
    /// The state root.
    pub state_root: f64,
}

/// What a freshly built block left of the pool.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Transactions that can never be included: the pool drops them.
    pub unusable: Vec<B256>,
}

/// Makes and checks the blocks of one group.
#[derive(Debug)]
pub struct Assembler {
    suite: Arc<dyn Suite>,
    rules: Rules,
    in_force: InForce,
    used: UsedIds,
    ids: ChainIds,
    protocol_version: u32,
}

impl Assembler {
    /// An assembler by a ledger's fixed config, and by what was voted on since.
    pub fn new(ledger: &Ledger, suite: Arc<dyn Suite>) -> Result<Self, String> {
        let genesis = ledger.genesis();
        let rules = Rules::of_version(genesis.protocol_version, Arc::clone(&suite), genesis.evm_hash)
            .map_err(|e| e.to_string())?;
        Ok(Self {
            suite,
            rules,
            in_force: InForce::of(ledger).map_err(|error| error.to_string())?,
            used: UsedIds::of(ledger).map_err(|error| error.to_string())?,
            ids: ChainIds::of(genesis),
            protocol_version: genesis.protocol_version,
        })
    }

    /// The rules in force.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The system configuration that the next block is held to.
    pub const fn in_force(&self) -> &InForce {
        &self.in_force
    }

    /// The randomids that the next block may not use.
    pub const fn used(&self) -> &UsedIds {
        &self.used
    }

    /// Whose transactions a block may hold.
    pub const fn ids(&self) -> &ChainIds {
        &self.ids
    }

    /// The environment of a block that is held to a configuration.
    pub fn context(&self, height: u64, unix_ms: u64, proposer: Option<&NodeId>, config: &SystemConfig) -> BlockContext {
        BlockContext {
            number: height,
            unix_ms,
            beneficiary: beneficiary(proposer, self.suite.hash_fn()),
            ids: self.ids,
            limits: self.in_force.limits_of(config),
            timeout_ms: config.timeout_ms,
        }
    }

    /// The recovery that a block on the ledger's head carries: its sealers are those of the block.
    pub(super) fn carried(
        &self,
        ledger: &Ledger,
        parent: &Parent,
        block: &Block,
    ) -> Result<Option<Carried>, AssembleError> {
        self.carried_in(ledger, parent, block.transactions.first())
    }

    fn carried_in(
        &self,
        ledger: &Ledger,
        parent: &Parent,
        first: Option<&Arc<Transaction>>,
    ) -> Result<Option<Carried>, AssembleError> {
        let useless = |fault: RecoveryFault| invalid(format!("it begins with a recovery that does not count: {fault}"));
        let Some(recovery) = carried_recovery(first).map_err(useless)? else {
            return Ok(None);
        };
        let state = governance(&ledger.state_latest()).map_err(|error| AssembleError::Fatal(error.to_string()))?;
        let state = state.ok_or_else(|| useless(RecoveryFault::NoCommittee))?;
        let suite = self.suite.as_ref();
        check_recovery(&state, &recovery, (parent.height, parent.hash), suite).map_err(useless)?;
        Ok(Some(Carried {
            digest: recovery.digest(suite.hash_fn()),
            sealers: recovery.sealers,
        }))
    }

    /// Makes a block of the offered transactions, after the one that has to be `first`. `wall_ms` is the leader's clock.
    pub fn build(
        &self,
        ledger: &Ledger,
        parent: &Parent,
        first: Option<Recovered>,
        offered: &[Recovered],
        proposer: &NodeId,
        wall_ms: u64,
        cancel: &AtomicBool,
    ) -> Result<(Sealed, Leftovers, StageTimes), AssembleError> {
        let unix_ms = wall_ms.max(parent.unix_ms + 1);
        let config = self.in_force.config();
        let context = self.context(parent.height + 1, unix_ms, Some(proposer), &config);
        // A block's execution may take a quarter of the round.
        let budget = Duration::from_millis(config.timeout_ms / 4);
        let state = ledger.state_latest();
        let used = self.used.after(parent.height).map_err(AssembleError::Fatal)?;
        let (started, cpu) = (Instant::now(), CpuTimer::start());
        let mut builder = BlockBuilder::new(&self.rules, &state, &used, &context, cancel);
        let mut leftovers = Leftovers::default();
        if let Some(first) = first {
            let pushed = builder.try_push(&first)?;
            if !matches!(pushed, PushOutcome::Included { .. }) {
                return Err(invalid(format!("its first transaction cannot be in it: {pushed:?}")));
            }
        }
        for recovered in offered {
            if started.elapsed() > budget {
                break;
            }
            if calls_recover(&recovered.transaction) {
                leftovers.unusable.push(recovered.transaction.hash());
                continue;
            }
            match builder.try_push(recovered)? {
                PushOutcome::Included { .. } => {}
                PushOutcome::Skipped(InvalidReason::NonceTooHigh { .. }) => {}
                // A deployment in FISCO's format before it in this block took its nonce: it goes when that block is written.
                PushOutcome::Skipped(InvalidReason::NonceTooLow { transaction, .. })
                    if is_next(&state, &recovered.sender, transaction)? => {}
                PushOutcome::Skipped(_) => leftovers.unusable.push(recovered.transaction.hash()),
                PushOutcome::Full(_) => break,
            }
        }
        let (transactions, executed) = builder.finish();
        drop(used);
        let execute = cpu.seconds();
        let (sealed, times) = self.seal(ledger, parent, unix_ms, proposer, transactions, executed)?;
        Ok((sealed, leftovers, StageTimes { execute, ..times }))
    }

    /// Executes a block over the ledger's head and compares it with what this node would have made of it.
    pub fn verify(
        &self,
        ledger: &Ledger,
        parent: &Parent,
        block: &Block,
        recovered: Vec<Recovered>,
        cancel: &AtomicBool,
    ) -> Result<(Sealed, StageTimes), AssembleError> {
        let unix_ms = block.section.unix_ms;
        let proposer = block
            .section
            .proposer()
            .ok_or_else(|| invalid("it names no proposer"))?;
        if block.section.unix_ms <= parent.unix_ms {
            return Err(invalid(format!(
                "its time {unix_ms} ms is not after its parent's {} ms",
                parent.unix_ms
            )));
        }
        let carried = self.carried(ledger, parent, block)?;
        let left = &ledger.head().next_sealers;
        if !carried
            .as_ref()
            .map_or(left, |carried| &carried.sealers)
            .contains(&proposer)
        {
            return Err(invalid(format!(
                "its proposer {} does not seal at its height",
                proposer.short()
            )));
        }
        let context = self.context(parent.height + 1, unix_ms, Some(&proposer), &self.in_force.config());
        let state = ledger.state_latest();
        let used = self.used.after(parent.height).map_err(AssembleError::Fatal)?;
        let cpu = CpuTimer::start();
        let executed = execute_block(&self.rules, &state, &used, &context, &recovered, cancel)?;
        let execute = cpu.seconds();
        drop(used);
        let (sealed, times) = self.seal(ledger, parent, unix_ms, &proposer, recovered, executed)?;
        match difference(&sealed.block, block) {
            None => Ok((sealed, StageTimes { execute, ..times })),
            Some(field) => Err(invalid(field)),
        }
    }

    fn seal(
        &self,
        ledger: &Ledger,
        parent: &Parent,
        unix_ms: u64,
        proposer: &NodeId,
        transactions: Vec<Recovered>,
        executed: Executed,
    ) -> Result<(Sealed, StageTimes), AssembleError> {
        let cpu = CpuTimer::start();
        let prepared = ledger.prepare(None, self.protocol_version, &executed.changes)?;
        let state_root = cpu.seconds();
        let governance = changed_governance(&ledger.state_latest(), &executed.changes);
        let governance = governance.map_err(|error| AssembleError::Fatal(error.to_string()))?;
        let next_config = self.in_force.after(governance.as_ref());
        let next_members = governance.as_ref().map(members);
        let first = transactions.first().map(|recovered| &recovered.transaction);
        let carried = self.carried_in(ledger, parent, first)?;
        let next_sealers = governance.map_or_else(|| ledger.head().next_sealers.clone(), |found| found.sealers());
        if carried.as_ref().is_some_and(|carried| carried.sealers != next_sealers) {
            return Err(invalid("the recovery it begins with was not carried out"));
        }
        let hash_fn = self.suite.hash_fn();
        let section = Section {
            protocol_version: self.protocol_version,
            unix_ms,
            proposer: Bytes::copy_from_slice(proposer.as_bytes()),
            next_sealers: next_sealers.hash(hash_fn),
            genesis: None,
        };
        let (transactions_root, receipts_root, roots) = self.roots(&transactions, &executed);
        let header = Header {
            parent_hash: parent.hash,
            beneficiary: beneficiary(Some(proposer), hash_fn),
            state_root: prepared.state_root(),
            transactions_root,
            receipts_root,
            logs_bloom: executed.logs_bloom,
            number: parent.height + 1,
            gas_limit: self.in_force.config().gas,
            gas_used: executed.gas_used,
            timestamp: unix_ms / 1000,
            extra_data: Bytes::copy_from_slice(section.hash(hash_fn).as_slice()),
            base_fee_per_gas: Some(0),
            ..Header::default()
        };
        let hash = althing_types::block::header_hash(&header, hash_fn);
        let senders = transactions.iter().map(|recovered| recovered.sender).collect();
        let transactions = transactions
            .into_iter()
            .map(|recovered| recovered.transaction)
            .collect();
        let block = Arc::new(Block {
            header,
            section,
            transactions,
        });
        let sealed = Sealed {
            block,
            hash,
            senders,
            executed,
            prepared,
            next_sealers,
            next_config,
            next_members,
            carried,
        };
        Ok((
            sealed,
            StageTimes {
                execute: 0.0,
                roots,
                state_root,
            },
        ))
    }

    /// The roots of transactions and receipts, and the processor time of both.
    fn roots(&self, transactions: &[Recovered], executed: &Executed) -> (B256, B256, f64) {
        let timed = |items: &dyn Fn() -> Vec<Vec<u8>>| {
            let cpu = CpuTimer::start();
            (self.suite.ordered_root(&items()), cpu.seconds())
        };
        let ((transactions_root, a), (receipts_root, b)) = rayon::join(
            || timed(&|| transactions.iter().map(|r| r.transaction.raw().to_vec()).collect()),
            || timed(&|| executed.receipts.iter().map(|r| r.consensus_bytes()).collect()),
        );
        (transactions_root, receipts_root, a + b)
    }
}

/// Whether the state does not have that nonce used up yet.
fn is_next(state: &dyn StateReader, sender: &Address, nonce: u64) -> Result<bool, AssembleError> {
    let account = state.account(sender).map_err(|e| AssembleError::Fatal(e.to_string()))?;
    Ok(account.map_or(0, |account| account.nonce) <= nonce)
}

fn invalid(why: impl Into<String>) -> AssembleError {
    AssembleError::Invalid(why.into())
}

/// The first field in which a proposed block is not what this node computed.
fn difference(own: &Block, found: &Block) -> Option<String> {
    let (a, b) = (&own.header, &found.header);
    let fields: [(&str, String, String); 9] = [
        ("parentHash", a.parent_hash.to_string(), b.parent_hash.to_string()),
        ("number", a.number.to_string(), b.number.to_string()),
        ("stateRoot", a.state_root.to_string(), b.state_root.to_string()),
        (
            "transactionsRoot",
            a.transactions_root.to_string(),
            b.transactions_root.to_string(),
        ),
        ("receiptsRoot", a.receipts_root.to_string(), b.receipts_root.to_string()),
        ("gasUsed", a.gas_used.to_string(), b.gas_used.to_string()),
        ("gasLimit", a.gas_limit.to_string(), b.gas_limit.to_string()),
        ("timestamp", a.timestamp.to_string(), b.timestamp.to_string()),
        ("section", format!("{:?}", own.section), format!("{:?}", found.section)),
    ];
    let differing = fields.into_iter().find(|(_, own, found)| own != found);
    match differing {
        Some((field, own, found)) => Some(format!("{field} is {found}, this node computes {own}")),
        None if a != b => Some("its header differs outside the named fields".to_owned()),
        None => None,
    }
}
