//! Which words the signatures of a height are made over: the genesis hash, or at a height that a recovery decides also that recovery's
//! digest (ADR 0016).
//!
//! So a sealer that has voted at that height in the set that is gone votes once more in the new one without ever signing twice in one
//! domain, and a certificate of one of them proves nothing in the other. Such messages travel in an envelope that names the digest, since
//! an honest peer may not follow this recovery, or not yet.

use alloy_primitives::{B256, Bytes};
use althing_crypto::HashFn;

/// Keeps the domain of a recovered height apart from any genesis hash.
const DOMAIN: &[u8] = b"althing/recovery-domain/v1";
/// The first byte of an envelope; messages begin with 1 to 4.
const ENVELOPE: u8 = 0x10;
/// Bytes of an envelope: its kind and the digest.
const ENVELOPE_BYTES: usize = 33;

/// A height that is decided under a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The height.
    pub height: u64,
    /// The digest of the recovery.
    pub digest: B256,
}

/// The words of every height of a ledger. One recovered height is known: the one in flight or the last one decided, which is all that
/// messages are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domains {
    genesis: B256,
    recovered: Option<Recovered>,
}

impl From<B256> for Domains {
    /// Of a ledger with this genesis hash that no recovery touches.
    fn from(genesis: B256) -> Self {
        Self {
            genesis,
            recovered: None,
        }
    }
}

impl Domains {
    /// Those of a ledger with this genesis hash, where one height may be recovered.
    pub const fn new(genesis: B256, recovered: Option<Recovered>) -> Self {
        Self { genesis, recovered }
    }

    /// The same ledger with another recovered height, or none.
    #[must_use]
    pub const fn with(self, recovered: Option<Recovered>) -> Self {
        Self { recovered, ..self }
    }

    /// The recovered height that is known.
    pub const fn recovered(&self) -> Option<Recovered> {
        self.recovered
    }

    /// The digest of the recovery that a height is decided under; none for every other height.
    pub fn recovery_of(&self, height: u64) -> Option<B256> {
        let recovered = self.recovered.filter(|recovered| recovered.height == height);
        recovered.map(|recovered| recovered.digest)
    }

    /// What signatures of a height are made over in the place of the genesis hash.
    pub fn at(&self, height: u64, hash: HashFn) -> B256 {
        match self.recovery_of(height) {
            None => self.genesis,
            Some(digest) => hash(&[DOMAIN, self.genesis.as_slice(), digest.as_slice()].concat()),
        }
    }

    /// A message of a height as it travels.
    pub fn wrap(&self, height: u64, message: Bytes) -> Bytes {
        match self.recovery_of(height) {
            None => message,
            Some(digest) => [&[ENVELOPE], digest.as_slice(), &message].concat().into(),
        }
    }
}

/// The digest that an envelope names, none where there is no envelope, and the message in it. Bytes that are neither are left as they are,
/// for the decoder to refuse.
pub fn unwrap(bytes: &Bytes) -> (Option<B256>, Bytes) {
    match bytes.split_at_checked(ENVELOPE_BYTES) {
        Some(([ENVELOPE, digest @ ..], _)) => (Some(B256::from_slice(digest)), bytes.slice(ENVELOPE_BYTES..)),
        _ => (None, bytes.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(bytes: &[u8]) -> B256 {
        alloy_primitives::keccak256(bytes)
    }

    const DIGEST: B256 = B256::repeat_byte(7);

    fn recovered() -> Domains {
        let recovered = Recovered {
            height: 5,
            digest: DIGEST,
        };
        Domains::new(B256::repeat_byte(1), Some(recovered))
    }

    #[test]
    fn only_the_recovered_height_has_words_of_its_own() {
        let (plain, recovered) = (Domains::from(B256::repeat_byte(1)), recovered());
        for height in [4, 6, u64::MAX] {
            assert_eq!(recovered.at(height, hash), plain.at(height, hash));
        }
        assert_ne!(recovered.at(5, hash), plain.at(5, hash));
        assert_ne!(recovered.at(5, hash), DIGEST);
    }

    #[test]
    fn a_message_of_the_recovered_height_names_its_recovery_and_no_other_does() {
        let message = Bytes::from_static(&[2, 9]);
        let wrapped = recovered().wrap(5, message.clone());
        assert_eq!(unwrap(&wrapped), (Some(DIGEST), message.clone()));
        assert_eq!(recovered().wrap(6, message.clone()), message);
        assert_eq!(unwrap(&message), (None, message));
        let short = wrapped.slice(..32);
        assert_eq!(
            unwrap(&short),
            (None, short),
            "an envelope without a whole digest is none"
        );
    }
}
