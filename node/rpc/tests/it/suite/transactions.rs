//! Transactions of each type, and what the "EVM" of the chain in memory does with them.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, Transaction as _, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, LogData, Signature, TxKind, U256};
use alloy_sol_types::{Revert, SolError};
use althing_crypto::{AccountSignature, Signer, SmSuite, StandardSuite, Suite};
use althing_types::genesis::Cryptography;
use althing_types::{FiscoRequest, FiscoSignature, Receipt, Recovered, Transaction};

use super::EDITION;
use super::chain::{CHAIN_ID, REVERTS, RICH, TOKEN, TRANSFER};

pub(crate) fn suite() -> &'static dyn Suite {
    match EDITION {
        Cryptography::Standard => &StandardSuite,
        Cryptography::Sm => &SmSuite,
    }
}

fn signature(seed: u64) -> Signature {
    Signature::new(U256::from(seed + 1_000_003), U256::from(seed + 7), seed % 2 == 1)
}

fn recover(envelope: &TxEnvelope) -> Address {
    let s = envelope.signature();
    let signature = AccountSignature {
        r: s.r(),
        s: s.s(),
        signer: Signer::OddY(s.v()),
    };
    StandardSuite
        .recover_account(&envelope.signature_hash(), &signature)
        .unwrap_or(RICH)
}

/// A transaction in Ethereum's format. Accounts of the SM edition sign none: there it is the same request in FISCO's.
pub(crate) fn recovered(envelope: TxEnvelope) -> Recovered {
    if EDITION == Cryptography::Sm {
        return fisco(FiscoRequest {
            random_id: U256::from(envelope.nonce() + 1_000),
            to: envelope.kind(),
            value: envelope.value(),
            input: envelope.input().clone(),
            ..fisco_request(2)
        });
    }
    let sender = recover(&envelope);
    let transaction = Transaction::decode(envelope.encoded_2718().into(), suite().hash_fn()).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender,
    }
}

pub(crate) fn legacy(nonce: u64) -> Recovered {
    let tx = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 7,
        gas_limit: 21_000,
        to: TxKind::Call(RICH),
        value: U256::from(5),
        input: Bytes::new(),
    };
    recovered(TxEnvelope::Legacy(tx.into_signed(signature(nonce))))
}

pub(crate) fn access_list(nonce: u64) -> Recovered {
    let item = alloy_eips::eip2930::AccessListItem {
        address: TOKEN,
        storage_keys: vec![B256::repeat_byte(1)],
    };
    let tx = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 3,
        gas_limit: 90_000,
        to: TxKind::Call(TOKEN),
        value: U256::ZERO,
        access_list: vec![item].into(),
        input: Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb]),
    };
    recovered(TxEnvelope::Eip2930(tx.into_signed(signature(nonce))))
}

pub(crate) fn dynamic_fee(nonce: u64, to: Option<Address>) -> Recovered {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: to.map_or(TxKind::Create, TxKind::Call),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::from_static(&[0x60, 0x00]),
    };
    recovered(TxEnvelope::Eip1559(tx.into_signed(signature(nonce))))
}

/// A request in FISCO's format that group 1 takes.
pub(crate) fn fisco_request(random_id: u64) -> FiscoRequest {
    FiscoRequest {
        random_id: U256::from(random_id) << 200,
        gas_price: U256::from(300_000_000),
        gas: U256::from(300_000_000),
        block_limit: 500,
        to: TxKind::Call(TOKEN),
        value: U256::ZERO,
        input: Bytes::from_static(&[0xa9, 0x05, 0x9c, 0xbb]),
        chain_id: 20_260,
        group_id: 1,
        extra_data: Bytes::from_static(b"for people"),
    }
}

/// Signed in the edition's form.
pub(crate) fn fisco(request: FiscoRequest) -> Recovered {
    let (r, s) = (U256::from(1_000_003), U256::from(7));
    let signature = match EDITION {
        Cryptography::Standard => FiscoSignature::recoverable(r, s, true),
        Cryptography::Sm => FiscoSignature::with_key(r, s, &[9; 64]),
    };
    fisco_signed(request, signature)
}

pub(crate) fn fisco_signed(request: FiscoRequest, signature: FiscoSignature) -> Recovered {
    let raw = request.signed(signature).encode();
    let transaction = Transaction::decode(raw, suite().hash_fn()).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender: RICH,
    }
}

fn transfer_log(amount: u64) -> Log {
    let topics = vec![TRANSFER, B256::repeat_byte(1), B256::repeat_byte(2)];
    Log {
        address: TOKEN,
        data: LogData::new_unchecked(topics, B256::from(U256::from(amount)).to_vec().into()),
    }
}

/// What the "EVM" of this chain does: calls of the token emit one event, calls of one address revert.
pub(crate) fn execute(recovered: &Recovered, cumulative: &mut u64) -> Receipt {
    let transaction = &recovered.transaction;
    let to = transaction.to();
    let reverts = to == Some(REVERTS);
    let logs = if to == Some(TOKEN) {
        vec![transfer_log(transaction.nonce().unwrap_or_default())]
    } else {
        vec![]
    };
    *cumulative += 21_000;
    let output: Vec<u8> = if reverts {
        Revert::from("too little").abi_encode()
    } else {
        vec![]
    };
    let contract = if to.is_none() {
        Bytes::copy_from_slice(RICH.create(1).as_slice())
    } else {
        Bytes::new()
    };
    Receipt {
        transaction_type: transaction.ethereum().map_or(0, alloy_consensus::Typed2718::ty),
        status: if reverts { 22 } else { 0 },
        gas_used: 21_000,
        cumulative_gas_used: *cumulative,
        logs_bloom: logs.iter().collect(),
        logs,
        contract,
        output: output.into(),
    }
}
