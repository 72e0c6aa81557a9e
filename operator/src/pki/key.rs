//! Private keys: made from entropy that is passed in, written as PKCS#8 PEM, wiped when dropped, never printed.

use althing_crypto::SM2_ID;
use althing_types::genesis::Cryptography;
use althing_types::{Address, B256, NodeId};
use p256::NistP256;
use p256::ecdsa::signature::Signer;
use p256::elliptic_curve::ALGORITHM_OID;
use p256::pkcs8::der::pem;
use p256::pkcs8::{AssociatedOid, EncodePrivateKey, LineEnding, ObjectIdentifier, PrivateKeyInfoRef};
use secp256k1::ecdsa::RecoverableSignature;
use sm2::Sm2;
use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

use super::signer::CertificateSigner;
use crate::plan::{KeyKind, KeyPurpose, PublicKey};

/// The PKCS#8 encoding of a secp256k1 key has a fixed shape (RFC 5208, RFC 5915): this, the key, a divider, the public point.
const SECP256K1_HEAD: [u8; 33] = [
    0x30, 0x81, 0x84, 0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x0a, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
];
/// Between the key and the public point.
const SECP256K1_DIVIDER: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];
/// The curve of the standard edition's accounts.
const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
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
    /// Not a PKCS#8 PEM key, or one whose halves do not belong together.
    #[error("not a PKCS#8 PEM private key: {0}")]
    Malformed(&'static str),
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
pub struct PrivateKey(Secret);

enum Secret {
    P256(p256::SecretKey),
    Secp256k1(Zeroizing<[u8; 32]>),
    Sm2(KeyPurpose, sm2::SecretKey),
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
        Some(Self(match kind {
            KeyKind::P256 => Secret::P256(p256::SecretKey::from_slice(scalar).ok()?),
            KeyKind::Secp256k1 => {
                let mut checked = secp256k1::SecretKey::from_secret_bytes(*scalar).ok()?;
                checked.non_secure_erase();
                Secret::Secp256k1(Zeroizing::new(*scalar))
            }
            KeyKind::Sm2 | KeyKind::Sm2Account => Secret::Sm2(kind.purpose(), sm2::SecretKey::from_slice(scalar).ok()?),
        }))
    }

    /// Reads a PKCS#8 PEM key. Its own text says which edition's it is; whether that is the consortium's, a plan asks.
    pub fn from_pem(purpose: KeyPurpose, text: &str) -> Result<Self, KeyError> {
        if text.len() > KEY_FILE_BYTES_MAX {
            return Err(KeyError::Malformed("it is longer than 16 KiB"));
        }
        let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| KeyError::Malformed("not one PEM block"))?;
        let der = Zeroizing::new(der);
        if label != "PRIVATE KEY" {
            return Err(KeyError::Malformed("the block is no PRIVATE KEY"));
        }
        let info = PrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| KeyError::Malformed("not PKCS#8"))?;
        let kind = kind_of(purpose, &info).ok_or_else(|| wrong_curve(purpose, &info))?;
        let inner = info.private_key.as_bytes();
        let secret = match kind {
            KeyKind::P256 => p256::SecretKey::from_sec1_der(inner).ok().map(Secret::P256),
            KeyKind::Secp256k1 => secp256k1_from_der(&der).map(Secret::Secp256k1),
            KeyKind::Sm2 | KeyKind::Sm2Account => {
                let key = sm2::SecretKey::from_sec1_der(inner).ok();
                key.map(|key| Secret::Sm2(purpose, key))
            }
        };
        secret
            .map(Self)
            .ok_or(KeyError::Malformed("its parts make no key of the curve it names"))
    }

    /// The key as PKCS#8 PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        // Encoding a valid key into memory has no failure.
        match &self.0 {
            Secret::P256(key) => key.to_pkcs8_pem(LineEnding::LF).unwrap_or_default(),
            Secret::Secp256k1(scalar) => secp256k1_to_pem(scalar),
            Secret::Sm2(_, key) => key.to_pkcs8_pem(LineEnding::LF).unwrap_or_default(),
        }
    }

    /// Its purpose and curve.
    pub const fn kind(&self) -> KeyKind {
        match &self.0 {
            Secret::P256(_) => KeyKind::P256,
            Secret::Secp256k1(_) => KeyKind::Secp256k1,
            Secret::Sm2(purpose, _) => KeyKind::new(*purpose, Cryptography::Sm),
        }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let cryptography = self.kind().cryptography();
        let point = self.point();
        match self.kind().purpose() {
            KeyPurpose::Identity => PublicKey::Identity(cryptography, NodeId::new(point)),
            KeyPurpose::Account => PublicKey::Account(cryptography, address_of(cryptography, &point)),
        }
    }

    /// X‖Y of its public half.
    fn point(&self) -> [u8; 64] {
        let encoded: Box<[u8]> = match &self.0 {
            Secret::P256(key) => key.public_key().to_sec1_bytes(),
            Secret::Secp256k1(scalar) => secp256k1_point(scalar).unwrap_or([0; 65]).into(),
            Secret::Sm2(_, key) => key.public_key().to_sec1_bytes(),
        };
        let mut point = [0; 64];
        if let Some(coordinates) = encoded.get(1..).filter(|coordinates| coordinates.len() == point.len()) {
            point.copy_from_slice(coordinates);
        }
        point
    }

    /// r‖s over a digest, as its edition signs: the same key and digest give the same signature. None in the one case of 2²⁵⁶ in which
    /// a deterministic SM2 signature does not exist.
    pub fn sign(&self, digest: &B256) -> Option<[u8; 64]> {
        match &self.0 {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(key).sign(digest.as_slice());
                Some(signature.to_bytes().into())
            }
            Secret::Secp256k1(_) => self.sign_recoverable(digest).map(|(signature, _)| signature),
            Secret::Sm2(_, key) => {
                let signer = sm2::dsa::SigningKey::new(SM2_ID, key).ok()?;
                let signature: sm2::dsa::Signature = signer.try_sign(digest.as_slice()).ok()?;
                Some(signature.to_bytes().into())
            }
        }
    }

    /// A secp256k1 account's signature over a digest: r‖s, and whether y is odd; none for a key of another kind.
    pub(crate) fn sign_recoverable(&self, digest: &B256) -> Option<([u8; 64], bool)> {
        let Secret::Secp256k1(scalar) = &self.0 else {
            return None;
        };
        let mut secret = secp256k1::SecretKey::from_secret_bytes(**scalar).ok()?;
        let message = secp256k1::Message::from_digest(digest.0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &secret);
        secret.non_secure_erase();
        let (recovery, compact) = signed.serialize_compact();
        Some((compact, i32::from(recovery.to_u8()) % 2 == 1))
    }

    /// The signer of certificates, requests and lists; none for an account's key.
    pub(super) fn signer(&self) -> Option<CertificateSigner> {
        match &self.0 {
            Secret::P256(key) => Some(CertificateSigner::P256(p256::ecdsa::SigningKey::from(key))),
            Secret::Sm2(KeyPurpose::Identity, key) => {
                let signer = sm2::dsa::SigningKey::new(SM2_ID, key).ok()?;
                Some(CertificateSigner::Sm2(signer))
            }
            Secret::Secp256k1(_) | Secret::Sm2(KeyPurpose::Account, _) => None,
        }
    }
}

/// The address of an account: the end of the edition's hash over its point.
fn address_of(cryptography: Cryptography, point: &[u8; 64]) -> Address {
    match cryptography {
        Cryptography::Standard => Address::from_raw_public_key(point),
        Cryptography::Sm => Address::from_word(B256::new(Sm3::digest(point).into())),
    }
}

/// The curve a key names: as the parameter of an elliptic-curve key, or, as some authorities write SM2, as the algorithm itself.
fn curve_named(info: &PrivateKeyInfoRef<'_>) -> Option<ObjectIdentifier> {
    match info.algorithm.oid {
        ALGORITHM_OID => info.algorithm.parameters_oid().ok(),
        other => Some(other),
    }
}

fn kind_of(purpose: KeyPurpose, info: &PrivateKeyInfoRef<'_>) -> Option<KeyKind> {
    let cryptography = match (curve_named(info)?, purpose) {
        (NistP256::OID, KeyPurpose::Identity) | (SECP256K1, KeyPurpose::Account) => Cryptography::Standard,
        (Sm2::OID, _) => Cryptography::Sm,
        _ => return None,
    };
    Some(KeyKind::new(purpose, cryptography))
}

fn wrong_curve(purpose: KeyPurpose, info: &PrivateKeyInfoRef<'_>) -> KeyError {
    let found = match curve_named(info) {
        Some(NistP256::OID) => KeyKind::P256.to_string(),
        Some(SECP256K1) => KeyKind::Secp256k1.to_string(),
        Some(other) => format!("a key of {other}"),
        None => "a key that names no curve".to_owned(),
    };
    let standard = KeyKind::new(purpose, Cryptography::Standard);
    let sm = KeyKind::new(purpose, Cryptography::Sm);
    KeyError::Curve {
        found,
        accepted: format!("{standard}, or {sm} in a consortium whose cryptography is SM"),
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

fn secp256k1_from_der(der: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let rest = der.strip_prefix(&SECP256K1_HEAD[..])?;
    let (scalar, rest) = rest.split_at_checked(32)?;
    let point = rest.strip_prefix(&SECP256K1_DIVIDER[..])?;
    let mut copy = Zeroizing::new([0; 32]);
    copy.copy_from_slice(scalar);
    // A file whose halves do not belong together is no key.
    (secp256k1_point(&copy)?[..] == *point).then_some(copy)
}

#[cfg(test)]
mod tests {
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
        use althing_crypto::Suite;
        let key = key(KeyKind::P256, 2);
        let node = althing_crypto::StandardSuite.node_key(&key.to_pem()).unwrap();
        assert_eq!(key.public().node_id(), Some(NodeId::new(node.public_key())));
        let digest = B256::repeat_byte(5);
        assert_eq!(key.sign(&digest), Some(node.sign(&digest)));
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
            assert!(PrivateKey::from_pem(purpose, &"a".repeat(KEY_FILE_BYTES_MAX + 1)).is_err());
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
