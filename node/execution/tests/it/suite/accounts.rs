//! Operators and frozen accounts at 0x1008 and 0x1100: votes decide.

use alloy_sol_types::{SolCall, SolValue, sol};
use althing_execution::{CHAIN_GOVERNANCE, CONSENSUS, GOVERNANCE, PERMISSION, status};
use althing_governance::abi;
use althing_governance::{Ballot, Subject, Wish};
use althing_types::Address;

use super::support::*;
use super::system::Chain;

sol! {
    function grantCommitteeMember(address user) returns (int256);
    function grantOperator(address user) returns (int256);
    function revokeOperator(address user) returns (int256);
    function listOperators() view returns (string);
    function freezeAccount(address account) returns (int256);
    function unfreezeAccount(address account) returns (int256);
    function getAccountStatus(address account) view returns (string);
    function queryByName(string table) view returns (string);
}

fn grant(user: Address) -> Vec<u8> {
    grantOperatorCall { user }.abi_encode()
}

fn revoke(user: Address) -> Vec<u8> {
    revokeOperatorCall { user }.abi_encode()
}

fn freeze(account: Address) -> Vec<u8> {
    freezeAccountCall { account }.abi_encode()
}

fn unfreeze(account: Address) -> Vec<u8> {
    unfreezeAccountCall { account }.abi_encode()
}

impl Chain {
    /// Three of four seats vote for it, and it passes.
    pub(crate) fn agree(&mut self, to: Address, input: &[u8]) {
        assert_eq!(self.code(1, to, input.to_vec()), 0);
        assert_eq!(self.code(2, to, input.to_vec()), 0);
        assert_eq!(self.code(3, to, input.to_vec()), 1);
    }

    pub(crate) fn text(&mut self, to: Address, input: Vec<u8>) -> String {
        let (status, output, _) = self.call(sender(200), to, input);
        assert_eq!(status, status::OK);
        String::abi_decode(&output).unwrap()
    }

    /// An account that the state knows.
    pub(crate) fn known(&mut self, number: u8) -> Address {
        self.call(sender(number), sender(250), vec![]);
        sender(number)
    }
}

#[test]
fn no_seat_alone_freezes_an_account_and_a_majority_does() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    assert_eq!(chain.code(1, CHAIN_GOVERNANCE, freeze(account)), 0);
    assert_eq!(chain.code(2, CHAIN_GOVERNANCE, freeze(account)), 0);
    assert_eq!(chain.call(account, sender(9), vec![]).0, status::OK);
    assert_eq!(chain.code(3, CHAIN_GOVERNANCE, freeze(account)), 1);
    assert_eq!(chain.call(account, sender(9), vec![]).0, status::ACCOUNT_FROZEN);
    chain.agree(CHAIN_GOVERNANCE, &unfreeze(account));
    assert_eq!(chain.call(account, sender(9), vec![]).0, status::OK);
}

#[test]
fn what_cannot_be_frozen_gets_fisco_s_code_and_changes_nothing() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    let before = chain.group();
    let contract = place(1);
    for (seat, input, code) in [
        (9, freeze(account), -52_002),
        (1, freeze(sender(99)), -52_008),
        (1, unfreeze(sender(99)), -52_008),
        (1, freeze(contract), -52_009),
        (1, freeze(CONSENSUS), -52_009),
        (1, unfreeze(account), -52_010),
        (1, freeze(sender(2)), -50_000),
        (1, freeze(sender(1)), -50_000),
    ] {
        assert_eq!(chain.code(seat, CHAIN_GOVERNANCE, input), code);
    }
    assert_eq!(chain.group(), before);
    chain.agree(CHAIN_GOVERNANCE, &freeze(account));
    assert_eq!(chain.code(1, CHAIN_GOVERNANCE, freeze(account)), -52_011);
    let member = grantCommitteeMemberCall { user: account }.abi_encode();
    assert_eq!(chain.code(1, CHAIN_GOVERNANCE, member), -52_011);
}

#[test]
fn the_status_of_an_account_is_told_in_fisco_s_words() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    let told = |chain: &mut Chain, account| {
        let text = chain.text(CHAIN_GOVERNANCE, getAccountStatusCall { account }.abi_encode());
        assert!(!text.is_empty());
        text
    };
    assert_eq!(told(&mut chain, account), "available");
    assert_eq!(told(&mut chain, sender(99)), "unknown: nothing is at this address");
    assert_eq!(told(&mut chain, place(1)), "no account: a contract is at this address");
    assert_eq!(
        told(&mut chain, CHAIN_GOVERNANCE),
        "no account: a contract is at this address"
    );
    chain.agree(CHAIN_GOVERNANCE, &freeze(account));
    let frozen = "frozen: its transactions are refused until a vote unfreezes it";
    assert_eq!(told(&mut chain, account), frozen);
}

#[test]
fn a_stolen_key_can_be_frozen_before_it_was_ever_used() {
    let mut chain = Chain::new();
    let ballot = Ballot {
        wish: Wish::Frozen(sender(99), true),
        number: 1,
        force: false,
    };
    let vote = abi::vote(&ballot, chain.height).to_vec();
    for (seat, code) in [(1, 0), (2, 0), (3, 1)] {
        assert_eq!(chain.told(seat, vote.clone()), (code, String::new()));
    }
    assert_eq!(chain.call(sender(99), sender(9), vec![]).0, status::ACCOUNT_FROZEN);
    assert_eq!(
        chain.text(
            CHAIN_GOVERNANCE,
            getAccountStatusCall { account: sender(99) }.abi_encode()
        ),
        "frozen: its transactions are refused until a vote unfreezes it"
    );
    chain.agree(CHAIN_GOVERNANCE, &unfreeze(sender(99)));
    let ballot = Ballot {
        wish: Wish::Frozen(place(1), true),
        ..ballot
    };
    let (code, reason) = chain.told(1, abi::vote(&ballot, chain.height).to_vec());
    assert_eq!(code, -52_009);
    assert!(reason.contains("0x1007"), "{reason}");
}

#[test]
fn operators_are_voted_on_and_have_rows_of_both_of_fisco_s_tables() {
    let mut chain = Chain::new();
    chain.agree(CHAIN_GOVERNANCE, &grant(sender(7)));
    let since = chain.height + 1;
    let row = format!(r#"{{"address":"{:#x}","enable_num":"{since}""#, sender(7));
    assert_eq!(
        chain.text(CHAIN_GOVERNANCE, listOperatorsCall {}.abi_encode()),
        format!("[{row}}}]")
    );
    for table in ["_sys_tables_", "_sys_cns_"] {
        let query = queryByNameCall {
            table: table.to_owned(),
        };
        let expected = format!(r#"[{row},"table_name":"{table}"}}]"#);
        assert_eq!(chain.text(PERMISSION, query.abi_encode()), expected);
    }
    chain.agree(CHAIN_GOVERNANCE, &revoke(sender(7)));
    assert_eq!(chain.text(CHAIN_GOVERNANCE, listOperatorsCall {}.abi_encode()), "[]");
    let table = "_sys_tables_".to_owned();
    assert_eq!(chain.text(PERMISSION, queryByNameCall { table }.abi_encode()), "[]");
}

#[test]
fn what_is_no_change_of_operators_gets_fisco_s_code() {
    let mut chain = Chain::new();
    chain.agree(CHAIN_GOVERNANCE, &grant(sender(7)));
    let member = grantCommitteeMemberCall { user: sender(7) }.abi_encode();
    for (seat, input, code) in [
        (9, grant(sender(8)), -52_002),
        (9, revoke(sender(7)), -52_002),
        (1, member, -52_004),
        (1, grant(sender(2)), -52_005),
        (1, grant(sender(7)), -52_006),
        (1, revoke(sender(8)), -52_007),
    ] {
        assert_eq!(chain.code(seat, CHAIN_GOVERNANCE, input), code);
    }
    assert!(chain.group().votes().is_empty());
}

#[test]
fn a_vote_on_an_account_can_be_withdrawn() {
    let mut chain = Chain::new();
    let account = chain.known(7);
    for (input, subject) in [
        (freeze(account), Subject::Account(account)),
        (grant(account), Subject::Operator(account)),
    ] {
        assert_eq!(chain.code(1, CHAIN_GOVERNANCE, input.clone()), 0);
        assert_eq!(chain.code(2, CHAIN_GOVERNANCE, input.clone()), 0);
        let withdrawn = abi::withdraw(&subject, chain.height).to_vec();
        assert_eq!(chain.told(2, withdrawn.clone()), (0, String::new()));
        assert_eq!(chain.told(2, withdrawn).0, -50_000);
        assert_eq!(chain.code(3, CHAIN_GOVERNANCE, input), 0);
    }
    assert!(chain.group().frozen().is_empty() && chain.group().operators().is_empty());
}

#[test]
fn an_operator_is_voted_on_at_the_contract_of_our_own_by_number() {
    let mut chain = Chain::new();
    let seen = chain.height;
    let vote = |number| {
        let ballot = Ballot {
            wish: Wish::Operator(sender(7), true),
            number,
            force: false,
        };
        abi::vote(&ballot, seen).to_vec()
    };
    assert_eq!(chain.told(1, vote(1)), (0, String::new()));
    assert!(chain.told(2, vote(2)).1.contains("is not the next one"));
    chain.told(2, vote(1));
    assert_eq!(chain.told(3, vote(1)), (1, String::new()));
    assert_eq!(chain.group().operators().len(), 1);
}

#[test]
fn whatever_was_voted_transactions_meet_what_the_governance_value_says() {
    let mut chain = Chain::new();
    let accounts: Vec<Address> = (10..15).map(|number| chain.known(number)).collect();
    // Somebody is always an operator, so that not everybody deploys.
    chain.agree(CHAIN_GOVERNANCE, &grant(sender(20)));
    for turn in 0..60_usize {
        let account = accounts[turn * 7 % 5];
        let group = chain.group();
        let input = match (
            turn % 3,
            group.frozen().contains(&account),
            group.operators().contains_key(&account),
        ) {
            (0, _, false) => grant(account),
            (0, _, true) => revoke(account),
            (_, false, _) => freeze(account),
            (_, true, _) => unfreeze(account),
        };
        chain.agree(CHAIN_GOVERNANCE, &input);
        let group = chain.group();
        for account in &accounts {
            let expected = match (
                group.frozen().contains(account),
                group.operators().contains_key(account),
            ) {
                (true, _) => status::ACCOUNT_FROZEN,
                (false, false) => status::PERMISSION_DENIED,
                (false, true) => status::OK,
            };
            assert_eq!(
                chain.transact(*account, None, init_code(STORE)).0,
                expected,
                "turn {turn}"
            );
        }
    }
}

#[test]
fn what_is_no_call_ends_as_an_exception() {
    let mut chain = Chain::new();
    let cut = |input: Vec<u8>| input[..20].to_vec();
    let cuts = [
        cut(grant(sender(7))),
        cut(revoke(sender(7))),
        cut(freeze(sender(7))),
        cut(unfreeze(sender(7))),
        cut(getAccountStatusCall { account: sender(7) }.abi_encode()),
    ];
    for input in cuts {
        assert_eq!(
            chain.call(sender(1), CHAIN_GOVERNANCE, input).0,
            status::PRECOMPILED_ERROR
        );
    }
    let cut = cut(abi::withdraw(&Subject::Account(sender(7)), 1).to_vec());
    assert_eq!(chain.call(sender(1), GOVERNANCE, cut).0, status::PRECOMPILED_ERROR);
}
