//! The system configuration that the next block is held to: a function of the state after the head, as its sealers are. It is read
//! from the state when the group is opened, and follows every block that is written.

use std::sync::Arc;

use althing_execution::{Limits, governance};
use althing_governance::{Governance, SystemConfig};
use althing_ledger::Ledger;
use althing_types::StateError;
use arc_swap::ArcSwap;

/// The configuration in force. Clones share it.
#[derive(Clone, Debug)]
pub struct InForce {
    genesis: SystemConfig,
    block_bytes: u64,
    next: Arc<ArcSwap<SystemConfig>>,
}

impl InForce {
    /// What the state after the head says.
    pub(super) fn of(ledger: &Ledger) -> Result<Self, StateError> {
        let genesis = SystemConfig::from(ledger.genesis());
        let found = governance(&ledger.state_latest())?;
        let next = found.map_or(genesis, |found| found.system_config(&genesis));
        Ok(Self {
            genesis,
            block_bytes: ledger.genesis().block_bytes,
            next: Arc::new(ArcSwap::from_pointee(next)),
        })
    }

    /// What the next block is held to.
    pub fn config(&self) -> SystemConfig {
        **self.next.load()
    }

    /// What it may hold.
    pub fn limits(&self) -> Limits {
        self.limits_of(&self.config())
    }

    /// What a block may hold that is held to this.
    pub const fn limits_of(&self, config: &SystemConfig) -> Limits {
        Limits::new(config, self.block_bytes)
    }

    /// What a block of this height was held to, as far as its header says: the rest is genesis', which the votes in the state
    /// go before. A question about the newest block is held to what comes next, so that its answer holds for a transaction.
    pub fn of_block(&self, header_gas: u64, is_newest: bool) -> SystemConfig {
        match is_newest {
            true => self.config(),
            false => SystemConfig {
                gas: header_gas,
                ..self.genesis
            },
        }
    }

    /// What the block after the next one is held to, when the next one leaves this governance behind; without one it did not
    /// touch it.
    pub(super) fn after(&self, changed: Option<&Governance>) -> SystemConfig {
        changed.map_or_else(|| self.config(), |changed| changed.system_config(&self.genesis))
    }

    /// A block was written that leaves this behind.
    pub(super) fn set(&self, config: SystemConfig) {
        if self.config() != config {
            tracing::info!(
                tx_count_limit = config.transactions,
                tx_gas_limit = config.gas,
                consensus_timeout_ms = config.timeout_ms,
                "the system configuration has changed"
            );
            self.next.store(Arc::new(config));
        }
    }
}
