//! From a group's files to a running group, and back: at the node's start, whenever files of a new group appear, and when a person
//! asks for it.

use std::path::PathBuf;
use std::sync::Arc;

use althing_crypto::{NodeKey, Suite};
use althing_ledger::SharedMemory;
use althing_network::NetworkHandle;
use althing_types::config::NodeConfig;
use althing_types::{GroupId, NodeId};
use parking_lot::{Mutex, MutexGuard};
use tracing::{error, info};

use crate::clock::Clock;
use crate::files::NodeFiles;
use crate::group::{Group, GroupSpec, OpenGroup};
use crate::groups::Groups;
use crate::lifecycle::{Decided, Record};
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
    /// Held by whoever changes which groups run.
    pub(crate) turn: Mutex<()>,
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
    ///
    /// A group that a person stopped or removed stays so, and one that runs goes on.
    pub(crate) fn start(&self, groups: impl IntoIterator<Item = GroupId>) {
        let _turn = self.turn();
        let mut opened = Vec::new();
        for id in groups.into_iter().filter(|id| self.groups.get(*id).is_none()) {
            match self.record(id).read() {
                Ok(None | Some(Decided::Running)) => {}
                Ok(Some(decided)) => {
                    info!(group = %id, "group {id} is {} and is not started", decided.as_str());
                    self.groups.rest(id, decided);
                    continue;
                }
                Err(why) => {
                    self.fail(id, why.to_string());
                    continue;
                }
            }
            match self.open(id) {
                Ok(group) => opened.push(group),
                Err(why) => self.fail(id, one_line(&why)),
            }
        }
        for group in opened {
            let id = group.id();
            if let Err(why) = self.run(group) {
                self.fail(id, why);
            }
        }
        self.tell_network();
    }

    /// Opens and starts one group, whatever was decided about it; the caller has the turn. It is no alarm when it fails: somebody
    /// waits for the answer.
    pub(crate) fn start_one(&self, id: GroupId) -> Result<(), String> {
        let group = self.open(id).map_err(|why| one_line(&why))?;
        self.run(group)?;
        self.metrics.group(id).halted(false);
        self.tell_network();
        Ok(())
    }

    /// Takes a group from those that run or failed; the caller has the turn. It still has to be stopped.
    pub(crate) fn retire(&self, id: GroupId, decided: Decided) {
        self.groups.rest(id, decided);
        self.metrics.group(id).halted(false);
        self.tell_network();
    }

    /// Waits for whoever changes which groups run; nobody else does until it is dropped.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }

    /// What a person decided about a group.
    pub(crate) fn record(&self, id: GroupId) -> Record {
        Record::of(&self.data(id))
    }

    /// The folder of a group's data.
    pub(crate) fn data(&self, id: GroupId) -> PathBuf {
        self.files.group_data(&self.config, id)
    }

    /// `group.N.genesis`.
    pub(crate) fn genesis_file(&self, id: GroupId) -> PathBuf {
        self.files.group_paths(&self.config, id).0
    }

    fn run(&self, group: OpenGroup) -> Result<(), String> {
        let id = group.id();
        let started = Group::start(group, Arc::clone(&self.key), &self.network, self.clock);
        let group = started.map_err(|why| format!("group {id}: its threads cannot be started: {why}"))?;
        if !self.groups.add(&group) {
            // The node stops, and with it every group.
            group.stop();
        }
        Ok(())
    }

    fn tell_network(&self) {
        self.network.set_groups(self.groups.served());
        self.groups.served_by_network();
    }

    fn open(&self, id: GroupId) -> anyhow::Result<OpenGroup> {
        let read = self.files.group(&self.config, id)?;
        let spec = GroupSpec {
            genesis: read.genesis,
            config: read.config,
            settings_digest: read.settings_digest,
            installed: self.files.recovery(&self.config, id),
            folder: self.data(id),
            chain_id: self.config.chain.id,
            cryptography: self.config.chain.cryptography,
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
