//! Rights where they count: a transaction, a call, a creation, a word that is written.

use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::hex;
use alloy_sol_types::{SolCall, sol};
use althing_execution::{
    BlockOverrides, CHAIN_GOVERNANCE, CallContext, CallOutcome, CallRequest, GasEstimate, LIFE_CYCLE, PERMISSION,
    StateOverrides, call, create_access_list, decode_revert_reason, estimate_gas, execute_block, status,
};
use althing_types::{Account, Address, B256, Bytes, StateError, StateReader, U256};

use super::lifecycle::{freeze, unfreeze};
use super::permission::{grant_write, insert, revoke_write};
use super::support::*;
use super::system::Chain;

sol! {
    function freezeAccount(address account) returns (int256);
    function grantOperator(address user) returns (int256);
    function revokeOperator(address user) returns (int256);
}

impl Chain {
    pub(crate) fn freeze_account(&mut self, account: Address) {
        self.agree(CHAIN_GOVERNANCE, &freezeAccountCall { account }.abi_encode());
    }

    /// Words that a contract keeps.
    pub(crate) fn slots(&self, contract: Address) -> usize {
        self.state.slots(&contract)
    }

    fn nonce(&self, account: Address) -> u64 {
        self.state.account(&account).unwrap().map_or(0, |account| account.nonce)
    }

    fn ask<T>(&self, question: impl FnOnce(&CallContext<'_>) -> T) -> T {
        question(&CallContext {
            rules: &rules(),
            state: &self.state,
            block: &context(self.height),
            state_overrides: &StateOverrides::default(),
            block_overrides: &BlockOverrides::default(),
            gas_cap: GAS,
            cancel: &NEVER,
        })
    }
}

fn reason(output: &Bytes) -> String {
    decode_revert_reason(output).unwrap()
}

#[test]
fn a_transaction_of_a_frozen_account_is_included_uses_its_nonce_up_and_does_nothing_else() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    let contract = chain.deploy(sender(8), STORE);
    chain.freeze_account(account);
    for to in [Some(contract), Some(sender(9)), Some(CHAIN_GOVERNANCE), None] {
        let nonce = chain.nonce(account);
        let (status, output, executed) = chain.transact(account, to, words(&[5, 6]));
        assert_eq!(status, status::ACCOUNT_FROZEN);
        let text = reason(&output);
        assert!(
            text.contains(&format!("{account:#x}")) && text.contains("vote"),
            "{text}"
        );
        assert_eq!(chain.nonce(account), nonce + 1);
        assert_eq!(executed.changes.accounts.len(), 1, "the sender, and nobody else");
        assert!(executed.changes.storage.is_empty() && executed.receipts[0].logs.is_empty());
        assert!(executed.receipts[0].contract.is_empty());
        assert!(
            executed.receipts[0].gas_used < 60_000,
            "no more than it costs to be there"
        );
    }
}

#[test]
fn proofs_of_life_are_taken_from_whoever_brings_them() {
    let mut chain = Chain::new();
    chain.known(9);
    chain.freeze_account(sender(9));
    assert_eq!(chain.call(sender(9), sender(8), vec![]).0, status::ACCOUNT_FROZEN);
    assert_eq!(chain.prove(1).0, 1);
}

#[test]
fn a_frozen_contract_is_not_called_and_not_read() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), READ);
    chain.code(7, LIFE_CYCLE, freeze(contract));
    let nonce = chain.nonce(sender(8));
    let (status, output, executed) = chain.call(sender(8), contract, words(&[1]));
    assert_eq!(status, status::CONTRACT_FROZEN);
    let text = reason(&output);
    assert!(
        text.contains(&format!("{contract:#x}")) && text.contains("manager"),
        "{text}"
    );
    assert_eq!(
        (chain.nonce(sender(8)), executed.changes.accounts.len()),
        (nonce + 1, 1)
    );
    chain.code(7, LIFE_CYCLE, unfreeze(contract));
    assert_eq!(chain.call(sender(8), contract, words(&[1])).0, status::OK);
}

#[test]
fn a_contract_that_calls_a_frozen_one_sees_a_revert_and_goes_on() {
    let mut chain = Chain::new();
    let frozen = chain.deploy(sender(7), STORE);
    let caller = chain.deploy(sender(7), &proxy(frozen));
    // DELEGATECALL(frozen), and what came of it as a word.
    let mut code = hex!("5f5f5f5f73").to_vec();
    code.extend_from_slice(frozen.as_slice());
    code.extend_from_slice(&hex!("5af45f5260205ff3"));
    let borrower = chain.deploy(sender(7), &code);
    chain.code(7, LIFE_CYCLE, freeze(frozen));
    // The proxy does not look at what came of its call.
    let (status, _, executed) = chain.call(sender(8), caller, words(&[1, 2, 0]));
    assert_eq!(status, status::OK);
    assert!(executed.changes.storage.is_empty() && executed.receipts[0].logs.is_empty());
    let (status, output, _) = chain.call(sender(8), borrower, vec![]);
    assert_eq!(
        (status, &output[..]),
        (status::OK, &word(0)[..]),
        "its code is not lent either"
    );
}

#[test]
fn a_freeze_counts_for_the_next_transaction_of_its_block() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let executed = chain.block(&[
        (sender(8), Some(contract), words(&[1, 2])),
        (sender(7), Some(LIFE_CYCLE), freeze(contract)),
        (sender(8), Some(contract), words(&[1, 3])),
    ]);
    let statuses: Vec<u32> = executed.receipts.iter().map(|receipt| receipt.status).collect();
    assert_eq!(statuses, [status::OK, status::OK, status::CONTRACT_FROZEN]);
}

#[test]
fn a_freeze_that_is_reverted_never_was() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let caller = chain.deploy(sender(7), &proxy(LIFE_CYCLE));
    // The proxy reverts because the word at 64 is not zero.
    let input = [freeze(contract), vec![1; 60]].concat();
    assert_eq!(chain.call(sender(7), caller, input).0, status::REVERT);
    assert_eq!(chain.call(sender(8), contract, words(&[1, 2])).0, status::OK);
}

#[test]
fn everybody_deploys_until_somebody_has_a_row_and_a_row_counts_from_the_next_block() {
    let mut chain = Chain::new();
    let granted = insert("_sys_tables_", &format!("{:#x}", sender(7)));
    let executed = chain.block(&[
        (sender(1), Some(PERMISSION), granted),
        (sender(8), None, init_code(STORE)),
    ]);
    assert_eq!(executed.receipts[1].status, status::OK);
    let (nonce, before) = (chain.nonce(sender(8)), chain.slots(LIFE_CYCLE));
    let (status, output, executed) = chain.transact(sender(8), None, init_code(STORE));
    assert_eq!(status, status::PERMISSION_DENIED);
    let text = reason(&output);
    assert!(text.contains(&format!("{:#x}", sender(8))), "{text}");
    assert!(
        text.contains("grantOperator") && text.contains("_sys_tables_"),
        "{text}"
    );
    assert!(executed.receipts[0].contract.is_empty());
    assert_eq!(executed.changes.accounts.len(), 1);
    assert_eq!((chain.nonce(sender(8)), chain.slots(LIFE_CYCLE)), (nonce + 1, before));
    chain.deploy(sender(7), STORE);
}

#[test]
fn who_may_not_deploy_may_not_through_a_contract_either() {
    let mut chain = Chain::new();
    let factory = chain.deploy(sender(7), FACTORY);
    let operator = grantOperatorCall { user: sender(7) }.abi_encode();
    chain.agree(CHAIN_GOVERNANCE, &operator);
    let init = init_code(STORE);
    let input = [&word(1)[..], &init].concat();
    let made = created2(factory, word(1), &init);
    let nonce = chain.nonce(factory);
    let (status, output, _) = chain.call(sender(8), factory, input.clone());
    assert_eq!((status, &output[..]), (status::OK, &word(0)[..]), "CREATE2 gives 0");
    assert_eq!(
        (chain.state.account(&made).unwrap(), chain.nonce(factory)),
        (None, nonce)
    );
    chain.call(sender(7), factory, input);
    assert!(chain.state.account(&made).unwrap().is_some());
    let nobody = revokeOperatorCall { user: sender(7) }.abi_encode();
    chain.agree(CHAIN_GOVERNANCE, &nobody);
    chain.deploy(sender(8), STORE);
}

#[test]
fn who_may_not_write_to_a_contract_reads_it_and_writes_nothing() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let reader = chain.deploy(sender(7), READ);
    for target in [contract, reader] {
        chain.code(7, PERMISSION, grant_write(target, sender(8)));
    }
    assert_eq!(chain.call(sender(8), contract, words(&[1, 2])).0, status::OK);
    assert_eq!(chain.call(sender(9), reader, words(&[1])).0, status::OK);
    for by in [7, 9, 1] {
        let (status, output, executed) = chain.call(sender(by), contract, words(&[1, 3]));
        assert_eq!(status, status::PERMISSION_DENIED, "{by}");
        let text = reason(&output);
        assert!(
            text.contains(&format!("{contract:#x}")) && text.contains("grantWrite"),
            "{text}"
        );
        assert!(executed.changes.storage.is_empty());
    }
    let other = chain.deploy(sender(7), STORE);
    assert_eq!(chain.call(sender(9), other, words(&[1, 2])).0, status::OK);
    chain.code(7, PERMISSION, revoke_write(contract, sender(8)));
    assert_eq!(chain.call(sender(9), contract, words(&[1, 3])).0, status::OK);
}

#[test]
fn who_signed_is_who_writes_however_deep() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let caller = chain.deploy(sender(7), &proxy(contract));
    chain.code(7, PERMISSION, grant_write(contract, sender(8)));
    let (status, _, executed) = chain.call(sender(9), caller, words(&[1, 2, 0]));
    assert_eq!(status, status::OK, "the proxy does not look at what came of its call");
    assert!(executed.changes.storage.is_empty());
    let (status, _, executed) = chain.call(sender(8), caller, words(&[1, 2, 0]));
    assert_eq!((status, executed.changes.storage.len()), (status::OK, 1));
}

#[test]
fn a_question_gets_the_answer_that_a_transaction_would() {
    let mut chain = Chain::new();
    let account = chain.known(6);
    let (contract, ruled) = (chain.deploy(sender(7), STORE), chain.deploy(sender(7), STORE));
    chain.freeze_account(account);
    chain.code(7, LIFE_CYCLE, freeze(contract));
    chain.code(7, PERMISSION, grant_write(ruled, sender(7)));
    chain.code(1, PERMISSION, insert("_sys_tables_", &format!("{:#x}", sender(7))));
    chain.known(5);
    for (from, to, expected, words) in [
        (account, Some(ruled), status::ACCOUNT_FROZEN, "vote of the committee"),
        (
            sender(8),
            Some(contract),
            status::CONTRACT_FROZEN,
            "one of its managers",
        ),
        (sender(8), Some(ruled), status::PERMISSION_DENIED, "may not write"),
        (sender(8), None, status::PERMISSION_DENIED, "may not deploy"),
    ] {
        let request = CallRequest {
            from,
            to,
            input: vec![0; 64].into(),
            ..CallRequest::default()
        };
        let Ok(CallOutcome::Revert { output, status, .. }) = chain.ask(|context| call(context, &request)) else {
            panic!("it is not refused");
        };
        assert_eq!(status, expected);
        assert!(reason(&output).contains(words), "{}", reason(&output));
        let Ok(GasEstimate::Revert { output, status }) = chain.ask(|context| estimate_gas(context, &request)) else {
            panic!("it has an estimate");
        };
        assert_eq!(status, expected);
        assert!(reason(&output).contains(words));
    }
}

#[test]
fn asking_for_rights_warms_nothing() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let factory = chain.deploy(sender(7), FACTORY);
    chain.known(6);
    chain.freeze_account(sender(6));
    chain.code(7, LIFE_CYCLE, freeze(contract));
    for (to, input) in [
        (factory, [&word(1)[..], &init_code(STORE)].concat()),
        (LIFE_CYCLE, unfreeze(contract)),
    ] {
        let request = CallRequest {
            from: sender(7),
            to: Some(to),
            input: input.into(),
            ..CallRequest::default()
        };
        let outcome = chain.ask(|context| create_access_list(context, &request)).unwrap();
        assert_eq!(outcome.error, None);
        let ledger = [LIFE_CYCLE, PERMISSION, CHAIN_GOVERNANCE, althing_execution::GOVERNANCE];
        assert!(
            outcome.access_list.0.iter().all(|item| !ledger.contains(&item.address)),
            "{:?}",
            outcome.access_list
        );
    }
}

/// A state that counts the words of the ledger's contracts that are read.
struct Counting<'a> {
    state: &'a althing_execution::memory::MemoryState,
    reads: AtomicUsize,
}

impl StateReader for Counting<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        self.state.account(address)
    }
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        if [LIFE_CYCLE, PERMISSION, CHAIN_GOVERNANCE, althing_execution::GOVERNANCE].contains(address) {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.state.storage(address, slot)
    }
    fn code(&self, code_hash: &B256) -> Result<Bytes, StateError> {
        self.state.code(code_hash)
    }
    fn block_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        self.state.block_hash(height)
    }
    fn block_ms(&self, height: u64) -> Result<Option<u64>, StateError> {
        self.state.block_ms(height)
    }
}

#[test]
fn where_nobody_made_a_rule_a_whole_block_reads_three_words() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    let caller = chain.deploy(sender(7), &proxy(contract));
    let transactions: Vec<_> = (10..60)
        .map(|number| Tx::call(sender(number), 0, caller, words(&[1, u64::from(number), 0])).make())
        .collect();
    let state = Counting {
        state: &chain.state,
        reads: AtomicUsize::new(0),
    };
    let executed = execute_block(
        &rules(),
        &state,
        &NONE_USED,
        &context(chain.height),
        &transactions,
        &NEVER,
    )
    .unwrap();
    assert!(executed.receipts.iter().all(|receipt| receipt.status == status::OK));
    assert_eq!(state.reads.into_inner(), 3);
}
