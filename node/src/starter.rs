//! From a group's files to a running group: at the node's start, and whenever files of a new group appear.

use std::sync::Arc;

use althing_crypto::{NodeKey, Suite};
use althing_ledger::SharedMemory;
use althing_network::NetworkHandle;
use althing_types::config::NodeConfig;
use althing_types::{GroupId, NodeId};
use tracing::error;

use crate::clock::Clock;
use crate::files::NodeFiles;
use crate::group::{Group, GroupSpec, OpenGroup};
use crate::groups::Groups;
use crate::metrics::NodeMetrics;
use crate::one_line::one_line;

/// What every group of a node is started with.
pub(crate) struct Starter {
    pub(crate) files: NodeFiles,
    pub(crate) config: NodeConfig,
    pub(crate) own: NodeId,
    pub(crate) suite: Arc<dyn Suite>,
    pub(crate) key: Arc<dyn NodeKey>,
    pub(crate) network: NetworkHandle,
    pub(crate) clock: Clock,
    pub(crate) shared: SharedMemory,
    pub(crate) metrics: NodeMetrics,
    pub(crate) groups: Arc<Groups>,
}

impl std::fmt::Debug for Starter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Starter")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Starter {
    /// Opens and starts these groups. What fails is an alarm of that group, and the others go on (LEDGER.md 6). Opening
    /// comes before starting, so that no group seals while another's ledger is still looked at. It blocks on the disk, and
    /// has to be called within a Tokio runtime.
    pub(crate) fn start(&self, groups: impl IntoIterator<Item = GroupId>) {
        let mut opened = Vec::new();
        for id in groups {
            match self.open(id) {
                Ok(group) => opened.push(group),
                Err(why) => self.fail(id, one_line(&why)),
            }
        }
        for group in opened {
            let id = group.id();
            match Group::start(group, Arc::clone(&self.key), &self.network, self.clock) {
                Ok(group) if self.groups.add(&group) => {}
                Ok(group) => group.stop(),
                Err(why) => self.fail(id, format!("group {id}: its threads cannot be started: {why}")),
            }
        }
        self.network.set_groups(self.groups.served());
        self.groups.served_by_network();
    }

    fn open(&self, id: GroupId) -> anyhow::Result<OpenGroup> {
        let read = self.files.group(&self.config, id)?;
        let spec = GroupSpec {
            genesis: read.genesis,
            config: read.config,
            settings_digest: read.settings_digest,
            folder: self.files.group_data(&self.config, id),
            chain_id: self.config.chain.id,
            own: self.own,
        };
        Ok(OpenGroup::open(
            spec,
            Arc::clone(&self.suite),
            &self.shared,
            self.metrics.group(id),
        )?)
    }

    fn fail(&self, id: GroupId, why: String) {
        self.metrics.group(id).halted(true);
        self.groups.fail(id, why.clone());
        error!(alarm = "group_halted", group = %id, "group {id} does not start: {why}");
    }
}
