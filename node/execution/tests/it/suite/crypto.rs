//! 0x5006: the same in every kind of group, priced before the work, and unharmed by whatever it is given.

use std::sync::LazyLock;

use alloy_primitives::{b256, hex};
use alloy_sol_types::{SolCall, SolValue, sol};
use althing_crypto::{AccountSignature, Signer, SmSuite, Suite};
use althing_execution::memory::MemoryState;
use althing_execution::{CRYPTO, genesis_changes, status};
use althing_types::{Address, B256, Bytes, U256};
use proptest::prelude::*;

use super::compilers::called;
use super::genesis::genesis;
use super::support::*;

sol! {
    function sm3(bytes data) view returns (bytes32);
    function keccak256Hash(bytes data) view returns (bytes32);
    function keccak256(bytes data) view returns (bytes32);
    function sm2Verify(bytes32 message, bytes publicKey, bytes32 r, bytes32 s) view returns (bool, address);
    function curve25519VRFVerify(string input, string publicKey, string proof) view returns (bool, uint256);
}

static STATE: LazyLock<MemoryState> =
    LazyLock::new(|| MemoryState::new(&genesis_changes(&genesis(&[]), B256::repeat_byte(1))));

fn ask(input: Vec<u8>) -> (u32, Bytes) {
    run_one(&STATE, &Tx::call(sender(1), 0, CRYPTO, input))
}

/// Asks by both selectors, which is the same question.
fn answer<C: SolCall>(call: &C) -> Bytes {
    let (status, output) = ask(call.abi_encode());
    assert_eq!(status, status::OK);
    assert_eq!(ask(called(SmSuite.hash_fn(), call)), (status, output.clone()));
    output
}

fn verify(message: B256, signature: &AccountSignature) -> (bool, Address) {
    let Signer::PublicKey(key) = signature.signer else {
        panic!("no key")
    };
    let call = sm2VerifyCall {
        message,
        publicKey: Bytes::copy_from_slice(&key),
        r: signature.r.into(),
        s: signature.s.into(),
    };
    <(bool, Address)>::abi_decode_params(&answer(&call)).unwrap()
}

/// Examples of GB/T 32905 and of the Keccak team.
#[test]
fn both_hashes_are_those_of_the_standards() {
    let data = Bytes::from_static(b"abc");
    let of_sm3 = b256!("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(answer(&sm3Call { data: data.clone() })[..], of_sm3[..]);
    let of_keccak = b256!("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    assert_eq!(answer(&keccak256HashCall { data: data.clone() })[..], of_keccak[..]);
    assert_eq!(answer(&keccak256Call { data })[..], of_keccak[..]);
}

/// Every signature in the oracle's text of the SM edition (`node/crypto/tests/oracle`).
#[test]
fn signatures_of_fisco_s_java_sdk_hold_and_name_its_accounts() {
    let text = include_str!("../../../../crypto/tests/testdata/java-sdk.txt");
    let mut found = 0;
    for entry in text.split("\n\n").filter(|entry| entry.starts_with("edition = sm")) {
        let of = |name: &str| {
            let line = entry
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            hex::decode(line.unwrap()).unwrap()
        };
        let signature = [of("signature")[..64].to_vec(), of("public")].concat();
        let signature = AccountSignature::from_bytes(&signature).unwrap();
        let account = Address::from_slice(&of("address"));
        assert_eq!(verify(B256::from_slice(&of("digest")), &signature), (true, account));
        found += 1;
    }
    assert!(found > 3);
}

#[test]
fn a_signature_over_something_else_or_by_another_key_or_of_another_length_is_nobodys() {
    let nobody = (false, Address::ZERO);
    let message = B256::repeat_byte(5);
    let [key, other] = [[7; 32], [8; 32]].map(|secret| SmSuite.account_key_of(&secret).unwrap());
    let signature = key.sign(&message);
    assert_eq!(verify(message, &signature), (true, key.address()));
    assert_eq!(verify(B256::repeat_byte(6), &signature), nobody);
    let signer = other.sign(&message).signer;
    assert_eq!(verify(message, &AccountSignature { signer, ..signature }), nobody);
    let r = U256::ZERO;
    assert_eq!(verify(message, &AccountSignature { r, ..signature }), nobody);
    for length in [0, 63, 65, 128] {
        let call = sm2VerifyCall {
            message,
            publicKey: vec![4; length].into(),
            r: signature.r.into(),
            s: signature.s.into(),
        };
        assert_eq!(answer(&call)[..], nobody.abi_encode_params());
    }
}

#[test]
fn what_it_does_not_know_ends_as_an_exception() {
    let text = String::new;
    let vrf = curve25519VRFVerifyCall {
        input: text(),
        publicKey: text(),
        proof: text(),
    };
    for input in [vec![], vec![1, 2, 3], vec![0xff; 4], vrf.abi_encode()] {
        assert_eq!(ask(input).0, status::PRECOMPILED_ERROR);
    }
}

/// Calls the contract with `calldata[32..]` and `calldata[0]` gas; returns whether it went well.
fn with_gas() -> Vec<u8> {
    let mut code = hex!("602036038060205f375f5f915f5f73").to_vec();
    code.extend_from_slice(CRYPTO.as_slice());
    code.extend_from_slice(&hex!("5f35f15f5260205ff3"));
    code
}

#[test]
fn gas_is_taken_by_the_word_and_for_a_verification_before_the_work() {
    let mut state = STATE.clone();
    let code = with_gas();
    state.apply(&changes_with(&[(place(1), &code)]));
    let goes_well = |input: &[u8], gas: u64| {
        let input = [&word(gas), input].concat();
        let (status, output) = run_one(&state, &Tx::call(sender(1), 0, place(1), input));
        assert_eq!(status, status::OK);
        output[..] == word(1)
    };
    let hashed = |length| {
        sm3Call {
            data: vec![0; length].into(),
        }
        .abi_encode()
    };
    let verified = sm2VerifyCall {
        message: B256::ZERO,
        publicKey: Bytes::new(),
        r: B256::ZERO,
        s: B256::ZERO,
    };
    for (input, gas) in [
        (hashed(0), 60 + 3 * 12),
        (hashed(320), 60 + 13 * 12),
        (verified.abi_encode(), 60 + 6 * 12 + 20_000),
    ] {
        assert!(goes_well(&input, gas) && !goes_well(&input, gas - 1), "{gas}");
    }
}

proptest! {
    #[test]
    fn whatever_it_is_given_it_answers_or_refuses(
        selector in prop::sample::select(vec![
            sm3Call::SELECTOR, keccak256HashCall::SELECTOR, keccak256Call::SELECTOR, sm2VerifyCall::SELECTOR,
        ]),
        words in prop::collection::vec(prop_oneof![
            (0..200_u64).prop_map(word), any::<[u8; 32]>(), Just([0xff; 32]), Just([0; 32]),
        ], 0..12),
        cut in 0..32_usize,
    ) {
        let mut input = selector.to_vec();
        input.extend(words.concat());
        input.truncate(input.len().saturating_sub(cut));
        let (status, output) = ask(input.clone());
        match status {
            status::OK if selector == sm2VerifyCall::SELECTOR => prop_assert_eq!(&output[..], &[0; 64]),
            status::OK => prop_assert_eq!(output.len(), 32),
            refused => prop_assert_eq!(refused, status::PRECOMPILED_ERROR),
        }
        prop_assert_eq!(ask(input), (status, output), "alike, whenever it is asked");
    }

    #[test]
    fn no_numbers_that_nobody_signed_with_are_a_signature(
        message: [u8; 32], key: [u8; 32], r: [u8; 32], s: [u8; 32], flips in 0..1024_usize,
    ) {
        let own = SmSuite.account_key_of(&key);
        prop_assume!(own.is_ok());
        let message = B256::new(message);
        let good = own.unwrap().sign(&message);
        let (r, s) = (U256::from_be_bytes(r), U256::from_be_bytes(s));
        prop_assert_eq!(verify(message, &AccountSignature { r, s, ..good }), (false, Address::ZERO));
        // One bit of r, s or the key is another one.
        let mut bytes = good.to_bytes();
        bytes[flips / 8] ^= 1 << (flips % 8);
        let spoilt = AccountSignature::from_bytes(&bytes).unwrap();
        prop_assert_eq!(verify(message, &spoilt), (false, Address::ZERO));
    }
}
