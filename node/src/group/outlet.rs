//! What leaves a group for its members, by lane and module. Nothing here ever waits: full queues drop (LEDGER.md 6).

use althing_network::{Lane, NetworkHandle};
use althing_types::{Bytes, GroupId, NodeId};

use super::Audience;

/// The modules of a group on the network.
pub(crate) mod module {
    /// Proposals and votes.
    pub(crate) const CONSENSUS: u16 = 8;
    /// Statuses and blocks.
    pub(crate) const SYNC: u16 = 9;
    /// Transactions.
    pub(crate) const TRANSACTIONS: u16 = 10;
}

/// The network as one group sees it.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    network: NetworkHandle,
    group: GroupId,
    audience: Audience,
}

impl Outlet {
    pub(crate) const fn new(network: NetworkHandle, group: GroupId, audience: Audience) -> Self {
        Self {
            network,
            group,
            audience,
        }
    }

    /// Who hears what.
    pub(crate) const fn audience(&self) -> &Audience {
        &self.audience
    }

    pub(crate) fn consensus_to_all(&self, message: Bytes) {
        self.to_members(Lane::Consensus, module::CONSENSUS, message);
    }

    pub(crate) fn consensus_to(&self, peer: &NodeId, message: Bytes) {
        self.to(peer, Lane::Consensus, module::CONSENSUS, message);
    }

    /// Where this node is.
    pub(crate) fn status_to_all(&self, message: Bytes) {
        let is_meant = |peer: &NodeId| self.audience.hears_status(peer);
        let _ = self
            .network
            .broadcast(self.group, Lane::Bulk, module::SYNC, &message.0, is_meant);
    }

    pub(crate) fn sync_to(&self, peer: &NodeId, message: Bytes) {
        self.to(peer, Lane::Bulk, module::SYNC, message);
    }

    pub(crate) fn transactions_to_all(&self, message: Bytes) {
        self.to_members(Lane::Bulk, module::TRANSACTIONS, message);
    }

    pub(crate) fn transactions_to(&self, peer: &NodeId, message: Bytes) {
        self.to(peer, Lane::Bulk, module::TRANSACTIONS, message);
    }

    /// Cuts a peer off that sent what no honest node sends.
    pub(crate) fn punish(&self, peer: &NodeId) {
        self.network.punish(peer);
    }

    fn to_members(&self, lane: Lane, module: u16, message: Bytes) {
        let is_meant = |peer: &NodeId| self.audience.hears(peer);
        let _ = self.network.broadcast(self.group, lane, module, &message.0, is_meant);
    }

    fn to(&self, peer: &NodeId, lane: Lane, module: u16, message: Bytes) {
        let _ = self.network.send(peer, lane, self.group, module, message.0);
    }
}
