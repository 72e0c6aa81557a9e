//! Private keys: made from entropy that is passed in, written as PKCS#8 PEM, wiped when dropped, never printed.

use althing_types::{Address, B256, NodeId};
use p256::ecdsa::signature::Signer;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::der::pem;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use secp256k1::ecdsa::RecoverableSignature;
use zeroize::Zeroizing;

use crate::plan::{KeyKind, PublicKey};

/// The PKCS#8 encoding of a secp256k1 key has a fixed shape (RFC 5208, RFC 5915): this, the key, a divider, the public point.
const SECP256K1_HEAD: [u8; 33] = [
    0x30, 0x81, 0x84, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x0a, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
];
/// Between the key and the public point.
const SECP256K1_DIVIDER: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
/// Draws of entropy before giving up: a valid draw fails once in 256.
const DRAWS_MAX: usize = 64;
/// Bytes a key file may have.
pub const KEY_FILE_BYTES_MAX: usize = 16 * 1024;

/// Why a key cannot be made or read. Never holds key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The entropy source gives no usable scalar.
    #[error("the entropy source gave no usable key in {DRAWS_MAX} draws")]
    Entropy,
    /// Not a PKCS#8 PEM key of this curve.
    #[error("not a PKCS#8 PEM private key on {0}")]
    Malformed(&'static str),
}

/// A private key. Wiped when dropped; its text form leaves only through [`PrivateKey::to_pem`].
pub struct PrivateKey(Scalar);

enum Scalar {
    P256(p256::SecretKey),
    Secp256k1(Zeroizing<[u8; 32]>),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({:?}, …)", self.kind())
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
            if let Some(key) = Self::from_scalar(kind, &scalar) {
                return Ok(key);
            }
        }
        Err(KeyError::Entropy)
    }

    fn from_scalar(kind: KeyKind, scalar: &[u8; 32]) -> Option<Self> {
        match kind {
            KeyKind::P256 => Some(Self(Scalar::P256(p256::SecretKey::from_slice(scalar).ok()?))),
            KeyKind::Secp256k1 => {
                let mut checked = secp256k1::SecretKey::from_secret_bytes(*scalar).ok()?;
                checked.non_secure_erase();
                Some(Self(Scalar::Secp256k1(Zeroizing::new(*scalar))))
            }
        }
    }

    /// Reads a PKCS#8 PEM key.
    pub fn from_pem(kind: KeyKind, text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed(match kind {
            KeyKind::P256 => "P-256",
            KeyKind::Secp256k1 => "secp256k1",
        });
        if text.len() > KEY_FILE_BYTES_MAX {
            return Err(malformed);
        }
        let key = match kind {
            KeyKind::P256 => p256::SecretKey::from_pkcs8_pem(text)
                .ok()
                .map(|key| Self(Scalar::P256(key))),
            KeyKind::Secp256k1 => secp256k1_from_pem(text),
        };
        key.ok_or(malformed)
    }

    /// The key as PKCS#8 PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        match &self.0 {
            // Encoding a valid key into memory has no failure.
            Scalar::P256(key) => key.to_pkcs8_pem(LineEnding::LF).unwrap_or_default(),
            Scalar::Secp256k1(scalar) => secp256k1_to_pem(scalar),
        }
    }

    /// Its curve.
    pub const fn kind(&self) -> KeyKind {
        match &self.0 {
            Scalar::P256(_) => KeyKind::P256,
            Scalar::Secp256k1(_) => KeyKind::Secp256k1,
        }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Scalar::P256(key) => {
                let point = key.public_key().to_sec1_point(false);
                let mut id = [0; 64];
                if let Some(coordinates) = point.as_bytes().get(1..).filter(|c| c.len() == id.len()) {
                    id.copy_from_slice(coordinates);
                }
                PublicKey::P256(NodeId::new(id))
            }
            Scalar::Secp256k1(scalar) => {
                let point = secp256k1_point(scalar).unwrap_or([0; 65]);
                PublicKey::Account(Address::from_raw_public_key(point.get(1..).unwrap_or_default()))
            }
        }
    }

    /// An account's signature over a digest: r‖s, and whether y is odd; none for a key of another kind.
    pub(crate) fn sign_recoverable(&self, digest: &B256) -> Option<([u8; 64], bool)> {
        let Scalar::Secp256k1(scalar) = &self.0 else {
            return None;
        };
        let mut secret = secp256k1::SecretKey::from_secret_bytes(**scalar).ok()?;
        let message = secp256k1::Message::from_digest(digest.0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &secret);
        secret.non_secure_erase();
        let (recovery, compact) = signed.serialize_compact();
        Some((compact, i32::from(recovery.to_u8()) % 2 == 1))
    }

    /// The signer of certificates and requests; none for an account's key.
    pub(super) fn signer(&self) -> Option<CertificateSigner> {
        match &self.0 {
            Scalar::P256(key) => {
                let point = key.public_key().to_sec1_point(false).as_bytes().to_vec();
                Some(CertificateSigner {
                    key: p256::ecdsa::SigningKey::from(key),
                    point,
                })
            }
            Scalar::Secp256k1(_) => None,
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

fn secp256k1_from_pem(text: &str) -> Option<PrivateKey> {
    let (label, der) = pem::decode_vec(text.as_bytes()).ok()?;
    let der = Zeroizing::new(der);
    if label != "PRIVATE KEY" {
        return None;
    }
    let rest = der.strip_prefix(&SECP256K1_HEAD[..])?;
    let (scalar, rest) = rest.split_at_checked(32)?;
    let point = rest.strip_prefix(&SECP256K1_DIVIDER[..])?;
    let mut copy = Zeroizing::new([0; 32]);
    copy.copy_from_slice(scalar);
    // A file whose halves do not belong together is no key.
    (secp256k1_point(&copy)?[..] == *point).then_some(())?;
    PrivateKey::from_scalar(KeyKind::Secp256k1, &copy)
}

/// A P-256 key as certificates are signed with: deterministic (RFC 6979), so that no randomness is needed here.
pub(super) struct CertificateSigner {
    key: p256::ecdsa::SigningKey,
    point: Vec<u8>,
}

impl PublicKeyData for CertificateSigner {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for CertificateSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: p256::ecdsa::Signature = self.key.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

/// The public half of a P-256 key, as the subject of a certificate.
pub(super) struct SubjectKey([u8; 65]);

impl SubjectKey {
    pub(super) fn new(id: &NodeId) -> Self {
        let mut point = [4; 65];
        if let Some(coordinates) = point.get_mut(1..) {
            coordinates.copy_from_slice(id.as_bytes());
        }
        Self(point)
    }
}

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::entropy;

    #[test]
    fn a_key_survives_its_pem() {
        for kind in [KeyKind::P256, KeyKind::Secp256k1] {
            let key = PrivateKey::generate(kind, &mut entropy(1)).unwrap();
            let again = PrivateKey::from_pem(kind, &key.to_pem()).unwrap();
            assert_eq!(key.public(), again.public());
            assert_eq!(key.public().kind(), kind);
            assert!(key.to_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
        }
    }

    #[test]
    fn a_node_key_is_read_by_the_node_and_gives_the_same_node_id() {
        use althing_crypto::Suite;
        let key = PrivateKey::generate(KeyKind::P256, &mut entropy(2)).unwrap();
        let node = althing_crypto::StandardSuite.node_key(&key.to_pem()).unwrap();
        assert_eq!(key.public(), PublicKey::P256(NodeId::new(node.public_key())));
    }

    #[test]
    fn rule_3_a_private_key_is_never_printed() {
        for kind in [KeyKind::P256, KeyKind::Secp256k1] {
            let key = PrivateKey::generate(kind, &mut entropy(3)).unwrap();
            assert_eq!(format!("{key:?}"), format!("PrivateKey({kind:?}, …)"));
            let pem = key.to_pem();
            let error = PrivateKey::from_pem(kind, &pem.replace("PRIVATE", "SECRET"))
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
        assert_eq!(key.public(), PublicKey::Account(expected));
    }

    #[test]
    fn a_key_of_the_wrong_curve_or_a_broken_one_is_refused() {
        let node = PrivateKey::generate(KeyKind::P256, &mut entropy(4)).unwrap().to_pem();
        let account = PrivateKey::generate(KeyKind::Secp256k1, &mut entropy(4))
            .unwrap()
            .to_pem();
        assert!(PrivateKey::from_pem(KeyKind::Secp256k1, &node).is_err());
        assert!(PrivateKey::from_pem(KeyKind::P256, &account).is_err());
        assert!(PrivateKey::from_pem(KeyKind::P256, "").is_err());
        assert!(PrivateKey::from_pem(KeyKind::P256, &"a".repeat(KEY_FILE_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn entropy_without_a_usable_key_is_an_error_and_no_endless_loop() {
        assert_eq!(
            PrivateKey::generate(KeyKind::P256, &mut |b| b.fill(0)).err(),
            Some(KeyError::Entropy)
        );
        assert_eq!(
            PrivateKey::generate(KeyKind::Secp256k1, &mut |b| b.fill(0xff)).err(),
            Some(KeyError::Entropy)
        );
    }
}
