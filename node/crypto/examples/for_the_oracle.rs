//! Signatures of both editions for the program in `tests/oracle` to verify.
//!
//! `cargo run -p althing-crypto --example for_the_oracle > signatures.txt`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use alloy_primitives::hex;
use althing_crypto::{SmSuite, StandardSuite, Suite};

fn main() {
    let editions: [(&str, &dyn Suite); 2] = [("standard", &StandardSuite), ("sm", &SmSuite)];
    for (name, suite) in editions {
        for number in 1..=50_u8 {
            let secret = suite.hash_fn()(&[number]);
            let digest = suite.hash_fn()(secret.as_slice());
            let key = suite.account_key_of(&secret).unwrap();
            println!("edition = {name}");
            println!("secret = {}", hex::encode(secret));
            println!("address = {}", hex::encode(key.address()));
            println!("digest = {}", hex::encode(digest));
            println!("signature = {}\n", hex::encode(key.sign(&digest).to_bytes()));
        }
    }
}
