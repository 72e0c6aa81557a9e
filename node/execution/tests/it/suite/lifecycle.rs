//! 0x1007: who freezes contracts.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_execution::{LIFE_CYCLE, status};
use althing_types::Address;

use super::support::*;
use super::system::Chain;

sol! {
    function freeze(address target) returns (int256);
    function unfreeze(address target) returns (int256);
    function grantManager(address target, address account) returns (int256);
    function revokeManager(address target, address account) returns (int256);
    function getStatus(address target) view returns (int256, string);
    function listManager(address target) view returns (int256, address[]);
}

pub(crate) fn freeze(target: Address) -> Vec<u8> {
    freezeCall { target }.abi_encode()
}

pub(crate) fn unfreeze(target: Address) -> Vec<u8> {
    unfreezeCall { target }.abi_encode()
}

fn grant(target: Address, account: Address) -> Vec<u8> {
    grantManagerCall { target, account }.abi_encode()
}

fn revoke(target: Address, account: Address) -> Vec<u8> {
    revokeManagerCall { target, account }.abi_encode()
}

impl Chain {
    fn managers(&mut self, target: Address) -> (i64, Vec<Address>) {
        let (_, output, _) = self.call(sender(200), LIFE_CYCLE, listManagerCall { target }.abi_encode());
        let (code, managers) = <(I256, Vec<Address>)>::abi_decode_params(&output).unwrap();
        (code.as_i64(), managers)
    }

    fn status(&mut self, target: Address) -> String {
        let (_, output, _) = self.call(sender(200), LIFE_CYCLE, getStatusCall { target }.abi_encode());
        let (code, text) = <(I256, String)>::abi_decode_params(&output).unwrap();
        assert_eq!(code, I256::ZERO);
        text
    }
}

#[test]
fn who_deploys_a_contract_is_its_first_manager_also_through_another_contract() {
    let mut chain = Chain::new();
    let factory = chain.deploy(sender(7), FACTORY);
    assert_eq!(chain.managers(factory), (0, vec![sender(7)]));
    let init = init_code(STORE);
    let input = [&word(1)[..], &init].concat();
    assert_eq!(chain.call(sender(8), factory, input).0, status::OK);
    let made = created2(factory, word(1), &init);
    assert_eq!(chain.managers(made), (0, vec![sender(8)]));
}

#[test]
fn a_creation_that_is_reverted_leaves_no_manager() {
    let mut chain = Chain::new();
    let slots = chain.slots(LIFE_CYCLE);
    let factory = chain.deploy(sender(7), FACTORY);
    // The proxy reverts because the word at 64 is not zero.
    let caller = chain.deploy(sender(7), &proxy(factory));
    let input = [&word(1)[..], &init_code(&[0xfe; 90])].concat();
    assert_eq!(chain.call(sender(8), caller, input).0, status::REVERT);
    assert_eq!(chain.slots(LIFE_CYCLE), slots + 2);
    // Nor one that leaves no code.
    let (status, _, executed) = chain.transact(sender(8), None, vec![0]);
    assert_eq!((status, executed.receipts[0].contract.len()), (status::OK, 20));
    assert_eq!(chain.slots(LIFE_CYCLE), slots + 2);
}

#[test]
fn managers_and_seats_freeze_and_others_do_not() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    assert_eq!(chain.status(contract), "available");
    for (by, input, code) in [
        (9, freeze(contract), -51_905),
        (7, unfreeze(contract), -51_901),
        (7, freeze(contract), 1),
        (9, freeze(contract), -51_905),
        (7, freeze(contract), -51_900),
        (1, unfreeze(contract), 1),
        (2, freeze(contract), 1),
    ] {
        assert_eq!(chain.code(by, LIFE_CYCLE, input), code);
    }
    assert_eq!(
        chain.status(contract),
        "frozen: its calls are refused until a manager or a seat unfreezes it"
    );
    assert_eq!(chain.code(7, LIFE_CYCLE, unfreeze(contract)), 1);
}

#[test]
fn what_is_no_contract_and_what_the_ledger_is_made_of_is_never_frozen() {
    let mut chain = Chain::new();
    for (target, code, text) in [
        (sender(99), -51_904, "unknown: nothing is at this address"),
        (
            sender(1),
            -51_903,
            "no contract: an account, or the ledger itself, is at this address",
        ),
        (
            LIFE_CYCLE,
            -51_903,
            "no contract: an account, or the ledger itself, is at this address",
        ),
        (
            althing_execution::GOVERNANCE,
            -51_903,
            "no contract: an account, or the ledger itself, is at this address",
        ),
    ] {
        chain.known(1);
        assert_eq!(chain.code(1, LIFE_CYCLE, freeze(target)), code);
        assert_eq!(chain.code(1, LIFE_CYCLE, unfreeze(target)), code);
        assert_eq!(chain.code(1, LIFE_CYCLE, grant(target, sender(8))), code);
        assert_eq!(chain.code(1, LIFE_CYCLE, revoke(target, sender(8))), code);
        assert_eq!(chain.managers(target), (code, vec![]));
        assert_eq!(chain.status(target), text);
    }
}

#[test]
fn managers_make_managers_and_the_last_one_stays() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    for (by, input, code) in [
        (8, grant(contract, sender(8)), -51_905),
        (7, grant(contract, sender(7)), -51_902),
        (7, revoke(contract, sender(7)), -51_907),
        (7, revoke(contract, sender(8)), -51_907),
        (7, grant(contract, sender(8)), 1),
        (8, grant(contract, sender(9)), 1),
        (8, grant(contract, sender(10)), 1),
        (7, grant(contract, sender(10)), -51_902),
        (9, revoke(contract, sender(11)), -51_906),
        (9, revoke(contract, sender(7)), 1),
        (7, freeze(contract), -51_905),
    ] {
        assert_eq!(chain.code(by, LIFE_CYCLE, input), code);
    }
    assert_eq!(chain.managers(contract), (0, vec![sender(10), sender(8), sender(9)]));
    for gone in [8, 9] {
        assert_eq!(chain.code(10, LIFE_CYCLE, revoke(contract, sender(gone))), 1);
    }
    assert_eq!(chain.managers(contract), (0, vec![sender(10)]));
    assert_eq!(chain.slots(LIFE_CYCLE), 1);
}

#[test]
fn a_contract_of_genesis_has_no_manager_until_a_seat_gives_it_one() {
    let mut chain = Chain::new();
    let contract = place(1);
    assert_eq!(chain.managers(contract), (0, vec![]));
    assert_eq!(chain.code(7, LIFE_CYCLE, freeze(contract)), -51_905);
    assert_eq!(chain.code(1, LIFE_CYCLE, revoke(contract, sender(7))), -51_906);
    assert_eq!(chain.code(1, LIFE_CYCLE, freeze(contract)), 1);
    assert_eq!(chain.code(1, LIFE_CYCLE, grant(contract, sender(7))), 1);
    assert_eq!(chain.code(7, LIFE_CYCLE, unfreeze(contract)), 1);
}

#[test]
fn a_contract_has_at_most_32_managers() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    for number in 100..131 {
        assert_eq!(chain.code(7, LIFE_CYCLE, grant(contract, sender(number))), 1);
    }
    assert_eq!(chain.code(7, LIFE_CYCLE, grant(contract, sender(8))), -50_000);
    assert_eq!(chain.managers(contract).1.len(), 32);
}

#[test]
fn a_view_that_would_write_is_refused() {
    let mut chain = Chain::new();
    let contract = chain.deploy(sender(7), STORE);
    // STATICCALL(LIFE_CYCLE, all of calldata), and its success as a word.
    let mut code = alloy_primitives::hex!("365f5f375f5f365f73").to_vec();
    code.extend_from_slice(LIFE_CYCLE.as_slice());
    code.extend_from_slice(&alloy_primitives::hex!("5afa5f5260205ff3"));
    let looker = chain.deploy(sender(7), &code);
    let (_, output, _) = chain.call(sender(7), looker, freeze(contract));
    assert_eq!(&output[..], word(0));
    assert_eq!(chain.status(contract), "available");
    let (_, output, _) = chain.call(sender(7), looker, getStatusCall { target: contract }.abi_encode());
    assert_eq!(&output[..], word(1));
}

#[test]
fn what_is_no_call_ends_as_an_exception() {
    let mut chain = Chain::new();
    let mut cuts = vec![vec![], vec![1, 2, 3, 4]];
    for input in [
        freeze(place(1)),
        unfreeze(place(1)),
        grant(place(1), sender(1)),
        revoke(place(1), sender(1)),
        getStatusCall { target: place(1) }.abi_encode(),
        listManagerCall { target: place(1) }.abi_encode(),
    ] {
        cuts.push(input[..35].to_vec());
    }
    for input in cuts {
        assert_eq!(chain.call(sender(1), LIFE_CYCLE, input).0, status::PRECOMPILED_ERROR);
    }
}
