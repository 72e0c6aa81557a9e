//! Reading blocks, transactions, receipts, certificates, sealers and states.

use std::sync::Arc;

use althing_types::transaction::Transaction;
use althing_types::{Address, B256, Block, Bytes, CommitCertificate, Recovered, SealerSet, U256, fisco};

use super::recent::Recent;
use super::{Inner, Ledger};
use crate::error::During;
use crate::records::{self, BodyRecord, StoredHeader, StoredReceipt};
use crate::state::StateAt;
use crate::storage::Column;
use crate::{LedgerError, keys};

/// A block with its hash and the senders of its transactions, which nobody needs to recover again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// The block hash.
    pub hash: B256,
    /// The block.
    pub block: Arc<Block>,
    /// The senders, in the order of the transactions.
    pub senders: Vec<Address>,
}

impl Ledger {
    /// The header of a height; none above the head.
    pub fn header(&self, height: u64) -> Result<Option<StoredHeader>, LedgerError> {
        if let Some(Recent { block: stored, .. }) = self.recent(height) {
            let Block {
                header,
                section,
                transactions,
            } = stored.block.as_ref();
            let transactions = transactions.len() as u32;
            let (section, header) = (section.clone(), header.clone());
            return Ok(Some(StoredHeader {
                hash: stored.hash,
                transactions,
                section,
                header,
            }));
        }
        let Some(header) = self.inner.header_record(height)? else {
            return Ok(None);
        };
        header.verify(self.inner.hash).map(Some)
    }

    /// The height of a block hash; none when it is not of this chain.
    pub fn height_of(&self, hash: &B256) -> Result<Option<u64>, LedgerError> {
        let stored = self
            .inner
            .storage
            .get(Column::BlockHashes, hash.as_slice())
            .during("read a block hash")?;
        stored.map(|bytes| records::decode_height(hash, &bytes)).transpose()
    }

    /// The block of a height; none above the head.
    pub fn block(&self, height: u64) -> Result<Option<Arc<StoredBlock>>, LedgerError> {
        if let Some(recent) = self.recent(height) {
            return Ok(Some(recent.block));
        }
        let Some(StoredHeader {
            hash, section, header, ..
        }) = self.header(height)?
        else {
            return Ok(None);
        };
        let body = self.body(height)?;
        let decoded = |index| body.transaction(height, index, self.inner.hash).transpose();
        let transactions = (0..).map_while(decoded).collect::<Result<_, _>>()?;
        let block = Arc::new(Block {
            header,
            section,
            transactions,
        });
        Ok(Some(Arc::new(StoredBlock {
            hash,
            block,
            senders: body.senders,
        })))
    }

    /// The block of a hash; none when it is not of this chain.
    pub fn block_by_hash(&self, hash: &B256) -> Result<Option<Arc<StoredBlock>>, LedgerError> {
        match self.height_of(hash)? {
            Some(height) => self.block(height),
            None => Ok(None),
        }
    }

    /// The height and index of a transaction; none when no block has it.
    pub fn transaction_position(&self, hash: &B256) -> Result<Option<(u64, u32)>, LedgerError> {
        let stored = self
            .inner
            .storage
            .get(Column::Transactions, hash.as_slice())
            .during("find a transaction")?;
        stored.map(|bytes| records::decode_position(hash, &bytes)).transpose()
    }

    /// A transaction with its sender; none when there is no such block or index.
    pub fn transaction(&self, height: u64, index: u32) -> Result<Option<Recovered>, LedgerError> {
        let recovered = |transaction: &Arc<Transaction>, sender: &Address| {
            let (transaction, sender) = (transaction.clone(), *sender);
            Recovered { transaction, sender }
        };
        let at = index as usize;
        if let Some(Recent { block: stored, .. }) = self.recent(height) {
            let transaction = stored.block.transactions.get(at);
            return Ok(transaction
                .zip(stored.senders.get(at))
                .map(|(t, sender)| recovered(t, sender)));
        }
        if height > self.head().height {
            return Ok(None);
        }
        let body = self.body(height)?;
        let transaction = body.transaction(height, index, self.inner.hash)?;
        Ok(transaction
            .as_ref()
            .zip(body.senders.get(at))
            .map(|(t, sender)| recovered(t, sender)))
    }

    /// The FISCO transactions of a block as sender and randomid; the others, and their signatures and inputs, are not decoded.
    pub fn random_ids(&self, height: u64) -> Result<Vec<(Address, U256)>, LedgerError> {
        let body = self.body(height)?;
        let rows = body.transactions.iter().zip(&body.senders);
        let read = |(raw, sender): (&Bytes, &Address)| {
            let malformed = || LedgerError::corrupt(format!("body of block {height}"), "a randomid cannot be read");
            fisco::random_id(raw).map(|id| (*sender, id)).ok_or_else(malformed)
        };
        rows.filter(|(raw, _)| fisco::is_fisco(raw)).map(read).collect()
    }

    /// The receipts of a height, in the order of the transactions; none above the head.
    pub fn receipts(&self, height: u64) -> Result<Option<Arc<Vec<StoredReceipt>>>, LedgerError> {
        if let Some(recent) = self.recent(height) {
            return Ok(Some(recent.receipts));
        }
        let Some(header) = self.inner.header_record(height)? else {
            return Ok(None);
        };
        let receipts = self.inner.read_receipts(height, header.transactions)?;
        Ok(Some(Arc::new(receipts)))
    }

    /// One receipt; none when there is no such block or index.
    pub fn receipt(&self, height: u64, index: u32) -> Result<Option<StoredReceipt>, LedgerError> {
        if let Some(recent) = self.recent(height) {
            return Ok(recent.receipts.get(index as usize).cloned());
        }
        let stored = self
            .inner
            .storage
            .get(Column::Receipts, &keys::position(height, index))
            .during("read a receipt")?;
        stored
            .map(|bytes| StoredReceipt::read(height, index, &bytes))
            .transpose()
    }

    /// The commit certificate of a height; none for block 0 and above the head.
    pub fn certificate(&self, height: u64) -> Result<Option<CommitCertificate>, LedgerError> {
        let stored = self
            .inner
            .storage
            .get(Column::Certificates, &keys::height(height))
            .during("read a certificate")?;
        let decode = |bytes: Vec<u8>| {
            CommitCertificate::decode(&bytes)
                .map_err(|e| LedgerError::corrupt(format!("certificate of block {height}"), e))
        };
        match stored.map(decode).transpose()? {
            None if (1..=self.head().height).contains(&height) => Err(LedgerError::corrupt(
                format!("certificate of block {height}"),
                "it is missing",
            )),
            certificate => Ok(certificate),
        }
    }

    /// The sealers valid for a height, from 1 up to the one after the head; none elsewhere.
    pub fn sealers(&self, height: u64) -> Result<Option<SealerSet>, LedgerError> {
        let head = self.head();
        match height {
            next if next == head.height + 1 => Ok(Some(head.next_sealers.clone())),
            past if (1..=head.height).contains(&past) => self.inner.read_sealers(past).map(Some),
            _ => Ok(None),
        }
    }

    /// The state after the head.
    pub fn state_latest(&self) -> StateAt {
        StateAt::new(self.inner.clone(), self.head().height)
    }

    /// The state after a block.
    pub fn state_at(&self, height: u64) -> Result<StateAt, LedgerError> {
        match self.head().height {
            head if height <= head => Ok(StateAt::new(self.inner.clone(), height)),
            head => Err(LedgerError::Future { found: height, head }),
        }
    }

    fn recent(&self, height: u64) -> Option<Recent> {
        self.inner.recent.read().get(height).cloned()
    }

    fn body(&self, height: u64) -> Result<BodyRecord, LedgerError> {
        self.inner.read_body(height)
    }
}

impl Inner {
    /// The stored header of a height, unverified; none above the head, an error where one is missing below it.
    pub(crate) fn header_record(&self, height: u64) -> Result<Option<StoredHeader>, LedgerError> {
        if let Some(stored) = self
            .storage
            .get(Column::Headers, &keys::height(height))
            .during("read a header")?
        {
            return StoredHeader::read(height, &stored).map(Some);
        }
        match self.head.read().height {
            head if height <= head => Err(LedgerError::corrupt(
                format!("header of block {height}"),
                "it is missing",
            )),
            _ => Ok(None),
        }
    }

    pub(super) fn read_body(&self, height: u64) -> Result<BodyRecord, LedgerError> {
        let stored = self
            .storage
            .get(Column::Bodies, &keys::height(height))
            .during("read a block's body")?;
        let stored = stored.ok_or_else(|| LedgerError::corrupt(format!("body of block {height}"), "it is missing"))?;
        BodyRecord::read(height, &stored)
    }

    /// All receipts of a block, which has this many.
    pub(super) fn read_receipts(&self, height: u64, count: u32) -> Result<Vec<StoredReceipt>, LedgerError> {
        let mut receipts = Vec::with_capacity(count as usize);
        for (index, entry) in (0..count).zip(self.storage.iterate(Column::Receipts, &keys::position(height, 0))) {
            let (key, value) = entry.during("read receipts")?;
            if key[..] != keys::position(height, index) {
                break;
            }
            receipts.push(StoredReceipt::read(height, index, &value)?);
        }
        match receipts.len() as u32 {
            found if found == count => Ok(receipts),
            found => Err(LedgerError::corrupt(
                format!("receipt {found} of block {height}"),
                "it is missing",
            )),
        }
    }

    pub(super) fn read_sealers(&self, height: u64) -> Result<SealerSet, LedgerError> {
        let found = self
            .storage
            .seek(Column::Meta, &keys::sealers(height), keys::SEALERS)
            .during("read the sealers")?;
        let (_, set) =
            found.ok_or_else(|| LedgerError::corrupt(format!("sealer set of block {height}"), "it is missing"))?;
        records::decode_sealers(&set)
    }
}
