//! Signatures of certificates, requests and revocation lists in both editions: one answer, whoever asks.
//!
//! ```text
//! SEQUENCE { body, algorithm, signature } ─┐
//! SubjectPublicKeyInfo of the signer ──────┴─▶ verify_signed ─▶ it holds, or why it does not
//! ```
//!
//! What commercial authorities write is taken in both of its forms: an SM2 key named by `id-ecPublicKey` and the curve or by the curve
//! alone, an SM2 signature with NULL for parameters or with none.

use std::fmt;

use sm2::dsa::signature::Verifier;
use sm2::pkcs8::AlgorithmIdentifierRef;
use sm2::pkcs8::der::asn1::UintRef;
use sm2::pkcs8::der::{Decode, Reader, SliceReader};
use x509_parser::asn1_rs::{Any, BitString, FromDer, Oid, Tag, oid};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// The identifier under which a certificate is signed with SM2 (GB/T 32918, GM/T 0009); TLS signs under another.
pub const SM2_ID: &str = "1234567812345678";
/// The curve SM2, which in some certificates is the key's algorithm too.
const SM2_CURVE: Oid<'static> = oid!(1.2.156.10197.1.301);
/// SM2 over SM3, as a signature's algorithm.
pub const SM2_WITH_SM3: Oid<'static> = oid!(1.2.156.10197.1.501);

/// Why a signature is not accepted. Texts hold what was found, never who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// Not a body, an algorithm and a signature.
    #[error("it is not a signed structure in DER: {0}")]
    Malformed(&'static str),
    /// The signer's key cannot be read.
    #[error("the signer's key cannot be used: {0}")]
    Key(&'static str),
    /// No algorithm of either edition, or one that the signer's key does not sign with.
    #[error(
        "it is signed with the algorithm {0}, which the signer's key does not sign with or this ledger does not know"
    )]
    Algorithm(String),
    /// The signature is not by the key over the body.
    #[error("the signature is not by the signer's key")]
    Signature,
}

impl SignedError {
    /// A word for counters.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Key(_) => "key",
            Self::Algorithm(_) => "algorithm",
            Self::Signature => "signature",
        }
    }
}

/// The curves of identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256: the standard edition.
    P256,
    /// SM2: the SM edition.
    Sm2,
}

impl Curve {
    /// The curve that a SubjectPublicKeyInfo in DER names, whether or not its key is a point of it.
    pub fn named_in(spki: &[u8]) -> Option<Self> {
        let (_, key) = SubjectPublicKeyInfo::from_der(spki).ok()?;
        curve_of(&key.algorithm)
    }

    /// As people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::Sm2 => "SM2",
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether these bytes are r and s as both editions write them in certificates and handshakes: SEQUENCE { r, s }, in the one way that DER
/// has.
pub fn is_signature_in_der(bytes: &[u8]) -> bool {
    let numbers = |inner: &mut SliceReader<'_>| {
        UintRef::decode(inner)?;
        UintRef::decode(inner).map(drop)
    };
    SliceReader::new(bytes).is_ok_and(|mut reader| reader.sequence(numbers).is_ok() && reader.is_finished())
}

/// A key that a certificate or request is over, when it can be an identity's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertifiedKey {
    /// Its curve.
    pub curve: Curve,
    /// X‖Y, a point of the curve.
    pub point: [u8; 64],
}

impl CertifiedKey {
    /// Reads a SubjectPublicKeyInfo in DER; none when it is over no uncompressed point of one of the curves.
    pub fn read(spki: &[u8]) -> Option<Self> {
        let (rest, key) = SubjectPublicKeyInfo::from_der(spki).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let curve = curve_of(&key.algorithm)?;
        let encoded = key.subject_public_key.data.as_ref();
        let point = <[u8; 64]>::try_from(encoded.strip_prefix(&[4])?).ok()?;
        let is_point = match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(encoded).is_ok(),
            Curve::Sm2 => sm2::PublicKey::from_sec1_bytes(encoded).is_ok(),
        };
        is_point.then_some(Self { curve, point })
    }

    /// The point as certificates hold it: 04 and X‖Y.
    fn encoded(&self) -> [u8; 65] {
        let mut encoded = [4; 65];
        encoded
            .iter_mut()
            .skip(1)
            .zip(self.point)
            .for_each(|(to, from)| *to = from);
        encoded
    }
}

/// The curve that a key's algorithm names, in either of the two forms.
fn curve_of(algorithm: &AlgorithmIdentifier<'_>) -> Option<Curve> {
    let named = algorithm.parameters.as_ref().map(|parameters| parameters.as_oid());
    let named = named.transpose().ok()?;
    match named {
        Some(curve) if algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == OID_EC_P256 => Some(Curve::P256),
        Some(curve) if algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == SM2_CURVE => Some(Curve::Sm2),
        Some(curve) if algorithm.algorithm == SM2_CURVE && curve == SM2_CURVE => Some(Curve::Sm2),
        None if algorithm.algorithm == SM2_CURVE => Some(Curve::Sm2),
        _ => None,
    }
}

/// Checks that a certificate, a request or a revocation list in DER is signed by the key of this SubjectPublicKeyInfo in DER. Names,
/// dates and what the signer may sign are the caller's business.
///
/// # Errors
/// It is not, or one of the two cannot be read.
pub fn verify_signed(object: &[u8], signer: &[u8]) -> Result<(), SignedError> {
    let signed = Signed::read(object)?;
    let (_, key) = SubjectPublicKeyInfo::from_der(signer).map_err(|_| SignedError::Key("not a public key in DER"))?;
    let unknown = || SignedError::Algorithm(signed.algorithm.algorithm.to_id_string());
    let is_sm2 = signed.algorithm.algorithm == SM2_WITH_SM3;
    match (is_sm2, curve_of(&key.algorithm) == Some(Curve::Sm2)) {
        (true, true) => signed.verify_sm2(signer),
        (false, false) => {
            use x509_parser::error::X509Error;
            x509_parser::verify::verify_signature(&key, &signed.algorithm, &signed.signature, signed.body).map_err(
                |error| match error {
                    X509Error::SignatureUnsupportedAlgorithm => unknown(),
                    _ => SignedError::Signature,
                },
            )
        }
        _ => Err(unknown()),
    }
}

/// The three parts that certificates, requests and lists have in common.
struct Signed<'a> {
    body: &'a [u8],
    algorithm: AlgorithmIdentifier<'a>,
    signature: BitString<'a>,
}

impl<'a> Signed<'a> {
    fn read(object: &'a [u8]) -> Result<Self, SignedError> {
        let broken = SignedError::Malformed;
        let (rest, whole) = Any::from_der(object).map_err(|_| broken("no outer sequence"))?;
        if whole.tag() != Tag::Sequence || !rest.is_empty() {
            return Err(broken("no outer sequence, or something behind it"));
        }
        let (behind, _) = Any::from_der(whole.data).map_err(|_| broken("no body"))?;
        let length = whole.data.len().saturating_sub(behind.len());
        let body = whole.data.get(..length).ok_or_else(|| broken("no body"))?;
        let (after, algorithm) = AlgorithmIdentifier::from_der(behind).map_err(|_| broken("no algorithm"))?;
        // x509-parser takes any tag for an identifier's. These bytes are not signed, so that strictness is all that holds them.
        let written = behind
            .get(..behind.len().saturating_sub(after.len()))
            .unwrap_or_default();
        AlgorithmIdentifierRef::from_der(written).map_err(|_| broken("no algorithm"))?;
        let (behind, signature) = BitString::from_der(after).map_err(|_| broken("no signature"))?;
        match behind.is_empty() && signature.unused_bits == 0 {
            true => Ok(Self {
                body,
                algorithm,
                signature,
            }),
            false => Err(broken("the signature is no string of bytes, or something is behind it")),
        }
    }

    fn verify_sm2(&self, signer: &[u8]) -> Result<(), SignedError> {
        let parameters = self.algorithm.parameters.as_ref();
        if parameters.is_some_and(|parameters| parameters.tag() != Tag::Null) {
            return Err(SignedError::Algorithm("SM2-with-SM3 with parameters".to_owned()));
        }
        let no_key = || SignedError::Key("not an uncompressed point of the curve SM2");
        let key = CertifiedKey::read(signer).ok_or_else(no_key)?.encoded();
        let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_ID, &key).map_err(|_| no_key())?;
        // Strict DER: one signature has one form.
        let signature = sm2::dsa::Signature::from_der(&self.signature.data).map_err(|_| SignedError::Signature)?;
        key.verify(self.body, &signature).map_err(|_| SignedError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sm2::dsa::signature::Signer;
    use x509_parser::pem::parse_x509_pem;

    use super::*;

    /// Made by OpenSSL 3.0 (`make.sh` beside them): root, intermediate, and a chain certificate under it.
    const ROOT: &str = include_str!("../tests/testdata/sm-authority/root.crt");
    const INTERMEDIATE: &str = include_str!("../tests/testdata/sm-authority/intermediate.crt");
    const CHAIN: &str = include_str!("../tests/testdata/sm-authority/chain.crt");

    const EC: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const CURVE: &[u8] = &[6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d];
    const P256_CURVE: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const SM3: &[u8] = &[6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
    const ECDSA: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const NULL: &[u8] = &[5, 0];

    fn der(pem: &str) -> Vec<u8> {
        parse_x509_pem(pem.as_bytes()).unwrap().1.contents
    }

    fn spki(pem: &str) -> Vec<u8> {
        let der = der(pem);
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        certificate.public_key().raw.to_vec()
    }

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u8::try_from(content.len()).unwrap();
        match length {
            0..128 => [&[tag, length], content.as_slice()].concat(),
            _ => [&[tag, 0x81, length], content.as_slice()].concat(),
        }
    }

    fn secret() -> sm2::SecretKey {
        sm2::SecretKey::from_slice(&[7; 32]).unwrap()
    }

    fn key_of(algorithm: &[&[u8]], point: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&tlv(0x30, algorithm), &tlv(3, &[&[0], point])])
    }

    fn sm2_key(algorithm: &[&[u8]]) -> Vec<u8> {
        key_of(algorithm, &secret().public_key().to_sec1_bytes())
    }

    fn object(algorithm: &[&[u8]], signature: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&body(), &tlv(0x30, algorithm), &tlv(3, &[&[0], signature])])
    }

    fn body() -> Vec<u8> {
        tlv(0x30, &[&[4, 3, 1, 2, 3]])
    }

    fn signed_under(id: &str) -> sm2::dsa::Signature {
        sm2::dsa::SigningKey::new(id, &secret()).unwrap().sign(&body())
    }

    fn signature() -> Vec<u8> {
        signed_under(SM2_ID).to_der().as_bytes().to_vec()
    }

    #[test]
    fn a_chain_that_openssl_signed_holds_link_by_link_and_no_other_way() {
        let verify = |object: &str, signer: &str| verify_signed(&der(object), &spki(signer));
        assert_eq!(verify(ROOT, ROOT), Ok(()));
        assert_eq!(verify(INTERMEDIATE, ROOT), Ok(()));
        assert_eq!(verify(CHAIN, INTERMEDIATE), Ok(()));
        assert_eq!(verify(CHAIN, ROOT), Err(SignedError::Signature));
        assert_eq!(verify(CHAIN, CHAIN), Err(SignedError::Signature));
    }

    #[test]
    fn every_bit_of_a_signed_certificate_counts() {
        let (right, signer) = (der(CHAIN), spki(INTERMEDIATE));
        for position in 0..right.len() {
            let mut wrong = right.clone();
            wrong[position] ^= 1;
            assert!(verify_signed(&wrong, &signer).is_err(), "byte {position}");
        }
        for length in 0..right.len() {
            assert!(verify_signed(&right[..length], &signer).is_err(), "{length} bytes");
        }
        assert!(verify_signed(&[right.as_slice(), &[0]].concat(), &signer).is_err());
    }

    #[test]
    fn null_parameters_and_both_forms_of_the_key_are_accepted() {
        for algorithm in [&[SM3][..], &[SM3, NULL]] {
            for form in [&[EC, CURVE][..], &[CURVE, CURVE], &[CURVE]] {
                assert_eq!(verify_signed(&object(algorithm, &signature()), &sm2_key(form)), Ok(()));
                let key = CertifiedKey::read(&sm2_key(form)).unwrap();
                assert_eq!(key.curve, Curve::Sm2);
            }
        }
    }

    #[test]
    fn an_algorithm_of_one_edition_and_a_key_of_the_other_are_refused() {
        let p256 = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let p256 = key_of(&[EC, P256_CURVE], &p256.public_key().to_sec1_bytes());
        for (algorithm, key) in [
            (&[SM3][..], p256.as_slice()),
            (&[ECDSA], &sm2_key(&[EC, CURVE])),
            (&[SM3, &[4, 0]], &sm2_key(&[EC, CURVE])),
            (&[CURVE], &sm2_key(&[EC, CURVE])),
        ] {
            let found = verify_signed(&object(algorithm, &signature()), key).unwrap_err();
            assert_eq!(found.reason(), "algorithm", "{found}");
        }
        // The point of an SM2 key under the name of the other curve.
        let disguised = key_of(&[EC, P256_CURVE], &secret().public_key().to_sec1_bytes());
        assert_eq!(CertifiedKey::read(&disguised), None);
        assert_eq!(
            verify_signed(&object(&[SM3], &signature()), &disguised)
                .unwrap_err()
                .reason(),
            "algorithm"
        );
    }

    #[test]
    fn a_signature_under_the_identifier_of_tls_is_refused() {
        let other = signed_under("TLSv1.3+GM+Cipher+Suite").to_der();
        let found = verify_signed(&object(&[SM3], other.as_bytes()), &sm2_key(&[EC, CURVE]));
        assert_eq!(found, Err(SignedError::Signature));
    }

    #[test]
    fn a_signature_in_another_form_than_strict_der_is_refused() {
        let right = signed_under(SM2_ID);
        let (r, s) = (right.r_bytes(), right.s_bytes());
        let uint = |bytes: &[u8]| tlv(2, &[if bytes[0] > 127 { &[0][..] } else { &[] }, bytes]);
        assert_eq!(
            tlv(0x30, &[&uint(&r), &uint(&s)]),
            signature(),
            "what is right in this form"
        );
        let order = alloy_primitives::hex!("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
        let with_zero = tlv(2, &[&[0, 0], &r]);
        for (what, wrong) in [
            ("r‖s", right.to_bytes().to_vec()),
            ("nothing", vec![]),
            ("zeros in front", tlv(0x30, &[&with_zero, &uint(&s)])),
            ("r is zero", tlv(0x30, &[&[2, 1, 0], &uint(&s)])),
            ("s is zero", tlv(0x30, &[&uint(&r), &[2, 1, 0]])),
            ("s is the order", tlv(0x30, &[&uint(&r), &uint(&order)])),
            ("r alone", tlv(0x30, &[&uint(&r)])),
            ("a third number", tlv(0x30, &[&uint(&r), &uint(&s), &[2, 1, 1]])),
            ("something behind it", [signature(), vec![0]].concat()),
        ] {
            let found = verify_signed(&object(&[SM3], &wrong), &sm2_key(&[EC, CURVE]));
            assert_eq!(found, Err(SignedError::Signature), "{what}");
        }
        assert!(is_signature_in_der(&signature()));
        for (what, wrong) in [
            ("r‖s", right.to_bytes().to_vec()),
            ("nothing", vec![]),
            ("zeros in front", tlv(0x30, &[&with_zero, &uint(&s)])),
            ("a negative number", tlv(0x30, &[&uint(&r), &tlv(2, &[&[0x80]])])),
            ("r alone", tlv(0x30, &[&uint(&r)])),
            ("a third number", tlv(0x30, &[&uint(&r), &uint(&s), &[2, 1, 1]])),
            ("cut", signature().split_last().unwrap().1.to_vec()),
            ("something behind it", [signature(), vec![0]].concat()),
        ] {
            assert!(!is_signature_in_der(&wrong), "{what}");
        }
    }

    #[test]
    fn a_point_that_is_none_of_the_curve_is_no_key() {
        let mut off = secret().public_key().to_sec1_bytes().to_vec();
        off[64] ^= 1;
        let compressed = [&[2], &off[1..33]].concat();
        for point in [off, vec![0], vec![4; 65], vec![0; 65], compressed, vec![]] {
            let key = key_of(&[EC, CURVE], &point);
            assert_eq!(CertifiedKey::read(&key), None);
            assert!(verify_signed(&object(&[SM3], &signature()), &key).is_err());
        }
    }

    proptest! {
        #[test]
        fn bytes_from_outside_end_in_an_error_and_no_panic(
            object in proptest::collection::vec(any::<u8>(), 0..200),
            key in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            prop_assert!(verify_signed(&object, &key).is_err());
            prop_assert!(verify_signed(&object, &sm2_key(&[EC, CURVE])).is_err());
            let short = self::object(&[SM3], object.get(..70).unwrap_or(&object));
            prop_assert!(verify_signed(&short, &sm2_key(&[EC, CURVE])).is_err());
            prop_assert_eq!(CertifiedKey::read(&key), None);
        }
    }
}
