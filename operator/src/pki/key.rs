//! Private keys: made from entropy that is passed in, read as nodes read them, written as PKCS#8 PEM, wiped when dropped, never printed.

use std::sync::Arc;

use althing_crypto::{AccountKey, AccountSignature, NodeKey, SM2_ID};
use althing_types::genesis::Cryptography;
use althing_types::{B256, NodeId};
use p256::pkcs8::der::pem;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use zeroize::Zeroizing;

use super::signer::CertificateSigner;
use crate::plan::{KeyKind, KeyPurpose, PublicKey};
use crate::suite;

/// The PKCS#8 encoding of a secp256k1 key has a fixed shape (RFC 5208, RFC 5915): this, the key, a divider, the public point.
const SECP256K1_HEAD: [u8; 33] = [
    0x30, 0x81, 0x84, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x0a, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
];
/// Between the key and the public point.
const SECP256K1_DIVIDER: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
/// Draws of entropy before giving up: a valid draw fails once in 256.
const DRAWS_MAX: usize = 64;

/// Why a key cannot be made or read. Never holds key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The entropy source gives no usable scalar.
    #[error("the entropy source gave no usable key in {DRAWS_MAX} draws")]
    Entropy,
    /// Not a private key in PEM, or one whose parts do not belong together.
    #[error("not a PEM private key: {0}")]
    Malformed(String),
    /// A key of another purpose, or of no edition.
    #[error("found {found}; accepted: {accepted}")]
    Curve {
        /// What it is.
        found: String,
        /// What would be right in one of the editions.
        accepted: String,
    },
}

/// A private key. Wiped when dropped; its text form leaves only through [`PrivateKey::to_pem`].
pub struct PrivateKey {
    kind: KeyKind,
    secret: Zeroizing<[u8; 32]>,
    half: Half,
}

/// What signs with it.
enum Half {
    Identity(Arc<dyn NodeKey>),
    Account(Arc<dyn AccountKey>),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({:?}, …)", self.kind)
    }
}

impl PrivateKey {
    /// Makes a key from entropy. A scalar that begins with a zero byte is drawn again, as FISCO's tools do: some clients
    /// drop leading zeros.
    pub fn generate(kind: KeyKind, entropy: &mut dyn FnMut(&mut [u8])) -> Result<Self, KeyError> {
        for _ in 0..DRAWS_MAX {
            let mut scalar = Zeroizing::new([0; 32]);
            entropy(scalar.as_mut());
            if scalar.first() == Some(&0) {
                continue;
            }
            if let Ok(key) = Self::from_scalar(kind, scalar) {
                return Ok(key);
            }
        }
        Err(KeyError::Entropy)
    }

    fn from_scalar(kind: KeyKind, secret: Zeroizing<[u8; 32]>) -> Result<Self, althing_crypto::KeyError> {
        let suite = suite::of(kind.cryptography());
        let half = match kind.purpose() {
            KeyPurpose::Identity => Half::Identity(suite.node_key_of(&secret)?),
            KeyPurpose::Account => Half::Account(suite.account_key_of(&secret)?),
        };
        Ok(Self { kind, secret, half })
    }

    /// Reads a key from PEM, as nodes read it. Its own text says which edition's it is; whether that is the consortium's, a plan asks.
    pub fn from_pem(purpose: KeyPurpose, text: &str) -> Result<Self, KeyError> {
        let mut other = String::new();
        for cryptography in [Cryptography::Standard, Cryptography::Sm] {
            let suite = suite::of(cryptography);
            let read = match purpose {
                KeyPurpose::Identity => suite.node_secret(text),
                KeyPurpose::Account => suite.account_secret(text),
            };
            match read.and_then(|secret| Self::from_scalar(KeyKind::new(purpose, cryptography), secret)) {
                Ok(key) => return Ok(key),
                Err(althing_crypto::KeyError::OtherCurve { found, .. }) => other = found,
                Err(althing_crypto::KeyError::Malformed { why, .. }) => return Err(KeyError::Malformed(why)),
                Err(error) => return Err(KeyError::Malformed(error.to_string())),
            }
        }
        let [standard, sm] = [Cryptography::Standard, Cryptography::Sm].map(|edition| KeyKind::new(purpose, edition));
        Err(KeyError::Curve {
            found: format!("a {other} key"),
            accepted: format!("{standard}, or {sm} in a consortium whose cryptography is SM"),
        })
    }

    /// The key as PKCS#8 PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        // Encoding a valid key into memory has no failure.
        let pem = match self.kind {
            KeyKind::P256 => p256::SecretKey::from_slice(self.secret.as_slice())
                .ok()
                .and_then(|key| key.to_pkcs8_pem(LineEnding::LF).ok()),
            KeyKind::Sm2 | KeyKind::Sm2Account => sm2::SecretKey::from_slice(self.secret.as_slice())
                .ok()
                .and_then(|key| key.to_pkcs8_pem(LineEnding::LF).ok()),
            KeyKind::Secp256k1 => Some(secp256k1_to_pem(&self.secret)),
        };
        pem.unwrap_or_default()
    }

    /// Its purpose and curve.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let cryptography = self.kind.cryptography();
        match &self.half {
            Half::Identity(key) => PublicKey::Identity(cryptography, NodeId::new(key.public_key())),
            Half::Account(key) => PublicKey::Account(cryptography, key.address()),
        }
    }

    /// An identity's signature r‖s over a digest, as its edition signs: the same key and digest give the same signature. None for an
    /// account's key.
    pub fn sign(&self, digest: &B256) -> Option<[u8; 64]> {
        match &self.half {
            Half::Identity(key) => Some(key.sign(digest)),
            Half::Account(_) => None,
        }
    }

    /// An account's signature over a digest, as its edition signs and as deterministically. None for an identity's key.
    pub fn sign_account(&self, digest: &B256) -> Option<AccountSignature> {
        match &self.half {
            Half::Identity(_) => None,
            Half::Account(key) => Some(key.sign(digest)),
        }
    }

    /// The signer of certificates, requests and lists; none for an account's key.
    pub(super) fn signer(&self) -> Option<CertificateSigner> {
        match self.kind {
            KeyKind::P256 => {
                let signer = p256::ecdsa::SigningKey::from_slice(self.secret.as_slice()).ok()?;
                Some(CertificateSigner::P256(signer))
            }
            KeyKind::Sm2 => {
                let signer = sm2::dsa::SigningKey::from_slice(SM2_ID, self.secret.as_slice()).ok()?;
                Some(CertificateSigner::Sm2(signer))
            }
            KeyKind::Secp256k1 | KeyKind::Sm2Account => None,
        }
    }
}

fn secp256k1_point(scalar: &[u8; 32]) -> Option<[u8; 65]> {
    let mut secret = secp256k1::SecretKey::from_secret_bytes(*scalar).ok()?;
    let point = secp256k1::PublicKey::from_secret_key(&secret).serialize_uncompressed();
    secret.non_secure_erase();
    Some(point)
}

fn secp256k1_to_pem(scalar: &[u8; 32]) -> Zeroizing<String> {
    let point = secp256k1_point(scalar).unwrap_or([0; 65]);
    let der = Zeroizing::new([&SECP256K1_HEAD[..], scalar, &SECP256K1_DIVIDER, &point].concat());
    Zeroizing::new(pem::encode_string("PRIVATE KEY", LineEnding::LF, &der).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use althing_types::Address;

    use super::*;
    use crate::pki::testing::entropy;

    const KINDS: [KeyKind; 4] = [KeyKind::P256, KeyKind::Secp256k1, KeyKind::Sm2, KeyKind::Sm2Account];

    fn key(kind: KeyKind, seed: u64) -> PrivateKey {
        PrivateKey::generate(kind, &mut entropy(seed)).unwrap()
    }

    #[test]
    fn a_key_survives_its_pem_and_says_itself_which_edition_s_it_is() {
        for kind in KINDS {
            let key = key(kind, 1);
            let again = PrivateKey::from_pem(kind.purpose(), &key.to_pem()).unwrap();
            assert_eq!(key.public(), again.public());
            assert_eq!((again.kind(), again.public().kind()), (kind, kind));
            assert!(key.to_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
        }
    }

    #[test]
    fn a_node_key_is_read_by_the_node_and_gives_the_same_node_id() {
        for kind in [KeyKind::P256, KeyKind::Sm2] {
            let key = key(kind, 2);
            let node = suite::of(kind.cryptography()).node_key(&key.to_pem()).unwrap();
            assert_eq!(key.public().node_id(), Some(NodeId::new(node.public_key())));
            let digest = B256::repeat_byte(5);
            assert_eq!(key.sign(&digest), Some(node.sign(&digest)));
            assert_eq!(key.sign_account(&digest), None);
        }
    }

    #[test]
    fn a_key_as_openssl_writes_it_for_sec1_is_read_too() {
        for (kind, label) in [(KeyKind::P256, "EC PRIVATE KEY"), (KeyKind::Sm2, "SM2 PRIVATE KEY")] {
            let key = key(kind, 7);
            let (_, der) = pem::decode_vec(key.to_pem().as_bytes()).unwrap();
            // The inner key of PKCS#8 without a curve says too little.
            let inner = p256::pkcs8::PrivateKeyInfoRef::try_from(der.as_slice()).unwrap();
            let alone = pem::encode_string(label, LineEnding::LF, inner.private_key.as_bytes()).unwrap();
            let refused = PrivateKey::from_pem(kind.purpose(), &alone).unwrap_err().to_string();
            assert_eq!(refused, "not a PEM private key: it does not say its curve");
        }
    }

    #[test]
    fn rule_3_a_private_key_is_never_printed() {
        for kind in KINDS {
            let key = key(kind, 3);
            assert_eq!(format!("{key:?}"), format!("PrivateKey({kind:?}, …)"));
            let pem = key.to_pem();
            let error = PrivateKey::from_pem(kind.purpose(), &pem.replace("PRIVATE", "SECRET"))
                .unwrap_err()
                .to_string();
            assert!(!pem.lines().any(|line| error.contains(line)), "{error}");
        }
    }

    #[test]
    fn the_account_of_a_known_key_is_the_known_address() {
        // EIP-155's example key, 32 times 0x46.
        let key = PrivateKey::generate(KeyKind::Secp256k1, &mut |bytes| bytes.fill(0x46)).unwrap();
        let expected: Address = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F".parse().unwrap();
        assert_eq!(key.public().account(), Some(expected));
    }

    #[test]
    fn an_sm_account_is_the_end_of_sm3_over_its_point() {
        // GB/T 32918.5's example key; its public key is printed there, SM3 over it is OpenSSL's.
        let scalar = alloy_primitives::hex!("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
        let of = |kind| PrivateKey::generate(kind, &mut |bytes| bytes.copy_from_slice(&scalar)).unwrap();
        let point = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                     ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
        let id = of(KeyKind::Sm2).public().node_id().unwrap();
        assert_eq!(id.to_string(), point);
        let expected: Address = "0x2119e1ecc071c2f3d915245c8d9c5a2cb131a89d".parse().unwrap();
        assert_eq!(of(KeyKind::Sm2Account).public().account(), Some(expected));
    }

    #[test]
    fn a_key_of_another_purpose_is_refused_with_what_would_be_right() {
        let identity = PrivateKey::from_pem(KeyPurpose::Identity, &key(KeyKind::Secp256k1, 4).to_pem()).unwrap_err();
        assert_eq!(
            identity.to_string(),
            "found a secp256k1 key; accepted: a P-256 key, or an SM2 key in a consortium whose cryptography is SM"
        );
        let account = PrivateKey::from_pem(KeyPurpose::Account, &key(KeyKind::P256, 4).to_pem()).unwrap_err();
        assert_eq!(
            account.to_string(),
            "found a P-256 key; accepted: a secp256k1 key, or an SM2 key in a consortium whose cryptography is SM"
        );
    }

    #[test]
    fn a_broken_key_is_refused() {
        for kind in KINDS {
            let pem = key(kind, 5).to_pem();
            let purpose = kind.purpose();
            assert!(PrivateKey::from_pem(purpose, "").is_err());
            assert!(PrivateKey::from_pem(purpose, &"a".repeat(1 << 20)).is_err());
            assert!(PrivateKey::from_pem(purpose, &format!("{}{}", *pem, *pem)).is_err());
            let (_, der) = pem::decode_vec(pem.as_bytes()).unwrap();
            for position in 0..der.len() {
                let mut wrong = der.clone();
                wrong[position] ^= 1;
                let wrong = pem::encode_string("PRIVATE KEY", LineEnding::LF, &wrong).unwrap();
                assert!(
                    PrivateKey::from_pem(purpose, &wrong).is_err(),
                    "{kind:?}, byte {position}"
                );
            }
        }
    }

    #[test]
    fn entropy_without_a_usable_key_is_an_error_and_no_endless_loop() {
        for kind in KINDS {
            for byte in [0, 0xff] {
                let made = PrivateKey::generate(kind, &mut |bytes| bytes.fill(byte));
                assert_eq!(made.err(), Some(KeyError::Entropy), "{kind:?}");
            }
        }
    }
}
