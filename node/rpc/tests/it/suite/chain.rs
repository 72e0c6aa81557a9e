//! A small chain in memory: real blocks, transactions and receipts, and answers instead of an EVM.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use alloy_consensus::EMPTY_OMMER_ROOT_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, address, b256};
use alloy_sol_types::{Revert, SolError};
use althing_rpc::backend::*;
use althing_types::genesis::{ConsensusKind, StateKind};
use althing_types::{
    Account, Block, CommitCertificate, GroupId, Header, NodeId, Receipt, Recovered, Section, Transaction,
};
use tokio::sync::broadcast;

pub(crate) use super::transactions::{access_list, dynamic_fee, legacy};
use super::transactions::{execute, suite};

pub(crate) const TOKEN: Address = address!("00000000000000000000000000000000000000aa");
/// A contract that somebody froze.
pub(crate) const FROZEN: Address = address!("00000000000000000000000000000000000000de");
pub(crate) const REVERTS: Address = address!("00000000000000000000000000000000000000bb");
pub(crate) const NEVER_ENDS: Address = address!("00000000000000000000000000000000000000cc");
pub(crate) const LARGE: Address = address!("00000000000000000000000000000000000000dd");
pub(crate) const RICH: Address = address!("00000000000000000000000000000000000000ee");
/// Being called, it commits the pool.
pub(crate) const COMMITS: Address = address!("00000000000000000000000000000000000000ff");
pub(crate) const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
pub(crate) const CHAIN_ID: u64 = 20_260 * 32_768 + 1;

pub(crate) fn group_id(id: u32) -> GroupId {
    GroupId::try_from(id).unwrap()
}

pub(crate) fn node_id(byte: u8) -> NodeId {
    NodeId::new([byte; 64])
}

struct Chain {
    blocks: Vec<BlockView>,
    receipts: Vec<Arc<Vec<Receipt>>>,
    pool: Vec<Recovered>,
}

pub(crate) struct MemoryGroup {
    info: GroupInfo,
    chain: RwLock<Chain>,
    events: broadcast::Sender<GroupEvent>,
}

impl MemoryGroup {
    pub(crate) fn new(id: u32, state: StateKind) -> Self {
        let mut chain = Chain {
            blocks: vec![],
            receipts: vec![],
            pool: vec![],
        };
        let genesis_hash = append(&mut chain, vec![]).hash;
        append(&mut chain, vec![legacy(0), dynamic_fee(1, None), access_list(2)]);
        append(&mut chain, vec![dynamic_fee(3, Some(REVERTS)), access_list(4)]);
        let info = GroupInfo {
            group: group_id(id),
            chain_id: 20_260,
            evm_chain_id: CHAIN_ID - 1 + u64::from(id),
            genesis_hash,
            own: node_id(1),
            consensus: if id == 2 {
                ConsensusKind::Raft
            } else {
                ConsensusKind::Pbft
            },
            state,
            gas_limit: 300_000_000,
        };
        Self {
            info,
            chain: RwLock::new(chain),
            events: broadcast::channel(16).0,
        }
    }

    /// Commits a block and says so.
    pub(crate) fn commit(&self, transactions: Vec<Recovered>) -> Head {
        let head = append(&mut self.chain.write().unwrap(), transactions);
        let _ = self.events.send(GroupEvent::Committed {
            height: head.height,
            hash: head.hash,
        });
        head
    }

    /// Says that nothing follows.
    pub(crate) fn stop(&self) {
        let _ = self.events.send(GroupEvent::Stopped);
    }

    /// Takes a transaction into the pool, as [`GroupBackend::submit`] does.
    pub(crate) fn pend(&self, recovered: &Recovered) -> B256 {
        self.submit_one(recovered.transaction.raw().clone()).unwrap()
    }

    /// Empties the pool without a block.
    pub(crate) fn forget_pool(&self) {
        self.chain.write().unwrap().pool.clear();
    }

    fn read<T>(&self, read: impl FnOnce(&Chain) -> T) -> T {
        read(&self.chain.read().unwrap())
    }
}

fn append(chain: &mut Chain, transactions: Vec<Recovered>) -> Head {
    let height = chain.blocks.len() as u64;
    let parent_hash = chain.blocks.last().map(|b| b.hash).unwrap_or_default();
    let section = Section {
        protocol_version: 1,
        unix_ms: 1_700_000_000_250 + height * 1000,
        proposer: if height == 0 {
            Bytes::new()
        } else {
            Bytes::copy_from_slice(node_id(2).as_bytes())
        },
        next_sealers: B256::repeat_byte(9),
        genesis: (height == 0).then_some(B256::repeat_byte(8)),
    };
    let mut gas_used = 0;
    let receipts: Vec<Receipt> = transactions.iter().map(|t| execute(t, &mut gas_used)).collect();
    let header = Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        number: height,
        gas_limit: 300_000_000,
        gas_used,
        timestamp: section.unix_ms / 1000,
        extra_data: section.hash(suite().hash_fn()).into(),
        logs_bloom: receipts.iter().fold(Bloom::ZERO, |bloom, r| bloom | r.logs_bloom),
        base_fee_per_gas: Some(0),
        state_root: B256::repeat_byte(0x55),
        ..Header::default()
    };
    let senders = Arc::new(transactions.iter().map(|t| t.sender).collect());
    let transactions = transactions.into_iter().map(|t| t.transaction).collect();
    let block = Block {
        header,
        section,
        transactions,
    };
    let hash = block.hash(suite().hash_fn());
    chain.pool.retain(|pending| {
        !block
            .transactions
            .iter()
            .any(|t| t.hash() == pending.transaction.hash())
    });
    chain.blocks.push(BlockView {
        hash,
        block: Arc::new(block),
        senders,
    });
    chain.receipts.push(Arc::new(receipts));
    Head { height, hash }
}

fn mined(view: &BlockView, index: usize) -> MinedTransaction {
    let header = &view.block.header;
    MinedTransaction {
        recovered: Recovered {
            transaction: Arc::clone(&view.block.transactions[index]),
            sender: view.senders[index],
        },
        location: TransactionLocation {
            height: header.number,
            block_hash: view.hash,
            timestamp: header.timestamp,
            index: index as u64,
        },
    }
}

fn place(chain: &Chain, hash: &B256) -> Option<(usize, usize)> {
    let position = |block: &BlockView| block.block.transactions.iter().position(|t| t.hash() == *hash);
    chain
        .blocks
        .iter()
        .enumerate()
        .find_map(|(height, block)| Some((height, position(block)?)))
}

impl GroupBackend for MemoryGroup {
    fn info(&self) -> &GroupInfo {
        &self.info
    }

    fn head(&self) -> Head {
        self.read(|chain| {
            let last = chain.blocks.last().unwrap();
            Head {
                height: last.block.height(),
                hash: last.hash,
            }
        })
    }

    fn header(&self, height: u64) -> Result<Option<HeaderView>, BackendError> {
        let view = |b: &BlockView| HeaderView {
            hash: b.hash,
            header: b.block.header.clone(),
        };
        Ok(self.read(|chain| chain.blocks.get(height as usize).map(view)))
    }

    fn height_of(&self, hash: &B256) -> Result<Option<u64>, BackendError> {
        Ok(self.read(|chain| chain.blocks.iter().position(|b| b.hash == *hash).map(|h| h as u64)))
    }

    fn block(&self, height: u64) -> Result<Option<BlockView>, BackendError> {
        Ok(self.read(|chain| chain.blocks.get(height as usize).cloned()))
    }

    fn receipts(&self, height: u64) -> Result<Option<Arc<Vec<Receipt>>>, BackendError> {
        Ok(self.read(|chain| chain.receipts.get(height as usize).cloned()))
    }

    fn certificate(&self, height: u64) -> Result<Option<CommitCertificate>, BackendError> {
        let signature = |sealer| althing_types::certificate::SealerSignature {
            sealer,
            signature: vec![7; 64].into(),
        };
        let signatures = (0..3).map(signature).collect();
        let block = self.read(|chain| chain.blocks.get(height as usize).map(|b| b.hash));
        Ok(block.filter(|_| height > 0).map(|block| CommitCertificate {
            height,
            view: 0,
            block,
            signatures,
        }))
    }

    fn sealers_at(&self, _: u64) -> Result<Vec<NodeId>, BackendError> {
        Ok(self.sealers())
    }

    fn transaction(&self, hash: &B256) -> Result<Option<MinedTransaction>, BackendError> {
        Ok(self.read(|chain| place(chain, hash).map(|(height, index)| mined(&chain.blocks[height], index))))
    }

    fn receipt(&self, hash: &B256) -> Result<Option<MinedReceipt>, BackendError> {
        Ok(self.read(|chain| {
            let (height, index) = place(chain, hash)?;
            let receipts = &chain.receipts[height];
            Some(MinedReceipt {
                mined: mined(&chain.blocks[height], index),
                receipt: receipts[index].clone(),
                first_log_index: receipts[..index].iter().map(|r| r.logs.len() as u64).sum(),
            })
        }))
    }

    fn account(&self, address: &Address, height: u64) -> Result<Option<Account>, BackendError> {
        if height == 0 {
            return Err(BackendError::Pruned { height, oldest: 1 });
        }
        let code_hash = althing_types::state::EMPTY_CODE_HASH;
        Ok((*address == RICH).then_some(Account {
            nonce: 4,
            balance: U256::from(1_000_000),
            code_hash,
        }))
    }

    fn storage(&self, _: &Address, slot: &U256, _: u64) -> Result<U256, BackendError> {
        Ok(*slot + U256::from(1))
    }

    fn code(&self, address: &Address, _: u64) -> Result<Bytes, BackendError> {
        Ok(if *address == TOKEN {
            Bytes::from_static(&[0x60, 0x80])
        } else {
            Bytes::new()
        })
    }

    fn proof(&self, address: &Address, slots: &[U256], height: u64) -> Result<AccountProof, BackendError> {
        if self.info.state == StateKind::Storage {
            return Err(BackendError::Unsupported(
                "group 1 keeps no trie (state: Storage), so there are no proofs; a group with state: MPT has them"
                    .into(),
            ));
        }
        let account = self.account(address, height)?.unwrap_or(Account {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: althing_types::state::EMPTY_CODE_HASH,
        });
        let slot = |slot: &U256| SlotProof {
            slot: *slot,
            value: U256::from(3),
            nodes: vec![vec![0xc1, 1].into()],
        };
        Ok(AccountProof {
            account,
            storage_root: B256::repeat_byte(4),
            nodes: vec![vec![0xc1, 0].into()],
            slots: slots.iter().map(slot).collect(),
        })
    }

    fn call(&self, request: &CallRequest, context: &CallContext) -> Result<CallOutcome, BackendError> {
        let returned = |output: Bytes| {
            Ok(CallOutcome::Returned {
                output,
                gas_used: 30_000,
            })
        };
        match request.to {
            Some(REVERTS) => {
                let output = Revert::from("too little").abi_encode().into();
                Ok(CallOutcome::Failed(CallFailure::Reverted {
                    output,
                    reason: Some("too little".to_owned()),
                    gas_used: 30_000,
                    status: 22,
                }))
            }
            Some(FROZEN) => {
                let output = Revert::from("contract 0xdd is frozen").abi_encode().into();
                Ok(CallOutcome::Failed(CallFailure::Reverted {
                    output,
                    reason: Some("contract 0xdd is frozen".to_owned()),
                    gas_used: 21_000,
                    status: 30,
                }))
            }
            Some(NEVER_ENDS) => {
                while !context.cancel.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(BackendError::Cancelled)
            }
            Some(COMMITS) => {
                let pool = self.read(|chain| chain.pool.clone());
                self.commit(pool);
                returned(Bytes::new())
            }
            Some(LARGE) => returned(vec![0; 100_000].into()),
            // The balance override of the caller, then the block override of the number, then what was sent.
            _ => match (
                context.state.get(&request.from.unwrap_or_default()),
                context.block.number,
            ) {
                (Some(account), _) => returned(B256::from(account.balance.unwrap_or_default()).into()),
                (None, Some(number)) => returned(B256::from(U256::from(number)).into()),
                (None, None) => returned(request.input.clone()),
            },
        }
    }

    fn estimate(&self, request: &CallRequest, context: &CallContext) -> Result<EstimateOutcome, BackendError> {
        Ok(match self.call(request, context)? {
            CallOutcome::Returned { gas_used, .. } => EstimateOutcome::Gas(gas_used),
            CallOutcome::Failed(failure) => EstimateOutcome::Failed(failure),
        })
    }

    fn access_list(&self, request: &CallRequest, context: &CallContext) -> Result<AccessListOutcome, BackendError> {
        let failure = match self.call(request, context)? {
            CallOutcome::Failed(failure) => Some(failure),
            CallOutcome::Returned { .. } => None,
        };
        Ok(AccessListOutcome {
            list: vec![(TOKEN, vec![B256::repeat_byte(1)])],
            gas_used: 31_000,
            failure,
        })
    }

    fn submit(&self, transactions: Vec<Bytes>) -> BoxFuture<'_, Vec<Result<B256, SubmitError>>> {
        Box::pin(async move { transactions.into_iter().map(|raw| self.submit_one(raw)).collect() })
    }

    fn pending_transaction(&self, hash: &B256) -> Option<Recovered> {
        self.read(|chain| chain.pool.iter().find(|t| t.transaction.hash() == *hash).cloned())
    }

    fn pending_nonce(&self, address: &Address) -> Result<u64, BackendError> {
        let state = self.account(address, 1)?.map_or(0, |account| account.nonce);
        Ok(state + self.read(|chain| chain.pool.len() as u64))
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus {
            pending: self.read(|chain| chain.pool.len() as u64),
            queued: 0,
        }
    }

    fn pool_content(&self, sender: Option<&Address>, limit: usize) -> PoolContent {
        let of_sender = |t: &&Recovered| sender.is_none_or(|sender| t.sender == *sender);
        let pending = self.read(|chain| chain.pool.iter().filter(of_sender).take(limit).cloned().collect());
        PoolContent {
            pending,
            queued: vec![],
        }
    }

    fn events(&self) -> broadcast::Receiver<GroupEvent> {
        self.events.subscribe()
    }

    fn consensus_status(&self) -> ConsensusStatus {
        let sealers = self.sealers();
        ConsensusStatus {
            view: (self.info.consensus == ConsensusKind::Pbft).then_some(5),
            to_view: None,
            leader: sealers.get(2).copied(),
            leader_failed: false,
            connected: 3,
            views: sealers.iter().map(|s| (*s, 5)).collect(),
            sealers,
        }
    }

    fn sync_status(&self) -> SyncStatus {
        let head = self.head();
        let genesis_hash = self.info.genesis_hash;
        SyncStatus {
            syncing: self.info.group == group_id(2),
            starting_height: 1,
            highest: Head {
                height: head.height + 7,
                hash: B256::repeat_byte(0x77),
            },
            peers: vec![PeerHead {
                node_id: node_id(2),
                head,
                genesis_hash,
            }],
        }
    }

    fn sealers(&self) -> Vec<NodeId> {
        (1..=4).map(node_id).collect()
    }

    fn observers(&self) -> Vec<NodeId> {
        vec![node_id(5)]
    }

    fn group_peers(&self) -> Vec<NodeId> {
        (2..=5).map(node_id).collect()
    }

    fn totals(&self) -> Totals {
        Totals {
            transactions: 5,
            failed: 1,
            height: self.head().height,
        }
    }

    fn system_config(&self, key: &str) -> Result<Option<String>, BackendError> {
        Ok(match key {
            "tx_count_limit" => Some("1000".into()),
            "tx_gas_limit" => Some("300000000".into()),
            "consensus_timeout" => Some("3".into()),
            _ => None,
        })
    }
}

impl MemoryGroup {
    /// What this chain asks of FISCO's format.
    fn check_fisco(&self, transaction: &Transaction) -> Result<(), SubmitError> {
        let Some(fisco) = transaction.fisco() else {
            return Ok(());
        };
        let (request, accepted) = (&fisco.request, u64::from(self.info.group.get()));
        match (request.chain_id, request.group_id, request.block_limit) {
            (found, _, _) if found != self.info.chain_id => {
                let accepted = self.info.chain_id;
                Err(SubmitError::ChainId { found, accepted })
            }
            (_, found, _) if found != accepted => Err(SubmitError::GroupId { found, accepted }),
            (_, _, found) if found < 3 => Err(SubmitError::BlockLimit {
                found,
                first: 3,
                last: 1002,
            }),
            _ => match request.random_id {
                used if used == U256::from(1) => Err(SubmitError::RandomIdUsed(used)),
                _ => Ok(()),
            },
        }
    }

    fn submit_one(&self, raw: Bytes) -> Result<B256, SubmitError> {
        let decoded = Transaction::decode(raw, suite().hash_fn()).map_err(|e| SubmitError::Malformed(e.to_string()))?;
        let transaction = Arc::new(decoded);
        self.check_fisco(&transaction)?;
        let hash = transaction.hash();
        match transaction.nonce() {
            Some(found @ 0) => return Err(SubmitError::NonceTooLow { next: 4, found }),
            Some(999) => {
                return Err(SubmitError::InsufficientFunds {
                    balance: U256::ZERO,
                    cost: U256::from(5),
                });
            }
            _ => {}
        }
        let mut chain = self.chain.write().unwrap();
        if chain.pool.iter().any(|t| t.transaction.hash() == hash) {
            return Err(SubmitError::AlreadyKnown);
        }
        chain.pool.push(Recovered {
            transaction,
            sender: RICH,
        });
        drop(chain);
        let _ = self.events.send(GroupEvent::Pending(hash));
        Ok(hash)
    }
}
