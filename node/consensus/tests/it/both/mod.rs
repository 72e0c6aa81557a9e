//! What holds in every edition.

use std::sync::Arc;

use althing_crypto::{NodeKey, SmSuite, StandardSuite, Suite};
use p256::pkcs8::{EncodePrivateKey, LineEnding};

mod certificates;
mod durability;
mod following;
mod hostile;
mod house;
mod rounds;
mod sealing;
mod timers;

/// The edition under test, and its key of a number: the name under which this room was included says which it is.
fn edition() -> (&'static dyn Suite, fn(&[u8; 32]) -> String) {
    match module_path!().rsplit("::").next() {
        Some("standard") => (&StandardSuite, |secret| {
            let key = p256::SecretKey::from_slice(secret).unwrap();
            key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
        }),
        Some("sm") => (&SmSuite, |secret| {
            let key = sm2::SecretKey::from_slice(secret).unwrap();
            key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
        }),
        other => panic!("{other:?} is no edition"),
    }
}

fn suite() -> &'static dyn Suite {
    edition().0
}

fn key(number: u8) -> Arc<dyn NodeKey> {
    let (suite, pem) = edition();
    suite.node_key(&pem(&[number + 1; 32])).unwrap()
}
