//! One group, method by method; the work is in the rooms beside this one.

use std::sync::Arc;

use althing_execution::governance;
use althing_network::NetworkHandle;
use althing_rpc::backend::{
    AccessListOutcome, AccountProof, BackendError, BlockView, BoxFuture, CallContext, CallOutcome, CallRequest, Cancel,
    ConsensusStatus, EstimateOutcome, GroupBackend, GroupEvent, GroupInfo, Head, HeaderView, LogEntry, LogFilter,
    MinedReceipt, MinedTransaction, PeerHead, PoolContent, PoolStatus, SubmitError, SyncStatus, Totals,
};
use althing_types::{Account, Address, B256, Bytes, CommitCertificate, NodeId, Receipt, Recovered, StateReader, U256};
use tokio::sync::broadcast;

use super::{calls, reads, submit};
use crate::group::Group;

/// One group as RPC sees it.
#[derive(Debug)]
pub struct GroupRpc {
    pub(super) group: Arc<Group>,
    network: NetworkHandle,
    info: GroupInfo,
    events: broadcast::Sender<GroupEvent>,
}

impl GroupRpc {
    /// The backend of a running group. Has to be called within a Tokio runtime.
    pub fn new(group: Arc<Group>, network: NetworkHandle) -> Self {
        let genesis = group.ledger().genesis();
        let info = GroupInfo {
            group: genesis.group_id,
            chain_id: genesis.chain_id,
            evm_chain_id: genesis.evm_chain_id,
            genesis_hash: group.served().genesis_hash,
            own: group.own(),
            consensus: genesis.consensus.kind,
            state: genesis.state,
            gas_limit: genesis.gas_limit,
        };
        let events = group.events_sender();
        Self {
            group,
            network,
            info,
            events,
        }
    }

    fn ready(&self) -> Result<(), BackendError> {
        match self.group.halted() {
            None => Ok(()),
            Some(why) => Err(BackendError::NotReady(format!(
                "group {} has halted: {why}",
                self.info.group
            ))),
        }
    }
}

impl GroupBackend for GroupRpc {
    fn info(&self) -> &GroupInfo {
        &self.info
    }

    fn head(&self) -> Head {
        let head = self.group.ledger().head();
        Head {
            height: head.height,
            hash: head.hash,
        }
    }

    fn header(&self, height: u64) -> Result<Option<HeaderView>, BackendError> {
        reads::header(self.group.ledger(), height)
    }

    fn height_of(&self, hash: &B256) -> Result<Option<u64>, BackendError> {
        self.group.ledger().height_of(hash).map_err(reads::error)
    }

    fn block(&self, height: u64) -> Result<Option<BlockView>, BackendError> {
        reads::block(self.group.ledger(), height)
    }

    fn receipts(&self, height: u64) -> Result<Option<Arc<Vec<Receipt>>>, BackendError> {
        reads::receipts(self.group.ledger(), height)
    }

    fn certificate(&self, height: u64) -> Result<Option<CommitCertificate>, BackendError> {
        self.group.ledger().certificate(height).map_err(reads::error)
    }

    fn sealers_at(&self, height: u64) -> Result<Vec<NodeId>, BackendError> {
        let sealers = self.group.ledger().sealers(height).map_err(reads::error)?;
        Ok(sealers.map(|set| set.as_slice().to_vec()).unwrap_or_default())
    }

    fn transaction(&self, hash: &B256) -> Result<Option<MinedTransaction>, BackendError> {
        reads::transaction(self.group.ledger(), hash)
    }

    fn receipt(&self, hash: &B256) -> Result<Option<MinedReceipt>, BackendError> {
        reads::receipt(self.group.ledger(), hash)
    }

    fn logs(
        &self,
        from: u64,
        to: u64,
        filter: &LogFilter,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Vec<LogEntry>, BackendError> {
        reads::logs(self.group.ledger(), from, to, filter, limit, cancel)
    }

    fn account(&self, address: &Address, height: u64) -> Result<Option<Account>, BackendError> {
        let state = self.group.ledger().state_at(height).map_err(reads::error)?;
        state.account(address).map_err(reads::state_error)
    }

    fn storage(&self, address: &Address, slot: &U256, height: u64) -> Result<U256, BackendError> {
        let state = self.group.ledger().state_at(height).map_err(reads::error)?;
        state.storage(address, slot).map_err(reads::state_error)
    }

    fn code(&self, address: &Address, height: u64) -> Result<Bytes, BackendError> {
        reads::code(self.group.ledger(), address, height)
    }

    fn proof(&self, address: &Address, slots: &[U256], height: u64) -> Result<AccountProof, BackendError> {
        reads::proof(self.group.ledger(), address, slots, height)
    }

    fn call(&self, request: &CallRequest, context: &CallContext) -> Result<CallOutcome, BackendError> {
        calls::call(&self.group, request, context)
    }

    fn estimate(&self, request: &CallRequest, context: &CallContext) -> Result<EstimateOutcome, BackendError> {
        calls::estimate(&self.group, request, context)
    }

    fn access_list(&self, request: &CallRequest, context: &CallContext) -> Result<AccessListOutcome, BackendError> {
        calls::access_list(&self.group, request, context)
    }

    fn submit(&self, transactions: Vec<Bytes>) -> BoxFuture<'_, Vec<Result<B256, SubmitError>>> {
        if let Err(why) = self.ready() {
            let refused = transactions
                .iter()
                .map(|_| Err(SubmitError::NotReady(why.to_string())))
                .collect();
            return Box::pin(std::future::ready(refused));
        }
        submit::submit(Arc::clone(&self.group), transactions)
    }

    fn pending_transaction(&self, hash: &B256) -> Option<Recovered> {
        self.group.pool().get(hash)
    }

    fn pending_nonce(&self, address: &Address) -> Result<u64, BackendError> {
        if let Some(nonce) = self.group.pool().with(|pool| pool.pending_nonce(address)) {
            return Ok(nonce);
        }
        let account = self
            .group
            .ledger()
            .state_latest()
            .account(address)
            .map_err(reads::state_error)?;
        Ok(account.map_or(0, |account| account.nonce))
    }

    fn pool_status(&self) -> PoolStatus {
        let size = self.group.pool().size();
        PoolStatus {
            pending: size.executable as u64,
            queued: size.queued as u64,
        }
    }

    fn pool_content(&self, sender: Option<&Address>, limit: usize) -> PoolContent {
        let wanted = |recovered: &&Recovered| sender.is_none_or(|sender| recovered.sender == *sender);
        self.group.pool().with(|pool| PoolContent {
            pending: pool.executable().filter(wanted).take(limit).cloned().collect(),
            queued: pool.queued().filter(wanted).take(limit).cloned().collect(),
        })
    }

    fn events(&self) -> broadcast::Receiver<GroupEvent> {
        self.events.subscribe()
    }

    fn consensus_status(&self) -> ConsensusStatus {
        let status = self.group.consensus();
        let connected = status
            .connected
            .iter()
            .filter(|peer| status.sealers.contains(peer))
            .count();
        ConsensusStatus {
            view: Some(status.view),
            to_view: Some(status.view),
            leader: status.leader,
            leader_failed: status.view > 0,
            sealers: status.sealers.as_slice().to_vec(),
            connected: connected as u64,
            views: status
                .sealing
                .then_some((self.info.own, status.view))
                .into_iter()
                .collect(),
        }
    }

    fn sync_status(&self) -> SyncStatus {
        let (view, own) = (self.group.sync(), self.head());
        let highest = view.highest().map(|status| Head {
            height: status.height,
            hash: status.hash,
        });
        let peer = |(node_id, status): &(NodeId, crate::sync::Status)| PeerHead {
            node_id: *node_id,
            head: Head {
                height: status.height,
                hash: status.hash,
            },
            genesis_hash: self.info.genesis_hash,
        };
        SyncStatus {
            syncing: view.syncing,
            starting_height: if view.syncing { view.starting_height } else { own.height },
            highest: highest.filter(|head| head.height > own.height).unwrap_or(own),
            peers: view.peers.iter().map(peer).collect(),
        }
    }

    fn sealers(&self) -> Vec<NodeId> {
        self.group.ledger().head().next_sealers.as_slice().to_vec()
    }

    fn observers(&self) -> Vec<NodeId> {
        let found = governance(&self.group.ledger().state_latest()).ok().flatten();
        found.map(|found| found.observers()).unwrap_or_default()
    }

    fn group_peers(&self) -> Vec<NodeId> {
        self.network.peers_of(self.info.group)
    }

    fn totals(&self) -> Totals {
        let head = self.group.ledger().head();
        Totals {
            transactions: head.transactions_total,
            failed: head.failed_total,
            height: head.height,
        }
    }

    fn system_config(&self, key: &str) -> Result<Option<String>, BackendError> {
        let in_force = self.group.assembler().in_force().config();
        Ok(in_force.text(&key.to_lowercase()))
    }
}
