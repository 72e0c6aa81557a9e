//! Committing a block: one atomic synced batch, then the world may know.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use althing_types::{Address, B256, Block, CommitCertificate, Receipt, SealerSet};

use super::recent::Recent;
use super::{Head, Inner, Ledger, Prepared, StoredBlock};
use crate::error::During;
use crate::records::{BodyRecord, HeadRecord, StoredHeader, StoredReceipt, encode_sealers};
use crate::storage::{Batch, Column};
use crate::{LedgerError, keys};

/// A decided block with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The block; its parent is the head.
    pub block: Arc<Block>,
    /// Its hash.
    pub hash: B256,
    /// The receipts, in the order of the transactions.
    pub receipts: Vec<Receipt>,
    /// The senders, in the order of the transactions.
    pub senders: Vec<Address>,
    /// The state after it.
    pub prepared: Prepared,
    /// The proof that a quorum decided for it. It is stored as it is; checking it is consensus' work.
    pub certificate: CommitCertificate,
    /// The sealers of the next height, whose hash the block's section carries.
    pub next_sealers: SealerSet,
    /// The sealers of this height, where a recovery in this block set them; none where they are those its parent left.
    pub recovered_sealers: Option<SealerSet>,
}

impl Ledger {
    /// Writes a block. When this returns, the block is durable and is the head. After a failed write the ledger takes
    /// no more blocks until it is opened again: what is on disk is unknown until then.
    pub fn commit(&self, committed: Committed) -> Result<Arc<Head>, LedgerError> {
        let mut failed = self.inner.commits.lock();
        if let Some(why) = failed.as_ref() {
            return Err(LedgerError::Halted(why.clone()));
        }
        let parent = self.head();
        check(&self.inner, &parent, &committed)?;
        let head = Head {
            height: committed.block.height(),
            hash: committed.hash,
            header: committed.block.header.clone(),
            section: committed.block.section.clone(),
            transactions_total: parent.transactions_total + committed.receipts.len() as u64,
            failed_total: parent.failed_total + committed.receipts.iter().filter(|r| !r.succeeded()).count() as u64,
            next_sealers: committed.next_sealers.clone(),
        };
        let sealers_changed = head.next_sealers != parent.next_sealers;
        let mut batch = Batch::with_capacity(16 + committed.receipts.len() * 2 + committed.prepared.layer().size());
        committed.prepared.layer().write(&mut batch);
        batch.put(
            Column::Certificates,
            keys::height(head.height),
            committed.certificate.encode(),
        );
        let layer = committed.prepared.layer().clone();
        let recent = write_block(
            &mut batch,
            committed.block,
            &head,
            committed.receipts,
            committed.senders,
        );
        write_head(&mut batch, &head, sealers_changed);
        if let Some(sealers) = &committed.recovered_sealers {
            batch.put(Column::Meta, keys::sealers(head.height), encode_sealers(sealers));
        }
        self.inner.begun.store(head.height, Ordering::SeqCst);
        if let Err(error) = self.inner.storage.write(batch) {
            *failed = Some(error.to_string());
            return Err(error).during("commit a block");
        }
        self.inner.cache.advance(&layer);
        self.inner.recent.write().push(recent);
        let head = Arc::new(head);
        *self.inner.head.write() = head.clone();
        Ok(head)
    }
}

/// The block with its receipts and indexes.
pub(super) fn write_block(
    batch: &mut Batch,
    block: Arc<Block>,
    head: &Head,
    receipts: Vec<Receipt>,
    senders: Vec<Address>,
) -> Recent {
    let header = StoredHeader {
        hash: head.hash,
        transactions: block.transactions.len() as u32,
        section: block.section.clone(),
        header: block.header.clone(),
    };
    let body = alloy_rlp::encode(BodyRecord::of(&block, &senders));
    let mut bytes = body.len();
    batch.put(Column::Headers, keys::height(head.height), alloy_rlp::encode(header));
    batch.put(Column::Bodies, keys::height(head.height), body);
    batch.put(Column::BlockHashes, head.hash.as_slice(), keys::height(head.height));
    let mut first_log_index = 0;
    let mut stored = Vec::with_capacity(receipts.len());
    for (index, (receipt, transaction)) in receipts.into_iter().zip(&block.transactions).enumerate() {
        let position = keys::position(head.height, index as u32);
        let logs = receipt.logs.len() as u64;
        let receipt = StoredReceipt {
            transaction_hash: transaction.hash(),
            first_log_index,
            receipt,
        };
        let encoded = receipt.encode();
        bytes += encoded.len();
        batch.put(Column::Receipts, position, encoded);
        batch.put(Column::Transactions, transaction.hash().as_slice(), position);
        stored.push(receipt);
        first_log_index += logs;
    }
    let block = Arc::new(StoredBlock {
        hash: head.hash,
        block,
        senders,
    });
    Recent {
        block,
        receipts: Arc::new(stored),
        bytes,
    }
}

/// What moves with the head.
pub(super) fn write_head(batch: &mut Batch, head: &Head, sealers_changed: bool) {
    let record = HeadRecord {
        height: head.height,
        hash: head.hash,
        transactions_total: head.transactions_total,
        failed_total: head.failed_total,
    };
    batch.put(Column::Meta, keys::HEAD, alloy_rlp::encode(record));
    if sealers_changed {
        batch.put(
            Column::Meta,
            keys::sealers(head.height + 1),
            encode_sealers(&head.next_sealers),
        );
    }
}

/// Everything that must fit before a byte is written.
fn check(inner: &Inner, parent: &Head, committed: &Committed) -> Result<(), LedgerError> {
    let (block, layer) = (&committed.block, committed.prepared.layer());
    let height = block.height();
    let misfit = |what, found: String, expected: String| {
        Err(LedgerError::Misfit {
            height,
            what,
            found,
            expected,
        })
    };
    if height != parent.height + 1 {
        return misfit("its height", height.to_string(), (parent.height + 1).to_string());
    }
    if layer.height != height {
        return misfit(
            "the height of its prepared state",
            layer.height.to_string(),
            height.to_string(),
        );
    }
    let transactions = block.transactions.len();
    for (what, found) in [
        ("the number of its receipts", committed.receipts.len()),
        ("the number of its senders", committed.senders.len()),
    ] {
        if found != transactions {
            return misfit(what, found.to_string(), transactions.to_string());
        }
    }
    let section = block.section.hash(inner.hash);
    if block.header.extra_data[..] != section[..] {
        return misfit(
            "its extraData",
            block.header.extra_data.to_string(),
            section.to_string(),
        );
    }
    let next_sealers = committed.next_sealers.hash(inner.hash);
    let hashes = [
        ("its parent hash", block.header.parent_hash, parent.hash),
        ("its hash", committed.hash, block.hash(inner.hash)),
        (
            "the parent of its prepared state",
            layer.parent_root,
            parent.state_root(),
        ),
        ("its state root", block.header.state_root, layer.state_root),
        ("the hash of its next sealers", block.section.next_sealers, next_sealers),
        (
            "the block of its certificate",
            committed.certificate.block,
            committed.hash,
        ),
    ];
    match hashes.into_iter().find(|(_, found, expected)| found != expected) {
        Some((what, found, expected)) => misfit(what, found.to_string(), expected.to_string()),
        None => Ok(()),
    }
}
