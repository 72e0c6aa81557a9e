//! A chain of one group with real blocks, without consensus.

use std::path::Path;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Signature, logs_bloom};
use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_ledger::{Committed, Head, Ledger, OpenError, Opened, Prepared, SharedMemory};
use althing_types::genesis::{
    Committee, ConsensusConfig, ConsensusKind, Cryptography, EvmHash, PROTOCOL_VERSION, Seat, StateKind,
};
use althing_types::state::EMPTY_CODE_HASH;
use althing_types::transaction::Transaction;
use althing_types::{
    Account, Address, Block, Bloom, Bytes, ChangeSet, CommitCertificate, FiscoRequest, FiscoSignature, Genesis,
    GroupId, Header, Log, NodeId, Receipt, SealerSet, Section, U256,
};

use super::EDITION;

pub(crate) fn suite() -> Arc<dyn Suite> {
    match EDITION {
        Cryptography::Standard => Arc::new(StandardSuite),
        Cryptography::Sm => Arc::new(SmSuite),
    }
}

pub(crate) fn node(byte: u8) -> NodeId {
    NodeId::new([byte; 64])
}

pub(crate) fn address(number: u64) -> Address {
    // Spread as real addresses are.
    Address::from_word(alloy_primitives::keccak256(number.to_be_bytes()))
}

pub(crate) fn account(nonce: u64, balance: u64) -> Account {
    Account {
        nonce,
        balance: U256::from(balance),
        code_hash: EMPTY_CODE_HASH,
    }
}

pub(crate) fn genesis(state: StateKind) -> Genesis {
    let seat = Seat {
        account: Address::repeat_byte(0xaa),
        weight: 1,
    };
    Genesis {
        protocol_version: PROTOCOL_VERSION,
        chain_id: 20_260,
        group_id: GroupId::try_from(1).unwrap(),
        cryptography: EDITION,
        timestamp_ms: 1_767_225_600_123,
        consensus: ConsensusConfig {
            kind: ConsensusKind::Pbft,
            max_transactions: 1000,
            timeout_ms: 3000,
            heartbeat_ms: None,
        },
        sealers: SealerSet::new((1..=4).map(node).collect()),
        state,
        evm_chain_id: 20_260 * 32_768 + 1,
        evm_hash: EvmHash::Keccak256,
        gas_limit: 300_000_000,
        block_bytes: 4 << 20,
        committee: Committee {
            seats: vec![seat],
            threshold: 50,
        },
        predeploys: Default::default(),
    }
}

/// What block 0 holds: one rich account, and a contract with a slot.
pub(crate) fn genesis_changes() -> ChangeSet {
    let code = Bytes::from_static(&[0x60, 0x00]);
    let code_hash = alloy_primitives::keccak256(&code);
    let mut changes = ChangeSet::default();
    changes.accounts.insert(address(0), Some(account(0, 1_000_000)));
    changes.accounts.insert(
        contract(),
        Some(Account {
            nonce: 1,
            balance: U256::ZERO,
            code_hash,
        }),
    );
    changes.storage.insert((contract(), U256::from(1)), U256::from(42));
    changes.code.insert(code_hash, code);
    changes
}

pub(crate) fn contract() -> Address {
    Address::repeat_byte(0xcc)
}

pub(crate) fn open_with(folder: &Path, genesis: &Genesis, id: NodeId) -> Result<Opened, OpenError> {
    Ledger::open_or_create(
        folder,
        genesis,
        &genesis_changes(),
        id,
        suite(),
        &SharedMemory::default(),
    )
}

pub(crate) fn open(folder: &Path, state: StateKind) -> Ledger {
    let opened = open_with(folder, &genesis(state), node(1)).unwrap();
    assert_eq!(opened.genesis_differences, []);
    opened.ledger
}

/// A transaction of its own for each number.
pub(crate) fn transaction(number: u64) -> Arc<Transaction> {
    let unsigned = TxLegacy {
        nonce: number,
        gas_limit: 21_000,
        chain_id: Some(1),
        ..TxLegacy::default()
    };
    let envelope = TxEnvelope::from(unsigned.into_signed(Signature::test_signature()));
    Arc::new(Transaction::decode(envelope.encoded_2718().into(), suite().hash_fn()).unwrap())
}

/// A FISCO transaction with this randomid.
pub(crate) fn fisco_transaction(random_id: u64) -> Arc<Transaction> {
    let request = FiscoRequest {
        random_id: U256::from(random_id),
        block_limit: 500,
        chain_id: 20_260,
        group_id: 1,
        ..FiscoRequest::default()
    };
    let (r, s) = (U256::from(1), U256::from(1));
    let signature = match EDITION {
        Cryptography::Standard => FiscoSignature::recoverable(r, s, false),
        Cryptography::Sm => FiscoSignature::with_key(r, s, &[7; 64]),
    };
    let raw = request.signed(signature).encode();
    Arc::new(Transaction::decode(raw, suite().hash_fn()).unwrap())
}

pub(crate) fn receipt(logs: Vec<Log>) -> Receipt {
    Receipt {
        transaction_type: 0,
        status: 0,
        gas_used: 21_000,
        cumulative_gas_used: 21_000,
        logs_bloom: logs_bloom(&logs),
        logs,
        contract: Bytes::new(),
        output: Bytes::new(),
    }
}

/// What a block shall hold.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) changes: ChangeSet,
    pub(crate) transactions: Vec<(Arc<Transaction>, Receipt)>,
    pub(crate) next_sealers: Option<SealerSet>,
}

/// A block on the head that holds this.
pub(crate) fn assemble(ledger: &Ledger, head: &Head, prepared: Prepared, content: Content) -> Committed {
    let hash = suite().hash_fn();
    let next_sealers = content.next_sealers.unwrap_or_else(|| head.next_sealers.clone());
    let (transactions, receipts): (Vec<_>, Vec<_>) = content.transactions.into_iter().unzip();
    let section = Section {
        protocol_version: ledger.genesis().protocol_version,
        unix_ms: head.unix_ms() + 1,
        proposer: node(1).as_bytes().to_vec().into(),
        next_sealers: next_sealers.hash(hash),
        genesis: None,
    };
    let header = Header {
        parent_hash: head.hash,
        number: head.height + 1,
        state_root: prepared.state_root(),
        logs_bloom: receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.logs_bloom),
        timestamp: section.unix_ms / 1000,
        gas_limit: head.header.gas_limit,
        extra_data: section.hash(hash).into(),
        base_fee_per_gas: Some(0),
        ..Header::default()
    };
    let senders = (0..transactions.len() as u64).map(address).collect();
    let block = Arc::new(Block {
        header,
        section,
        transactions,
    });
    let hash = block.hash(hash);
    let certificate = CommitCertificate {
        height: block.height(),
        view: 0,
        block: hash,
        signatures: Vec::new(),
    };
    Committed {
        block,
        hash,
        receipts,
        senders,
        prepared,
        certificate,
        next_sealers,
        recovered_sealers: None,
    }
}

/// Prepares and commits a block.
pub(crate) fn commit(ledger: &Ledger, content: Content) -> Arc<Head> {
    let prepared = ledger.prepare(None, PROTOCOL_VERSION, &content.changes).unwrap();
    ledger
        .commit(assemble(ledger, &ledger.head(), prepared, content))
        .unwrap()
}

/// A block that pays from account 0 to an account of this number.
pub(crate) fn pay(ledger: &Ledger, number: u64) -> Arc<Head> {
    let mut changes = ChangeSet::default();
    let height = ledger.head().height;
    changes
        .accounts
        .insert(address(0), Some(account(height + 1, 1_000_000 - height - 1)));
    changes.accounts.insert(address(number), Some(account(0, height + 1)));
    changes
        .storage
        .insert((contract(), U256::from(number)), U256::from(height + 1));
    let transactions = vec![(transaction(height), receipt(Vec::new()))];
    commit(
        ledger,
        Content {
            changes,
            transactions,
            next_sealers: None,
        },
    )
}
