//! FISCO's java-sdk 2.10.1 as an oracle: the same key is the same account, the same transaction the same digest, and what it signs holds.

use alloy_primitives::hex;
use althing_crypto::{AccountSignature, SmSuite, StandardSuite, Suite};

use crate::support::{blocks, bytes, word};

/// Printed by the program in `tests/oracle`.
const PRINTED: &str = include_str!("../testdata/java-sdk.txt");

fn suite(edition: &str) -> &'static dyn Suite {
    match edition {
        "standard" => &StandardSuite,
        "sm" => &SmSuite,
        other => panic!("no edition: {other}"),
    }
}

#[test]
fn keys_digests_and_signatures_of_the_java_sdk_are_ours() {
    let blocks = blocks(PRINTED);
    assert_eq!(blocks.len(), 12);
    for block in blocks {
        let suite = suite(block["edition"]);
        let key = suite.account_key_of(&bytes(block["secret"])).unwrap();
        assert_eq!(key.address()[..], bytes::<20>(block["address"]));
        let digest = suite.hash_fn()(&hex::decode(block["unsigned"]).unwrap());
        assert_eq!(digest, word(block["digest"]));
        let signature = hex::decode(block["signature"]).unwrap();
        let signature = AccountSignature::from_bytes(&signature).unwrap();
        assert_eq!(suite.verify_account(&key.address(), &digest, &signature), Ok(()));
        assert_eq!(suite.recover_account(&digest, &signature), Ok(key.address()));
        assert_ne!(
            suite.recover_account(&Default::default(), &signature),
            Ok(key.address())
        );
    }
}

#[test]
fn a_signature_of_the_java_sdk_names_its_signer_by_the_key_we_make() {
    for block in blocks(PRINTED).iter().filter(|block| block["edition"] == "sm") {
        let key = SmSuite.account_key_of(&bytes(block["secret"])).unwrap();
        let own = key.sign(&word(block["digest"])).to_bytes();
        assert_eq!(hex::encode(&own[64..]), block["public"]);
        assert!(block["signature"].ends_with(block["public"]));
        // It travels in the place where the standard edition has v, as a string of 64 bytes.
        let travels = format!("b840{}", block["public"]);
        assert!(block["raw"].contains(&travels));
    }
}
