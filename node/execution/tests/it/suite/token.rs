//! OpenZeppelin's ERC-20, as clients deploy and use it.

use alloy_primitives::{b256, hex};
use althing_execution::memory::MemoryState;
use althing_execution::{decode_revert_reason, status};
use althing_types::{Address, U256};

use super::support::*;

const CREATION: &str = include_str!("../fixtures/erc20_preset_fixed_supply.hex");

/// The creation of a token with a supply of a million, all of it the owner's.
pub(crate) fn creation(owner: Address) -> Vec<u8> {
    let mut code = hex::decode(CREATION.trim()).unwrap();
    for value in [0x80, 0xc0, 1_000_000] {
        code.extend(word(value));
    }
    code.extend(owner.into_word());
    for text in ["Token", "TOK"] {
        code.extend(word(text.len() as u64));
        let mut padded = [0; 32];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        code.extend(padded);
    }
    code
}

pub(crate) fn transfer(to: Address, amount: u64) -> Vec<u8> {
    [&hex!("a9059cbb")[..], &to.into_word()[..], &word(amount)].concat()
}

#[test]
fn an_erc20_is_deployed_and_transferred_with_receipts_and_events() {
    let mut state = MemoryState::default();
    let created = execute(
        &state,
        &[Tx::create(sender(1), 0, creation(sender(1))).gas(3_000_000).make()],
    )
    .unwrap();
    let token = created.receipts[0].contract_address().unwrap();
    assert_eq!(token, created_by(sender(1), 0));
    state.apply(&created.changes);
    let transfers = [
        Tx::call(sender(1), 1, token, transfer(sender(2), 100)).make(),
        Tx::call(sender(2), 0, token, transfer(sender(3), 40)).make(),
        Tx::call(sender(2), 1, token, transfer(sender(3), 61)).make(),
        Tx::call(
            sender(3),
            0,
            token,
            [&hex!("70a08231")[..], &sender(2).into_word()[..]].concat(),
        )
        .make(),
    ];
    let executed = execute(&state, &transfers).unwrap();
    let [first, second, third, balance] = &executed.receipts[..] else {
        panic!("four receipts")
    };
    assert_eq!(
        (first.status, second.status, third.status),
        (status::OK, status::OK, status::REVERT)
    );
    let log = &second.logs[0];
    let transferred = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    assert_eq!(log.topics(), [transferred, to_b256(sender(2)), to_b256(sender(3))]);
    assert_eq!(U256::from_be_slice(&log.data.data), U256::from(40));
    assert_eq!(
        decode_revert_reason(&third.output).as_deref(),
        Some("ERC20: transfer amount exceeds balance")
    );
    assert!(third.logs.is_empty());
    assert_eq!(U256::from_be_slice(&balance.output), U256::from(60));
}
