//! What holds in every edition.

use std::sync::Arc;

use althing_crypto::{NodeKey, SmSuite, StandardSuite, Suite};

mod certificates;
mod durability;
mod following;
mod hostile;
mod house;
mod rounds;
mod sealing;
mod timers;

/// The edition under test: the name under which this room was included says which it is.
fn suite() -> &'static dyn Suite {
    match module_path!().rsplit("::").next() {
        Some("standard") => &StandardSuite,
        Some("sm") => &SmSuite,
        other => panic!("{other:?} is no edition"),
    }
}

fn key(number: u8) -> Arc<dyn NodeKey> {
    suite().node_key_of(&[number + 1; 32]).unwrap()
}
