//! The local edge: a plan becomes folders and supervised processes on this machine.
//!
//! ```text
//! NamespacePlan ──apply──▶ <state>/<namespace>/{identities,genesis,nodes,processes}   (layout.rs)
//!                              │                     └─▶ althing-node -c config.ini, detached
//! Observed ◀──observe──────────┘
//! ```
//!
//! One run at a time holds the state directory ([`LocalEdge`]); looking at it needs no lock ([`LocalView`]).
//!
//! Invariants: a key is made once and never overwritten; a file is there completely or not at all; only processes this edge
//! started are ever signalled, known by pid, start time and boot.

mod apply;
mod certificates;
mod durable;
mod error;
mod keys;
mod layout;
mod lock;
mod observe;
mod place;
mod ports;
mod process;
mod record;
mod supervise;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use error::LocalError;
pub use layout::Layout;
pub use process::ProcessId;
pub use view::{LocalNode, LocalView};

use super::{Apply, Observe, Place, WriteStatus};
use crate::governance::ChainView;
use crate::manifest::Manifests;
use crate::name::{GroupName, Namespace, NodeName};
use crate::plan::report::Shown;
use crate::plan::{Observed, Placement, Ports, Step};
use crate::status::ObjectStatus;
use durable::Mode;
use supervise::{Children, Supervisor};

/// The file name of the node's binary.
pub const NODE_BINARY: &str = "althing-node";
/// How often that list is looked at.
const REAP_GLANCE: Duration = Duration::from_millis(20);
/// Nodes of one machine meet on its loopback.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Who listens on a port of this machine's loopback, in words; none when it is free.
pub fn listener_on(port: u16) -> Option<String> {
    (!process::port::is_free(LOOPBACK, port)).then(|| process::port::holder(port))
}

/// How a state directory is worked on.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The state directory; made when it is not there.
    pub state: PathBuf,
    /// The node's binary.
    pub node_binary: PathBuf,
    /// Moves the first ports up, for a second consortium on one machine. Only of effect before the first node is placed.
    pub port_offset: u16,
    /// How long a start is watched for an early end.
    pub start_patience: Duration,
    /// How long a node may take to end before it is killed.
    pub stop_patience: Duration,
    /// How long process 1 may take to remove ended nodes from the system's list of processes.
    pub reap_patience: Duration,
}

impl LocalSettings {
    /// The usual settings.
    pub fn new(state: impl Into<PathBuf>, node_binary: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            node_binary: node_binary.into(),
            port_offset: 0,
            start_patience: Duration::from_secs(10),
            stop_patience: Duration::from_secs(30),
            reap_patience: Duration::from_secs(30),
        }
    }
}

/// What [`LocalEdge::stop_all`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Who was stopped.
    pub nodes: Vec<(Namespace, NodeName)>,
    /// Ended processes that process 1 still had not removed from the list of processes after a while: zombies, which hold
    /// neither memory nor ports.
    pub unreaped: Vec<u32>,
}

/// What running nodes of a namespace said.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// What holds on the chains.
    pub chains: BTreeMap<GroupName, ChainView>,
    /// What they show their peers and what these show them.
    pub shown: BTreeMap<NodeName, Shown>,
}

/// The local edge. It holds the lock of its state directory.
#[derive(Debug)]
pub struct LocalEdge {
    supervisor: Supervisor,
    first: Ports,
    children: Children,
    reap_patience: Duration,
    heard: BTreeMap<Namespace, Heard>,
    _lock: lock::Lock,
}

impl LocalEdge {
    /// Takes the state directory, and clears what an interrupted run left half done.
    pub fn open(settings: LocalSettings) -> Result<Self, LocalError> {
        let layout = Layout::new(settings.state);
        let lock = lock::Lock::take(&layout)?;
        durable::sweep(layout.root())?;
        let supervisor = Supervisor {
            layout,
            binary: settings.node_binary,
            listen: LOOPBACK,
            start_patience: settings.start_patience,
            stop_patience: settings.stop_patience,
        };
        let first = ports::first_ports(settings.port_offset).ok_or(LocalError::PortOffset {
            found: settings.port_offset,
        })?;
        Ok(Self {
            supervisor,
            first,
            children: Children::new(),
            reap_patience: settings.reap_patience,
            heard: BTreeMap::new(),
            _lock: lock,
        })
    }

    /// Where everything is.
    pub const fn layout(&self) -> &Layout {
        &self.supervisor.layout
    }

    /// Takes in what own nodes of a namespace said: the next observation has it. This edge asks nobody itself.
    pub fn hear(&mut self, namespace: &Namespace, heard: Heard) {
        self.heard.insert(namespace.clone(), heard);
    }

    /// Stops every node of the state directory, all at the same time; keys, files and data stay. Returns when the system
    /// lists none of their processes any more.
    pub fn stop_all(&mut self) -> Result<Stopped, LocalError> {
        let view = LocalView::new(self.layout().root());
        let nodes: Vec<_> = view
            .nodes()?
            .into_iter()
            .map(|node| (node.process.namespace, node.process.node))
            .collect();
        let supervisor = &self.supervisor;
        let ended = std::thread::scope(|scope| {
            let stops: Vec<_> = nodes
                .iter()
                .map(|(namespace, node)| scope.spawn(move || supervisor.stop(namespace, node)))
                .collect();
            // A thread that panicked is reported by the scope itself.
            stops
                .into_iter()
                .filter_map(|stop| stop.join().ok())
                .collect::<Result<Vec<_>, _>>()
        })?;
        let unreaped = self.wait_until_unlisted(ended.into_iter().flatten().collect());
        Ok(Stopped { nodes, unreaped })
    }

    /// Waits until the system lists none of these ended processes. The run that started a node is gone by the time another
    /// stops it; the node's parent is then process 1, which takes note of the dead when it gets to it. What is listed even
    /// after a while is returned.
    fn wait_until_unlisted(&mut self, mut ended: Vec<ProcessId>) -> Vec<u32> {
        let started = Instant::now();
        loop {
            self.wait_for_the_dead();
            ended.retain(ProcessId::is_listed);
            if ended.is_empty() || started.elapsed() >= self.reap_patience {
                return ended.into_iter().map(|id| id.pid).collect();
            }
            std::thread::sleep(REAP_GLANCE);
        }
    }

    fn wait_for_the_dead(&mut self) {
        self.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

impl Observe for LocalEdge {
    type Error = LocalError;

    fn observe(&mut self, namespace: &Namespace) -> Result<Observed, LocalError> {
        self.wait_for_the_dead();
        let Heard { chains, shown } = self.heard.get(namespace).cloned().unwrap_or_default();
        Ok(Observed {
            chains,
            shown,
            ..observe::observe(&self.supervisor, namespace)?
        })
    }
}

impl Place for LocalEdge {
    fn place(&mut self, all: &Manifests, namespace: &Namespace) -> Result<Placement, LocalError> {
        place::place(&self.supervisor.layout, self.first, all, namespace)
    }
}

impl Apply for LocalEdge {
    fn apply(&mut self, namespace: &Namespace, step: &Step, _now: Timestamp) -> Result<(), LocalError> {
        apply::apply(&self.supervisor, &mut self.children, namespace, step)
    }
}

impl WriteStatus for LocalEdge {
    fn write_statuses(&mut self, namespace: &Namespace, statuses: &[ObjectStatus]) -> Result<(), LocalError> {
        let path = self.layout().statuses(namespace);
        let written: Vec<ObjectStatus> = durable::read_json(&path)?.unwrap_or_default();
        match written == statuses {
            true => Ok(()),
            false => durable::write_json(&path, &statuses, Mode::Public),
        }
    }
}
