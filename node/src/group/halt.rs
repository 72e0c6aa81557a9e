//! Fail-stop of one group (LEDGER.md 3, 6): once, with a reason, without touching the node's other groups.

use std::sync::OnceLock;

use althing_types::GroupId;
use tracing::error;

use crate::metrics::Metrics;

/// Whether and why a group has halted on this node.
#[derive(Debug)]
pub struct Halt {
    group: GroupId,
    metrics: Metrics,
    reason: OnceLock<String>,
}

impl Halt {
    /// A group that runs.
    pub fn new(group: GroupId, metrics: Metrics) -> Self {
        metrics.halted(false);
        Self {
            group,
            metrics,
            reason: OnceLock::new(),
        }
    }

    /// Halts the group. The first reason stays.
    pub fn halt(&self, reason: String) {
        if self.reason.set(reason.clone()).is_ok() {
            self.metrics.halted(true);
            error!(
                group = %self.group, alarm = "group_halted",
                "group {} has halted on this node: {reason}; its other groups go on; run `althing doctor`", self.group
            );
        }
    }

    /// Why the group halted; none while it runs.
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }
}
