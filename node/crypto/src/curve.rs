//! What is asked of a curve beyond what its library answers: its numbers, and which of them a refused signature broke.

use alloy_primitives::{U256, uint};
use p256::pkcs8::ObjectIdentifier;

use crate::{KeyError, SignatureError};

/// A curve of 256 bits whose order is prime, so that every point on it but infinity is good.
pub(crate) struct Curve {
    /// As people call it.
    pub(crate) name: &'static str,
    /// As files call it.
    pub(crate) oid: ObjectIdentifier,
    /// How many points it has.
    pub(crate) order: U256,
    /// The prime of its field.
    pub(crate) prime: U256,
    /// The public key X‖Y of a private one; none for a number that is no private key.
    pub(crate) public_key: fn(&[u8; 32]) -> Option<[u8; 64]>,
    /// Whether X‖Y is a point.
    pub(crate) is_point: fn(&[u8; 64]) -> bool,
}

/// The order of P-256.
pub(crate) const P256_ORDER: U256 = uint!(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551_U256);
/// The prime of P-256.
pub(crate) const P256_PRIME: U256 = uint!(0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff_U256);
/// The order of secp256k1.
pub(crate) const SECP256K1_ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
/// The prime of secp256k1.
pub(crate) const SECP256K1_PRIME: U256 = uint!(0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f_U256);
/// The order of the SM2 curve (GB/T 32918.5).
pub(crate) const SM2_ORDER: U256 = uint!(0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123_U256);
/// The prime of the SM2 curve (GB/T 32918.5).
pub(crate) const SM2_PRIME: U256 = uint!(0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff_U256);

impl Curve {
    /// Whether a number may be r or s of a signature.
    pub(crate) fn has_scalar(&self, number: &U256) -> bool {
        !number.is_zero() && *number < self.order
    }

    /// Why a signature r‖s that did not hold did not. It is asked after the refusal, so that signatures that hold do not pay for it.
    pub(crate) fn fault(&self, public_key: &[u8; 64], signature: &[u8]) -> SignatureError {
        let Ok(compact) = <&[u8; 64]>::try_from(signature) else {
            return SignatureError::Length {
                found: signature.len(),
                accepted: "64",
            };
        };
        let (x, y) = halves(public_key);
        if x.is_zero() && y.is_zero() {
            return SignatureError::KeyAtInfinity;
        }
        if x >= self.prime || y >= self.prime {
            return SignatureError::KeyOutOfRange;
        }
        if !(self.is_point)(public_key) {
            return SignatureError::KeyOffCurve;
        }
        let (r, s) = halves(compact);
        match self.has_scalar(&r) && self.has_scalar(&s) {
            true => SignatureError::Mismatch,
            false => SignatureError::OutOfRange,
        }
    }

    /// The refusal of a number that is no private key.
    pub(crate) const fn out_of_range(&self) -> KeyError {
        KeyError::OutOfRange { curve: self.name }
    }
}

/// Two numbers that stand beside each other.
pub(crate) fn halves(bytes: &[u8; 64]) -> (U256, U256) {
    let (first, second) = bytes.split_at(32);
    (U256::from_be_slice(first), U256::from_be_slice(second))
}

/// The point as files and libraries write it.
pub(crate) fn uncompressed(public_key: &[u8; 64]) -> [u8; 65] {
    let mut point = [4; 65];
    if let Some(coordinates) = point.last_chunk_mut::<64>() {
        *coordinates = *public_key;
    }
    point
}

/// X‖Y of a point as libraries write it.
pub(crate) fn coordinates(point: &[u8]) -> Option<[u8; 64]> {
    point.strip_prefix(&[4])?.try_into().ok()
}
