//! The node's groups: those that run, and why others do not.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use althing_network::{NetworkEvent, NetworkHandle, ServedGroup};
use althing_types::GroupId;
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::group::Group;
use crate::lifecycle::Decided;

/// The groups of the node. A group that could not be opened is kept with its reason; the others run. Groups come while the node
/// runs, and go when a person stops them.
#[derive(Debug, Default)]
pub struct Groups {
    state: RwLock<State>,
    /// Told when a group came or went.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<GroupId, Arc<Group>>,
    failed: BTreeMap<GroupId, String>,
    resting: BTreeMap<GroupId, Decided>,
    stopped: bool,
}

impl Groups {
    /// Adds a group that was started. False once the node stops: then it is the caller's to stop.
    pub fn add(&self, group: &Arc<Group>) -> bool {
        let mut state = self.state.write();
        if state.stopped {
            return false;
        }
        state.failed.remove(&group.id());
        state.resting.remove(&group.id());
        state.running.insert(group.id(), Arc::clone(group));
        true
    }

    /// The network knows of the groups that came or went: they are told which peers serve them. Not before, because the network
    /// names no peers of a group that it does not serve itself, and a peer that announced it first announces it only once.
    pub fn served_by_network(&self) {
        self.changed.notify_one();
    }

    /// Takes a group from those that run or failed: a person decided that it does not run. It still has to be stopped.
    pub(crate) fn rest(&self, id: GroupId, decided: Decided) {
        let mut state = self.state.write();
        state.running.remove(&id);
        state.failed.remove(&id);
        state.resting.insert(id, decided);
    }

    /// Every group that a person decided not to run.
    pub(crate) fn resting(&self) -> BTreeMap<GroupId, Decided> {
        self.state.read().resting.clone()
    }

    /// Notes why a group does not run.
    pub fn fail(&self, id: GroupId, why: String) {
        self.state.write().failed.insert(id, why);
    }

    /// A running group.
    pub fn get(&self, id: GroupId) -> Option<Arc<Group>> {
        self.state.read().running.get(&id).cloned()
    }

    /// Why a group does not run.
    pub fn failure(&self, id: GroupId) -> Option<String> {
        self.state.read().failed.get(&id).cloned()
    }

    /// Every group that does not run, with its reason.
    pub fn failures(&self) -> BTreeMap<GroupId, String> {
        self.state.read().failed.clone()
    }

    /// The running groups, ascending.
    pub fn running(&self) -> Vec<Arc<Group>> {
        self.state.read().running.values().cloned().collect()
    }

    /// The lowest running group.
    pub fn lowest(&self) -> Option<GroupId> {
        self.state.read().running.keys().next().copied()
    }

    /// What peers are told.
    pub fn served(&self) -> Vec<ServedGroup> {
        self.running().iter().map(|group| group.served()).collect()
    }

    /// Whether every group of the node is ready; the first that is not says why.
    pub fn readiness(&self) -> Result<(), String> {
        if let Some(why) = self.failures().into_values().next() {
            return Err(why);
        }
        self.running().iter().try_for_each(|group| group.readiness())
    }

    /// Whether one group is ready.
    pub fn readiness_of(&self, id: GroupId) -> Result<(), String> {
        match (self.get(id), self.failure(id)) {
            (Some(group), _) => group.readiness(),
            (None, Some(why)) => Err(why),
            (None, None) => Err(match self.resting().get(&id) {
                Some(decided) => why_it_rests(id, *decided),
                None => format!("this node is not in group {id}"),
            }),
        }
    }

    /// Tells the groups which of their peers come and go, until `stop`.
    pub fn follow_peers(self: &Arc<Self>, network: NetworkHandle, stop: CancellationToken) {
        let groups = Arc::clone(self);
        let mut events = network.events();
        tokio::spawn(async move {
            let mut members = Members::default();
            members.refresh(&groups, &network);
            loop {
                let event = tokio::select! {
                    () = stop.cancelled() => return,
                    () = groups.changed.notified() => {
                        members.refresh(&groups, &network);
                        continue;
                    }
                    event = events.recv() => event,
                };
                match event {
                    Ok(NetworkEvent::PeerUp { node_id, .. }) => info!(peer = %node_id.short(), "peer connected"),
                    Ok(NetworkEvent::PeerDown { node_id }) => {
                        info!(peer = %node_id.short(), "peer lost");
                        members.down(&groups, &node_id);
                    }
                    Ok(NetworkEvent::GroupsChanged { .. }) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
                members.refresh(&groups, &network);
            }
        });
    }

    /// Stops every group and waits for it; none is added after.
    pub fn stop(&self) {
        self.state.write().stopped = true;
        for group in self.running() {
            group.stop();
        }
    }
}

/// Why a group does not run that a person decided not to.
pub(crate) fn why_it_rests(id: GroupId, decided: Decided) -> String {
    match decided {
        Decided::Deleted => format!("group {id} was removed; recoverGroup and startGroup bring it back"),
        Decided::Stopped | Decided::Running => format!("group {id} is stopped; startGroup starts it"),
    }
}

/// Which peers each group has been told of. A group that was stopped and started again has been told of none.
#[derive(Default)]
struct Members(BTreeMap<GroupId, (Weak<Group>, Vec<althing_types::NodeId>)>);

impl Members {
    fn told(&mut self, group: &Arc<Group>) -> &mut Vec<althing_types::NodeId> {
        let (known, told) = self.0.entry(group.id()).or_default();
        if !std::ptr::eq(known.as_ptr(), Arc::as_ptr(group)) {
            *known = Arc::downgrade(group);
            told.clear();
        }
        told
    }

    /// Tells each group the difference to what the network says now: a peer counts when it serves the same block 0.
    fn refresh(&mut self, groups: &Groups, network: &NetworkHandle) {
        for group in groups.running() {
            let now = network.peers_of(group.id());
            let before = self.told(&group);
            for lost in before.iter().filter(|peer| !now.contains(peer)) {
                group.peer(*lost, false);
            }
            for come in now.iter().filter(|peer| !before.contains(peer)) {
                group.peer(*come, true);
            }
            *before = now;
        }
    }

    /// A peer whose connection was replaced is told as lost and come, so that it hears again where this node is.
    fn down(&mut self, groups: &Groups, peer: &althing_types::NodeId) {
        for group in groups.running() {
            let told = self.told(&group);
            if told.contains(peer) {
                told.retain(|other| other != peer);
                group.peer(*peer, false);
            }
        }
    }
}
