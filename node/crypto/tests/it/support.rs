//! The editions, and key files as others would write them.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256, hex};
use althing_crypto::{SmSuite, StandardSuite, Suite};
use p256::pkcs8::der::asn1::{AnyRef, OctetStringRef};
use p256::pkcs8::der::{Encode, pem};
use p256::pkcs8::spki::AlgorithmIdentifierRef;
use p256::pkcs8::{LineEnding, ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};

pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
pub(crate) const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// An edition, and what tests know of its curves.
pub(crate) struct Edition {
    pub(crate) suite: &'static dyn Suite,
    pub(crate) node_curve: (ObjectIdentifier, &'static str),
    pub(crate) account_curve: (ObjectIdentifier, &'static str),
    /// The order of the curve of nodes.
    pub(crate) node_order: U256,
    /// The prime of the curve of nodes.
    pub(crate) node_prime: U256,
    /// b of y² = x³ + ax + b, on that curve.
    pub(crate) node_b: U256,
    /// The order of the curve of accounts.
    pub(crate) account_order: U256,
}

fn number(hex: &str) -> U256 {
    U256::from_str_radix(hex, 16).unwrap()
}

/// Every promise that holds for an edition is tried on each of these.
pub(crate) fn editions() -> [Edition; 2] {
    let sm2_order = number("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    [
        Edition {
            suite: &StandardSuite,
            node_curve: (P256, "P-256"),
            account_curve: (SECP256K1, "secp256k1"),
            node_order: number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
            node_prime: number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
            node_b: number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
            account_order: number("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
        },
        Edition {
            suite: &SmSuite,
            node_curve: (SM2, "SM2"),
            account_curve: (SM2, "SM2"),
            node_order: sm2_order,
            node_prime: number("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff"),
            node_b: number("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"),
            account_order: sm2_order,
        },
    ]
}

/// PKCS#8 with the curve as the parameter of `id-ecPublicKey`.
pub(crate) fn pkcs8(curve: ObjectIdentifier, secret: &[u8], point: Option<&[u8]>) -> String {
    pkcs8_of(EC_PUBLIC_KEY, Some(curve), secret, point)
}

/// PKCS#8 with any algorithm and parameter.
pub(crate) fn pkcs8_of(
    algorithm: ObjectIdentifier,
    parameter: Option<ObjectIdentifier>,
    secret: &[u8],
    point: Option<&[u8]>,
) -> String {
    let key = EcPrivateKey {
        private_key: secret,
        parameters: None,
        public_key: point,
    };
    let key = key.to_der().unwrap();
    let algorithm = AlgorithmIdentifierRef {
        oid: algorithm,
        parameters: parameter.as_ref().map(AnyRef::from),
    };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&key).unwrap());
    pem::encode_string("PRIVATE KEY", LineEnding::LF, &info.to_der().unwrap()).unwrap()
}

/// SEC1.
pub(crate) fn sec1(curve: Option<ObjectIdentifier>, secret: &[u8], point: Option<&[u8]>) -> String {
    let key = EcPrivateKey {
        private_key: secret,
        parameters: curve.map(EcParameters::NamedCurve),
        public_key: point,
    };
    pem::encode_string("EC PRIVATE KEY", LineEnding::LF, &key.to_der().unwrap()).unwrap()
}

/// Two numbers beside each other.
pub(crate) fn beside(first: U256, second: U256) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&first.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&second.to_be_bytes::<32>());
    bytes
}

/// `name = value` lines of a file of vectors: blocks that an empty line parts.
pub(crate) fn blocks(text: &str) -> Vec<BTreeMap<&str, &str>> {
    text.split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once(" = ")).collect())
        .filter(|block: &BTreeMap<_, _>| !block.is_empty())
        .collect()
}

pub(crate) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode_to_array(text).unwrap()
}

pub(crate) fn word(text: &str) -> B256 {
    B256::new(bytes(text))
}
