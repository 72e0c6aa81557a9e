//! Selectors: the first four bytes of the hash of a function's signature. Contracts of the ledger know theirs by Keccak-256, which
//! Ethereum's tools call them by, and by SM3, which contracts made by FISCO's SM compiler and its SDKs call them by (LEDGER.md 7).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use althing_crypto::{SmSuite, StandardSuite, Suite};
use althing_types::HashFn;

use crate::{revert, system};

/// Of SM3 to Keccak-256, of everything that this ledger serves or reads.
static BY_SM3: LazyLock<BTreeMap<[u8; 4], [u8; 4]>> = LazyLock::new(|| {
    let [sm3, keccak] = [SmSuite.hash_fn(), StandardSuite.hash_fn()];
    let known = known();
    known
        .map(|signature| (selector(sm3, signature), selector(keccak, signature)))
        .collect()
});

/// The signatures.
fn known() -> impl Iterator<Item = &'static str> {
    system::functions().chain(revert::ERRORS)
}

/// The selector that a hash gives.
pub(crate) fn selector(hash: HashFn, signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = hash(signature.as_bytes()).0;
    [a, b, c, d]
}

/// The selector by Keccak-256 of what is called or reverted with; none where there is none.
pub(crate) fn canonical_selector(data: &[u8]) -> Option<[u8; 4]> {
    let found = data.first_chunk()?;
    Some(*BY_SM3.get(found).unwrap_or(found))
}

/// The data of a call or a revert with the selector by Keccak-256, where it has a known one by SM3; as it is otherwise.
pub(crate) fn canonical(data: &[u8]) -> Cow<'_, [u8]> {
    let by_keccak = data
        .split_first_chunk()
        .and_then(|(found, rest)| Some((BY_SM3.get(found)?, rest)));
    match by_keccak {
        Some((selector, rest)) => Cow::Owned([selector, rest].concat()),
        None => Cow::Borrowed(data),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn no_selector_of_one_hash_is_one_of_the_other_hash_or_of_another_function() {
        let signatures: BTreeSet<&str> = known().collect();
        let of = |hash: HashFn| signatures.iter().map(move |signature| selector(hash, signature));
        let all: BTreeSet<_> = of(SmSuite.hash_fn()).chain(of(StandardSuite.hash_fn())).collect();
        assert_eq!(all.len(), 2 * signatures.len());
    }

    /// As FISCO's java-sdk 2.10.1 and its SM compiler call them.
    #[test]
    fn selectors_by_sm3_are_fisco_s() {
        for (signature, by_sm3) in [
            ("setValueByKey(string,string)", hex!("0749b518")),
            ("addSealer(string)", hex!("df434acc")),
            ("addObserver(string)", hex!("25e85d16")),
            ("insert(string,string)", hex!("ce0a9fb9")),
            ("freeze(address)", hex!("f12c66df")),
            ("grantCommitteeMember(address)", hex!("cbff0346")),
            ("freezeAccount(address)", hex!("563e46a5")),
            ("sm2Verify(bytes32,bytes,bytes32,bytes32)", hex!("22ede61e")),
            ("Error(string)", hex!("c703cb12")),
            ("Panic(uint256)", hex!("b95aa355")),
        ] {
            assert_eq!(
                canonical_selector(&by_sm3),
                Some(selector(StandardSuite.hash_fn(), signature)),
                "{signature}"
            );
        }
    }
}
