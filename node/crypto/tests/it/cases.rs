//! Hostile input for every decoder of this crate, made from a number: the property test and the torture draw from the same.

use alloy_primitives::{B256, U256};
use althing_crypto::{AccountSignature, Suite};
use p256::pkcs8::LineEnding;
use p256::pkcs8::der::pem;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Edition, beside, editions, pkcs8, sec1};

/// Keys of each edition that cases are made of.
const KEYS: u8 = 4;

/// What a case found that may not be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FalseAccept(pub(crate) String);

/// A node's public key, what it signed and its signature, and its key file.
struct Node {
    public_key: [u8; 64],
    digest: B256,
    signature: [u8; 64],
    files: Vec<String>,
}

/// An account, what it signed and its signature.
struct Account {
    address: alloy_primitives::Address,
    digest: B256,
    signature: AccountSignature,
}

/// One edition with good keys and signatures, to be spoiled.
struct Good {
    edition: Edition,
    nodes: Vec<Node>,
    accounts: Vec<Account>,
}

/// Everything that cases start from.
pub(crate) struct Cases(Vec<Good>);

impl Cases {
    pub(crate) fn new() -> Self {
        Self(editions().into_iter().map(Good::new).collect())
    }

    /// Tries the case with this number: nothing that is not what a key signed may hold, and nothing may panic.
    pub(crate) fn try_case(&self, number: u64) -> Result<(), FalseAccept> {
        let mut dice = ChaCha8Rng::seed_from_u64(number);
        let good = &self.0[dice.random_range(0..self.0.len())];
        let found = match dice.random_range(0..10) {
            0 => good.random_node_signature(&mut dice),
            1..4 => good.spoiled_node_signature(&mut dice),
            4 => good.random_account_signature(&mut dice),
            5..8 => good.spoiled_account_signature(&mut dice),
            8 => good.random_key_file(&mut dice),
            _ => good.spoiled_key_file(&mut dice),
        };
        found.map_err(|what| FalseAccept(format!("case {number}: {what} in {:?}", good.edition.suite)))
    }
}

impl Good {
    fn new(edition: Edition) -> Self {
        let suite = edition.suite;
        let digest = |key| suite.hash_fn()(&[key]);
        let node = |key| {
            let curve = edition.node_curve.0;
            let own = suite.node_key(&pkcs8(curve, &[key; 32], None)).unwrap();
            let (public_key, digest) = (own.public_key(), digest(key));
            let point = [&[4][..], &public_key].concat();
            let files = vec![
                pkcs8(curve, &[key; 32], Some(&point)),
                sec1(Some(curve), &[key; 32], Some(&point)),
            ];
            Node {
                public_key,
                digest,
                signature: own.sign(&digest),
                files,
            }
        };
        let account = |key| {
            let own = suite.account_key_of(&[key; 32]).unwrap();
            let digest = digest(key);
            Account {
                address: own.address(),
                digest,
                signature: own.sign(&digest),
            }
        };
        Self {
            nodes: (1..=KEYS).map(node).collect(),
            accounts: (1..=KEYS).map(account).collect(),
            edition,
        }
    }

    fn suite(&self) -> &'static dyn Suite {
        self.edition.suite
    }

    fn node(&self, dice: &mut ChaCha8Rng) -> &Node {
        &self.nodes[dice.random_range(0..self.nodes.len())]
    }

    fn random_node_signature(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let node = self.node(dice);
        let key = match dice.random() {
            true => node.public_key,
            false => beside(self.some_number(dice), self.some_number(dice)),
        };
        let signature = match dice.random() {
            true => bytes(dice, 130),
            false => beside(self.some_number(dice), self.some_number(dice)).to_vec(),
        };
        match self.suite().verify_node(&key, &B256::new(dice.random()), &signature) {
            Ok(()) => Err("a random node signature holds".to_owned()),
            Err(_) => Ok(()),
        }
    }

    fn spoiled_node_signature(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let node = self.node(dice);
        let mut all = [&node.public_key[..], node.digest.as_slice(), &node.signature].concat();
        let before = all.clone();
        self.spoil(dice, &mut all);
        let key = all[..64].try_into().unwrap();
        let held = self
            .suite()
            .verify_node(key, &B256::from_slice(&all[64..96]), &all[96..]);
        match held.is_ok() == (all == before) {
            true => Ok(()),
            false => Err(format!("a node signature, spoiled or not: {held:?}")),
        }
    }

    fn random_account_signature(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let bytes = match dice.random_range(0..3) {
            0 => bytes(dice, 140),
            1 => [
                &beside(self.some_number(dice), self.some_number(dice))[..],
                &[dice.random_range(0..3)],
            ]
            .concat(),
            _ => [
                beside(self.some_number(dice), self.some_number(dice)),
                beside(self.some_number(dice), self.some_number(dice)),
            ]
            .concat(),
        };
        let Ok(signature) = AccountSignature::from_bytes(&bytes) else {
            return Ok(());
        };
        if signature.to_bytes() != bytes {
            return Err("an account signature reads back otherwise".to_owned());
        }
        match self.suite().recover_account(&B256::new(dice.random()), &signature) {
            Ok(found) if self.accounts.iter().any(|account| account.address == found) => {
                Err(format!("a random signature is account {found}'s"))
            }
            _ => Ok(()),
        }
    }

    fn spoiled_account_signature(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let account = &self.accounts[dice.random_range(0..self.accounts.len())];
        let mut all = [account.digest.as_slice(), &account.signature.to_bytes()].concat();
        let before = all.clone();
        self.spoil(dice, &mut all);
        let Ok(signature) = AccountSignature::from_bytes(&all[32..]) else {
            return Ok(());
        };
        let held = self
            .suite()
            .verify_account(&account.address, &B256::from_slice(&all[..32]), &signature);
        match held.is_ok() == (all == before) {
            true => Ok(()),
            false => Err(format!("an account signature, spoiled or not: {held:?}")),
        }
    }

    fn random_key_file(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let label = ["PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY", "CERTIFICATE"][dice.random_range(0..4)];
        let text = match dice.random() {
            true => pem::encode_string(label, LineEnding::LF, &bytes(dice, 200)).unwrap(),
            false => String::from_utf8_lossy(&bytes(dice, 200)).into_owned(),
        };
        match (self.suite().node_key(&text), self.suite().account_key(&text)) {
            (Err(_), Err(_)) => Ok(()),
            _ => Err(format!("random bytes are a key file: {text}")),
        }
    }

    /// A file that says its public key is either refused or the same key, whatever was done to it.
    fn spoiled_key_file(&self, dice: &mut ChaCha8Rng) -> Result<(), String> {
        let node = self.node(dice);
        let file = &node.files[dice.random_range(0..node.files.len())];
        let (label, mut der) = pem::decode_vec(file.as_bytes()).unwrap();
        let text = if dice.random() {
            for _ in 0..dice.random_range(1..4) {
                let at = dice.random_range(0..der.len());
                der[at] = dice.random();
            }
            der.truncate(dice.random_range(der.len() / 2..=der.len() * 2));
            pem::encode_string(label, LineEnding::LF, &der).unwrap()
        } else {
            let mut text = file.clone().into_bytes();
            for _ in 0..dice.random_range(1..4) {
                let at = dice.random_range(0..text.len());
                text[at] = dice.random_range(b' '..=b'~');
            }
            String::from_utf8(text).unwrap()
        };
        match self.suite().node_key(&text) {
            Ok(key) if key.public_key() != node.public_key => Err(format!("a spoiled file is another key: {text}")),
            _ => Ok(()),
        }
    }

    /// Flips bits, or puts a number of the curve where one stands.
    fn spoil(&self, dice: &mut ChaCha8Rng, all: &mut [u8]) {
        for _ in 0..dice.random_range(0..3) {
            if dice.random() {
                let at = dice.random_range(0..all.len());
                all[at] ^= 1 << dice.random_range(0..8);
            } else {
                let at = 32 * dice.random_range(0..all.len() / 32);
                let number = self.some_number(dice);
                all[at..at + 32].copy_from_slice(&number.to_be_bytes::<32>());
            }
        }
    }

    /// A number, often one at a border of the curve.
    fn some_number(&self, dice: &mut ChaCha8Rng) -> U256 {
        let near = U256::from(dice.random_range(0..3_u64));
        match dice.random_range(0..8) {
            0 => near,
            1 => self.edition.node_order.wrapping_sub(near),
            2 => self.edition.node_order + near,
            3 => self.edition.node_prime.wrapping_sub(near),
            4 => self.edition.account_order.wrapping_sub(near),
            5 => U256::MAX - near,
            _ => U256::from_be_bytes(dice.random::<[u8; 32]>()),
        }
    }
}

/// At most so many random bytes.
fn bytes(dice: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let length = dice.random_range(0..=most);
    (0..length).map(|_| dice.random()).collect()
}
