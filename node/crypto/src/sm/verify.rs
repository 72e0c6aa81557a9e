//! Whether an SM2 signature holds (GB/T 32918.2, section 7).
//!
//! The library's own verification takes as long for every key, which nobody needs where everything is public. This is the same
//! equation over points of our own ([`super::point`]), several times faster, and tested against it: an SM group's time goes into little
//! else.

use alloy_primitives::{B256, U256, hex};
use sm3::{Digest, Sm3};

use super::point::{Affine, has_x};
use super::{IDENTITY, SM2};
use crate::SignatureError;
use crate::curve::{SM2_ORDER, halves};

/// Bits of the identity, in two bytes.
const IDENTITY_BITS: [u8; 2] = [0, 8 * 16];
/// a, b and the generator of the curve, as Z has them.
const CURVE: [u8; 128] = hex!(
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
);

/// Whether a key made a signature r‖s over a digest.
pub(super) fn verify(public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Result<(), SignatureError> {
    match holds(public_key, digest, signature) {
        Some(true) => Ok(()),
        _ => Err(match SM2.fault(public_key, signature) {
            SignatureError::Mismatch if is_zero_sum(signature) => SignatureError::ZeroSum,
            fault => fault,
        }),
    }
}

/// None where the form is wrong already.
fn holds(public_key: &[u8; 64], digest: &B256, signature: &[u8]) -> Option<bool> {
    let (r, s) = halves(signature.try_into().ok()?);
    if !SM2.has_scalar(&r) || !SM2.has_scalar(&s) {
        return None;
    }
    let t = r.add_mod(s, SM2_ORDER);
    if t.is_zero() {
        return None;
    }
    let (x, y) = halves(public_key);
    let key = Affine::new(x, y)?;
    let e = message_hash(public_key, digest).reduce_mod(SM2_ORDER);
    let x = r.add_mod(SM2_ORDER - e, SM2_ORDER);
    Some(has_x(s, t, key, x, SM2_ORDER))
}

/// e: the digest hashed under Z, which binds it to the identity, the curve and the key.
fn message_hash(public_key: &[u8; 64], digest: &B256) -> U256 {
    let z = Sm3::new()
        .chain_update(IDENTITY_BITS)
        .chain_update(IDENTITY)
        .chain_update(CURVE)
        .chain_update(public_key)
        .finalize();
    let hash = Sm3::new().chain_update(z).chain_update(digest).finalize();
    U256::from_be_slice(&hash)
}

/// Whether r + s is the order of the curve: then the public key is multiplied by zero, and anybody could have signed.
fn is_zero_sum(signature: &[u8]) -> bool {
    let sum = |compact: &[u8; 64]| {
        let (r, s) = halves(compact);
        r.add_mod(s, SM2_ORDER)
    };
    signature.try_into().is_ok_and(|compact| sum(compact).is_zero())
}
