//! Values on disk and their decoders. A decoder never defaults: what it cannot read is [`LedgerError::Corrupt`].

use std::sync::Arc;

use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use althing_types::state::EMPTY_CODE_HASH;
use althing_types::transaction::Transaction;
use althing_types::{
    Account, Address, B256, Block, Bloom, Bytes, HashFn, Header, NodeId, Receipt, SealerSet, Section, U256,
};

use crate::LedgerError;

/// A decoded RLP value, or a sentence about what is corrupt.
pub(crate) fn decode<T: Decodable>(what: impl Fn() -> String, bytes: &[u8]) -> Result<T, LedgerError> {
    alloy_rlp::decode_exact(bytes).map_err(|e| LedgerError::corrupt(what(), e))
}

/// Whose ledger a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Identity {
    pub(crate) node_id: Bytes,
    pub(crate) chain_id: u64,
    pub(crate) group_id: u32,
    pub(crate) genesis_hash: B256,
}

/// What moves with every block.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct HeadRecord {
    pub(crate) height: u64,
    pub(crate) hash: B256,
    pub(crate) transactions_total: u64,
    pub(crate) failed_total: u64,
}

/// A header with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct StoredHeader {
    /// The block hash.
    pub hash: B256,
    /// How many transactions the block has.
    pub transactions: u32,
    /// The section that the header's `extraData` is the hash of.
    pub section: Section,
    /// The header.
    pub header: Header,
}

impl StoredHeader {
    /// Reads the header of a height; the height inside must be the one it was stored under.
    pub(crate) fn read(height: u64, bytes: &[u8]) -> Result<Self, LedgerError> {
        let what = || format!("header of block {height}");
        let record: Self = decode(what, bytes)?;
        match record.header.number {
            found if found == height => Ok(record),
            found => Err(LedgerError::corrupt(what(), format!("it says it is block {found}"))),
        }
    }

    /// Checks that header and section hash to what they were stored under.
    pub(crate) fn verify(self, hash: HashFn) -> Result<Self, LedgerError> {
        let found = althing_types::block::header_hash(&self.header, hash);
        let what = || format!("header of block {}", self.header.number);
        if found != self.hash {
            return Err(LedgerError::corrupt(
                what(),
                format!("it hashes to {found}, stored under {}", self.hash),
            ));
        }
        if self.header.extra_data[..] != self.section.hash(hash)[..] {
            return Err(LedgerError::corrupt(
                what(),
                "its section does not hash to its extraData",
            ));
        }
        Ok(self)
    }
}

/// The transactions of a block with their senders.
#[derive(RlpEncodable, RlpDecodable)]
pub(crate) struct BodyRecord {
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) senders: Vec<Address>,
}

impl BodyRecord {
    pub(crate) fn of(block: &Block, senders: &[Address]) -> Self {
        Self {
            transactions: block.transactions.iter().map(|t| t.raw().clone()).collect(),
            senders: senders.to_vec(),
        }
    }

    pub(crate) fn read(height: u64, bytes: &[u8]) -> Result<Self, LedgerError> {
        let what = || format!("body of block {height}");
        let body: Self = decode(what, bytes)?;
        if body.senders.len() == body.transactions.len() {
            return Ok(body);
        }
        let why = format!(
            "{} transactions, {} senders",
            body.transactions.len(),
            body.senders.len()
        );
        Err(LedgerError::corrupt(what(), why))
    }

    /// The decoded transaction at an index.
    pub(crate) fn transaction(
        &self,
        height: u64,
        index: u32,
        hash: HashFn,
    ) -> Result<Option<Arc<Transaction>>, LedgerError> {
        let Some(raw) = self.transactions.get(index as usize) else {
            return Ok(None);
        };
        let what = || format!("transaction {index} of block {height}");
        let transaction = Transaction::decode(raw.clone(), hash).map_err(|e| LedgerError::corrupt(what(), e))?;
        Ok(Some(Arc::new(transaction)))
    }
}

/// A receipt with its place among the block's logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The transaction it is of.
    pub transaction_hash: B256,
    /// The index in the block of its first log.
    pub first_log_index: u64,
    /// The receipt.
    pub receipt: Receipt,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRecord {
    transaction_hash: B256,
    first_log_index: u64,
    bloom: Bytes,
    /// The receipt with an empty bloom.
    receipt: Receipt,
}

impl StoredReceipt {
    /// Most blooms have a dozen of 2048 bits set: they are stored as a list of positions.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let record = ReceiptRecord {
            transaction_hash: self.transaction_hash,
            first_log_index: self.first_log_index,
            bloom: pack_bloom(&self.receipt.logs_bloom).into(),
            receipt: Receipt {
                logs_bloom: Bloom::ZERO,
                ..self.receipt.clone()
            },
        };
        alloy_rlp::encode(&record)
    }

    pub(crate) fn read(height: u64, index: u32, bytes: &[u8]) -> Result<Self, LedgerError> {
        let what = || format!("receipt {index} of block {height}");
        let mut record: ReceiptRecord = decode(what, bytes)?;
        record.receipt.logs_bloom =
            unpack_bloom(&record.bloom).ok_or_else(|| LedgerError::corrupt(what(), "its bloom has no valid form"))?;
        let ReceiptRecord {
            transaction_hash,
            first_log_index,
            receipt,
            ..
        } = record;
        Ok(Self {
            transaction_hash,
            first_log_index,
            receipt,
        })
    }
}

/// Positions of set bits, two bytes each, when that is shorter than the 256 bytes of the bloom.
fn pack_bloom(bloom: &Bloom) -> Vec<u8> {
    let mut packed = Vec::new();
    for (position, byte) in bloom.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        for bit in (0..8).filter(|bit| byte & (1 << bit) != 0) {
            packed.extend_from_slice(&((position * 8 + bit) as u16).to_be_bytes());
        }
        if packed.len() >= Bloom::len_bytes() {
            return bloom.to_vec();
        }
    }
    packed
}

fn unpack_bloom(packed: &[u8]) -> Option<Bloom> {
    if packed.len() == Bloom::len_bytes() {
        return Some(Bloom::from_slice(packed));
    }
    let mut bloom = Bloom::ZERO;
    let (positions, rest) = packed.as_chunks::<2>();
    for position in positions {
        let position = usize::from(u16::from_be_bytes(*position));
        *bloom.0.get_mut(position / 8)? |= 1 << (position % 8);
    }
    rest.is_empty().then_some(bloom)
}

#[derive(RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
struct AccountRecord {
    nonce: u64,
    balance: U256,
    /// Absent for accounts without code.
    code_hash: Option<B256>,
}

/// An account as the flat state and its history hold it.
pub(crate) fn encode_account(account: &Account) -> Vec<u8> {
    let code_hash = (account.code_hash != EMPTY_CODE_HASH).then_some(account.code_hash);
    let record = AccountRecord {
        nonce: account.nonce,
        balance: account.balance,
        code_hash,
    };
    let mut out = Vec::with_capacity(record.length());
    record.encode(&mut out);
    out
}

/// Reads [`encode_account`]; no bytes are no account.
pub(crate) fn decode_account(address: &Address, bytes: &[u8]) -> Result<Option<Account>, LedgerError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let AccountRecord {
        nonce,
        balance,
        code_hash,
    } = decode(|| format!("account {address}"), bytes)?;
    Ok(Some(Account {
        nonce,
        balance,
        code_hash: code_hash.unwrap_or(EMPTY_CODE_HASH),
    }))
}

/// A storage value: big-endian without leading zeros, so that zero is no bytes.
pub(crate) fn encode_slot(value: &U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

/// Reads [`encode_slot`].
pub(crate) fn decode_slot(address: &Address, slot: &U256, bytes: &[u8]) -> Result<U256, LedgerError> {
    U256::try_from_be_slice(bytes)
        .ok_or_else(|| LedgerError::corrupt(format!("slot {slot:#x} of {address}"), format!("{} bytes", bytes.len())))
}

/// The sealers in order, 64 bytes each.
pub(crate) fn encode_sealers(sealers: &SealerSet) -> Vec<u8> {
    sealers.as_slice().iter().flat_map(|node| *node.as_bytes()).collect()
}

/// Reads [`encode_sealers`].
pub(crate) fn decode_sealers(bytes: &[u8]) -> Result<SealerSet, LedgerError> {
    let (nodes, rest) = bytes.as_chunks::<64>();
    if !rest.is_empty() {
        return Err(LedgerError::corrupt(
            "sealer set",
            format!("{} bytes are no multiple of 64", bytes.len()),
        ));
    }
    Ok(SealerSet::new(nodes.iter().map(|node| NodeId::new(*node)).collect()))
}

/// Where a transaction is: height and index.
pub(crate) fn decode_position(hash: &B256, bytes: &[u8]) -> Result<(u64, u32), LedgerError> {
    let corrupt = || LedgerError::corrupt(format!("place of transaction {hash}"), format!("{} bytes", bytes.len()));
    let (height, index) = bytes.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let index: [u8; 4] = index.try_into().map_err(|_| corrupt())?;
    Ok((u64::from_be_bytes(*height), u32::from_be_bytes(index)))
}

/// The height of a block hash.
pub(crate) fn decode_height(hash: &B256, bytes: &[u8]) -> Result<u64, LedgerError> {
    let height = bytes
        .try_into()
        .map_err(|_| LedgerError::corrupt(format!("height of block {hash}"), format!("{} bytes", bytes.len())))?;
    Ok(u64::from_be_bytes(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bloom_reads_back_sparse_or_dense() {
        let mut sparse = Bloom::ZERO;
        sparse.0[0] = 0x81;
        sparse.0[255] = 1;
        for bloom in [Bloom::ZERO, sparse, Bloom::repeat_byte(0xff), Bloom::repeat_byte(0x11)] {
            assert_eq!(unpack_bloom(&pack_bloom(&bloom)), Some(bloom));
        }
        assert_eq!(pack_bloom(&sparse).len(), 6);
        assert_eq!(unpack_bloom(&[0xff, 0xff]), None, "a position above 2047");
        assert_eq!(unpack_bloom(&[1]), None);
    }

    #[test]
    fn an_account_reads_back_and_no_bytes_are_no_account() {
        let address = Address::ZERO;
        let plain = Account {
            nonce: 3,
            balance: U256::from(5),
            code_hash: EMPTY_CODE_HASH,
        };
        let contract = Account {
            code_hash: B256::repeat_byte(1),
            ..plain
        };
        for account in [plain, contract] {
            assert_eq!(decode_account(&address, &encode_account(&account)), Ok(Some(account)));
        }
        assert_eq!(decode_account(&address, &[]), Ok(None));
        assert!(decode_account(&address, &[1, 2]).is_err());
    }

    #[test]
    fn a_slot_reads_back_and_zero_is_no_bytes() {
        for value in [U256::ZERO, U256::from(256), U256::MAX] {
            assert_eq!(
                decode_slot(&Address::ZERO, &U256::ZERO, &encode_slot(&value)),
                Ok(value)
            );
        }
        assert!(encode_slot(&U256::ZERO).is_empty());
        assert!(decode_slot(&Address::ZERO, &U256::ZERO, &[0; 33]).is_err());
    }
}
