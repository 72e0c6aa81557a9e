//! A transaction as the EVM takes it, and why a block may not hold it.

use alloy_consensus::{Transaction as _, Typed2718};
use althing_types::transaction::Envelope;
use althing_types::{Address, FiscoTransaction, Recovered, Transaction, U256};
use revm::context::TxEnv;
use revm::context::result::InvalidTransaction;
use revm::context_interface::cfg::GasParams;

use crate::{ChainIds, Limits, Rules};

/// Why a transaction may not be in a block. The texts begin with the words go-ethereum uses, because tools match them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReason {
    /// Already used; for a pool, already known.
    #[error("nonce too low: next nonce {account}, tx nonce {transaction}")]
    NonceTooLow {
        /// The nonce of the transaction.
        transaction: u64,
        /// The next nonce of its sender.
        account: u64,
    },
    /// One before it is missing.
    #[error("nonce too high: next nonce {account}, tx nonce {transaction}")]
    NonceTooHigh {
        /// The nonce of the transaction.
        transaction: u64,
        /// The next nonce of its sender.
        account: u64,
    },
    /// The last nonce there is (EIP-2681).
    #[error("nonce has max value")]
    NonceExhausted,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found} want {expected}")]
    ChainId {
        /// The chain id that was signed.
        found: u64,
        /// This chain's: in Ethereum's formats the group's EVM chain id.
        expected: u64,
    },
    /// Signed for another group (FISCO's format).
    #[error("invalid group id for signer: have {found} want {expected}")]
    GroupId {
        /// The group that was signed.
        found: u64,
        /// This group.
        expected: u64,
    },
    /// No block may hold it any more, or none yet (FISCO's format).
    #[error("block limit out of range: have {found}, {first} to {last} are accepted now")]
    BlockLimit {
        /// The transaction's.
        found: u64,
        /// The lowest accepted.
        first: u64,
        /// The highest accepted.
        last: u64,
    },
    /// Its sender used its randomid (FISCO's format).
    #[error("randomid already used: the account has a transaction with randomid {0} in this block or the last 1000")]
    RandomIdUsed(U256),
    /// It may be given less gas than that.
    #[error("exceeds block gas limit: gas {found}, accepted {accepted}")]
    GasLimit {
        /// The gas it asks for.
        found: u64,
        /// The gas of a block.
        accepted: u64,
    },
    /// Not even its bytes can be paid for with its gas.
    #[error("intrinsic gas too low: have {found}, want {needed}")]
    IntrinsicGas {
        /// The gas it asks for.
        found: u64,
        /// The gas it costs before it does anything.
        needed: u64,
    },
    /// It sends more than its sender has. Fees are no part of this.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {value}")]
    InsufficientFunds {
        /// The sender's balance.
        balance: U256,
        /// The value it sends.
        value: U256,
    },
    /// Its initialisation code is too long (EIP-3860 with this ledger's limit).
    #[error("max initcode size exceeded: code size {found} limit {accepted}")]
    InitCode {
        /// Its length.
        found: usize,
        /// The longest accepted.
        accepted: usize,
    },
    /// Longer than a whole block may be.
    #[error("oversized data: transaction size {found}, limit {accepted}")]
    Bytes {
        /// Its length.
        found: u64,
        /// The bytes of a block.
        accepted: u64,
    },
    /// Contracts sign nothing (EIP-3607).
    #[error("sender not an eoa: {sender} holds code")]
    SenderHasCode {
        /// The sender.
        sender: Address,
    },
    /// Anything else the EVM refuses.
    #[error("{0}")]
    Other(String),
}

/// The EVM's view of a signed transaction. The price is 0, whatever was offered (LEDGER.md 5). `gas` is what a transaction may be given.
pub(crate) fn environment(recovered: &Recovered, gas: u64) -> TxEnv {
    of_envelope(&recovered.transaction, recovered.sender, gas)
}

fn of_envelope(transaction: &Transaction, sender: Address, gas: u64) -> TxEnv {
    let envelope = match transaction.envelope() {
        Envelope::Ethereum(envelope) => envelope,
        Envelope::Fisco(transaction) => return of_fisco(transaction, sender, gas),
    };
    TxEnv {
        tx_type: envelope.ty(),
        caller: sender,
        gas_limit: envelope.gas_limit(),
        gas_price: 0,
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

/// It says neither how much gas it may use nor its account's nonce, which [`Purpose::WithoutNonce`](crate::evm::Purpose) does not read.
fn of_fisco(transaction: &FiscoTransaction, sender: Address, gas_limit: u64) -> TxEnv {
    TxEnv {
        caller: sender,
        gas_limit,
        gas_price: 0,
        kind: transaction.request.to,
        value: transaction.request.value,
        data: transaction.request.input.clone(),
        nonce: 0,
        chain_id: None,
        ..TxEnv::default()
    }
}

/// Whether a FISCO transaction was signed for this group.
pub(crate) fn check_group(ids: &ChainIds, transaction: &FiscoTransaction) -> Result<(), InvalidReason> {
    let request = &transaction.request;
    let expected = u64::from(ids.group.get());
    match (request.chain_id, request.group_id) {
        (found, _) if found != ids.chain => Err(InvalidReason::ChainId {
            found,
            expected: ids.chain,
        }),
        (_, found) if found != expected => Err(InvalidReason::GroupId { found, expected }),
        _ => Ok(()),
    }
}

/// The gas a transaction costs before it does anything: the base, its bytes, its access list, a creation (EIP-2028,
/// EIP-2930, EIP-3860), and at least EIP-7623's floor.
pub fn intrinsic_gas(rules: &Rules, transaction: &Transaction) -> u64 {
    intrinsic_gas_of(rules, &of_envelope(transaction, Address::ZERO, u64::MAX))
}

pub(crate) fn intrinsic_gas_of(rules: &Rules, transaction: &TxEnv) -> u64 {
    let gas = GasParams::new_spec(rules.spec()).initial_tx_gas_for_tx(transaction, None);
    gas.initial_total_gas().max(gas.floor_gas())
}

/// What a pool can refuse without any state: such a transaction can never be in a block of this group.
pub fn check_stateless(
    rules: &Rules,
    limits: &Limits,
    ids: &ChainIds,
    transaction: &Transaction,
) -> Result<(), InvalidReason> {
    let size = transaction.raw().len() as u64;
    if size > limits.bytes {
        return Err(InvalidReason::Bytes {
            found: size,
            accepted: limits.bytes,
        });
    }
    if let Some(transaction) = transaction.fisco() {
        check_group(ids, transaction)?;
    }
    let environment = of_envelope(transaction, Address::ZERO, limits.gas);
    match environment.chain_id {
        Some(found) if found != ids.evm => {
            return Err(InvalidReason::ChainId {
                found,
                expected: ids.evm,
            });
        }
        _ => {}
    }
    let found = environment.gas_limit;
    if found > limits.gas {
        return Err(InvalidReason::GasLimit {
            found,
            accepted: limits.gas,
        });
    }
    let accepted = rules.init_code_bytes_max();
    if environment.kind.is_create() && environment.data.len() > accepted {
        return Err(InvalidReason::InitCode {
            found: environment.data.len(),
            accepted,
        });
    }
    if environment.nonce == u64::MAX {
        return Err(InvalidReason::NonceExhausted);
    }
    let needed = intrinsic_gas_of(rules, &environment);
    if found < needed {
        return Err(InvalidReason::IntrinsicGas { found, needed });
    }
    Ok(())
}

/// The EVM's refusal in this ledger's words. `transaction` is the one refused.
pub(crate) fn reason(
    error: InvalidTransaction,
    transaction: &TxEnv,
    rules: &Rules,
    gas_accepted: u64,
    evm_chain_id: u64,
) -> InvalidReason {
    match error {
        InvalidTransaction::NonceTooLow { tx, state } => InvalidReason::NonceTooLow {
            transaction: tx,
            account: state,
        },
        InvalidTransaction::NonceTooHigh { tx, state } => InvalidReason::NonceTooHigh {
            transaction: tx,
            account: state,
        },
        InvalidTransaction::NonceOverflowInTransaction => InvalidReason::NonceExhausted,
        InvalidTransaction::InvalidChainId => InvalidReason::ChainId {
            found: transaction.chain_id.unwrap_or_default(),
            expected: evm_chain_id,
        },
        InvalidTransaction::CallerGasLimitMoreThanBlock => InvalidReason::GasLimit {
            found: transaction.gas_limit,
            accepted: gas_accepted,
        },
        InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
        | InvalidTransaction::GasFloorMoreThanGasLimit { .. } => InvalidReason::IntrinsicGas {
            found: transaction.gas_limit,
            needed: intrinsic_gas_of(rules, transaction),
        },
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => InvalidReason::InsufficientFunds {
            balance: *balance,
            value: *fee,
        },
        InvalidTransaction::CreateInitCodeSizeLimit => InvalidReason::InitCode {
            found: transaction.data.len(),
            accepted: rules.init_code_bytes_max(),
        },
        InvalidTransaction::RejectCallerWithCode => InvalidReason::SenderHasCode {
            sender: transaction.caller,
        },
        other => InvalidReason::Other(other.to_string()),
    }
}
