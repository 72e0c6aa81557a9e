//! FISCO's system configuration at 0x1000, and what the contract of our own adds to it.

use alloy_primitives::I256;
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_execution::{GOVERNANCE, SYSTEM_CONFIG, status};
use althing_governance::SystemConfig;

use super::genesis::genesis;
use super::support::sender;
use super::system::Chain;

sol! {
    function setValueByKey(string key, string value) returns (int256);
    function getValueByKey(string key) view returns (string, int256);
    function voteSetting(string key, string value, uint64 number, uint64 seen) returns (int256 code, string reason);
    function withdrawSetting(string key, uint64 votedIn) returns (int256 code, string reason);
}

fn set(key: &str, value: &str) -> Vec<u8> {
    let (key, value) = (key.to_owned(), value.to_owned());
    setValueByKeyCall { key, value }.abi_encode()
}

fn get(chain: &mut Chain, key: &str) -> (String, i64) {
    let input = getValueByKeyCall { key: key.to_owned() }.abi_encode();
    let (status, output, _) = chain.call(sender(9), SYSTEM_CONFIG, input);
    assert_eq!(status, status::OK);
    let (value, number) = <(String, I256)>::abi_decode_params(&output).unwrap();
    (value, i64::try_from(number).unwrap())
}

#[test]
fn the_calls_of_a_majority_set_a_value_from_the_next_block_on() {
    let mut chain = Chain::new();
    assert_eq!(get(&mut chain, "tx_count_limit"), ("1000".to_owned(), 0));
    assert_eq!(chain.code(1, SYSTEM_CONFIG, set("tx_count_limit", "500")), 0);
    assert_eq!(chain.code(2, SYSTEM_CONFIG, set("tx_count_limit", "500")), 0);
    assert_eq!(get(&mut chain, "tx_count_limit"), ("1000".to_owned(), 0));
    // FISCO takes a key in any case.
    assert_eq!(chain.code(3, SYSTEM_CONFIG, set("TX_Count_Limit", "500")), 1);
    let passed_in = chain.height;
    let since = i64::try_from(passed_in + 1).unwrap();
    assert_eq!(get(&mut chain, "tx_count_limit"), ("500".to_owned(), since));
    let config = SystemConfig::from(&genesis(&[]));
    assert_eq!(chain.group().system_config(&config).transactions, 500);
    assert_eq!(chain.code(4, SYSTEM_CONFIG, set("tx_count_limit", "500")), -52_012);
}

#[test]
fn what_no_key_takes_and_who_has_no_seat_get_fisco_s_codes_and_change_nothing() {
    let mut chain = Chain::new();
    let before = chain.group();
    for (key, value) in [
        ("tx_count_limit", "0"),
        ("tx_count_limit", "100001"),
        ("tx_count_limit", "many"),
        ("tx_count_limit", "-1"),
        ("tx_count_limit", ""),
        ("tx_gas_limit", "99999"),
        ("tx_gas_limit", "18446744073709551616"),
        ("consensus_timeout", "2"),
        ("consensus_timeout", "61"),
        ("rpbft_epoch_block_num", "10"),
        ("", "1"),
    ] {
        let code = chain.code(1, SYSTEM_CONFIG, set(key, value));
        assert_eq!(code, -51_300, "{key} = {value}");
    }
    assert_eq!(chain.code(9, SYSTEM_CONFIG, set("tx_count_limit", "500")), -50_000);
    assert_eq!(get(&mut chain, "colour"), (String::new(), -51_300));
    assert_eq!(chain.group(), before);
}

#[test]
fn the_contract_of_our_own_takes_numbered_votes_and_takes_them_back() {
    let mut chain = Chain::new();
    let vote = |value: &str, number, seen| {
        let (key, value) = ("consensus_timeout".to_owned(), value.to_owned());
        voteSettingCall {
            key,
            value,
            number,
            seen,
        }
        .abi_encode()
    };
    let seen = chain.height;
    assert_eq!(chain.told(1, vote("10", 1, seen)), (0, String::new()));
    let withdraw = withdrawSettingCall {
        key: "consensus_timeout".to_owned(),
        votedIn: chain.height,
    };
    assert_eq!(chain.told(1, withdraw.abi_encode()), (0, String::new()));
    assert!(chain.group().votes().is_empty());
    assert_eq!(chain.told(1, withdraw.abi_encode()).0, -50_000);
    // The transaction that gave the vote, signed again: it says nothing of what was said since.
    let (code, reason) = chain.told(1, vote("10", 1, seen));
    assert_eq!(code, -50_000);
    assert!(reason.contains("what was signed before that is void"), "{reason}");
    let seen = chain.height;
    for seat in 1..=2 {
        assert_eq!(chain.told(seat, vote("10", 1, seen)).0, 0);
    }
    assert_eq!(chain.told(3, vote("10", 1, seen)).0, 1);
    let (code, reason) = chain.told(1, vote("20", 1, seen));
    assert_eq!(code, -50_000);
    assert!(reason.contains("2 is"), "{reason}");
    let (code, reason) = chain.told(1, vote("0", 2, seen));
    assert_eq!(code, -51_300);
    assert!(reason.contains("accepted is 3 to 60 seconds"), "{reason}");
    let (.., executed) = chain.call(sender(1), GOVERNANCE, vote("20", 2, seen));
    assert_eq!(executed.receipts[0].logs.len(), 1);
    let (code, reason) = chain.told(2, vote("20", 2, chain.height + 2));
    assert_eq!(code, -52_003);
    assert!(reason.contains("accepted is a block that is there"), "{reason}");
}
