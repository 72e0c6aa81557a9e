//! Contracts, senders and blocks the tests share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Signature, TxKind, hex};
use althing_crypto::{NodeKey, Signer, Suite};
use althing_execution::memory::MemoryState;
use althing_execution::{BlockContext, ChainIds, Executed, ExecutionError, Limits, RandomIds, Rules, execute_block};
use althing_types::{
    Account, Address, B256, Bytes, ChangeSet, FiscoRequest, FiscoSignature, GroupId, Recovered, Transaction, U256,
};

pub(crate) use super::super::KIND;

pub(crate) const CHAIN_ID: u64 = 20_260 * 32_768 + 1;
pub(crate) const GAS: u64 = 300_000_000;

/// `SSTORE(calldata[0], calldata[32])`, then an event with the slot as topic.
pub(crate) const STORE: &[u8] = &hex!("6020355f35555f355f5fa100");
/// Returns `SLOAD(calldata[0])`.
pub(crate) const READ: &[u8] = &hex!("5f35545f5260205ff3");
/// Writes slot 0, then reverts.
pub(crate) const REVERTER: &[u8] = &hex!("60015f555f5ffd");
/// Jumps for ever.
pub(crate) const LOOP: &[u8] = &hex!("5b5f56");
/// Destroys itself in favour of its caller.
pub(crate) const DESTROYER: &[u8] = &hex!("33ff");
/// `CREATE2(salt = calldata[0], init = calldata[32..])`; returns the address.
pub(crate) const FACTORY: &[u8] = &hex!("602036038060205f375f35905f5ff55f5260205ff3");
/// Returns `BLOCKHASH(calldata[0])`.
pub(crate) const BLOCKHASH: &[u8] = &hex!("5f35405f5260205ff3");

/// Calls `target` with its own input; reverts afterwards when `calldata[64]` is not zero.
pub(crate) fn proxy(target: Address) -> Vec<u8> {
    let mut code = hex!("365f5f375f5f365f5f73").to_vec();
    code.extend_from_slice(target.as_slice());
    code.extend_from_slice(&hex!("5af150604035"));
    let jump_to = u8::try_from(code.len() + 4).unwrap();
    code.extend_from_slice(&[0x60, jump_to, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd]);
    code
}

/// Initialisation code that deploys `runtime`.
pub(crate) fn init_code(runtime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    let mut code = vec![0x61, length[0], length[1]];
    code.extend_from_slice(&hex!("80600a5f395ff3"));
    code.extend_from_slice(runtime);
    code
}

pub(crate) fn rules() -> Rules {
    KIND.rules()
}

pub(crate) fn suite() -> Arc<dyn Suite> {
    KIND.suite()
}

/// The hash of the group's EVM.
pub(crate) fn evm_hash(bytes: &[u8]) -> B256 {
    KIND.evm_hash()(bytes)
}

/// Where an account creates its contract of this nonce, which is less than 128.
pub(crate) fn created_by(creator: Address, nonce: u8) -> Address {
    let nonce = if nonce == 0 { 0x80 } else { nonce };
    Address::from_word(evm_hash(&[&[0xd6, 0x94], creator.as_slice(), &[nonce]].concat()))
}

/// Where `CREATE2` makes a contract (EIP-1014).
pub(crate) fn created2(creator: Address, salt: [u8; 32], init_code: &[u8]) -> Address {
    let code = evm_hash(init_code);
    Address::from_word(evm_hash(
        &[&[0xff], creator.as_slice(), &salt, code.as_slice()].concat(),
    ))
}

/// The key of a node that is this number.
pub(crate) fn node_key(secret: &[u8; 32]) -> Arc<dyn NodeKey> {
    suite().node_key(&KIND.node_pem(secret)).unwrap()
}

/// What a request becomes when an account of the edition signs it.
pub(crate) fn signed(request: &FiscoRequest, secret: &[u8; 32]) -> Arc<Transaction> {
    let signature = suite()
        .account_key_of(secret)
        .unwrap()
        .sign(&request.signing_hash(suite().hash_fn()));
    let (r, s) = (signature.r, signature.s);
    let signature = match signature.signer {
        Signer::OddY(odd) => FiscoSignature::recoverable(r, s, odd),
        Signer::PublicKey(key) => FiscoSignature::with_key(r, s, &key),
    };
    Arc::new(Transaction::decode(request.clone().signed(signature).encode(), suite().hash_fn()).unwrap())
}

pub(crate) const LIMITS: Limits = Limits {
    transactions: 1000,
    bytes: 4 << 20,
    gas: GAS,
};

pub(crate) fn ids() -> ChainIds {
    ChainIds {
        evm: CHAIN_ID,
        chain: 20_260,
        group: GroupId::try_from(1).unwrap(),
    }
}

pub(crate) fn context(number: u64) -> BlockContext {
    BlockContext {
        number,
        unix_ms: 1_700_000_000_999,
        beneficiary: Address::repeat_byte(0xbe),
        ids: ids(),
        limits: LIMITS,
        timeout_ms: 3_000,
    }
}

/// The n-th sender.
pub(crate) fn sender(n: u8) -> Address {
    Address::with_last_byte(n).create(u64::from(n))
}

/// The n-th contract address.
pub(crate) fn place(n: u8) -> Address {
    Address::repeat_byte(0xc0).create(u64::from(n))
}

pub(crate) fn word(n: u64) -> [u8; 32] {
    U256::from(n).to_be_bytes()
}

pub(crate) fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|n| word(*n)).collect()
}

/// A state that holds these contracts.
pub(crate) fn state_with(contracts: &[(Address, &[u8])]) -> MemoryState {
    MemoryState::new(&changes_with(contracts))
}

/// What makes these contracts.
pub(crate) fn changes_with(contracts: &[(Address, &[u8])]) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for (address, code) in contracts {
        let account = Account {
            nonce: 1,
            balance: U256::ZERO,
            code_hash: evm_hash(code),
        };
        changes.accounts.insert(*address, Some(account));
        changes.code.insert(evm_hash(code), Bytes::copy_from_slice(code));
    }
    changes
}

pub(crate) fn fund(state: &mut MemoryState, address: Address, balance: u64) {
    let code_hash = althing_types::state::EMPTY_CODE_HASH;
    let account = Account {
        nonce: 0,
        balance: U256::from(balance),
        code_hash,
    };
    let accounts = [(address, Some(account))].into();
    state.apply(&ChangeSet {
        accounts,
        ..ChangeSet::default()
    });
}

/// A transaction to be made.
#[derive(Clone, Debug)]
pub(crate) struct Tx {
    pub(crate) from: Address,
    pub(crate) nonce: u64,
    pub(crate) to: Option<Address>,
    pub(crate) input: Vec<u8>,
    pub(crate) gas: u64,
    pub(crate) value: u64,
    pub(crate) chain_id: u64,
    pub(crate) price: u128,
}

impl Tx {
    pub(crate) fn call(from: Address, nonce: u64, to: Address, input: Vec<u8>) -> Self {
        Self {
            from,
            nonce,
            to: Some(to),
            input,
            gas: 1_000_000,
            value: 0,
            chain_id: CHAIN_ID,
            price: 0,
        }
    }

    pub(crate) fn create(from: Address, nonce: u64, input: Vec<u8>) -> Self {
        Self {
            to: None,
            ..Self::call(from, nonce, Address::ZERO, input)
        }
    }

    pub(crate) fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    pub(crate) fn value(self, value: u64) -> Self {
        Self { value, ..self }
    }

    /// An EIP-1559 transaction. The signature is none: recovery is tested where it belongs.
    pub(crate) fn make(&self) -> Recovered {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.price,
            max_priority_fee_per_gas: self.price,
            to: self.to.map_or(TxKind::Create, TxKind::Call),
            value: U256::from(self.value),
            access_list: AccessList::default(),
            input: self.input.clone().into(),
        };
        recovered(transaction.into_signed(no_signature()).into(), self.from)
    }
}

pub(crate) fn no_signature() -> Signature {
    Signature::new(U256::from(1), U256::from(1), false)
}

/// A legacy transaction, with or without a chain id.
pub(crate) fn legacy(from: Address, chain_id: Option<u64>, to: Address, price: u128) -> Recovered {
    let transaction = TxLegacy {
        chain_id,
        nonce: 0,
        gas_price: price,
        gas_limit: 100_000,
        to: TxKind::Call(to),
        value: U256::ZERO,
        input: Bytes::new(),
    };
    recovered(transaction.into_signed(no_signature()).into(), from)
}

pub(crate) fn recovered(envelope: TxEnvelope, sender: Address) -> Recovered {
    let transaction = Transaction::decode(envelope.encoded_2718().into(), suite().hash_fn()).unwrap();
    Recovered {
        transaction: Arc::new(transaction),
        sender,
    }
}

pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);
/// No account has used any randomid.
pub(crate) static NONE_USED: LazyLock<RandomIds> = LazyLock::new(RandomIds::default);

pub(crate) fn execute(state: &MemoryState, transactions: &[Recovered]) -> Result<Executed, ExecutionError> {
    execute_block(&rules(), state, &NONE_USED, &context(1), transactions, &NEVER)
}

/// Executes one transaction and returns its receipt's status and the output.
pub(crate) fn run_one(state: &MemoryState, tx: &Tx) -> (u32, Bytes) {
    let executed = execute(state, &[tx.make()]).unwrap();
    (executed.receipts[0].status, executed.receipts[0].output.clone())
}

pub(crate) fn to_b256(address: Address) -> B256 {
    address.into_word()
}
