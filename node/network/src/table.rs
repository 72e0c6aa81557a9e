//! Who is connected: at most one connection per identity and lane, whoever dialled.

use std::collections::HashMap;
use std::sync::Arc;

use althing_types::{GroupId, NodeId};
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};

use crate::api::{Lane, NetworkEvent, PeerInfo, ServedGroup};
use crate::connection::{Connection, Origin};
use crate::hello::Hello;
use crate::metrics::Metrics;

/// Events kept for a receiver that is behind.
const EVENTS: usize = 1_024;

/// The table.
#[derive(Debug)]
pub(crate) struct PeerTable {
    own: NodeId,
    max_peers: usize,
    peers: RwLock<HashMap<NodeId, Peer>>,
    events: broadcast::Sender<NetworkEvent>,
    /// Ticks on every change, for dialers that wait for one.
    changed: watch::Sender<u64>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Peer {
    consensus: Option<Arc<Connection>>,
    bulk: Option<Arc<Connection>>,
    groups: Vec<ServedGroup>,
    software: String,
    trust_hash: [u8; 32],
    since_unix_ms: u64,
}

impl Peer {
    fn new(hello: &Hello, since_unix_ms: u64) -> Self {
        let Hello {
            software, trust_hash, ..
        } = hello.clone();
        Self {
            consensus: None,
            bulk: None,
            groups: Vec::new(),
            software,
            trust_hash,
            since_unix_ms,
        }
    }

    const fn lane(&self, lane: Lane) -> Option<&Arc<Connection>> {
        match lane {
            Lane::Consensus => self.consensus.as_ref(),
            Lane::Bulk => self.bulk.as_ref(),
        }
    }

    const fn lane_mut(&mut self, lane: Lane) -> &mut Option<Arc<Connection>> {
        match lane {
            Lane::Consensus => &mut self.consensus,
            Lane::Bulk => &mut self.bulk,
        }
    }

    fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        Lane::ALL.into_iter().filter_map(|lane| self.lane(lane))
    }

    const fn is_up(&self) -> bool {
        self.consensus.is_some() && self.bulk.is_some()
    }

    fn serves(&self, served: &ServedGroup) -> bool {
        self.groups.binary_search(served).is_ok()
    }
}

/// What a new connection meets.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is the connection of its identity and lane now.
    Admitted,
    /// There is one already, which has to prove itself before this one is turned away.
    Occupied(Arc<Connection>),
    /// There are as many peers as there may be.
    TooManyPeers,
}

/// Whether a new connection takes the place of an existing one, without asking the existing one for a sign of life.
///
/// Between the same two processes: the side that dialled both knows that its first is gone; of two simultaneous dials
/// the one of the smaller nodeID stays, on both ends. Another process under the same identity never takes over by itself.
fn takes_over(existing: Origin, new: Origin, own: &NodeId, peer: &NodeId) -> bool {
    existing.instance == new.instance
        && (existing.dialled_by_us == new.dialled_by_us || new.dialled_by_us == (own < peer))
}

impl PeerTable {
    pub(crate) fn new(own: NodeId, max_peers: usize, metrics: Metrics) -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        let (changed, _) = watch::channel(0);
        Self {
            own,
            max_peers,
            peers: RwLock::default(),
            events,
            changed,
            metrics,
        }
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<NetworkEvent> {
        self.events.subscribe()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Puts a connection into the table, if its place is free or it may take it over.
    pub(crate) fn admit(&self, connection: &Arc<Connection>, hello: &Hello, unix_ms: u64) -> Admission {
        let node_id = connection.node_id;
        let mut peers = self.peers.write();
        if !peers.contains_key(&node_id) && peers.len() >= self.max_peers {
            return Admission::TooManyPeers;
        }
        let peer = peers.entry(node_id).or_insert_with(|| Peer::new(hello, unix_ms));
        let was_up = peer.is_up();
        let place = peer.lane_mut(connection.lane);
        let replaced = match place {
            Some(existing) if existing.stop.is_cancelled() => place.take(),
            Some(existing) if takes_over(existing.origin, connection.origin, &self.own, &node_id) => {
                existing.close("another connection of the same two processes takes its place");
                place.take()
            }
            Some(existing) => return Admission::Occupied(Arc::clone(existing)),
            None => None,
        };
        *place = Some(Arc::clone(connection));
        peer.software.clone_from(&hello.software);
        peer.trust_hash = hello.trust_hash;
        if connection.lane == Lane::Consensus {
            peer.groups.clone_from(&hello.groups);
        }
        let lane = &self.metrics.lane(connection.lane).connections;
        if replaced.is_none() {
            lane.inc();
        }
        self.tell_of_admission(node_id, peer, was_up);
        Admission::Admitted
    }

    fn tell_of_admission(&self, node_id: NodeId, peer: &Peer, was_up: bool) {
        if was_up {
            drop(self.events.send(NetworkEvent::PeerDown { node_id }));
        } else if peer.is_up() {
            self.metrics.peers.inc();
        }
        if peer.is_up() {
            let identity = peer.connections().next().map(|connection| connection.peer());
            let (agency, name) = identity
                .map(|peer| (peer.identity.agency.clone(), peer.identity.name.clone()))
                .unwrap_or_default();
            tracing::info!(
                peer = node_id.short(),
                agency,
                name,
                software = peer.software,
                "peer up"
            );
            drop(self.events.send(NetworkEvent::PeerUp {
                node_id,
                groups: peer.groups.clone(),
            }));
        }
        self.changed.send_modify(|tick| *tick += 1);
    }

    /// Takes a connection that ended out, unless another one has its place.
    pub(crate) fn remove(&self, connection: &Connection) {
        let node_id = connection.node_id;
        let mut peers = self.peers.write();
        let Some(peer) = peers.get_mut(&node_id) else { return };
        let was_up = peer.is_up();
        let place = peer.lane_mut(connection.lane);
        if place.as_ref().is_none_or(|live| live.id != connection.id) {
            return;
        }
        *place = None;
        self.metrics.lane(connection.lane).connections.dec();
        if was_up {
            self.metrics.peers.dec();
            tracing::info!(peer = node_id.short(), "peer down");
            drop(self.events.send(NetworkEvent::PeerDown { node_id }));
        }
        if peer.connections().next().is_none() {
            peers.remove(&node_id);
        }
        self.changed.send_modify(|tick| *tick += 1);
    }

    /// Takes an announcement, if it came over the live consensus connection of its peer.
    pub(crate) fn set_groups(&self, connection: &Connection, groups: Vec<ServedGroup>) {
        let node_id = connection.node_id;
        let mut peers = self.peers.write();
        let Some(peer) = peers.get_mut(&node_id) else { return };
        let live = peer.lane(connection.lane).is_some_and(|live| live.id == connection.id);
        if live && peer.groups != groups {
            peer.groups.clone_from(&groups);
            if peer.is_up() {
                drop(self.events.send(NetworkEvent::GroupsChanged { node_id, groups }));
            }
        }
    }

    /// Takes the hash of the chain certificates a peer trusts since its reload; says whether it is another one.
    pub(crate) fn set_trust(&self, node_id: &NodeId, trust_hash: [u8; 32]) -> bool {
        let mut peers = self.peers.write();
        let told = peers.get_mut(node_id).map(|peer| &mut peer.trust_hash);
        told.is_some_and(|told| std::mem::replace(told, trust_hash) != trust_hash)
    }

    /// The live connection of a peer's lane.
    pub(crate) fn connection(&self, node_id: &NodeId, lane: Lane) -> Option<Arc<Connection>> {
        let peers = self.peers.read();
        peers
            .get(node_id)?
            .lane(lane)
            .filter(|connection| !connection.stop.is_cancelled())
            .cloned()
    }

    /// Every live connection.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.peers
            .read()
            .values()
            .flat_map(Peer::connections)
            .cloned()
            .collect()
    }

    /// For every peer that serves this group: its connection of `lane`, if that is up.
    pub(crate) fn of_group(
        &self,
        served: &ServedGroup,
        lane: Lane,
        is_meant: impl Fn(&NodeId) -> bool,
    ) -> Vec<Option<Arc<Connection>>> {
        let peers = self.peers.read();
        peers
            .iter()
            .filter(|(id, peer)| is_meant(id) && peer.serves(served))
            .map(|(_, peer)| peer.lane(lane).cloned())
            .collect()
    }

    /// The peers with both lanes up that serve this group, by nodeID.
    pub(crate) fn members(&self, served: &ServedGroup) -> Vec<NodeId> {
        let peers = self.peers.read();
        let members = peers.iter().filter(|(_, peer)| peer.is_up() && peer.serves(served));
        let mut members: Vec<NodeId> = members.map(|(node_id, _)| *node_id).collect();
        members.sort_unstable();
        members
    }

    /// Every peer with a connection, by nodeID.
    pub(crate) fn infos(&self) -> Vec<PeerInfo> {
        let peers = self.peers.read();
        let mut infos: Vec<PeerInfo> = peers
            .iter()
            .filter_map(|(node_id, peer)| info(*node_id, peer))
            .collect();
        infos.sort_unstable_by_key(|info| info.node_id);
        infos
    }
}

fn info(node_id: NodeId, peer: &Peer) -> Option<PeerInfo> {
    let oldest = peer.connections().min_by_key(|connection| connection.id)?;
    let shown = oldest.peer();
    let identity = &shown.identity;
    Some(PeerInfo {
        node_id,
        agency: identity.agency.clone(),
        name: identity.name.clone(),
        not_after: peer
            .connections()
            .map(|connection| connection.peer().identity.not_after)
            .max()
            .unwrap_or(0),
        issuer: identity.issuer,
        address: oldest.address,
        lanes: peer.connections().map(|connection| connection.lane).collect(),
        groups: peer.groups.clone(),
        software: peer.software.clone(),
        trust_hash: peer.trust_hash,
        since_unix_ms: peer.since_unix_ms,
    })
}

/// Finds the group among announced ones, whatever its hash.
pub(crate) fn find_group(groups: &[ServedGroup], group: GroupId) -> Option<&ServedGroup> {
    groups.iter().find(|served| served.group == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: NodeId = NodeId::new([1; 64]);
    const LARGE: NodeId = NodeId::new([2; 64]);

    fn origin(instance: u64, dialled_by_us: bool) -> Origin {
        Origin {
            instance,
            dialled_by_us,
        }
    }

    #[test]
    fn of_two_simultaneous_dials_both_ends_keep_that_of_the_smaller_node_id() {
        for (own, peer) in [(SMALL, LARGE), (LARGE, SMALL)] {
            let (ours, theirs) = (origin(1, true), origin(1, false));
            let ours_wins = own == SMALL;
            assert_eq!(takes_over(theirs, ours, &own, &peer), ours_wins);
            assert_eq!(takes_over(ours, theirs, &own, &peer), !ours_wins);
        }
    }

    #[test]
    fn a_process_that_dials_again_takes_the_place_of_its_lost_connection() {
        for dialled_by_us in [true, false] {
            assert!(takes_over(
                origin(1, dialled_by_us),
                origin(1, dialled_by_us),
                &SMALL,
                &LARGE
            ));
        }
    }

    #[test]
    fn another_process_under_a_live_identity_never_takes_over() {
        for (existing, new) in [(true, true), (true, false), (false, true), (false, false)] {
            assert!(!takes_over(origin(1, existing), origin(2, new), &SMALL, &LARGE));
        }
    }
}
