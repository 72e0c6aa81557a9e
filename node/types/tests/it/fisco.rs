//! FISCO's transactions: the bytes its java-sdk 2.10.1 makes, and nothing that resembles them.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, b256, hex, keccak256};
use althing_types::fisco::{EXTRA_DATA_BYTES_MAX, is_fisco, random_id};
use althing_types::{FiscoRequest, FiscoSignature, FiscoTransaction, Transaction};
use proptest::prelude::*;

/// Signed by java-sdk 2.10.1 in its standard edition.
const SIGNED: [u8; 116] = hex!(
    "f87283bc614e8411e1a3008411e1a3008201f494000000000000000000000000000000000000100380844ed3885e0101801c"
    "a0bf86bfcf89d3c45ca121e08c1e0b23e13a647616dd199344e020f5e8d94fa0f7"
    "a013f50f2c9426b912c42ead2c75958632f8c20793f65460755773e35d9ec735a9"
);
/// What was signed.
const UNSIGNED: [u8; 48] =
    hex!("ef83bc614e8411e1a3008411e1a3008201f494000000000000000000000000000000000000100380844ed3885e010180");
/// The public key of the same private key in the SM edition.
const SM_KEY: [u8; 64] = hex!(
    "8234c544a9f3ce3b401a92cc7175602ce2a1e29b1ec135381c7d2a9e8f78f3ed"
    "c9c06ee55252857c9a4560cb39e9d70d40f4331cace4d2b3121b967fa7a829f0"
);

fn hash(bytes: &[u8]) -> B256 {
    keccak256(bytes)
}

fn request() -> FiscoRequest {
    FiscoRequest {
        random_id: U256::from(12_345_678),
        gas_price: U256::from(300_000_000),
        gas: U256::from(300_000_000),
        block_limit: 500,
        to: TxKind::Call(address!("0000000000000000000000000000000000001003")),
        value: U256::ZERO,
        input: hex!("4ed3885e").into(),
        chain_id: 1,
        group_id: 1,
        extra_data: Bytes::new(),
    }
}

fn signature() -> FiscoSignature {
    FiscoSignature::recoverable(
        b256!("bf86bfcf89d3c45ca121e08c1e0b23e13a647616dd199344e020f5e8d94fa0f7").into(),
        b256!("13f50f2c9426b912c42ead2c75958632f8c20793f65460755773e35d9ec735a9").into(),
        true,
    )
}

fn refusal(raw: &[u8]) -> String {
    FiscoTransaction::decode(raw).unwrap_err().to_string()
}

/// A list of these items, each encoded already.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let header = alloy_rlp::Header {
        list: true,
        payload_length: payload.len(),
    };
    let mut out = Vec::new();
    header.encode(&mut out);
    out.extend(payload);
    out
}

/// The signed transaction as its items, to be damaged.
fn items() -> Vec<Vec<u8>> {
    let bytes = |bytes: &[u8]| alloy_rlp::encode(bytes);
    let number = |number: u64| alloy_rlp::encode(number);
    let (request, signature) = (request(), signature());
    vec![
        alloy_rlp::encode(request.random_id),
        number(300_000_000),
        number(300_000_000),
        number(500),
        alloy_rlp::encode(request.to),
        number(0),
        bytes(&request.input),
        number(1),
        number(1),
        bytes(&[]),
        bytes(&signature.v),
        alloy_rlp::encode(signature.r),
        alloy_rlp::encode(signature.s),
    ]
}

fn with(index: usize, item: Vec<u8>) -> Vec<u8> {
    let mut items = items();
    items[index] = item;
    list(&items)
}

#[test]
fn what_java_sdk_signs_is_made_and_read_byte_for_byte() {
    assert_eq!(alloy_rlp::encode(request()), UNSIGNED);
    assert_eq!(
        request().signing_hash(hash),
        b256!("65484e6ddd0bb5fa7b248f516cf04d285487f830409dfa4ecfe16243cbbce1a1")
    );
    let signed = request().signed(signature());
    assert_eq!(signed.encode()[..], SIGNED);
    assert_eq!(FiscoTransaction::decode(&SIGNED), Ok(signed.clone()));
    let transaction = Transaction::decode(SIGNED.into(), hash).unwrap();
    assert_eq!(
        transaction.hash(),
        b256!("8551a1de6038cf1d5e8a51c9053e7077abe85ad5b24ee5e3a1f13da0e8559797")
    );
    assert_eq!(transaction.fisco(), Some(&signed));
    assert_eq!((transaction.nonce(), transaction.gas_limit()), (None, None));
    assert_eq!(
        transaction.to(),
        Some(address!("0000000000000000000000000000000000001003"))
    );
    assert_eq!(random_id(&SIGNED), Some(U256::from(12_345_678)));
}

#[test]
fn a_signature_of_the_sm_edition_carries_its_key() {
    let (r, s) = (U256::from(5), U256::from(7));
    let signed = request().signed(FiscoSignature::with_key(r, s, &SM_KEY));
    let read = FiscoTransaction::decode(&signed.encode()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(
        (read.signature.public_key(), read.signature.odd_y()),
        (Some(SM_KEY), None)
    );
    assert_eq!(signature().odd_y(), Some(true));
    assert_eq!(signature().public_key(), None);
}

#[test]
fn a_creation_has_no_address() {
    let creation = FiscoRequest {
        to: TxKind::Create,
        ..request()
    };
    let signed = creation.signed(signature());
    let read = FiscoTransaction::decode(&signed.encode()).unwrap();
    assert!(read.is_creation());
    assert_eq!(Transaction::decode(signed.encode(), hash).unwrap().to(), None);
}

#[test]
fn what_is_not_exactly_a_transaction_is_refused_with_the_item_that_is_wrong() {
    assert_eq!(list(&items()), SIGNED);
    let padded = |bytes: &[u8]| alloy_rlp::encode(bytes);
    for (index, item, words) in [
        (0, padded(&[0, 1]), "randomid: leading zero"),
        (0, vec![0], "randomid: leading zero"),
        (0, padded(&[1; 33]), "randomid"),
        (0, vec![0x81, 5], "randomid: non-canonical single byte"),
        (1, vec![0xc0], "gasPrice: unexpected list"),
        (3, padded(&[1; 9]), "blockLimit"),
        (4, padded(&[1; 19]), "to"),
        (4, padded(&[1; 21]), "to"),
        (5, padded(&[0]), "value: leading zero"),
        (6, vec![0xc0], "data: unexpected list"),
        (7, vec![0xb8, 1, 1], "chainId"),
        (10, padded(&[26]), "v has 1 bytes"),
        (10, padded(&[29]), "v has 1 bytes"),
        (10, padded(&[]), "v has 0 bytes"),
        (10, padded(&[4; 65]), "v has 65 bytes"),
        (11, padded(&[0; 32]), "r: leading zero"),
        (12, padded(&[1; 33]), "s"),
    ] {
        let why = refusal(&with(index, item));
        assert!(why.contains(words), "{words}: {why}");
    }
    let long = refusal(&with(9, padded(&vec![7; EXTRA_DATA_BYTES_MAX + 1])));
    assert_eq!(
        long,
        "the extraData of a FISCO transaction has 65537 bytes, at most 65536 are accepted"
    );
    let trailing = [&SIGNED[..], &[0x80]].concat();
    assert!(refusal(&trailing).contains("1 bytes follow its 13 items"));
    assert!(refusal(&SIGNED[..100]).contains("a FISCO transaction is malformed"));
    assert!(refusal(&[0x80]).contains("unexpected string"));
    assert!(refusal(&vec![0xff; 600_000]).contains("at most 524288"));
}

#[test]
fn no_other_list_is_taken_for_a_fisco_transaction() {
    let mut items = items();
    assert!(is_fisco(&list(&items)));
    items.push(vec![0x80]);
    assert!(!is_fisco(&list(&items)), "fourteen");
    items.truncate(10);
    assert!(!is_fisco(&list(&items)), "ten: the release candidate's format");
    items.truncate(9);
    assert!(!is_fisco(&list(&items)), "nine: Ethereum's");
    for raw in [&[][..], &[0x02, 0xc0], &[0xc0], &[0xf8], &[0xc2, 0x81]] {
        assert!(!is_fisco(raw), "{raw:?}");
        assert_eq!(random_id(raw), None);
    }
    let refused = Transaction::decode(list(&items).into(), hash).unwrap_err();
    assert!(
        refused.to_string().starts_with("a transaction is malformed"),
        "{refused}"
    );
}

fn requests() -> impl Strategy<Value = FiscoRequest> {
    let number = || any::<[u8; 32]>().prop_map(|bytes| U256::from_be_bytes(bytes) >> (bytes[0] as usize));
    let bytes = || proptest::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from);
    let to = prop_oneof![
        Just(TxKind::Create),
        any::<[u8; 20]>().prop_map(|to| TxKind::Call(Address::from(to)))
    ];
    let numbers = (number(), number(), number(), number());
    (numbers, any::<(u64, u64, u64)>(), to, bytes(), bytes()).prop_map(|(n, small, to, input, extra_data)| {
        FiscoRequest {
            random_id: n.0,
            gas_price: n.1,
            gas: n.2,
            block_limit: small.0,
            to,
            value: n.3,
            input,
            chain_id: small.1,
            group_id: small.2,
            extra_data,
        }
    })
}

/// What is decoded encodes to the same bytes, whatever the bytes are.
fn is_canonical(raw: &[u8]) {
    if let Ok(read) = FiscoTransaction::decode(raw) {
        assert_eq!(read.encode()[..], *raw);
        assert!(is_fisco(raw));
        assert_eq!(random_id(raw), Some(read.request.random_id));
    }
    if let Ok(read) = Transaction::decode(Bytes::copy_from_slice(raw), hash) {
        assert_eq!(read.fisco().is_some(), is_fisco(raw));
    }
}

proptest! {
    #[test]
    fn a_transaction_reads_back(request in requests(), key in any::<[u8; 32]>(), odd in any::<bool>(), sm in any::<bool>()) {
        let (r, s) = (U256::from_be_bytes(key), U256::from_be_bytes(key) >> 9);
        let signature = match sm {
            true => FiscoSignature::with_key(r, s, &SM_KEY),
            false => FiscoSignature::recoverable(r, s, odd),
        };
        let signed = request.signed(signature);
        let raw = signed.encode();
        prop_assert_eq!(FiscoTransaction::decode(&raw), Ok(signed));
        is_canonical(&raw);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic_or_read_what_is_not_canonical(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        is_canonical(&raw);
    }

    #[test]
    fn a_flipped_bit_is_refused_or_another_transaction(bit in 0..SIGNED.len() * 8) {
        let mut raw = SIGNED;
        raw[bit / 8] ^= 1 << (bit % 8);
        is_canonical(&raw);
        if let Ok(read) = FiscoTransaction::decode(&raw) {
            prop_assert_ne!(read, request().signed(signature()));
        }
    }

    #[test]
    fn bytes_cut_out_or_put_in_are_refused_or_another_transaction(at in 0..SIGNED.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut raw = SIGNED.to_vec();
        match cut {
            true => drop(raw.remove(at)),
            false => raw.insert(at, byte),
        }
        is_canonical(&raw);
    }
}
