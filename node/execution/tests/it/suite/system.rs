//! The contracts of the ledger itself: who takes part is decided by calls, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_sol_types::{SolCall, SolValue, sol};
use althing_crypto::NodeKey;
use althing_execution::memory::MemoryState;
use althing_execution::{
    BlockContext, CHAIN_GOVERNANCE, CONSENSUS, Executed, GOVERNANCE, alive_call, alive_digest, changed_governance,
    execute_block, genesis_changes, governance, intrinsic_gas, status,
};
use althing_governance::{Governance, Role};
use althing_types::genesis::{Committee, Seat};
use althing_types::{Account, Address, B256, Bytes, NodeId, SealerSet, StateError, StateReader, U256};

use super::genesis::genesis;
use super::support::*;

sol! {
    function addSealer(string node) returns (int256);
    function addObserver(string node) returns (int256);
    function remove(string node) returns (int256);
    function grantCommitteeMember(address user) returns (int256);
    function queryThreshold() view returns (int256);
    function queryVotesOfMember(address user) view returns (string);
    function queryVotesOfThreshold() view returns (string);
    function updateCommitteeMemberWeight(address user, int256 weight) returns (int256);
    function revokeCommitteeMember(address user) returns (int256);
    function updateThreshold(int256 threshold) returns (int256);
    function listCommitteeMembers() view returns (string);
    function voteRole(string node, uint8 role, uint64 number, bool force, uint64 seen) returns (int256 code, string reason);
    function state() view returns (bytes);
}

pub(crate) const GENESIS: B256 = B256::repeat_byte(3);
/// The hash of block n, and its time.
pub(crate) const BLOCK: B256 = B256::repeat_byte(8);
pub(crate) const NOW: u64 = 1_700_000_000;
/// The newest block that is there at first.
pub(crate) const NEWEST: u64 = 1_000;

pub(crate) fn key(number: u8) -> Arc<dyn NodeKey> {
    node_key(&[number; 32])
}

pub(crate) fn node(number: u8) -> NodeId {
    NodeId::new(key(number).public_key())
}

/// Four sealers, four seats: accounts `sender(1)` to `sender(4)`.
pub(crate) struct Chain {
    pub(crate) state: MemoryState,
    pub(crate) height: u64,
    pub(crate) nonces: std::collections::BTreeMap<Address, u64>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut genesis = genesis(&[]);
        genesis.sealers = SealerSet::new((1..=4).map(node).collect());
        let mut seats: Vec<Seat> = (1..=4)
            .map(|n| Seat {
                account: sender(n),
                weight: 1,
            })
            .collect();
        seats.sort();
        genesis.committee = Committee { seats, threshold: 50 };
        let mut state = MemoryState::new(&genesis_changes(&genesis, GENESIS));
        state.apply(&changes_with(&[(place(1), &proxy(CONSENSUS)), (place(2), REVERTER)]));
        Self {
            state,
            height: NEWEST,
            nonces: std::collections::BTreeMap::new(),
        }
    }

    /// One call in a block of its own: status, output, and what the block did.
    pub(crate) fn call(&mut self, from: Address, to: Address, input: impl Into<Vec<u8>>) -> (u32, Bytes, Executed) {
        self.transact(from, Some(to), input.into())
    }

    /// One transaction in a block of its own; a creation where it goes nowhere.
    pub(crate) fn transact(&mut self, from: Address, to: Option<Address>, input: Vec<u8>) -> (u32, Bytes, Executed) {
        let executed = self.block(&[(from, to, input)]);
        let receipt = &executed.receipts[0];
        (receipt.status, receipt.output.clone(), executed)
    }

    /// Transactions in a block.
    pub(crate) fn block(&mut self, transactions: &[(Address, Option<Address>, Vec<u8>)]) -> Executed {
        self.height += 1;
        self.state
            .set_block(self.height - 1, BLOCK, (NOW + self.height - 1) * 1_000);
        let mut made = vec![];
        for (from, to, input) in transactions {
            let nonce = self.nonces.entry(*from).or_default();
            let tx = match to {
                Some(to) => Tx::call(*from, *nonce, *to, input.clone()),
                None => Tx::create(*from, *nonce, input.clone()),
            };
            *nonce += 1;
            made.push(tx.gas(10_000_000).make());
        }
        let block = BlockContext {
            unix_ms: (NOW + self.height) * 1_000,
            ..context(self.height)
        };
        let executed = execute_block(&rules(), &self.state, &NONE_USED, &block, &made, &NEVER).unwrap();
        let next = changed_governance(&self.state, &executed.changes).unwrap();
        self.state.apply(&executed.changes);
        if let Some(next) = next {
            assert_eq!(governance(&self.state).unwrap(), Some(next));
        }
        executed
    }

    /// Deploys code.
    pub(crate) fn deploy(&mut self, from: Address, code: &[u8]) -> Address {
        let (status, _, executed) = self.transact(from, None, init_code(code));
        assert_eq!(status, status::OK);
        Address::from_slice(&executed.receipts[0].contract)
    }

    pub(crate) fn code(&mut self, from: u8, to: Address, input: Vec<u8>) -> i64 {
        let (status, output, _) = self.call(sender(from), to, input);
        assert_eq!(status, status::OK);
        i64::try_from(alloy_primitives::I256::abi_decode(&output).unwrap()).unwrap()
    }

    pub(crate) fn prove(&mut self, number: u8) -> (i64, String) {
        let height = self.height;
        let digest = alive_digest(suite().hash_fn(), &GENESIS, &node(number), height, &BLOCK);
        let input = alive_call(&node(number), height, BLOCK, &key(number).sign(&digest));
        self.told(9, input.to_vec())
    }

    pub(crate) fn told(&mut self, from: u8, input: Vec<u8>) -> (i64, String) {
        let (status, output, _) = self.call(sender(from), GOVERNANCE, input);
        assert_eq!(status, status::OK);
        let (code, reason) = <(alloy_primitives::I256, String)>::abi_decode_params(&output).unwrap();
        (i64::try_from(code).unwrap(), reason)
    }

    pub(crate) fn group(&self) -> Governance {
        governance(&self.state).unwrap().unwrap()
    }

    fn sealers(&self) -> usize {
        self.group().sealers().len()
    }
}

pub(crate) fn observer(number: u8) -> Vec<u8> {
    addObserverCall {
        node: node(number).to_string(),
    }
    .abi_encode()
}

fn sealer(number: u8) -> Vec<u8> {
    addSealerCall {
        node: node(number).to_string(),
    }
    .abi_encode()
}

#[test]
fn a_seat_s_call_records_its_vote_and_the_last_one_passes_the_change() {
    let mut chain = Chain::new();
    assert_eq!(chain.code(1, CONSENSUS, observer(7)), 0);
    assert_eq!(chain.code(2, CONSENSUS, observer(7)), 0);
    assert_eq!(chain.code(3, CONSENSUS, observer(7)), 1);
    assert_eq!(chain.group().role(&node(7)), Role::Observer);
    assert_eq!(chain.code(4, CONSENSUS, observer(7)), -51_105);
}

#[test]
fn a_sealer_joins_once_everybody_has_proved_to_live() {
    let mut chain = Chain::new();
    for seat in 1..=3 {
        chain.code(seat, CONSENSUS, sealer(7));
    }
    assert_eq!((chain.group().role(&node(7)), chain.sealers()), (Role::Observer, 4));
    for number in [1, 2, 3, 7] {
        assert_eq!(chain.prove(number), (1, String::new()));
    }
    assert_eq!(chain.sealers(), 5);
}

#[test]
fn who_has_no_seat_and_what_is_no_node_get_fisco_s_codes_and_change_nothing() {
    let mut chain = Chain::new();
    let before = chain.group();
    assert_eq!(chain.code(9, CONSENSUS, observer(7)), -50_000);
    for bad in ["", "0x12", &"g".repeat(128), &"a".repeat(127)] {
        let call = addSealerCall { node: bad.to_owned() }.abi_encode();
        assert_eq!(chain.code(1, CONSENSUS, call), -51_100, "{bad}");
    }
    assert_eq!(chain.code(1, CONSENSUS, sealer(1)), -51_104);
    let remove = removeCall {
        node: node(7).to_string(),
    }
    .abi_encode();
    assert_eq!(chain.code(1, CONSENSUS, remove), -51_103);
    let member = grantCommitteeMemberCall { user: sender(2) }.abi_encode();
    assert_eq!(chain.code(1, CHAIN_GOVERNANCE, member), -52_000);
    let member = grantCommitteeMemberCall { user: sender(8) }.abi_encode();
    assert_eq!(chain.code(9, CHAIN_GOVERNANCE, member), -52_002);
    assert_eq!(chain.group(), before);
}

#[test]
fn a_proof_of_life_is_signed_by_the_node_about_a_block_of_this_chain() {
    let mut chain = Chain::new();
    for seat in 1..=3 {
        chain.code(seat, CONSENSUS, sealer(7));
    }
    let told = |chain: &mut Chain, by: u8, height: u64, block: B256| {
        let digest = alive_digest(suite().hash_fn(), &GENESIS, &node(1), height, &block);
        chain.told(9, alive_call(&node(1), height, block, &key(by).sign(&digest)).to_vec())
    };
    let height = chain.height;
    assert!(told(&mut chain, 2, height, BLOCK).1.contains("not signed by the node"));
    assert!(told(&mut chain, 1, height, B256::ZERO).1.contains("another block"));
    assert!(
        told(&mut chain, 1, height + 50, BLOCK)
            .1
            .contains("accepted are the 256 blocks")
    );
    assert!(
        told(&mut chain, 1, height - 300, BLOCK)
            .1
            .contains("accepted are the 256 blocks")
    );
    assert!(chain.group().live(now(&chain)).is_empty());
    assert_eq!(
        chain.prove(8).1,
        format!("node {} is neither sealer nor observer of this group", node(8).short())
    );
    assert_eq!(chain.prove(1).0, 1);
    assert_eq!(chain.group().live(now(&chain)).len(), 1);
}

fn now(chain: &Chain) -> althing_governance::Moment {
    althing_governance::Moment {
        height: chain.height,
        unix_ms: (NOW + chain.height) * 1_000,
    }
}

#[test]
fn the_contract_of_our_own_says_why_it_refuses() {
    let mut chain = Chain::new();
    let vote = |number, seen| {
        voteRoleCall {
            node: node(7).to_string(),
            role: 1,
            number,
            force: false,
            seen,
        }
        .abi_encode()
    };
    assert_eq!(chain.told(1, vote(1, NEWEST)), (0, String::new()));
    for (number, seen, why) in [
        (5, NEWEST, "change 5 of this subject is not the next one: 1 is"),
        (1, NEWEST, "this account voted on it in block 1001"),
        (1, 5_000, "5000"),
    ] {
        let (code, reason) = chain.told(1, vote(number, seen));
        assert!(code < 0 && reason.contains(why), "{code} {reason}");
    }
    let long_ago =
        "it was decided after block 4, more than 1000 blocks before block 1005; vote anew, on the newest block";
    assert_eq!(chain.told(2, vote(1, 4)), (-50_000, long_ago.to_owned()));
}

#[test]
fn views_are_answered_to_anybody() {
    let mut chain = Chain::new();
    assert_eq!(chain.code(9, CHAIN_GOVERNANCE, queryThresholdCall {}.abi_encode()), 50);
    let (_, output, _) = chain.call(sender(9), CHAIN_GOVERNANCE, listCommitteeMembersCall {}.abi_encode());
    let listed = String::abi_decode(&output).unwrap();
    assert_eq!(listed.matches("\"address\"").count(), 4, "{listed}");
    let (_, output, executed) = chain.call(sender(9), GOVERNANCE, stateCall {}.abi_encode());
    assert_eq!(
        Governance::decode(&Bytes::abi_decode(&output).unwrap()).unwrap(),
        chain.group()
    );
    assert!(
        !executed
            .changes
            .storage
            .keys()
            .any(|(address, _)| *address == GOVERNANCE)
    );
}

#[test]
fn a_weight_that_is_none_is_refused_and_not_taken_for_another_one() {
    let mut chain = Chain::new();
    let i256 = alloy_primitives::I256::try_from;
    for weight in [i256(0), i256(-5), i256(1_000_001), i256(1_i64 << 40)] {
        let weight = weight.unwrap();
        let call = updateCommitteeMemberWeightCall {
            user: sender(2),
            weight,
        }
        .abi_encode();
        assert_eq!(chain.code(1, CHAIN_GOVERNANCE, call), -52_003, "{weight}");
    }
    assert!(chain.group().votes().is_empty());
}

#[test]
fn open_votes_are_shown_as_fisco_shows_them() {
    let mut chain = Chain::new();
    let (voter, limit) = (
        |n: u8| format!("{:#x}", sender(n)),
        |chain: &Chain| chain.height + 9_999,
    );
    let text = |chain: &mut Chain, input: Vec<u8>| {
        let (_, output, _) = chain.call(sender(9), CHAIN_GOVERNANCE, input);
        String::abi_decode(&output).unwrap()
    };
    let nobody = queryVotesOfMemberCall { user: sender(8) }.abi_encode();
    let empty = r#"{"grant":[],"revoke":[],"update_weight":[]}"#;
    assert_eq!(text(&mut chain, nobody.clone()), empty);
    assert_eq!(text(&mut chain, queryVotesOfThresholdCall {}.abi_encode()), "{}");

    chain.code(
        1,
        CHAIN_GOVERNANCE,
        grantCommitteeMemberCall { user: sender(8) }.abi_encode(),
    );
    let granted = format!(r#"{{"voter":"{}","block_limit":"{}"}}"#, voter(1), limit(&chain));
    assert_eq!(
        text(&mut chain, nobody),
        format!(r#"{{"grant":[{granted}],"revoke":[],"update_weight":[]}}"#)
    );

    let weight = alloy_primitives::I256::unchecked_from(5);
    chain.code(
        2,
        CHAIN_GOVERNANCE,
        updateCommitteeMemberWeightCall {
            user: sender(1),
            weight,
        }
        .abi_encode(),
    );
    let updated = format!(
        r#"{{"voter":"{}","block_limit":"{}","target":"5"}}"#,
        voter(2),
        limit(&chain)
    );
    chain.code(
        3,
        CHAIN_GOVERNANCE,
        revokeCommitteeMemberCall { user: sender(1) }.abi_encode(),
    );
    let revoked = format!(r#"{{"voter":"{}","block_limit":"{}"}}"#, voter(3), limit(&chain));
    let of_one = queryVotesOfMemberCall { user: sender(1) }.abi_encode();
    let expected = format!(r#"{{"grant":[],"revoke":[{revoked}],"update_weight":[{updated}]}}"#);
    assert_eq!(text(&mut chain, of_one), expected);

    let threshold = alloy_primitives::I256::unchecked_from(60);
    chain.code(4, CHAIN_GOVERNANCE, updateThresholdCall { threshold }.abi_encode());
    let voted = format!(
        r#"{{"60":[{{"voter":"{}","block_limit":"{}"}}]}}"#,
        voter(4),
        limit(&chain)
    );
    assert_eq!(text(&mut chain, queryVotesOfThresholdCall {}.abi_encode()), voted);
}

#[test]
fn a_vote_that_is_reverted_was_never_given() {
    let mut chain = Chain::new();
    // The proxy reverts because the word at 64 is not zero; called through it, the signer still is who votes.
    let (status, ..) = chain.call(sender(1), place(1), observer(7));
    assert_eq!(status, status::REVERT);
    assert!(chain.group().votes().is_empty());
}

/// A state that counts the slots of the governance contract that are read.
struct Counting<'a> {
    state: &'a MemoryState,
    reads: AtomicUsize,
}

impl StateReader for Counting<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        self.state.account(address)
    }
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        if *address == GOVERNANCE {
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
fn a_call_reads_no_more_of_the_state_than_it_has_gas_for() {
    let chain = Chain::new();
    let call = |gas: u64| {
        let state = Counting {
            state: &chain.state,
            reads: AtomicUsize::new(0),
        };
        let tx = Tx::call(sender(9), 0, CHAIN_GOVERNANCE, queryThresholdCall {}.abi_encode());
        let intrinsic = intrinsic_gas(&rules(), &tx.make().transaction);
        let block = context(chain.height);
        let executed = execute_block(
            &rules(),
            &state,
            &NONE_USED,
            &block,
            &[tx.gas(intrinsic + gas).make()],
            &NEVER,
        );
        (executed.unwrap().receipts[0].status, state.reads.into_inner())
    };
    let (status, all) = call(1_000_000);
    assert_eq!(status, status::OK);
    assert!(all > 10, "{all}");
    // 3,000 for the call and 200 for each word.
    assert_eq!(call(3_000 + 2 * 200), (status::OUT_OF_GAS, 2));
}

#[test]
fn what_no_contract_knows_ends_as_an_exception() {
    let mut chain = Chain::new();
    for input in [vec![], vec![1, 2, 3], vec![0xff; 4], observer(7)[..40].to_vec()] {
        let (status, ..) = chain.call(sender(1), CONSENSUS, input);
        assert_eq!(status, status::PRECOMPILED_ERROR);
    }
    assert!(chain.group().votes().is_empty());
}

#[test]
fn what_happened_is_told_as_events() {
    let mut chain = Chain::new();
    chain.code(1, CONSENSUS, observer(7));
    chain.code(2, CONSENSUS, observer(7));
    let (.., executed) = chain.call(sender(3), CONSENSUS, observer(7));
    let logs = &executed.receipts[0].logs;
    assert_eq!(logs.len(), 4, "voted, passed, stepped, done");
    assert!(logs.iter().all(|log| log.address == GOVERNANCE));
}
