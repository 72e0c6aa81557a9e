//! A cheap edition for many seeds: a keyed hash stands for a signature. Whoever does not hold the key cannot sign, because
//! nothing in the simulator derives a secret but the key itself and the verifier.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use althing_crypto::{AccountKey, AccountSignature, HashFn, KeyError, NodeKey, SignatureError, Suite};
use zeroize::Zeroizing;

/// The suite and the node keys of a run, ascending by public key.
#[derive(Clone, Debug)]
pub struct Crypto {
    /// The edition.
    pub suite: Arc<dyn Suite>,
    /// The keys; as many as a run may have identities.
    pub keys: Vec<Arc<dyn NodeKey>>,
}

/// Identities a run may have.
pub const IDENTITIES_MAX: usize = 9;

impl Crypto {
    /// The cheap edition.
    pub fn toy() -> Self {
        let keys = (0..IDENTITIES_MAX)
            .map(|n| Arc::new(ToyKey::new(n)) as Arc<dyn NodeKey>)
            .collect();
        Self {
            suite: Arc::new(ToySuite {
                believes_everything: false,
            }),
            keys,
        }
    }
}

/// The cheap edition.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToySuite {
    /// The planted mistake: every signature holds.
    pub believes_everything: bool,
}

/// A mixing hash, quick and in no way secure.
fn toy_hash(bytes: &[u8]) -> B256 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = [ODD, !ODD, ODD.rotate_left(17), ODD ^ bytes.len() as u64];
    for (n, chunk) in bytes.chunks(8).enumerate() {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        let lane = n % 4;
        state[lane] = (state[lane] ^ u64::from_le_bytes(word))
            .wrapping_mul(ODD)
            .rotate_left(29);
        state[(lane + 1) % 4] ^= state[lane] >> 7;
    }
    for round in 0..8 {
        let lane = round % 4;
        state[lane] = (state[lane] ^ (state[(lane + 3) % 4] >> 31)).wrapping_mul(ODD);
        state[(lane + 1) % 4] = state[(lane + 1) % 4].wrapping_add(state[lane].rotate_left(23));
    }
    let mut out = [0; 32];
    out.chunks_mut(8)
        .zip(state)
        .for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
    B256::from(out)
}

fn sign(public_key: &[u8; 64], digest: &B256) -> [u8; 64] {
    let mut bytes = [0; 112];
    bytes[..64].copy_from_slice(public_key);
    bytes[64..80].copy_from_slice(b"the toy's secret");
    bytes[80..].copy_from_slice(digest.as_slice());
    let half = toy_hash(&bytes);
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(half.as_slice());
    signature[32..].copy_from_slice(half.as_slice());
    signature
}

#[derive(Debug)]
struct ToyKey([u8; 64]);

impl ToyKey {
    fn new(number: usize) -> Self {
        let mut public_key = [0x55; 64];
        public_key[0] = u8::try_from(number).unwrap_or(u8::MAX);
        Self(public_key)
    }
}

impl NodeKey for ToyKey {
    fn public_key(&self) -> [u8; 64] {
        self.0
    }

    fn sign(&self, digest: &B256) -> [u8; 64] {
        sign(&self.0, digest)
    }
}

impl Suite for ToySuite {
    fn hash_fn(&self) -> HashFn {
        toy_hash
    }

    fn ordered_root(&self, items: &[Vec<u8>]) -> B256 {
        toy_hash(&items.concat())
    }

    fn recover_account(&self, _: &B256, _: &AccountSignature) -> Result<Address, SignatureError> {
        Err(SignatureError::Mismatch)
    }

    fn account_secret(&self, _: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        Err(no_key())
    }

    fn account_key_of(&self, _: &[u8; 32]) -> Result<Arc<dyn AccountKey>, KeyError> {
        Err(no_key())
    }

    fn verify_node(&self, public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
        if self.believes_everything || sign(public_key, digest) == signature {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }

    fn node_secret(&self, _: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        Err(no_key())
    }

    fn node_key_of(&self, _: &[u8; 32]) -> Result<Arc<dyn NodeKey>, KeyError> {
        Err(no_key())
    }
}

fn no_key() -> KeyError {
    KeyError::Malformed {
        curve: "no curve",
        why: "the simulator makes its own keys".to_owned(),
    }
}
